//! What kind of failure an error is.

use std::time::Duration;

/// All that retry, breaker and alerts ever learn about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The service works and says no: not found, not valid. Counts as an answer, and is not asked again.
    Refused,
    /// The same, because it does not take our key: counted by itself, so that an operator sees it.
    KeyRefused,
    /// Too many requests; come again after this time, where it says so. The road is paused for so long; the breaker does not open.
    Overloaded(Option<Duration>),
    /// No connection, no answer in time, 5xx, a stream that stalls. Counts, and asking again may help.
    Transient,
    /// An answer that makes no sense. Counts, and asking again does not help.
    Broken,
}

/// Errors of a client of an outside service.
pub trait Classify {
    /// Its kind.
    fn failure(&self) -> Failure;
}
