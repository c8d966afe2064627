//! What the cache counts, level by level: memory, the store behind it, the engines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::store::Holding;

/// The counters of one level.
#[derive(Debug, Default)]
pub(super) struct Counter {
    hits: AtomicU64,
    misses: AtomicU64,
    errors: AtomicU64,
    loading_micros: AtomicU64,
    age_secs: AtomicU64,
}

impl Counter {
    /// Found, so old.
    pub(super) fn hit(&self, age: Duration) {
        add(&self.hits, 1);
        add(&self.age_secs, age.as_secs());
    }

    pub(super) fn miss(&self) {
        add(&self.misses, 1);
    }

    pub(super) fn error(&self) {
        add(&self.errors, 1);
    }

    /// So long it took to look, or to make.
    pub(super) fn took(&self, time: Duration) {
        add(&self.loading_micros, u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn view(&self, level: &'static str, holding: Holding) -> LevelView {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LevelView {
            level,
            hits: of(&self.hits),
            misses: of(&self.misses),
            errors: of(&self.errors),
            loading: Duration::from_micros(of(&self.loading_micros)),
            age_of_hits: Duration::from_secs(of(&self.age_secs)),
            holding,
        }
    }
}

fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

/// The counters of all levels.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) memory: Counter,
    pub(super) store: Counter,
    pub(super) engine: Counter,
}

/// How one level of the cache did since the start, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelView {
    /// `memory`, `file`, `redis`, `engine`.
    pub level: &'static str,
    /// Phrases found; for `memory` those too that were just being made for somebody else; for `engine`, phrases made.
    pub hits: u64,
    /// Phrases not found; for `engine` always zero.
    pub misses: u64,
    /// Failures, broken entries, and sound that was refused.
    pub errors: u64,
    /// Time it took to look, or to make, all together.
    pub loading: Duration,
    /// Ages of the phrases found, all together.
    pub age_of_hits: Duration,
    /// What it holds; nothing for `engine`.
    pub holding: Holding,
}
