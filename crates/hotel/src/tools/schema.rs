//! The tools' arguments as a model is told of them. Ids of hotel, call and caller come from the session and stand in no schema; room types and
//! prices are named by answers only, so that a model cannot make one up that is sold.

use agent::ToolSpec;
use serde_json::{Value, json};

use super::answer::MAX_NAME;

/// Longest text but for names, characters.
const MAX_TEXT: usize = 4_000;

pub(super) fn spec(name: &str, description: &str, properties: Value, required: &[&str]) -> ToolSpec {
    let parameters = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters }
}

/// Which booking, by what a caller knows of it.
pub(super) fn whose() -> Value {
    json!({
        "code": word("Confirmation code, as the caller said it. Leave it out when it is not known: the number of this call is looked up."),
        "name": word("Last name the booking was made under, as the caller said it."),
    })
}

/// Which booking, and what of it is to be another.
pub(super) fn change() -> Value {
    json!({
        "code": whose()["code"],
        "name": whose()["name"],
        "arrival": date("New day of arrival, if it changes."),
        "nights": count("New number of nights, if it changes."),
        "room_type": word("Code of the new room type, if it changes."),
        "guests": count("New number of guests, if it changes."),
    })
}

pub(super) fn date(what: &str) -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": format!("{what} YYYY-MM-DD.") })
}

pub(super) fn count(what: &str) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 1_000, "description": what })
}

/// A name or a code.
pub(super) fn word(what: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME, "description": what })
}

pub(super) fn text(what: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_TEXT, "description": what })
}
