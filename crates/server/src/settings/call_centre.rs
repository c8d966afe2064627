//! Settings of the call centre: registry, queue, limits, drain, and the live state that instances share.

use std::time::Duration;

use dispatch::DrainRules;
use live::{InstanceName, Limits, Rate, Rules};

use super::reader::Reader;
use super::values::{flag, optional, parse, public_url, seconds, within};
use super::{Secret, SettingsError};

/// A call that is handed over or closed at the end of a drain may take this long.
const HANDOVER_LIMIT: Duration = Duration::from_secs(20);
/// Where balancers look before they send calls elsewhere, they look within this time; alone there is nobody to wait for.
const SETTLE_AMONG_OTHERS: &str = "5";

/// How calls are registered, admitted, queued and handed over.
#[derive(Debug, Clone)]
pub struct CallCentre {
    /// Live calls are entered into the registry.
    pub registry: bool,
    /// Numbers are counted and `GET /metrics` answers.
    pub metrics: bool,
    /// A stop lets live calls finish.
    pub draining: bool,
    /// A call over capacity waits in the queue; without, it hears that all lines are busy.
    pub queue: bool,
    /// This process among those that share live state.
    pub instance: InstanceName,
    /// The address carriers reach this very instance by, past any balancer.
    pub instance_url: Option<String>,
    /// Live state is shared through this Redis; in process without.
    pub redis_url: Option<Secret>,
    /// Before every key; in braces on a cluster.
    pub redis_key_prefix: String,
    /// Numbers that all instances must share.
    pub rules: Rules,
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// The way to a stop.
    pub drain: DrainRules,
    /// Limits over all instances.
    pub limits: Limits,
    /// New calls of one number in a minute, to the same workspace.
    pub caller_rate: Option<Rate>,
    /// New calls to one workspace in a minute.
    pub tenant_rate: Option<Rate>,
}

impl CallCentre {
    pub(super) fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>, port: u16) -> Result<Self, SettingsError> {
        let redis_url =
            reader.address("REDIS_URL", "redis://, rediss://, redis+sentinel:// or redis+cluster:// with host and port", redis)?;
        let redis_key_prefix =
            reader.get("REDIS_KEY_PREFIX", "voicenoob", "1 to 64 letters, digits, '_', '-', ':', in {braces} on a cluster", prefix)?;
        let instance = reader
            .get("INSTANCE_NAME", &own_name(port), "1 to 64 letters, digits, '.', '_' and '-'", |text| InstanceName::new(text).ok())?;
        let settle = if redis_url.is_some() { SETTLE_AMONG_OTHERS } else { "0" };
        Ok(Self {
            registry: reader.get("ENABLE_CALL_REGISTRY", "true", "true or false", flag)?,
            metrics: reader.get("ENABLE_PROMETHEUS_METRICS", "true", "true or false", flag)?,
            draining: reader.get("ENABLE_CONNECTION_DRAINING", "true", "true or false", flag)?,
            queue: reader.get("ENABLE_CALL_QUEUE", "false", "true or false", flag)?,
            instance,
            instance_url: reader.get("INSTANCE_URL", "", "an address such as https://a.voice.example.com without a path", public_url)?,
            redis_url,
            redis_key_prefix,
            heartbeat: reader.get("HEARTBEAT_INTERVAL", "5", "seconds from 1 to 60", |text| within(text, 1, 60).map(seconds))?,
            rules: Rules {
                instance_lease: reader.get("INSTANCE_LEASE", "15", "seconds from 3 to 600", |text| within(text, 3, 600).map(seconds))?,
                registry_ttl: reader
                    .get("CALL_REGISTRY_TTL", "1800", "seconds from 60 to 86400", |text| within(text, 60, 86_400).map(seconds))?,
                resume_window: reader.get("RESUME_WINDOW", "60", "seconds from 5 to 600", |text| within(text, 5, 600).map(seconds))?,
                queue_capacity: reader.get("MAX_CALL_QUEUE_SIZE", "1000", "a number from 1 to 100000", |text| within(text, 1, 100_000))?,
                ageing: reader.get("QUEUE_AGEING", "120", "seconds from 1 to 86400", |text| within(text, 1, 86_400).map(seconds))?,
                grant_lease: reader.get("QUEUE_GRANT_LEASE", "5", "seconds from 2 to 60", |text| within(text, 2, 60).map(seconds))?,
                service_threshold: reader
                    .get("QUEUE_SERVICE_LEVEL", "20", "seconds from 1 to 3600", |text| within(text, 1, 3600).map(seconds))?,
            },
            drain: DrainRules {
                settle: reader.get("DRAIN_SETTLE_TIME", settle, "seconds from 0 to 300", |text| within(text, 0, 300).map(seconds))?,
                timeout: reader
                    .get("SHUTDOWN_DRAIN_TIMEOUT", "120", "seconds from 0 to 3600", |text| within(text, 0, 3600).map(seconds))?,
                handover: HANDOVER_LIMIT,
            },
            limits: Limits {
                agent: reader.get("MAX_CONCURRENT_CALLS_PER_AGENT", "", "a number from 1 to 100000", limit)?,
                tenant: reader.get("MAX_CONCURRENT_CALLS_PER_TENANT", "", "a number from 1 to 100000", limit)?,
            },
            caller_rate: reader.get("CALLS_PER_MINUTE_PER_CALLER", "30", "a number from 1 to 100000, or nothing", per_minute)?,
            tenant_rate: reader.get("CALLS_PER_MINUTE_PER_TENANT", "", "a number from 1 to 100000, or nothing", per_minute)?,
        })
    }
}

/// This machine and port: stable over restarts, and another one for every process of a machine.
fn own_name(port: u16) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String =
        host.trim().chars().filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-')).take(50).collect();
    let host = if host.is_empty() { "instance" } else { &host };
    format!("{host}-{port}")
}

fn redis(text: &str) -> bool {
    let schemes = ["redis://", "rediss://", "redis+sentinel://", "redis+cluster://"];
    schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn prefix(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | ':');
    (!inner.is_empty() && inner.len() <= 64 && inner.chars().all(fits)).then(|| text.to_owned())
}

fn per_minute(text: &str) -> Option<Option<Rate>> {
    limit(text).map(|count| count.map(Rate::per_minute))
}

fn limit(text: &str) -> Option<Option<u32>> {
    match optional(text) {
        None => Some(None),
        Some(text) => parse(&text).filter(|limit| (1..=100_000).contains(limit)).map(Some),
    }
}
