//! Ladders of engines and the phrase cache before them, with engines that do as they are told, in paused time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a story that cannot go on fails")]

#[path = "ladder/cache.rs"]
mod cache;
#[path = "ladder/ears.rs"]
mod ears;
#[path = "ladder/kept.rs"]
mod kept;
#[path = "ladder/listener.rs"]
mod listener;
#[path = "ladder/speaker.rs"]
mod speaker;
#[path = "ladder/voices.rs"]
mod voices;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use speech::ladder::{Change, OnChange};

/// A guard that a story opens and closes.
#[derive(Clone)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    fn set(&self, open: bool) {
        self.0.store(open, Ordering::SeqCst);
    }

    fn ask(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let gate = Arc::clone(&self.0);
        move || gate.load(Ordering::SeqCst)
    }
}

/// The changes that were told: from, to, why.
#[derive(Clone, Default)]
struct Changes(Arc<Mutex<Vec<Change>>>);

impl Changes {
    fn noting(&self) -> OnChange {
        let changes = Arc::clone(&self.0);
        Arc::new(move |change| changes.lock().unwrap().push(change))
    }

    fn take(&self) -> Vec<String> {
        let changes = std::mem::take(&mut *self.0.lock().unwrap());
        changes.iter().map(|change| format!("{} -> {}: {}", change.from, change.to, change.why.as_str())).collect()
    }
}
