//! How a guard stands, for metrics and operators.

use std::time::Duration;

use crate::{Service, State};

/// What came of the calls since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Answered, be it with a no.
    pub answered: u64,
    /// Answered that our key is not taken.
    pub key_refused: u64,
    /// Failed.
    pub failed: u64,
    /// Not answered within a try's limit.
    pub timed_out: u64,
    /// The service wanted to be left alone.
    pub overloaded: u64,
    /// Given up by us; they say nothing about the service.
    pub ignored: u64,
    /// Not made: breaker, pause, no place, or too often.
    pub rejected: u64,
}

impl Counts {
    /// Each with its name in metrics.
    pub const fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("answered", self.answered),
            ("key_refused", self.key_refused),
            ("failed", self.failed),
            ("timeout", self.timed_out),
            ("overloaded", self.overloaded),
            ("ignored", self.ignored),
            ("rejected", self.rejected),
        ]
    }
}

/// A guard at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Of which service.
    pub service: Service,
    /// Where its breaker stands.
    pub state: State,
    /// An operator opened it.
    pub forced: bool,
    /// Failures in a row, while it is closed.
    pub failures_in_a_row: u32,
    /// Calls are let through again after this time, as far as it is known.
    pub retry_after: Option<Duration>,
    /// Calls under way.
    pub in_use: usize,
    /// Calls that wait for a place.
    pub waiting: usize,
    /// What came of the calls.
    pub counts: Counts,
    /// Changes of state since the start, from and to.
    pub transitions: Vec<(State, State, u64)>,
    /// How long it was not closed, all together.
    pub not_closed: Duration,
}
