//! The level behind memory: where fixed phrases outlive the program, or are shared by instances.

use std::time::Duration;

use async_trait::async_trait;

use crate::SpeechError;

/// Keeps fixed phrases: greeting, menus, fillers, apologies. What is said in a call never comes here: it may hold a caller's name.
///
/// A store may lose what it was given at any time, and may fail: the phrase is made again then. Entries carry their own checksum and time; to a store
/// they are bytes.
#[async_trait]
pub trait PhraseStore: Send + Sync {
    /// Its name in numbers: `file`, `redis`.
    fn level(&self) -> &'static str;

    /// The entry of this name; `None`: it is not there. Takes some milliseconds at most, also while the store is down.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, SpeechError>;

    /// Keeps an entry for so long. Entries that are in use make room last.
    async fn put(&self, name: &str, entry: Vec<u8>, life: Duration) -> Result<(), SpeechError>;

    /// Forgets an entry.
    async fn remove(&self, name: &str) -> Result<(), SpeechError>;

    /// Whether it is there, as far as can be said without waiting.
    fn has(&self, _name: &str) -> bool {
        false
    }

    /// The phrase of this name is in use by an agent of this process.
    fn pin(&self, _name: &str) {}

    /// What it holds, as far as it is known.
    fn holds(&self) -> Holding {
        Holding::default()
    }
}

/// What a level holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// Bytes; `None`: not known.
    pub bytes: Option<u64>,
    /// Phrases; `None`: not known.
    pub entries: Option<u64>,
    /// Phrases that made room for others, since the start.
    pub evictions: u64,
}
