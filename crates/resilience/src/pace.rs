//! How often a service may be asked: what its plan allows, kept on our side.

use std::time::{Duration, Instant};

/// So many in so long; that many at once, then one each time `per / count` has passed (generic cell rate algorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacePolicy {
    /// How many, at least 1.
    pub count: u32,
    /// In this time.
    pub per: Duration,
}

/// The pace of one service.
#[derive(Debug, Clone)]
pub struct Pace {
    interval: Duration,
    burst: Duration,
    /// When everything that was taken has been paid off.
    due: Option<Instant>,
}

impl Pace {
    /// Nothing was taken yet.
    pub fn new(policy: PacePolicy) -> Self {
        let interval = policy.per / policy.count.max(1);
        Self { interval, burst: policy.per.saturating_sub(interval), due: None }
    }

    /// Takes one. `Err`: how long until there is one again; nothing was taken.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let due = self.due.map_or(now, |due| due.max(now));
        let ahead = due - now;
        if ahead > self.burst {
            return Err(ahead - self.burst);
        }
        self.due = Some(due + self.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_per_interval() {
        let start = Instant::now();
        let mut pace = Pace::new(PacePolicy { count: 4, per: Duration::from_secs(2) });
        assert!((0..4).all(|_| pace.take(start).is_ok()));
        assert_eq!(pace.take(start), Err(Duration::from_millis(500)));
        assert!(pace.take(start + Duration::from_millis(500)).is_ok());
        assert_eq!(pace.take(start + Duration::from_millis(600)), Err(Duration::from_millis(400)));
        let later = start + Duration::from_secs(60);
        assert!((0..4).all(|_| pace.take(later).is_ok()) && pace.take(later).is_err(), "what was not used is not saved up");
    }

    #[test]
    fn one_at_a_time_is_one_per_period() {
        let start = Instant::now();
        let mut pace = Pace::new(PacePolicy { count: 1, per: Duration::from_secs(1) });
        assert!(pace.take(start).is_ok());
        assert_eq!(pace.take(start), Err(Duration::from_secs(1)));
        assert!(pace.take(start + Duration::from_secs(1)).is_ok());
    }
}
