//! Fields of a PATCH: absent keeps, `null` clears, a value sets.

use serde::{Deserialize, Deserializer};
use store::Change;

/// For `#[serde(default, deserialize_with = "change")]`: a field that is there is a change, and `null` clears.
pub(crate) fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Change<T>, D::Error> {
    Ok(Option::deserialize(from)?.map_or(Change::Clear, Change::Set))
}

/// The same change, of what `f` makes of the value.
pub(crate) fn map<T, U>(change: Change<T>, f: impl FnOnce(T) -> U) -> Change<U> {
    match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(value) => Change::Set(f(value)),
    }
}

/// Only fields that are changed, by name: for the audit trail, which holds no values.
pub(crate) fn changed(fields: &[(&'static str, bool)]) -> serde_json::Value {
    let names: Vec<&str> = fields.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
    serde_json::json!({ "fields": names })
}

/// True for anything but [`Change::Keep`].
pub(crate) fn is_change<T>(change: &Change<T>) -> bool {
    !matches!(change, Change::Keep)
}
