//! What the caller's words so far say about the turn: is the sentence finished, is it open, or was it only a murmur of assent?
//!
//! All word lists stand here. For languages other than English only punctuation and sounds that are nobody's language count.

/// Does the text so far look like a finished sentence?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Looks {
    /// It ends like a sentence.
    Finished,
    /// It ends in the middle of one: more will follow.
    Open,
    /// Nothing can be said.
    #[default]
    Unknown,
}

/// What words say about the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hint {
    /// Whether the sentence is finished.
    pub complete: Looks,
    /// What kind of words they are.
    pub words: Words,
}

/// Kinds of words, for somebody who is being talked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// There are none.
    #[default]
    None,
    /// "Mhm", "okay": the caller listens, and wants nothing.
    Murmur,
    /// The caller says something.
    Real,
}

/// English words after which a sentence goes on: articles, conjunctions, prepositions, possessives, forms of "to be", and what is said while thinking.
const OPEN_WORDS: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "because", "so", "if", "when", "while", "which", "than", "as", "to", "of", "for", "in", "on",
    "at", "by", "with", "from", "about", "into", "until", "till", "between", "without", "during", "after", "before", "my", "your", "his",
    "her", "our", "their", "is", "are", "was", "were", "i'm", "i'd", "i'll", "it's", "we're", "we'd", "um", "uh", "uhm", "er", "erm",
    "umm", "like", "well",
];
/// English endings that look open and are not.
const CLOSED_ENDINGS: &[&str] =
    &["check in", "hold on", "go on", "come on", "come in", "i would like", "i'd like to", "very well", "as well"];
/// English words for one digit, and those that stand before one.
const DIGITS: &[&str] = &["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double", "triple"];
/// Sounds of assent in any language.
const SOUNDS: &[&str] = &["mhm", "mm", "mmm", "mmhm", "mm-hmm", "uh-huh", "uhuh", "uh huh", "hm", "hmm", "aha", "ah", "oh"];
/// English words of assent that are said while the other speaks. "Yes" is none: who says it over a question that is still being asked has answered.
const MURMURS: &[&str] =
    &["yeah", "yep", "yup", "ok", "okay", "right", "sure", "alright", "all right", "i see", "got it", "good", "great", "cool"];
/// Longest murmur, in words: who says more says something.
const MURMUR_WORDS: usize = 4;

impl Hint {
    /// Reads a transcript (final or not). `language`: BCP 47. `digits`: how many digits an answer has here; 0 or 1 when that is not known.
    pub fn of(text: &str, language: &str, digits: u8) -> Self {
        let english = language.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("en"));
        let words: Vec<String> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
        Self { complete: looks(text, &words, english, digits), words: kind(&words, english) }
    }

    /// The vendor says that the speaker has finished.
    pub const END_OF_SPEECH: Self = Self { complete: Looks::Finished, words: Words::None };
}

/// The word without what surrounds it, in lower case.
fn bare(word: &str) -> String {
    word.trim_matches(|sign: char| !sign.is_alphanumeric()).to_lowercase()
}

fn looks(text: &str, words: &[String], english: bool, digits: u8) -> Looks {
    let text = text.trim_end();
    let Some(last) = words.last() else { return Looks::Unknown };
    if text.ends_with("...") || text.ends_with(['…', ',', ';', ':', '-', '–', '、', '，']) {
        return Looks::Open;
    }
    if text.ends_with(['?', '!', '？', '！', '؟']) {
        return Looks::Finished;
    }
    if english && (is_open(words, last) || in_a_number(words, digits)) {
        return Looks::Open; // Also with a full stop: vendors put one behind everything.
    }
    if text.ends_with(['.', '。', '।']) { Looks::Finished } else { Looks::Unknown }
}

fn is_open(words: &[String], last: &str) -> bool {
    let text = words.join(" ");
    let closed = CLOSED_ENDINGS.iter().any(|ending| text.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with(' ')));
    OPEN_WORDS.contains(&last) && !closed
}

/// Digits are being said one by one, and they are not as many as the answer has.
fn in_a_number(words: &[String], wanted: u8) -> bool {
    let digits = |word: &String| {
        let written = word.bytes().all(|sign| sign.is_ascii_digit()).then_some(word.len());
        written.or(DIGITS.contains(&word.as_str()).then_some(1))
    };
    let said: usize = words.iter().rev().map_while(digits).sum();
    said >= 2 && (wanted <= 1 || said < usize::from(wanted))
}

fn kind(words: &[String], english: bool) -> Words {
    if words.is_empty() {
        return Words::None;
    }
    if words.len() > MURMUR_WORDS {
        return Words::Real;
    }
    let murmur = |text: &str| SOUNDS.contains(&text) || (english && MURMURS.contains(&text));
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let pair = words.get(at + 1).map(|next| format!("{word} {next}"));
        at += match pair {
            Some(pair) if murmur(&pair) => 2,
            _ if murmur(word) => 1,
            _ => return Words::Real,
        };
    }
    Words::Murmur
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(text: &str) -> Looks {
        Hint::of(text, "en-US", 0).complete
    }

    #[test]
    fn a_sentence_with_its_end_is_finished_and_one_that_hangs_is_open() {
        for text in ["I need a room.", "Is it free?", "Stop!", "What is it for?", "Das ist gut."] {
            assert_eq!(complete(text), Looks::Finished, "{text}");
        }
        for text in [
            "i would like to book a room for",
            "my name is",
            "we are two people and",
            "um",
            "Um.",
            "from monday,",
            "well...",
            "my number is five five",
            "my number is 5 5.",
            "it is 0171 55",
        ] {
            assert_eq!(complete(text), Looks::Open, "{text}");
        }
        for text in ["", "a room for two", "yes", "i want to check in", "hold on please", "twenty five", "three"] {
            assert_eq!(complete(text), Looks::Unknown, "{text}");
        }
    }

    #[test]
    fn a_number_of_known_length_is_not_waited_for_when_it_is_there() {
        assert_eq!(Hint::of("four two seven one", "en-US", 6).complete, Looks::Open);
        assert_eq!(Hint::of("four two seven one oh nine", "en-US", 6).complete, Looks::Unknown);
    }

    #[test]
    fn other_languages_have_punctuation_only() {
        assert_eq!(Hint::of("ich möchte und", "de-DE", 0).complete, Looks::Unknown);
        assert_eq!(Hint::of("ich möchte,", "de-DE", 0).complete, Looks::Open);
        assert_eq!(Hint::of("予約です。", "ja-JP", 0).complete, Looks::Finished);
        assert_eq!(Hint::of("right", "de-DE", 0).words, Words::Real);
        assert_eq!(Hint::of("Mhm.", "de-DE", 0).words, Words::Murmur);
    }

    #[test]
    fn who_murmurs_listens_and_who_says_more_speaks() {
        for text in ["mhm", "Uh huh.", "uh-huh", "yeah", "okay", "Okay, right.", "yeah yeah", "I see.", "all right"] {
            assert_eq!(Hint::of(text, "en-GB", 0).words, Words::Murmur, "{text}");
        }
        for text in ["stop", "yeah but no", "right now", "yes", "no", "okay okay okay okay okay", "see"] {
            assert_eq!(Hint::of(text, "en-GB", 0).words, Words::Real, "{text}");
        }
        assert_eq!(Hint::of(" . ", "en-GB", 0).words, Words::None);
    }
}
