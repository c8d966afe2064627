//! Arguments in an address: a value stays within its place, whatever is in it.

use serde_json::{Map, Value};

/// Scheme, host and port; and what follows.
pub(crate) fn parts(url: &str) -> (&str, &str) {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    url.split_at(end)
}

/// Path and query below the origin, with the arguments put in; those that were used are taken out of `arguments`.
pub(super) fn fill(address: &str, arguments: &mut Map<String, Value>) -> Result<String, String> {
    let mut filled = String::from("./");
    let mut used = Vec::new();
    let mut rest = address.strip_prefix('/').unwrap_or(address);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or("its address has a brace without its counterpart")?;
        let value =
            arguments.get(name).and_then(scalar).ok_or_else(|| format!("its address needs the argument {name}, a text or a number"))?;
        filled.push_str(before);
        encode(&value, &mut filled);
        used.push(name.to_owned());
        rest = tail;
    }
    filled.push_str(rest);
    used.iter().for_each(|name| drop(arguments.remove(name)));
    // A value of dots would lead to another path.
    let path = filled.split('?').next().unwrap_or_default();
    if path.split('/').skip(1).any(|part| matches!(part, "." | "..")) {
        Err("its address would lead to another path".to_owned())
    } else {
        Ok(filled)
    }
}

/// A text, number or truth value as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// All but RFC 3986's unreserved characters.
fn encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(char::from(byte)),
            byte => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_stays_in_its_place() {
        let fill = |address: &str, arguments: Value| fill(address, &mut arguments.as_object().unwrap().clone());
        assert_eq!(parts("https://a.example:8443/v1/{id}?x=1"), ("https://a.example:8443", "/v1/{id}?x=1"));
        assert_eq!(parts("https://a.example"), ("https://a.example", ""));
        assert_eq!(fill("/o/{id}?q={q}", json!({ "id": "a/../b?c#d", "q": "ü&x=1" })).unwrap(), "./o/a%2F..%2Fb%3Fc%23d?q=%C3%BC%26x%3D1");
        assert_eq!(fill("/v1:find", json!({})).unwrap(), "./v1:find");
        for bad in [json!({ "id": ".." }), json!({ "id": "." }), json!({ "id": "" }), json!({}), json!({ "id": ["a"] })] {
            assert!(fill("/o/{id}", bad).is_err());
        }
    }
}
