//! Words that a vendor would not expect: hints for its engine.

use std::collections::{BTreeMap, BTreeSet};

use crate::Domain;

/// Shorter words are heard well without help.
const LEAST_LETTERS: usize = 4;

/// The domain's rarer words, at most so many: those that stand in the fewest of its sentences and are no everyday words (`background`).
pub(super) fn hints(domain: &Domain, most: usize) -> Vec<String> {
    let everyday: BTreeSet<&str> = domain.background.iter().flat_map(|sentence| sentence.split_whitespace()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in domain.states.values().flatten().flat_map(|sentence| sentence.split_whitespace()) {
        if word.chars().count() >= LEAST_LETTERS && !everyday.contains(word) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(usize, &str)> = counts.into_iter().map(|(word, count)| (count, word)).collect();
    words.sort_unstable();
    words.into_iter().take(most).map(|(_, word)| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_of_the_domain_come_first_and_everyday_words_not_at_all() {
        let sentences = ["the mezzanine suite", "a suite please", "a suite at the riad"].map(str::to_owned).to_vec();
        let states = BTreeMap::from([("ask".to_owned(), sentences)]);
        let domain = Domain { name: "hotel".into(), states, background: vec!["please help".into()] };
        assert_eq!(hints(&domain, 10), ["mezzanine", "riad", "suite"]);
        assert_eq!(hints(&domain, 1), ["mezzanine"]);
    }
}
