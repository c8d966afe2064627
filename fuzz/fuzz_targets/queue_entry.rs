//! A queue entry as it stands in Redis, where other programs may have written: any bytes are read or refused, and what was read is written and
//! read back the same.
#![no_main]

use call::PhoneNumber;
use libfuzzer_sys::fuzz_target;
use live::{NewQueueEntry, QueueEntry, read_entry};

fuzz_target!(|data: &[u8]| {
    let Some(entry) = read_entry(data) else { return };
    let (least, most) = NewQueueEntry::PRIORITY;
    assert!((least..=most).contains(&entry.priority));
    assert!(entry.queued_at.is_finite());
    assert!(entry.phone_number.as_ref().is_none_or(|number| number.expose().len() <= PhoneNumber::MAX_LEN));
    let Ok(written) = serde_json::to_vec(&entry) else { panic!("what was read cannot be written") };
    assert!(same(read_entry(&written), &entry), "{}", String::from_utf8_lossy(&written));
    let rejoined = rejoined(&entry);
    assert!(same(read_entry(rejoined.as_bytes()), &entry), "{rejoined}");
});

/// Equal but for the last bit of the time: the JSON reader rounds numbers of over 15 digits (it has a switch for that, `float_roundtrip`).
fn same(read: Option<QueueEntry>, entry: &QueueEntry) -> bool {
    read.is_some_and(|read| {
        let near = (read.queued_at - entry.queued_at).abs() <= entry.queued_at.abs() * f64::EPSILON;
        near && QueueEntry { queued_at: entry.queued_at, ..read } == *entry
    })
}

/// The entry in the two parts that a script puts together, with what stands between and behind them.
fn rejoined(entry: &QueueEntry) -> String {
    let new = NewQueueEntry {
        call_id: entry.call_id.clone(),
        agent_id: entry.agent_id.clone(),
        phone_number: entry.phone_number.clone(),
        priority: entry.priority,
        metadata: entry.metadata.clone(),
        holder: entry.holder.clone(),
        tenant: entry.tenant.clone(),
        limits: live::Limits::default(),
        queued_at: Some(entry.queued_at),
    };
    let (before, after) = new.to_json();
    let text = |value: Option<&str>| serde_json::Value::from(value).to_string();
    format!(
        "{before}{}{after},\"holder\":{}}}",
        serde_json::Value::from(entry.queued_at),
        text(entry.holder.as_ref().map(|name| name.as_str()))
    )
}
