//! How things stand at the moment of a scrape.

use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{phrases, pools, services};

/// The words of [`Sample::drain_state`].
const DRAIN_STATES: [&str; 5] = ["running", "settling", "refusing", "handover", "stopped"];

/// How things stand: read from the tables themselves for each scrape, never counted up and down. It has no default: a field that nobody
/// fills in would be a figure that nobody measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Conversations of this instance that are live.
    pub active_calls: u64,
    /// Permits that this instance's calls hold.
    pub permits_taken: u64,
    /// Permits this instance has in all.
    pub permits_limit: u64,
    /// Waiting callers whose sockets are here.
    pub waiting_here: u64,
    /// Waiting callers over all instances; `None` when it is not known, and then it is absent, not zero.
    pub queue_depth: Option<u64>,
    /// Offers whose media stream has not come yet.
    pub offers: u64,
    /// One of `running`, `settling`, `refusing`, `handover`, `stopped`. Any other word shows as none of them.
    pub drain_state: &'static str,
    /// Live calls that the drain waits for; zero while it does not drain.
    pub remaining_calls: u64,
    /// Whether live state answers.
    pub live_state_up: bool,
    /// The database pool; `None` when there is none.
    pub pool: Option<Pool>,
    /// Passwords that are being hashed or compared.
    pub passwords_running: u64,
    /// Passwords that wait for it.
    pub passwords_waiting: u64,
    /// Passwords hashed or compared since the start.
    pub passwords_done: u64,
    /// The outside services that are in use.
    pub services: Vec<ServiceSample>,
    /// The levels of the phrase cache.
    pub phrases: Vec<PhraseSample>,
    /// Pools of connections to outside services.
    pub pools: Vec<PoolSample>,
}

/// A pool of connections to an outside service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSample {
    /// The service's name.
    pub pool: &'static str,
    /// Requests and streams under way.
    pub in_use: u64,
    /// How many there may be.
    pub max: u64,
    /// Those that wait for a place now.
    pub waiting: u64,
    /// Connections.
    pub connections: u64,
    /// Connections without any.
    pub idle: u64,
    /// Those on the connection that has most.
    pub busiest: u64,
    /// How often somebody waited, since the start.
    pub waits: u64,
    /// How long they waited, all together.
    pub waited: Duration,
    /// Connections that failed and were replaced, since the start.
    pub replaced: u64,
}

/// One level of the phrase cache: what it did since the start, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhraseSample {
    /// `memory`, `file`, `redis`, `engine`.
    pub level: &'static str,
    /// Phrases found; by an engine: made.
    pub hits: u64,
    /// Phrases not found.
    pub misses: u64,
    /// Failures, and what was not good enough to be kept.
    pub errors: u64,
    /// Phrases that made room for others.
    pub evictions: u64,
    /// Bytes held; absent where nothing is held or it is not known.
    pub bytes: Option<u64>,
    /// Phrases held; absent as above.
    pub entries: Option<u64>,
    /// Time spent looking, or making, all together.
    pub loading: Duration,
    /// Ages of what was found, all together.
    pub age_of_hits: Duration,
}

/// An outside service, as its guard counts. Words and names are the guard's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSample {
    /// Its name.
    pub service: &'static str,
    /// Each state of its breaker, and whether it is the one.
    pub states: Vec<(&'static str, bool)>,
    /// Changes of state since the start: from, to, how often.
    pub transitions: Vec<(&'static str, &'static str, u64)>,
    /// Calls since the start by what came of them.
    pub calls: Vec<(&'static str, u64)>,
    /// Calls under way.
    pub under_way: u64,
    /// How long its breaker was not closed, all together.
    pub not_closed: Duration,
}

/// Connections of the database pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Lent out.
    pub in_use: u32,
    /// Open and free.
    pub idle: u32,
    /// Most that may be open.
    pub max: u32,
    /// How often somebody found all of them lent out and waited, since the start.
    pub waits: u64,
    /// How long they waited, all together.
    pub waited: Duration,
}

impl Sample {
    /// Registers the gauges with their values.
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut gauge = |name, help, value: u64| registry.register(name, help, ConstGauge::new(value));
        gauge("voicenoob_active_calls_current", "Conversations that are live on this instance", self.active_calls);
        gauge("voicenoob_permits_taken", "Calls that hold a permit of this instance", self.permits_taken);
        gauge("voicenoob_permits_limit", "Calls that may hold a permit of this instance", self.permits_limit);
        gauge("voicenoob_queue_waiting_here", "Waiting callers whose sockets are on this instance", self.waiting_here);
        gauge("voicenoob_offers_waiting", "Answered calls whose media stream has not come yet", self.offers);
        gauge("voicenoob_drain_remaining_calls", "Live calls that the drain waits for", self.remaining_calls);
        gauge("voicenoob_live_state_up", "Whether live state answers: 1 or 0", u64::from(self.live_state_up));
        if let Some(depth) = self.queue_depth {
            gauge("voicenoob_queue_depth", "Waiting callers over all instances, absent while unknown", depth);
        }
        let states = DRAIN_STATES.map(|state| (state, u64::from(state == self.drain_state)));
        registry.register(
            "voicenoob_drain_state",
            "Where the instance stands on its way to a stop: 1 for its state",
            Each("state", states),
        );
        services::register(&self.services, registry);
        phrases::register(&self.phrases, registry);
        pools::register(&self.pools, registry);
        let hashing = Each("state", [("running", self.passwords_running), ("waiting", self.passwords_waiting)]);
        registry.register("voicenoob_passwords_hashing", "Sign-ins and changes of passwords that are in the line for a hash", hashing);
        let done = ConstCounter::new(self.passwords_done);
        registry.register("voicenoob_passwords_hashed", "Passwords hashed or compared with a hash", done);
        if let Some(pool) = self.pool {
            let connections = Each("state", [("in_use", u64::from(pool.in_use)), ("idle", u64::from(pool.idle))]);
            registry.register("voicenoob_database_connections", "Open connections of the database pool", connections);
            let max = ConstGauge::new(u64::from(pool.max));
            registry.register("voicenoob_database_connections_limit", "Connections the database pool may open", max);
            let waits = ConstCounter::new(pool.waits);
            registry.register("voicenoob_database_waits", "Waits for a connection because all were in use", waits);
            let waited = ConstCounter::new(pool.waited.as_secs_f64());
            registry.register("voicenoob_database_wait_seconds", "Time spent waiting for a connection, in all", waited);
        }
    }
}

/// A gauge for each value of a label.
#[derive(Debug)]
struct Each<const N: usize>(&'static str, [(&'static str, u64); N]);

impl<const N: usize> EncodeMetric for Each<N> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.1.iter().try_for_each(|(word, value)| encoder.encode_family(&[(self.0, *word)])?.encode_gauge(value))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}
