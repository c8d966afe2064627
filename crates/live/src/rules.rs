//! The numbers that all instances must share.

use std::time::Duration;

/// How registry, permits and queue behave. The same on every instance of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// An instance is dead when its last heartbeat is older.
    pub instance_lease: Duration,
    /// A registry entry's time to live, renewed by its instance's heartbeats for as long as the call lives.
    pub registry_ttl: Duration,
    /// A call of a dead instance may be taken up for this long.
    pub resume_window: Duration,
    /// Most callers who may wait.
    pub queue_capacity: u64,
    /// How much waiting makes up for one step of priority.
    pub ageing: Duration,
    /// A grant, and what `dequeue` hands out, must be taken up within this time.
    pub grant_lease: Duration,
    /// Callers served within this time count for the service level.
    pub service_threshold: Duration,
}

impl Rules {
    /// Services that must have been measured before an expected wait is told.
    pub const MEASURED: u64 = 3;
    /// Waiting callers looked at in one step for whom a limit may be free: bounds the work of one step.
    pub const SCAN: usize = 1000;
    /// Dead instances cleared in one heartbeat.
    pub const DEAD_AT_ONCE: usize = 4;
    /// Commands that may wait for one instance.
    pub const COMMANDS: usize = 1000;
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            instance_lease: Duration::from_secs(15),
            registry_ttl: Duration::from_secs(1800),
            resume_window: Duration::from_secs(60),
            queue_capacity: 1000,
            ageing: Duration::from_secs(120),
            grant_lease: Duration::from_secs(5),
            service_threshold: Duration::from_secs(20),
        }
    }
}
