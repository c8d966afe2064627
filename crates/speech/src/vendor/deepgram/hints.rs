//! What Deepgram is told to listen for.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::{Domain, SpeechError};

/// Words that are sent, at most: Deepgram takes 500 tokens of key terms, and advises 20 to 50 of them.
const MAX_HINTS: usize = 50;
/// Shorter words are words of every language.
const MIN_LETTERS: usize = 4;
/// Longer ones are no words.
const MAX_LETTERS: usize = 40;

/// Domains whose hints are remembered; those of another are looked for again.
const MAX_DOMAINS: usize = 64;

/// Words that are sent.
pub(super) type Hints = Arc<[String]>;

/// The hints of the domains in use.
#[derive(Default)]
pub(super) struct KnownHints(Mutex<VecDeque<(Weak<Domain>, Hints)>>);

impl KnownHints {
    /// The hints of a domain. To count its words takes too long for a thread that moves live audio, and longer than a caller should wait.
    pub(super) async fn of(&self, domain: &Arc<Domain>) -> Result<Hints, SpeechError> {
        if let Some(known) = self.known(domain) {
            return Ok(known);
        }
        let counted = Arc::clone(domain);
        let hints = tokio::task::spawn_blocking(move || hints(&counted)).await;
        let hints: Hints = hints.map_err(|_| SpeechError::Stopped { engine: super::NAME })?.into();
        let mut list = self.list();
        // A weak pointer keeps its place in memory taken, so equal places mean the same domain.
        list.retain(|(known, _)| known.strong_count() > 0);
        list.truncate(MAX_DOMAINS - 1);
        list.push_front((Arc::downgrade(domain), Arc::clone(&hints)));
        Ok(hints)
    }

    fn known(&self, domain: &Arc<Domain>) -> Option<Hints> {
        let place = Arc::as_ptr(domain);
        self.list().iter().find(|(known, _)| known.as_ptr() == place).map(|(_, hints)| Arc::clone(hints))
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<(Weak<Domain>, Hints)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rarer words of a domain: those that nobody expects are those that are misheard. The rarest first, each once.
fn hints(domain: &Domain) -> Vec<String> {
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
