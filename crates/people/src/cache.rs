//! What was looked up a moment ago.
//!
//! Age is measured by the times callers give: in a test nothing has to wait, and on a server both are the same.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;

/// How old an answer may be. A revocation elsewhere is seen after so long at the latest, and has to be within 5 s.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_secs(3);
/// Most answers that are kept; the least used go.
const ENTRIES: u64 = 10_000;

/// Answers by what was asked.
pub(crate) struct Recent<K, V> {
    entries: Cache<K, (Timestamp, V)>,
    /// Counts what was dropped: an answer that was on its way meanwhile is not kept.
    dropped: AtomicU64,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Recent<K, V> {
    pub(crate) fn new() -> Self {
        Self { entries: Cache::new(ENTRIES), dropped: AtomicU64::new(0) }
    }

    /// The answer that is fresh, or the one that `look` gives now.
    pub(crate) async fn get<E>(&self, key: K, now: Timestamp, look: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        if let Some((at, value)) = self.entries.get(&key).await
            && now.duration_since(at).abs() < FRESH
        {
            return Ok(value);
        }
        let before = self.dropped.load(Ordering::SeqCst);
        let value = look.await?;
        self.keep(key, now, value.clone(), before).await;
        Ok(value)
    }

    /// Forgets everything. Changes of accounts are rare, and what is forgotten is looked up again at once.
    pub(crate) fn forget(&self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate_all();
    }

    async fn keep(&self, key: K, now: Timestamp, value: V, before: u64) {
        if self.dropped.load(Ordering::SeqCst) != before {
            return;
        }
        self.entries.insert(key, (now, value)).await;
        // Between the look above and the insert something was dropped: this may be of before.
        if self.dropped.load(Ordering::SeqCst) != before {
            self.entries.invalidate_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn ask(cache: &Recent<u8, u8>, second: i64, value: u8) -> u8 {
        let now = Timestamp::from_second(second).unwrap();
        cache.get(1, now, async { Ok::<_, Infallible>(value) }).await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_three_seconds_of_the_callers_clock() {
        let cache = Recent::new();
        assert_eq!(ask(&cache, 100, 1).await, 1);
        assert_eq!(ask(&cache, 102, 2).await, 1);
        assert_eq!(ask(&cache, 103, 3).await, 3);
        assert_eq!(ask(&cache, 50, 4).await, 4, "a clock that was set back does not make it last longer");
    }

    #[tokio::test]
    async fn an_answer_that_was_on_its_way_when_all_was_dropped_is_not_kept() {
        let cache = Recent::<u8, u8>::new();
        let now = Timestamp::from_second(100).unwrap();
        let look = async {
            cache.forget();
            Ok::<_, Infallible>(1)
        };
        assert_eq!(cache.get(1, now, look).await.unwrap(), 1);
        assert_eq!(ask(&cache, 100, 2).await, 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let cache = Recent::<u8, u8>::new();
        let now = Timestamp::from_second(100).unwrap();
        assert_eq!(cache.get(1, now, async { Err::<u8, _>("away") }).await, Err("away"));
        assert_eq!(ask(&cache, 100, 2).await, 2);
    }
}
