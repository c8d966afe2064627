//! Splits text into sentences, so that the first can be heard while the next is still being made.

/// Words that end in a full stop without ending a sentence (lower case, without the stop).
const ABBREVIATIONS: [&str; 24] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "ave", "rd", "blvd", "apt", "no", "vs", "etc", "inc", "ltd", "co", "jr", "sr", "approx", "tel",
    "ext", "e.g", "i.e", "u.s",
];
/// A sentence shorter than this is spoken together with the next: single words sound better in company.
const SHORT: usize = 12;

/// Sentences with their punctuation, in order; nothing of the text is lost but white space.
#[must_use]
pub fn split_sentences(text: &str) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
        let next = words.peek().copied();
        if next.is_none() || (ends_sentence(word, next.unwrap_or_default()) && current.chars().count() >= SHORT) {
            sentences.push(std::mem::take(&mut current));
        }
    }
    sentences
}

fn ends_sentence(word: &str, next: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', '\u{201d}', '\u{2019}']);
    if bare.ends_with(['!', '?', '\u{2026}']) {
        return true;
    }
    let Some(stem) = bare.strip_suffix('.') else { return false };
    let stem = stem.trim_start_matches(['"', '(', '\'']).to_lowercase();
    let initial = stem.chars().count() == 1 && stem != "i";
    // A small letter after a full stop: it was an abbreviation that we do not know.
    let goes_on = next.chars().next().is_some_and(char::is_lowercase);
    !(ABBREVIATIONS.contains(&stem.as_str()) || initial || goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_speaker_would_pause() {
        assert_eq!(
            split_sentences("Good morning, this is the hotel. How can I help you?  It is 4.50 dollars."),
            ["Good morning, this is the hotel.", "How can I help you?", "It is 4.50 dollars."]
        );
        assert_eq!(
            split_sentences("I will ask Dr. Smith of 12 Main St. Paul to call J. Miller."),
            ["I will ask Dr. Smith of 12 Main St. Paul to call J. Miller."]
        );
    }

    #[test]
    fn short_words_wait_for_company_and_nothing_is_lost() {
        assert_eq!(split_sentences("Yes. Of course."), ["Yes. Of course."]);
        assert_eq!(split_sentences("no stop at all"), ["no stop at all"]);
        assert!(split_sentences("  \n ").is_empty());
    }
}
