//! How often somebody may ask: the generic cell rate algorithm, in process or in Redis.

#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod local;

use std::time::Duration;

use async_trait::async_trait;

use crate::LiveError;
pub use local::LocalRates;

/// So many in so long: that many at once, then one each time `per / count` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many, at least 1; 0 counts as 1.
    pub count: u32,
    /// In this time, from 1 ms to a day; what lies outside is taken as the nearest.
    pub per: Duration,
}

impl Rate {
    const SHORTEST: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_secs(24 * 3600);

    /// So many in a minute.
    pub const fn per_minute(count: u32) -> Self {
        Self { count, per: Duration::from_secs(60) }
    }

    /// Half as many, at least one.
    #[must_use]
    pub const fn halved(self) -> Self {
        Self { count: if self.count < 2 { 1 } else { self.count / 2 }, per: self.per }
    }

    /// Microseconds between two, at least one; and how many there are.
    pub(crate) fn interval(self) -> (i64, i64) {
        let count = i64::from(self.count.max(1));
        let per = self.per.clamp(Self::SHORTEST, Self::LONGEST).as_micros();
        ((i64::try_from(per).unwrap_or(i64::MAX) / count).max(1), count)
    }
}

/// One who asks, under one rate. Under another rate it is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who and for what; nothing personal, it stands in the server's keys.
    pub key: String,
    /// How often.
    pub rate: Rate,
}

/// What an [`Ask`] was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// This one may. Where another of the same request may not, it was not counted.
    pub allowed: bool,
    /// How many more at this moment.
    pub remaining: u32,
    /// Until one more may; zero when one may now.
    pub retry_after: Duration,
    /// Until all of `count` may again.
    pub full_after: Duration,
}

/// Counts who asks.
#[async_trait]
pub trait RateLimits: Send + Sync {
    /// Counts all of these, or, when one of them may not, none. Answers in their order. Several that ask at once get exactly what there is.
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Taken>, LiveError>;
}

/// One step of the algorithm: when everything that was taken is free again, before and after, and the answer. Times in microseconds.
pub(crate) fn step(free_at: Option<i64>, now: i64, rate: Rate) -> (i64, bool) {
    let (interval, count) = rate.interval();
    let after = free_at.map_or(now, |at| at.max(now)) + interval;
    (after, after - now <= interval * count)
}

/// What to tell, from when everything is free again.
pub(crate) fn told(allowed: bool, free_at: i64, now: i64, rate: Rate) -> Taken {
    let (interval, count) = rate.interval();
    let used = (free_at - now).max(0);
    let left = (interval * count - used).max(0) / interval;
    let wait = (used + interval - interval * count).max(0);
    let micros = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0));
    Taken { allowed, remaining: u32::try_from(left).unwrap_or(u32::MAX), retry_after: micros(wait), full_after: micros(used) }
}
