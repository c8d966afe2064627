//! Live state as a pure machine: what both adapters must do, in plain maps.
//!
//! Time is an argument: `now` is microseconds of a clock that is never set back, `wall` is Unix seconds. The in-process adapter is this machine
//! behind a lock; the Redis adapter is compared with it step by step. How it behaves where [`crate::LiveState`] leaves room:
//!
//! - A caller whose grant lapsed keeps its place, but is served last in the next step that serves the queue: an instance that hangs cannot keep
//!   a permit from those behind.
//! - A call is in one place. Admitted, or entered by `hold`, it leaves the queue as served; entered, admitted or waiting, it is not open for
//!   resume any more.
//! - The permit of a grant belongs to the queue until it is taken up: `release` does not touch it.
//! - What an instance enters before its first beat is cleared like a dead instance's when no beat follows within the lease.

mod instances;
mod mail;
mod permits;
mod queue;
mod rate;
mod registry;
mod serve;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{InstanceName, Rules};
use instances::Instance;
use mail::Mail;
use permits::Permits;
use queue::Queue;
use registry::Registry;

/// The machine. `Clone` lets a test try a step and compare.
#[derive(Debug, Clone)]
pub struct Model {
    rules: Rules,
    instances: BTreeMap<InstanceName, Instance>,
    /// When anybody's beat came last, microseconds.
    heard: Option<i64>,
    registry: Registry,
    permits: Permits,
    queue: Queue,
    mail: Mail,
    /// Until when `<prefix>:shutdown` would stand, microseconds.
    shutdown_until: Option<i64>,
}

impl Model {
    /// How long a command waits for its instance.
    pub const COMMAND_LIFE: Duration = Duration::from_secs(60);
    /// Offers kept at once; beyond it the one that would run out first goes. A thousand calls a second that each wait ten seconds for their stream.
    pub const OFFERS: usize = 10_000;

    /// Nobody is on the phone.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            instances: BTreeMap::new(),
            heard: None,
            registry: Registry::default(),
            permits: Permits::default(),
            queue: Queue::default(),
            mail: Mail::default(),
            shutdown_until: None,
        }
    }

    /// The numbers it works with.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// See [`crate::LiveState::set_shutting_down`].
    pub fn set_shutting_down(&mut self, now: i64, on: bool, ttl: Duration) {
        self.shutdown_until = on.then(|| now.saturating_add(micros(ttl)));
    }

    /// Whether the sign that `set_shutting_down` sets stands.
    pub fn is_shutting_down(&self, now: i64) -> bool {
        self.shutdown_until.is_some_and(|until| now < until)
    }
}

/// A duration in microseconds; beyond 292,000 years it counts as that long.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds as a duration; nothing when negative.
fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
