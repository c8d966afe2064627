//! When a failed call is made again.

use std::time::Duration;

use crate::Failure;
use crate::breaker::PAUSE;

/// How often, and after which waits. Only calls that are safe to repeat are repeated at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Repeats after the first try.
    pub times: u32,
    /// Longest wait before the first repeat; it doubles with each.
    pub base: Duration,
    /// Longest wait of all. A service that asks for a longer one is not asked again.
    pub cap: Duration,
}

impl RetryPolicy {
    /// The wait before the repeat number `repeat` (from 0) after this failure; `None`: it is not repeated. Full jitter, from zero up to the
    /// exponential delay; where the service says when, after that.
    pub fn delay(&self, repeat: u32, failure: Failure, rng: &mut fastrand::Rng) -> Option<Duration> {
        if repeat >= self.times {
            return None;
        }
        match failure {
            Failure::Refused | Failure::KeyRefused | Failure::Broken => None,
            // Never earlier than asked, and not all callers at the same moment.
            Failure::Overloaded(after) => {
                let after = after.unwrap_or(PAUSE);
                (after <= self.cap).then(|| after + self.jittered(repeat, rng))
            }
            Failure::Transient => Some(self.jittered(repeat, rng)),
        }
    }

    fn jittered(&self, repeat: u32, rng: &mut fastrand::Rng) -> Duration {
        self.base.saturating_mul(1 << repeat.min(16)).min(self.cap).mul_f64(rng.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { times: 3, base: Duration::from_millis(100), cap: Duration::from_millis(300) };

    #[test]
    fn waits_double_up_to_the_cap_and_are_jittered_from_zero() {
        let mut rng = fastrand::Rng::with_seed(7);
        for (repeat, most) in [(0, 100), (1, 200), (2, 300)] {
            let waits: Vec<_> = (0..500).map(|_| POLICY.delay(repeat, Failure::Transient, &mut rng).unwrap().as_millis()).collect();
            assert!(waits.iter().all(|wait| *wait <= most), "{repeat}");
            assert!(waits.iter().any(|wait| *wait < most / 5) && waits.iter().any(|wait| *wait > most * 4 / 5), "{repeat}");
        }
        assert_eq!(POLICY.delay(3, Failure::Transient, &mut rng), None);
    }

    #[test]
    fn a_service_that_says_when_is_believed_up_to_the_cap() {
        let mut rng = fastrand::Rng::with_seed(7);
        let after = |millis| Failure::Overloaded(Some(Duration::from_millis(millis)));
        assert!((250..=350).contains(&POLICY.delay(0, after(250), &mut rng).unwrap().as_millis()));
        assert_eq!(POLICY.delay(0, after(301), &mut rng), None);
        assert_eq!(POLICY.delay(0, Failure::Refused, &mut rng), None);
        assert_eq!(POLICY.delay(0, Failure::Broken, &mut rng), None);
    }
}
