//! Rates of one process.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use lru::LruCache;
use tokio::time::Instant;

use super::{Ask, RateLimits, Taken, step, told};
use crate::LiveError;

/// Rates inside this process, of a bounded number of keys: beyond it the one that asked longest ago is forgotten, as if it had never asked.
///
/// Time is [`tokio::time::Instant`], so tests can pause it.
pub struct LocalRates {
    /// When everything that was taken is free again, microseconds since the start.
    free_at: Mutex<LruCache<String, i64>>,
    started: Instant,
}

impl LocalRates {
    /// Keys, unless said otherwise: about 15 MB.
    pub const KEYS: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

    /// Nobody has asked.
    pub fn new(keys: NonZeroUsize) -> Self {
        Self { free_at: Mutex::new(LruCache::new(keys)), started: Instant::now() }
    }

    /// [`RateLimits::take`], which here never fails.
    pub fn take_now(&self, asks: &[Ask]) -> Vec<Taken> {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let steps: Vec<_> = asks.iter().map(|ask| step(free_at.get(&ask.key).copied(), now, ask.rate)).collect();
        let all = steps.iter().all(|(_, allowed)| *allowed);
        let taken = asks.iter().zip(steps).map(|(ask, (after, allowed))| {
            let free = if all {
                free_at.put(ask.key.clone(), after);
                after
            } else {
                free_at.get(&ask.key).copied().unwrap_or(now)
            };
            told(allowed, free, now, ask.rate)
        });
        taken.collect()
    }
}

impl Default for LocalRates {
    fn default() -> Self {
        Self::new(Self::KEYS)
    }
}

#[async_trait]
impl RateLimits for LocalRates {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Taken>, LiveError> {
        Ok(self.take_now(asks))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Rate;
    use crate::rate::contract::{self, RateStage};

    struct Alone(LocalRates);

    #[async_trait]
    impl RateStage for Alone {
        fn rates(&self) -> &dyn RateLimits {
            &self.0
        }

        fn second(&self) -> &dyn RateLimits {
            &self.0
        }

        async fn advance(&self, by: Duration) {
            tokio::time::advance(by).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_its_promises() {
        contract::all(async || Alone(LocalRates::default())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_key_that_asked_longest_ago_is_forgotten_first() {
        let rates = LocalRates::new(NonZeroUsize::new(2).unwrap());
        let take = |key: &str| rates.take_now(&[Ask { key: key.to_owned(), rate: Rate::per_minute(1) }])[0].allowed;
        assert!(take("a") && take("b"));
        assert!(!take("a"));
        assert!(take("c"), "b made room");
        assert!(!take("a") && take("b"));
    }
}
