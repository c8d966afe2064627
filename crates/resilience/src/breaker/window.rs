//! How the last while went.

use std::time::{Duration, Instant};

/// Parts of the window; the oldest falls out as a whole.
const PARTS: u64 = 10;

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

/// Counts of a rolling window. It takes the same room however much happens.
#[derive(Debug, Clone)]
pub(super) struct Window {
    part: Duration,
    origin: Instant,
    /// Each with the number of the part of time it is about.
    parts: [(u64, Tally); PARTS as usize],
}

impl Window {
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        let part = (length / PARTS as u32).max(Duration::from_millis(1));
        Self { part, origin: now, parts: Default::default() }
    }

    pub(super) fn add(&mut self, now: Instant, failed: bool, slow: bool) {
        let number = self.number(now);
        let (held, tally) = &mut self.parts[(number % PARTS) as usize];
        if *held != number {
            (*held, *tally) = (number, Tally::default());
        }
        tally.total = tally.total.saturating_add(1);
        tally.failed = tally.failed.saturating_add(u32::from(failed));
        tally.slow = tally.slow.saturating_add(u32::from(slow));
    }

    pub(super) fn tally(&self, now: Instant) -> Tally {
        let oldest = self.number(now).saturating_sub(PARTS - 1);
        let fresh = self.parts.iter().filter(|(number, _)| *number >= oldest);
        fresh.fold(Tally::default(), |sum, (_, part)| Tally {
            total: sum.total.saturating_add(part.total),
            failed: sum.failed.saturating_add(part.failed),
            slow: sum.slow.saturating_add(part.slow),
        })
    }

    fn number(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.origin).as_nanos() / self.part.as_nanos();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(10), start);
        let at = |seconds| start + Duration::from_secs(seconds);
        window.add(at(0), true, false);
        window.add(at(5), false, true);
        assert_eq!(window.tally(at(9)), Tally { total: 2, failed: 1, slow: 1 });
        assert_eq!(window.tally(at(10)), Tally { total: 1, failed: 0, slow: 1 });
        assert_eq!(window.tally(at(15)), Tally::default());
        window.add(at(100), true, true);
        assert_eq!(window.tally(at(100)), Tally { total: 1, failed: 1, slow: 1 });
    }
}
