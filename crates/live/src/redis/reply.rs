//! Reading what the scripts answer.

use std::borrow::Cow;
use std::time::Duration;

use call::PhoneNumber;
use redis::{FromRedisValue, Value};

use crate::{CallEntry, InstanceInfo, InstanceName, LiveError, Place, QueueEntry, read_entry};

/// Field names of a call in the registry; metadata stands beside them with its own prefix.
pub(super) mod field {
    pub(in crate::redis) const CALL_ID: &str = "call_id";
    pub(in crate::redis) const AGENT_ID: &str = "agent_id";
    pub(in crate::redis) const STARTED_AT: &str = "started_at";
    pub(in crate::redis) const PHONE_NUMBER: &str = "phone_number";
    pub(in crate::redis) const INSTANCE: &str = "instance";
    pub(in crate::redis) const META: &str = "meta:";
}

/// Reads a value as what it must be.
pub(super) fn read<T: FromRedisValue>(doing: &'static str, value: Value) -> Result<T, LiveError> {
    T::from_redis_value(value).map_err(|fault| LiveError::Unexpected { doing, why: fault.to_string() })
}

/// Field and value of a call as the registry keeps it.
pub(super) fn call_fields(entry: &CallEntry) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let number = entry.phone_number.as_ref().map_or("", PhoneNumber::expose);
    let fields = [
        (field::CALL_ID, Cow::from(&entry.call_id)),
        (field::AGENT_ID, Cow::from(&entry.agent_id)),
        (field::STARTED_AT, Cow::from(entry.started_at.to_string())),
        (field::PHONE_NUMBER, Cow::from(number)),
        (field::INSTANCE, Cow::from(entry.instance.as_str())),
    ];
    let metadata = entry.metadata.iter().flatten().map(|(name, value)| (Cow::from(format!("{}{name}", field::META)), Cow::from(value)));
    fields.into_iter().map(|(name, value)| (Cow::from(name), value)).chain(metadata)
}

/// The call that these fields are, or nothing when they are not a call of ours.
pub(super) fn call_entry(fields: impl IntoIterator<Item = (String, String)>) -> Option<CallEntry> {
    let (mut call_id, mut agent_id, mut started_at, mut phone_number, mut instance) = (None, None, None, None, None);
    let mut metadata = std::collections::BTreeMap::new();
    for (name, value) in fields {
        match name.as_str() {
            field::CALL_ID => call_id = Some(value),
            field::AGENT_ID => agent_id = Some(value),
            field::STARTED_AT => started_at = value.parse::<f64>().ok().filter(|at| at.is_finite()),
            field::PHONE_NUMBER if value.is_empty() => {}
            field::PHONE_NUMBER => phone_number = Some(PhoneNumber::new(value)),
            field::INSTANCE => instance = InstanceName::new(&value).ok(),
            other => {
                if let Some(name) = other.strip_prefix(field::META) {
                    metadata.insert(name.to_owned(), value);
                }
            }
        }
    }
    let metadata = (!metadata.is_empty()).then_some(metadata);
    Some(CallEntry { call_id: call_id?, agent_id: agent_id?, started_at: started_at?, phone_number, metadata, instance: instance? })
}

/// Calls from `HGETALL` answers, in their order. What cannot be read is left out: a complaint about a key of another type, and fields of others.
pub(super) fn calls(answers: Vec<Value>) -> impl Iterator<Item = CallEntry> {
    answers.into_iter().filter_map(|answer| {
        let fields = match answer {
            // A call that ended while the list was read.
            Value::Array(fields) if fields.is_empty() => return None,
            Value::Array(fields) => fields,
            Value::Map(pairs) => pairs.into_iter().flat_map(|(name, value)| [name, value]).collect(),
            _ => Vec::new(),
        };
        let entry = call_entry(fields.chunks_exact(2).filter_map(|pair| Some((text(&pair[0])?, text(&pair[1])?))));
        if entry.is_none() {
            tracing::warn!(fields = fields.len() / 2, "left a registry entry out that cannot be read");
        }
        entry
    })
}

/// Calls from the JSON that the scripts keep of those open for resume.
pub(super) fn kept_calls(texts: Vec<Vec<u8>>) -> Vec<CallEntry> {
    let read = texts.iter().filter_map(|text| {
        let fields: Option<std::collections::BTreeMap<String, String>> = serde_json::from_slice(text).ok();
        let entry = fields.and_then(call_entry);
        if entry.is_none() {
            tracing::warn!("left a call out that was open for resume and cannot be read");
        }
        entry
    });
    read.collect()
}

/// Waiting callers from their JSON. What cannot be read is left out.
pub(super) fn entries(texts: Vec<Vec<u8>>) -> Vec<QueueEntry> {
    let read = texts.iter().filter_map(|text| {
        let entry = read_entry(text);
        if entry.is_none() {
            tracing::warn!(bytes = text.len(), "left a queue entry out that cannot be read");
        }
        entry
    });
    read.collect()
}

/// A place from `position, depth, expected wait in microseconds or -1`.
pub(super) fn place((position, depth, expected): (u64, u64, String)) -> Place {
    Place { position, depth, expected_wait: expected.parse().ok().map(Duration::from_micros) }
}

/// An instance from `name, limit, taken, draining, url, silent for`.
pub(super) fn instance((name, limit, taken, draining, url, silent): InstanceReply) -> Option<InstanceInfo> {
    Some(InstanceInfo {
        instance: InstanceName::new(&name).ok()?,
        limit,
        taken,
        draining: draining == "1",
        url: (!url.is_empty()).then_some(url),
        silent_for: Duration::from_micros(silent.parse().unwrap_or(0)),
    })
}

/// See [`instance`].
pub(super) type InstanceReply = (String, u32, u32, String, String, String);

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}
