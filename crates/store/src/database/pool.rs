//! How many connections there are, how long they live, and how many are in use.

use std::time::Duration;

use uuid::Uuid;

use super::Database;

/// The connections to a PostgreSQL server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Most connections.
    pub max: u32,
    /// Connections that are opened at the start and kept open, at most `max`.
    pub min: u32,
    /// Longest wait for a free connection.
    pub acquire_timeout: Duration,
    /// A connection is replaced after this time, give or take a tenth: instances that start together do not come back together.
    pub max_lifetime: Duration,
    /// A connection that was not used for this time is closed.
    pub idle_timeout: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max: Database::CONNECTIONS,
            min: 2,
            acquire_timeout: Database::ACQUIRE_TIMEOUT,
            max_lifetime: Duration::from_mins(30),
            idle_timeout: Duration::from_mins(10),
        }
    }
}

impl PoolSettings {
    /// The same with at most this many connections.
    pub fn of(max: u32) -> Self {
        Self { max, ..Self::default() }
    }

    /// The lifetime of this process's connections.
    pub(super) fn lifetime(&self) -> Duration {
        let [draw, ..] = Uuid::new_v4().into_bytes();
        self.drawn(draw)
    }

    /// 90 % of the lifetime for a draw of 0, 110 % for one of 255.
    fn drawn(&self, draw: u8) -> Duration {
        self.max_lifetime.mul_f64(0.9 + 0.2 * f64::from(draw) / 255.0)
    }
}

/// The connections of a database at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Held by somebody.
    pub in_use: u32,
    /// Open and free.
    pub idle: u32,
    /// Most that may be open.
    pub max: u32,
    /// How often somebody found all of them taken and waited, since the start.
    pub waits: u64,
    /// How long they waited, all together.
    pub waited: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_differ_by_a_tenth_at_most() {
        let settings = PoolSettings { max_lifetime: Duration::from_secs(1_000), ..PoolSettings::default() };
        assert_eq!(settings.drawn(0), Duration::from_secs(900));
        assert_eq!(settings.drawn(255), Duration::from_secs(1_100));
        let drawn: std::collections::HashSet<_> = (0..20).map(|_| settings.lifetime()).collect();
        assert!(drawn.len() > 1, "twenty processes are not all alike");
    }
}
