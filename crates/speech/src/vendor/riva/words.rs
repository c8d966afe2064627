//! Words to listen for, and words from what was written.

use std::collections::{BTreeMap, HashSet};

use crate::Domain;

/// Shorter words are words of every language, and longer ones are no words.
const LETTERS: std::ops::RangeInclusive<usize> = 4..=40;

/// The rarer words of a domain: those that nobody expects are those that are misheard. The rarest first, each once.
pub(super) fn hints(domain: &Domain, most: usize) -> Vec<String> {
    let everyday: HashSet<&str> = domain.background.iter().flat_map(|line| line.split_whitespace()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in domain.states.values().flatten().flat_map(|sentence| sentence.split_whitespace()) {
        if LETTERS.contains(&word.chars().count()) && !everyday.contains(word) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(usize, &str)> = counts.into_iter().map(|(word, count)| (count, word)).collect();
    words.sort_unstable();
    words.into_iter().take(most).map(|(_, word)| word.to_owned()).collect()
}

/// Lower-case words with single spaces: punctuation goes, hyphens part words, apostrophes stay inside them.
pub(super) fn bare(written: &str) -> String {
    let letter = |sign: char| match sign {
        '\'' | '\u{2019}' => '\'',
        sign if sign.is_alphanumeric() => sign,
        _ => ' ',
    };
    let plain: String = written.chars().flat_map(char::to_lowercase).map(letter).collect();
    let words = plain.split_whitespace().map(|word| word.trim_matches('\''));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_are_hints_everyday_words_are_not_and_there_is_an_end_to_them() {
        let sentences = vec!["book the bellevue suite".to_owned(), "book a suite".to_owned(), "book breakfast".to_owned()];
        let background = vec!["breakfast".to_owned()];
        let domain = Domain { name: "hotel".into(), states: BTreeMap::from([("request".to_owned(), sentences)]), background };
        assert_eq!(hints(&domain, 50), ["bellevue", "suite", "book"]);
        assert_eq!(hints(&domain, 1), ["bellevue"]);
    }

    #[test]
    fn writing_becomes_words() {
        assert_eq!(bare("Two nights, please: it\u{2019}s twenty-one!"), "two nights please it's twenty one");
        assert_eq!(bare(" … "), "");
    }
}
