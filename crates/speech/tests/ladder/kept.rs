//! A store of phrases that shows what it was given, and fails or dawdles when it is told to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use speech::SpeechError;
use speech::phrases::PhraseStore;

#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) entries: Mutex<HashMap<String, (Vec<u8>, Duration)>>,
    pub(crate) down: AtomicBool,
    pub(crate) reads: AtomicUsize,
}

impl Shelf {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Changes all entries.
    pub(crate) fn spoil(&self, how: impl Fn(&mut Vec<u8>)) {
        self.entries.lock().unwrap().values_mut().for_each(|(entry, _)| how(entry));
    }

    fn up(&self) -> Result<(), SpeechError> {
        if self.down.load(Ordering::SeqCst) { Err(SpeechError::Store { detail: "it is down".into() }) } else { Ok(()) }
    }
}

#[async_trait]
impl PhraseStore for Shelf {
    fn level(&self) -> &'static str {
        "redis"
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, SpeechError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.up()?;
        Ok(self.entries.lock().unwrap().get(name).map(|(entry, _)| entry.clone()))
    }

    async fn put(&self, name: &str, entry: Vec<u8>, life: Duration) -> Result<(), SpeechError> {
        self.up()?;
        self.entries.lock().unwrap().insert(name.to_owned(), (entry, life));
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), SpeechError> {
        self.up()?;
        self.entries.lock().unwrap().remove(name);
        Ok(())
    }
}
