//! How often a waiting caller is served, measured.

use std::collections::VecDeque;
use std::time::Duration;

use super::micros;
use crate::Rules;

/// The mean interval between services while somebody waited all the time between them: when nobody waits, the time until the next service says
/// how often people call, not how often they are served.
#[derive(Debug, Clone, Default)]
pub(super) struct Rate {
    /// Microseconds.
    mean: f64,
    /// The last service, when somebody has been waiting ever since.
    last: Option<i64>,
    /// When the last [`Rules::MEASURED`] intervals were measured.
    measured: VecDeque<i64>,
}

impl Rate {
    /// Older measurements say nothing about now.
    const FRESH: Duration = Duration::from_secs(600);
    /// What a new interval counts; the mean so far counts the rest.
    const NEW: f64 = 0.2;

    /// A caller was served; `waiting`: others still wait.
    pub(super) fn served(&mut self, now: i64, waiting: bool) {
        if let Some(last) = self.last {
            self.measure(now, (now - last) as f64);
        }
        self.last = waiting.then_some(now);
    }

    /// Nobody waits any more.
    pub(super) fn idle(&mut self) {
        self.last = None;
    }

    /// Until the caller at this position is served, or nothing while too little was measured.
    pub(super) fn expected(&self, now: i64, position: u64) -> Option<Duration> {
        let oldest = *self.measured.front()?;
        let known = self.measured.len() as u64 >= Rules::MEASURED && now - oldest < micros(Self::FRESH);
        known.then(|| Duration::from_micros((self.mean * position as f64) as u64))
    }

    fn measure(&mut self, now: i64, interval: f64) {
        if self.measured.back().is_none_or(|last| now - last >= micros(Self::FRESH)) {
            self.measured.clear();
            self.mean = interval;
        } else {
            self.mean = (1.0 - Self::NEW) * self.mean + Self::NEW * interval;
        }
        self.measured.push_back(now);
        if self.measured.len() as u64 > Rules::MEASURED {
            self.measured.pop_front();
        }
    }
}
