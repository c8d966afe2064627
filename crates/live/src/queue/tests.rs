//! Entries as text: what is written is read, and what others wrote is read as far as it goes.

use super::*;

fn written(entry: &NewQueueEntry, queued_at: &str, holder: &str) -> String {
    let (before, after) = entry.to_json();
    format!("{before}{queued_at}{after},\"holder\":{holder}}}")
}

#[test]
fn an_entry_comes_back_as_it_was_written() {
    let entry = NewQueueEntry {
        call_id: "CA\"1".into(),
        agent_id: "hotel".into(),
        phone_number: Some(PhoneNumber::new("+15005550006")),
        priority: 5000,
        metadata: Some(BTreeMap::from([("provider".into(), "twilio".into())])),
        holder: None,
        tenant: "größe".into(),
        limits: Limits { agent: Some(3), tenant: None },
        queued_at: None,
    };
    let read = read_entry(written(&entry, "1700000000.25", "\"pod-1\"").as_bytes()).unwrap();
    assert_eq!((read.call_id.as_str(), read.tenant.as_str(), read.queued_at, read.priority), ("CA\"1", "größe", 1_700_000_000.25, 1000));
    assert_eq!((read.phone_number, read.metadata), (entry.phone_number, entry.metadata));
    assert_eq!(read.holder, InstanceName::new("pod-1").ok());
}

#[test]
fn what_is_missing_or_of_another_type_has_a_value_of_its_own() {
    let empty = read_entry(b"{}").unwrap();
    assert_eq!((empty.call_id.as_str(), empty.agent_id.as_str(), empty.queued_at, empty.priority), ("", "", 0.0, 0));
    assert_eq!((empty.phone_number, empty.metadata, empty.holder), (None, None, None));
    let odd =
        read_entry(br#"{"call_id":7,"priority":"high","queued_at":null,"metadata":{"a":1,"b":"c"},"holder":"two words","agent_id":"x"}"#)
            .unwrap();
    assert_eq!((odd.call_id.as_str(), odd.agent_id.as_str(), odd.priority), ("", "x", 0));
    assert_eq!((odd.metadata.unwrap().len(), odd.holder), (1, None));
}

#[test]
fn what_is_no_object_is_nothing() {
    for bytes in [&b""[..], b"[]", b"null", b"{\"call_id\":", b"\xFF\xFE"] {
        assert!(read_entry(bytes).is_none());
    }
}
