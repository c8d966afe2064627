//! How the pool stands, for metrics and operators.

use std::time::Duration;

/// The pool at one moment. `in_use / max` says how full it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolView {
    /// Streams and requests under way.
    pub in_use: usize,
    /// How many there may be.
    pub max: usize,
    /// Connections without any.
    pub idle: usize,
    /// Those under way on each connection. What a replaced connection still carries is in `in_use` alone.
    pub streams: Vec<usize>,
    /// Those that wait for a place now.
    pub waiting: usize,
    /// How often somebody waited, since the start.
    pub waits: u64,
    /// How long they waited, all together.
    pub waited: Duration,
    /// Connections that failed and were replaced, since the start.
    pub replaced: u64,
}
