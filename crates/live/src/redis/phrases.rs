//! Fixed phrases that instances share: bytes under names, for a time, bounded in sum.

use std::time::Duration;

use super::reply::read;
use super::script::SCRIPTS;
use super::{RedisState, millis};
use crate::LiveError;

/// What the server holds of phrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptPhrases {
    /// Bytes of all.
    pub bytes: u64,
    /// How many.
    pub entries: u64,
    /// How many made room this time.
    pub evicted: u64,
}

impl RedisState {
    /// A phrase; `None`: it is not there.
    pub async fn phrase(&self, name: &str) -> Result<Option<Vec<u8>>, LiveError> {
        const DOING: &str = "look for a phrase";
        let mut command = redis::cmd("GET");
        command.arg(self.key(&format!("phrase:{name}")));
        read(DOING, self.run(DOING, &command, true).await?)
    }

    /// Keeps a phrase for so long. All of them take at most `most` bytes: those that would go first make room.
    pub async fn keep_phrase(&self, name: &str, entry: &[u8], life: Duration, most: u64) -> Result<KeptPhrases, LiveError> {
        const DOING: &str = "keep a phrase";
        let mut step = self.step(&SCRIPTS.keep_phrase);
        step.arg(name).arg(millis(life).max(1)).arg(most).arg(entry);
        let (bytes, entries, evicted) = read(DOING, self.take_step(DOING, &SCRIPTS.keep_phrase, step).await?)?;
        Ok(KeptPhrases { bytes, entries, evicted })
    }

    /// Forgets a phrase.
    pub async fn forget_phrase(&self, name: &str) -> Result<(), LiveError> {
        const DOING: &str = "forget a phrase";
        let mut step = self.step(&SCRIPTS.forget_phrase);
        step.arg(name);
        self.take_step(DOING, &SCRIPTS.forget_phrase, step).await.map(drop)
    }
}
