//! What is set for which service: the one table.

use std::time::Duration;

use crate::{BreakerPolicy, BulkheadPolicy, PacePolicy, RetryPolicy};

/// How a service is treated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// One try, from the first byte sent to the answer.
    pub attempt: Duration,
    /// All tries with the waits between them and for a place. Requests of ours are answered within 10 s: below that, or nobody hears of it.
    pub deadline: Duration,
    /// Repeats.
    pub retry: RetryPolicy,
    /// When it is left alone.
    pub breaker: BreakerPolicy,
    /// How many at once.
    pub bulkhead: BulkheadPolicy,
    /// How often, where the service has a limit that we know.
    pub pace: Option<PacePolicy>,
}

/// The outside services that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Telnyx's REST interface: Call Control commands.
    Telnyx,
    /// The OpenID provider people sign in with.
    OpenId,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Telnyx, Self::OpenId];

    /// Its name in metrics, addresses and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Telnyx => "telnyx",
            Self::OpenId => "openid",
        }
    }

    /// How it is treated unless settings say otherwise.
    pub const fn policy(self) -> Policy {
        match self {
            // A caller waits in silence for a command, so limits are shorter than the SDK's 60 s. A command id makes repeats safe.
            Self::Telnyx => Policy {
                attempt: seconds(3),
                deadline: seconds(8),
                retry: RetryPolicy { times: 2, base: Duration::from_millis(500), cap: seconds(3) },
                // A call whose stream broke off waits meanwhile: a short look away, and another soon.
                breaker: BreakerPolicy { open_at_most: seconds(30), ..breaker(5, seconds(2)) },
                bulkhead: BulkheadPolicy { at_once: 64, waiting: 256, wait: seconds(2) },
                pace: None,
            },
            // A person looks at a blank page.
            Self::OpenId => Policy {
                attempt: seconds(5),
                deadline: seconds(8),
                retry: RetryPolicy { times: 1, base: Duration::from_millis(200), cap: seconds(1) },
                breaker: breaker(5, seconds(15)),
                bulkhead: BulkheadPolicy { at_once: 16, waiting: 32, wait: seconds(3) },
                pace: None,
            },
        }
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// So many failures in a row, or half of at least twenty calls in a minute. One answered probe closes it.
const fn breaker(in_a_row: u32, open_for: Duration) -> BreakerPolicy {
    BreakerPolicy { in_a_row, share: 0.5, volume: 20, window: seconds(60), slow: None, open_for, open_at_most: seconds(120), probes: 1 }
}
