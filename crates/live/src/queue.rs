//! The queue of callers who wait for an agent.

use std::collections::BTreeMap;
use std::time::Duration;

use call::PhoneNumber;
use serde::Serialize;

use crate::{InstanceName, Limits};

/// A caller who begins to wait.
#[derive(Debug, Clone, PartialEq)]
pub struct NewQueueEntry {
    /// The carrier's id of the call. One call waits once.
    pub call_id: String,
    /// For whom.
    pub agent_id: String,
    /// The caller's number.
    pub phone_number: Option<PhoneNumber>,
    /// Higher is more urgent; one step counts like [`crate::Rules::ageing`] of waiting. Taken into -1000..=1000.
    pub priority: i32,
    /// What else shall be kept.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Where the caller's socket is. Without one the entry can only be taken by `dequeue`, never granted.
    pub holder: Option<InstanceName>,
    /// Whose call it is.
    pub tenant: String,
    /// The shared limits that count for it.
    pub limits: Limits,
    /// Unix seconds of the beginning, for an entry that is written again; now, when it is not given. A time ahead of now counts as now.
    pub queued_at: Option<f64>,
}

/// A waiting caller. In Redis: JSON text in the hash `<prefix>:queue:entries`, ordered by the sorted set `<prefix>:queue:calls`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueEntry {
    /// The carrier's id of the call.
    pub call_id: String,
    /// For whom.
    pub agent_id: String,
    /// The caller's number.
    pub phone_number: Option<PhoneNumber>,
    /// Unix seconds.
    pub queued_at: f64,
    /// Higher is more urgent.
    pub priority: i32,
    /// What else is kept.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Where the caller's socket is; none while nobody holds it.
    pub holder: Option<InstanceName>,
    /// Whose call it is.
    pub tenant: String,
}

impl NewQueueEntry {
    /// Least and most urgent; what is beyond counts as that.
    pub const PRIORITY: (i32, i32) = (-1000, 1000);

    /// Its JSON in the form of the reference, with tenant and limits, in two parts: between them stands `queued_at`, which the server tells, and
    /// behind them `"holder"`, which changes, and the closing brace.
    pub fn to_json(&self) -> (String, String) {
        let json = |value: serde_json::Value| value.to_string();
        let number = self.phone_number.as_ref().map(PhoneNumber::expose);
        let before = format!(
            r#"{{"call_id":{},"agent_id":{},"phone_number":{},"queued_at":"#,
            json(self.call_id.as_str().into()),
            json(self.agent_id.as_str().into()),
            json(number.into()),
        );
        let metadata = self.metadata.as_ref().map(|all| all.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect());
        let after = format!(
            r#","priority":{},"metadata":{},"tenant":{},"agent_limit":{},"tenant_limit":{}"#,
            self.priority.clamp(Self::PRIORITY.0, Self::PRIORITY.1),
            json(metadata.map_or(serde_json::Value::Null, serde_json::Value::Object)),
            json(self.tenant.as_str().into()),
            json(self.limits.agent.into()),
            json(self.limits.tenant.into()),
        );
        (before, after)
    }
}

/// Reads an entry's JSON, as this program or the reference writes it. A field that is missing, or of another type, is `""`, `None`, 0.0 or 0;
/// what is no JSON object is `None`.
pub fn read_entry(bytes: &[u8]) -> Option<QueueEntry> {
    let serde_json::Value::Object(mut fields) = serde_json::from_slice(bytes).ok()? else { return None };
    let mut text = |name: &str| match fields.remove(name) {
        Some(serde_json::Value::String(text)) => Some(text),
        _ => None,
    };
    let (call_id, agent_id, tenant) = (text("call_id"), text("agent_id"), text("tenant"));
    let (number, holder) = (text("phone_number"), text("holder"));
    let priority = fields.get("priority").and_then(serde_json::Value::as_i64).unwrap_or(0);
    let metadata = fields.get("metadata").and_then(serde_json::Value::as_object).map(|all| {
        let texts = all.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        texts.collect()
    });
    Some(QueueEntry {
        call_id: call_id.unwrap_or_default(),
        agent_id: agent_id.unwrap_or_default(),
        phone_number: number.map(PhoneNumber::new),
        queued_at: fields.get("queued_at").and_then(serde_json::Value::as_f64).unwrap_or(0.0),
        priority: priority.clamp(i64::from(NewQueueEntry::PRIORITY.0), i64::from(NewQueueEntry::PRIORITY.1)) as i32,
        metadata,
        holder: holder.and_then(|name| InstanceName::new(&name).ok()),
        tenant: tenant.unwrap_or_default(),
    })
}

/// What became of an attempt to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It waits now.
    Queued(Place),
    /// It waited already, and keeps its place; the holder is the new one.
    Already(Place),
    /// [`crate::Rules::queue_capacity`] is reached.
    Full,
}

/// Where a waiting caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// From 1.
    pub position: u64,
    /// Waiting callers in all.
    pub depth: u64,
    /// From the measured rate of service; `None` while too little was measured (see [`crate::Rules::MEASURED`]). In lists as seconds.
    #[serde(serialize_with = "crate::seconds::write_known")]
    pub expected_wait: Option<Duration>,
}

/// A waiting caller who may be served now. The permit is already held for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The entry, which has left the queue.
    pub entry: QueueEntry,
    /// It must be taken up within this time, or it returns to its place and the permit goes to the next.
    pub remaining: Duration,
}

/// Why a caller leaves the queue without having been served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leaving {
    /// They hung up.
    Abandoned,
    /// They asked to be called back.
    Callback,
    /// An operator took them out, or the instance stops.
    Removed,
}

/// Numbers of the queue. `enabled`, `depth`, `max_size`, `total_queued` and `total_dequeued` are the names of the reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct QueueStats {
    /// Callers who wait.
    pub depth: u64,
    /// Most callers who may wait.
    pub max_size: u64,
    /// Ever entered.
    pub total_queued: u64,
    /// Ever served: taken up, or dequeued.
    pub total_dequeued: u64,
    /// Hung up while waiting.
    pub abandoned: u64,
    /// Asked to be called back.
    pub callbacks: u64,
    /// Grants that were not taken up in time.
    pub lapsed: u64,
    /// All waiting times of served callers together, ms.
    pub wait_total_ms: u64,
    /// The longest waiting time of a served caller, ms.
    pub wait_max_ms: u64,
    /// Served within [`crate::Rules::service_threshold`].
    pub within_threshold: u64,
    /// How long the caller who waits longest has waited, ms; zero when nobody waits.
    pub oldest_ms: u64,
}

#[cfg(test)]
mod tests;
