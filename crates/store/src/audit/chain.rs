//! What a row's hash is made of.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rows::EntryRow;

/// Before the first row.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// SHA-256 of a value's JSON with sorted keys, in hex: shows whether a target was changed without saying what it was. A value that is no
/// JSON (a map whose keys are not texts) has the digest of that sentence.
pub fn digest(value: &impl Serialize) -> String {
    let text = serde_json::to_value(value).map_or_else(|error| error.to_string(), |value| canonical(&value));
    hex::encode(Sha256::digest(text))
}

/// SHA-256 over the hash before and the fields of a row, each with its length before it.
pub(super) fn hash(previous: &[u8; 32], row: &EntryRow) -> [u8; 32] {
    let mut sha = Sha256::new_with_prefix(b"audit row, version 1");
    sha.update(previous);
    sha.update(row.number.to_be_bytes());
    sha.update(row.at.to_jiff().as_microsecond().to_be_bytes());
    optional(&mut sha, row.tenant_id.as_ref().map(|id| id.as_bytes().as_slice()));
    for text in [&row.actor_kind, &row.action, &row.target_kind, &row.outcome, &row.request_id, &row.address] {
        field(&mut sha, text.as_bytes());
    }
    for text in [&row.actor_id, &row.target_id, &row.before_digest, &row.after_digest] {
        optional(&mut sha, text.as_ref().map(String::as_bytes));
    }
    field(&mut sha, canonical(&row.detail.0).as_bytes());
    sha.finalize().into()
}

fn field(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_be_bytes());
    sha.update(bytes);
}

fn optional(sha: &mut Sha256, bytes: Option<&[u8]>) {
    sha.update([u8::from(bytes.is_some())]);
    field(sha, bytes.unwrap_or_default());
}

/// A value as both databases give it back: numbers that are not whole become texts, for PostgreSQL writes them in its own way, and the
/// replacement character stands for NUL.
pub(super) fn storable(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::String(number.to_string()),
        Value::String(text) => Value::String(text_storable(&text)),
        Value::Array(values) => values.into_iter().map(storable).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (text_storable(&key), storable(value))).collect(),
        other => other,
    }
}

pub(super) fn text_storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// JSON without blanks, keys sorted by their bytes.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| key.as_str());
            let fields: Vec<_> =
                fields.into_iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        let one = serde_json::from_str::<Value>(r#"{"b": [1, {"y": 1, "x": null}], "a": "é\"\n"}"#).unwrap();
        let other = serde_json::from_str::<Value>(r#"{"a": "é\"\n", "b": [1, {"x": null, "y": 1}]}"#).unwrap();
        assert_eq!(canonical(&one), "{\"a\":\"é\\\"\\n\",\"b\":[1,{\"x\":null,\"y\":1}]}");
        assert_eq!(digest(&one), digest(&other));
        assert_ne!(digest(&json!({"a": 1})), digest(&json!({"a": "1"})));
        assert_ne!(digest(&json!([1, 2])), digest(&json!([2, 1])));
        assert_ne!(digest(&json!({"a": null})), digest(&json!({})));
    }

    /// By another program: `printf '{"a":1}' | sha256sum`.
    #[test]
    fn a_digest_is_sha_256_in_hex() {
        assert_eq!(digest(&json!({"a": 1})), "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
    }

    #[test]
    fn what_is_no_json_has_a_digest_of_its_own() {
        assert_ne!(digest(&BTreeMap::from([(vec![1], 1)])), digest(&Value::Null));
    }

    #[test]
    fn what_a_database_would_change_is_changed_before() {
        let value = json!({"a\0": [0.1, 1e300, -3, u64::MAX, "x\0y"]});
        assert_eq!(storable(value), json!({"a\u{FFFD}": ["0.1", "1e+300", -3, u64::MAX, "x\u{FFFD}y"]}));
    }
}
