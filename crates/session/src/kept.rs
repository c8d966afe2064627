//! What is kept of tools and of where a conversation stands: JSON, with the same parts masked as in the transcript.

use std::collections::BTreeSet;

use call::CallRecord;
use privacy::{Level, Redactor, What, redact};
use serde_json::Value;

/// Members that hold a person's name, whatever it is.
const NAMES: [&str; 5] = ["name", "guest", "guest_name", "first_name", "last_name"];

/// Masks what is stored of one tool call. It depends on the call and the arguments only: after a crash the same request is stored the same.
pub(crate) struct Kept {
    redactor: Redactor,
    known: Vec<String>,
    /// Members that are masked whatever they hold.
    secret: BTreeSet<String>,
}

impl Kept {
    /// For one tool call with these arguments.
    pub(crate) fn of_tool(level: Level, call: &CallRecord, arguments: &Value) -> Self {
        let mut known = numbers(call);
        if level == Level::All {
            add_names(arguments, &mut known);
        }
        Self { redactor: Redactor::new(level, known.clone()), known, secret: BTreeSet::new() }
    }

    /// With members that are masked whatever they hold.
    pub(crate) fn hiding(self, secret: BTreeSet<String>) -> Self {
        Self { secret, ..self }
    }

    /// Names and numbers that are known by it.
    pub(crate) fn known(&self) -> &[String] {
        &self.known
    }

    /// A value as it is stored.
    pub(crate) fn masked(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.redactor.mask(text).into(),
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.redactor.mask(&text);
                if masked == text { value.clone() } else { masked.into() }
            }
            Value::Array(values) => values.iter().map(|value| self.masked(value)).collect(),
            Value::Object(members) => members.iter().map(|(member, value)| (member.clone(), self.member(member, value))).collect(),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn member(&self, member: &str, value: &Value) -> Value {
        if self.secret.contains(member) {
            return What::Code.mask().into();
        }
        let named = self.redactor.level() == Level::All && value.is_string() && NAMES.contains(&member);
        if named { What::Name.mask().into() } else { self.masked(value) }
    }
}

/// The numbers of a call that are a person's.
pub(crate) fn numbers(call: &CallRecord) -> Vec<String> {
    [&call.from, &call.to].into_iter().filter(|number| !number.digits().is_empty()).map(|number| number.digits()).collect()
}

/// A value without payment cards in its texts. Its numbers stay: they are seeds and times.
pub(crate) fn without_cards(value: &Value) -> Value {
    match value {
        Value::String(text) => redact(text, Level::Cards).into(),
        Value::Array(values) => values.iter().map(without_cards).collect(),
        Value::Object(members) => members.iter().map(|(member, value)| (member.clone(), without_cards(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn add_names(value: &Value, known: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                match value {
                    Value::String(name) if NAMES.contains(&member.as_str()) => known.push(name.clone()),
                    other => add_names(other, known),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| add_names(value, known)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_secret_is_masked_at_every_level() {
        let call: Value = json!({ "pin": 1234, "card": { "pin": "98" }, "room": "4" });
        let kept = Kept { redactor: Redactor::new(Level::Cards, Vec::new()), known: Vec::new(), secret: BTreeSet::new() };
        let masked = kept.hiding(["pin".to_owned()].into()).masked(&call);
        assert_eq!(masked, json!({ "pin": "[code]", "card": { "pin": "[code]" }, "room": "4" }));
    }

    #[test]
    fn cards_are_masked_in_any_text_of_a_value_and_seeds_stay() {
        let stored = json!({ "seed": 4_111_111_111_111_111_u64, "slots": [{ "message": "4111 1111 1111 1111" }, null, true, "room 4"] });
        let wanted = json!({ "seed": 4_111_111_111_111_111_u64, "slots": [{ "message": "[card]" }, null, true, "room 4"] });
        assert_eq!(without_cards(&stored), wanted);
        assert_eq!(without_cards(&wanted), wanted);
    }
}
