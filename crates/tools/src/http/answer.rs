//! An HTTP answer as a tool's answer: a no of the business is an answer for the model, not a fault.

use agent::ToolAnswer;
use outbound::Answer;
use serde_json::{Value, json};

/// Longest sentence that a template makes, characters.
const MAX_SPOKEN: usize = 1_000;

pub(super) fn of(answer: &Answer) -> ToolAnswer {
    let body = body(answer);
    if (200..300).contains(&answer.status) {
        return ToolAnswer::Ok(if body.is_object() { body } else { json!({ "result": body }) });
    }
    let code = match answer.status {
        404 | 410 => "not_found",
        409 | 412 | 423 | 428 => "conflict",
        400 | 422 => "invalid",
        _ => "refused",
    };
    ToolAnswer::Refused { code, fields: json!({ "http_status": answer.status, "answer": body }) }
}

/// JSON where it is some, else text.
fn body(answer: &Answer) -> Value {
    let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let json = kind.contains("json") || kind.is_empty();
    let read = json.then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    read.unwrap_or_else(|| match String::from_utf8_lossy(&answer.body).trim() {
        "" => json!({}),
        text => json!({ "text": text }),
    })
}

/// The template with the answer's fields put in; `None` when one of them is missing, so that nothing half is said.
pub(super) fn spoken(template: &str, fields: &Value) -> Option<String> {
    let mut said = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (path, tail) = after.split_once('}')?;
        let field = path.split('.').try_fold(fields, |value, name| value.get(name))?;
        said.push_str(before);
        said.push_str(&super::address::scalar(field)?);
        rest = tail;
    }
    said.push_str(rest);
    Some(said).filter(|said| said.chars().count() <= MAX_SPOKEN)
}
