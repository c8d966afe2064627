//! What OpenAI takes as a JSON Schema of a tool's arguments.

use serde_json::Value;

/// Deepest schema.
const MAX_DEPTH: usize = 10;
const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];

/// What is wrong with the schema of a tool's arguments.
pub(super) fn fault(parameters: &Value) -> Option<String> {
    match parameters.get("type").and_then(Value::as_str) {
        Some("object") => part(parameters, 0),
        other => Some(format!("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{}\"'.", other.unwrap_or("None"))),
    }
}

fn part(schema: &Value, depth: usize) -> Option<String> {
    let Some(fields) = schema.as_object() else {
        // `true` and `false` are schemas too.
        return (!schema.is_boolean()).then(|| format!("{schema} is not of type 'object', 'boolean'."));
    };
    if depth > MAX_DEPTH {
        return Some("the schema is nested too deeply.".to_owned());
    }
    for kind in kinds(fields.get("type")) {
        if !kind.as_str().is_some_and(|kind| TYPES.contains(&kind)) {
            return Some(format!("{kind} is not valid under any of the given schemas."));
        }
    }
    if fields.get("type").and_then(Value::as_str) == Some("array") && !fields.contains_key("items") {
        return Some("array schema missing items.".to_owned());
    }
    if fields.get("required").is_some_and(|required| !required.as_array().is_some_and(|names| names.iter().all(Value::is_string))) {
        return Some(format!("{} is not of type 'array'.", fields["required"]));
    }
    let Some(properties) = fields.get("properties").map(Value::as_object) else {
        return fields.get("items").and_then(|items| part(items, depth + 1));
    };
    let Some(properties) = properties else { return Some("properties must be an object.".to_owned()) };
    properties.values().find_map(|property| part(property, depth + 1))
}

fn kinds(kind: Option<&Value>) -> Vec<&Value> {
    match kind {
        None => Vec::new(),
        Some(Value::Array(kinds)) => kinds.iter().collect(),
        Some(kind) => vec![kind],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_schemas_that_the_vendor_takes_are_taken() {
        let good = json!({ "type": "object", "properties": { "day": { "type": ["string", "null"] }, "rooms": { "type": "array", "items": { "type": "integer" } } } });
        assert_eq!(fault(&good), None);
        assert_eq!(fault(&json!({ "type": "object", "properties": {} })), None);
        for bad in [
            json!({ "type": "string" }),
            json!({ "properties": {} }),
            json!({ "type": "object", "properties": { "day": { "type": "date" } } }),
            json!({ "type": "object", "properties": { "days": { "type": "array" } } }),
            json!({ "type": "object", "properties": { "day": { "type": "object", "properties": { "x": { "type": 5 } } } } }),
            json!({ "type": "object", "properties": {}, "required": true }),
            json!({ "type": "object", "properties": [] }),
        ] {
            assert!(fault(&bad).is_some(), "{bad}");
        }
    }
}
