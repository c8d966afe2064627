//! What Deepgram is told to listen for.

use std::collections::{BTreeMap, HashSet};

use crate::Domain;

/// Words that are sent, at most: Deepgram takes 500 tokens of key terms, and advises 20 to 50 of them.
pub(super) const MAX_HINTS: usize = 50;
/// Shorter words are words of every language.
const MIN_LETTERS: usize = 4;
/// Longer ones are no words.
const MAX_LETTERS: usize = 40;

/// The rarer words of a domain: those that nobody expects are those that are misheard. The rarest first, each once.
pub(super) fn hints(domain: &Domain) -> Vec<String> {
    let background: HashSet<&str> = domain.background.iter().flat_map(|line| line.split_whitespace()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in domain.states.values().flatten().flat_map(|sentence| sentence.split_whitespace()) {
        let letters = word.chars().count();
        if (MIN_LETTERS..=MAX_LETTERS).contains(&letters) && !background.contains(word) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(usize, &str)> = counts.into_iter().map(|(word, count)| (count, word)).collect();
    words.sort_unstable();
    words.into_iter().take(MAX_HINTS).map(|(_, word)| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_are_hints_and_everyday_words_are_not() {
        let sentences = vec!["book the bellevue suite".to_owned(), "book a suite".to_owned(), "book breakfast".to_owned()];
        let background = vec!["breakfast".to_owned()];
        let mut domain = Domain { name: "hotel".into(), states: BTreeMap::from([("request".to_owned(), sentences)]), background };
        assert_eq!(hints(&domain), ["bellevue", "suite", "book"]);
        domain.states.insert("names".to_owned(), (0..500).map(|number| format!("guest{number}")).collect());
        assert_eq!(hints(&domain).len(), MAX_HINTS);
    }
}
