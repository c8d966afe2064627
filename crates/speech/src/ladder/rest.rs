//! What is still to be said when a voice broke off.

use std::time::Duration;

use crate::local::split_sentences;

/// Letters in a second of speech, white space included: 150 words a minute of 5.7 letters each. An estimate: no engine says how far it came.
pub(crate) const LETTERS_A_SECOND: f64 = 14.0;
/// What is said counts as less than the estimate: a word said twice is better than a word lost.
const SURELY_OUT: f64 = 0.9;
/// From this part of a sentence on its rest is said; before it the sentence is said again, which sounds better in another voice.
const MOST: f64 = 0.6;

/// What another voice has to say of a text of which so much sound was heard: from the beginning of the sentence that broke off, or, when most of it
/// was out, from a word of it. Empty when all of it was out.
#[must_use]
pub fn rest(text: &str, heard: Duration) -> String {
    let mut out = heard.as_secs_f64() * LETTERS_A_SECOND * SURELY_OUT;
    let sentences = split_sentences(text);
    for (at, sentence) in sentences.iter().enumerate() {
        let letters = length(sentence);
        if out >= letters {
            // The space that follows.
            out = (out - letters - 1.0).max(0.0);
            continue;
        }
        let begun = if out < letters * MOST { sentence.as_str() } else { from_word(sentence, out) };
        return std::iter::once(begun).chain(sentences.iter().skip(at + 1).map(String::as_str)).collect::<Vec<_>>().join(" ");
    }
    String::new()
}

/// The sentence from the beginning of the word that was being said after so many letters.
fn from_word(sentence: &str, out: f64) -> &str {
    let mut start = 0;
    for (letters, (byte, letter)) in sentence.char_indices().enumerate() {
        if count(letters) > out {
            break;
        }
        if letter == ' ' {
            start = byte + 1;
        }
    }
    sentence.get(start..).unwrap_or(sentence)
}

/// How long a text takes to say, about.
pub(crate) fn expected(text: &str) -> Duration {
    Duration::from_secs_f64(length(text) / LETTERS_A_SECOND)
}

fn length(text: &str) -> f64 {
    count(text.chars().count())
}

fn count(letters: usize) -> f64 {
    f64::from(u32::try_from(letters).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Good morning to you. The double room costs one hundred euros a night. Shall I book it?";

    fn after(letters: f64) -> String {
        rest(TEXT, Duration::from_secs_f64(letters / LETTERS_A_SECOND / SURELY_OUT))
    }

    #[test]
    fn a_sentence_that_had_just_begun_is_said_again() {
        assert_eq!(rest(TEXT, Duration::ZERO), TEXT);
        assert_eq!(after(11.0), TEXT);
        assert_eq!(after(30.0), "The double room costs one hundred euros a night. Shall I book it?");
    }

    #[test]
    fn of_a_sentence_that_was_mostly_out_the_rest_is_said_from_a_word_on() {
        assert_eq!(after(14.0), "to you. The double room costs one hundred euros a night. Shall I book it?");
        assert_eq!(after(21.0 + 32.0), "hundred euros a night. Shall I book it?");
        assert_eq!(after(21.0 + 44.0), "night. Shall I book it?");
    }

    #[test]
    fn what_was_all_said_is_not_said_again() {
        assert_eq!(after(200.0), "");
        assert_eq!(rest("", Duration::ZERO), "");
        assert_eq!(rest("Über die Brücke gehen Sie bitte geradeaus.", Duration::from_millis(3_000)), "geradeaus.");
    }

    #[test]
    fn the_rest_is_always_an_end_of_the_text_that_begins_at_a_word() {
        let mut last = usize::MAX;
        for tenth in 0..100 {
            let rest = rest(TEXT, Duration::from_millis(tenth * 100));
            assert!(TEXT.ends_with(&rest) && rest.len() <= last, "{rest:?}");
            let before = TEXT.len() - rest.len();
            assert!(before == 0 || rest.is_empty() || TEXT.as_bytes()[before - 1] == b' ', "{rest:?}");
            last = rest.len();
        }
    }
}
