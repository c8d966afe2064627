//! What Anthropic checks in a request, and what of it a mind needs.
//!
//! Two roles in a row are refused, as the vendor did for long; that it joins them today is forgiving, and nobody should live by it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refusal::Refusal;
use crate::vendors::sse::count;

/// Longest name of a tool.
const MAX_NAME: usize = 128;
/// Names that a request may have at its top.
const KNOWN: [&str; 21] = [
    "cache_control",
    "container",
    "context_management",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "inference_geo",
];
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

/// A request that is right.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) model: String,
    pub(super) stream: bool,
    /// The user's last words.
    pub(super) heard: String,
    /// Which tool answered last since then, and what.
    answered: Option<(String, String)>,
    /// What was offered.
    pub(super) tools: Vec<String>,
    /// Tokens of all that was asked.
    pub(super) tokens: u64,
    /// Most tokens of the answer.
    pub(super) limit: usize,
}

impl Asked {
    pub(super) fn answered(&self) -> Option<(&str, &str)> {
        self.answered.as_ref().map(|(tool, answer)| (tool.as_str(), answer.as_str()))
    }
}

fn no(message: impl Into<String>) -> Refusal {
    Refusal::invalid(message)
}

/// `sampling`: the version of the protocol takes a temperature.
pub(super) fn check(body: &Value, sampling: bool) -> Result<Asked, Refusal> {
    let fields = body.as_object().ok_or_else(|| no("Input should be an object"))?;
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(no(format!("{unknown}: Extra inputs are not permitted")));
    }
    let model = body.get("model").and_then(Value::as_str).ok_or_else(|| no("model: Field required"))?;
    let limit = body.get("max_tokens").filter(|limit| !limit.is_null()).ok_or_else(|| no("max_tokens: Field required"))?;
    let limit = limit.as_u64().filter(|limit| *limit > 0).ok_or_else(|| no("max_tokens: Input should be greater than or equal to 1"))?;
    temperature(body, sampling)?;
    let mut asked = Asked { model: model.to_owned(), limit: usize::try_from(limit).unwrap_or(usize::MAX), ..Asked::default() };
    asked.stream = body.get("stream").and_then(Value::as_bool).unwrap_or_default();
    asked.tokens = body.get("system").map(|system| words(system).map(|text| count(&text))).transpose()?.unwrap_or_default();
    asked.tools = tools(body)?;
    let messages = body.get("messages").and_then(Value::as_array).ok_or_else(|| no("messages: Field required"))?;
    if messages.is_empty() {
        return Err(no("messages: at least one message is required"));
    }
    Conversation::default().read(messages, &mut asked)?;
    Ok(asked)
}

fn temperature(body: &Value, sampling: bool) -> Result<(), Refusal> {
    if let Some(name) = SAMPLING.iter().find(|name| !sampling && body.get(**name).is_some()) {
        return Err(no(format!("{name}: is not supported in this version")));
    }
    match body.get("temperature").filter(|temperature| !temperature.is_null()) {
        Some(temperature) if !temperature.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number)) => {
            Err(no("temperature: range: 0..1"))
        }
        _ => Ok(()),
    }
}

fn tools(body: &Value) -> Result<Vec<String>, Refusal> {
    let mut names = Vec::new();
    for (at, tool) in body.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        let sign = |sign: u8| sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-');
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(sign) {
            return Err(no(format!("tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")));
        }
        if tool.pointer("/input_schema/type").and_then(Value::as_str) != Some("object") {
            return Err(no(format!("tools.{at}.custom.input_schema.type: Input should be 'object'")));
        }
        if names.iter().any(|known| known == name) {
            return Err(no("tools: Tool names must be unique."));
        }
        names.push(name.to_owned());
    }
    if body.pointer("/tool_choice/type").and_then(Value::as_str) == Some("none") {
        names.clear();
    }
    Ok(names)
}

/// Reads the messages in their order.
#[derive(Default)]
struct Conversation {
    last: String,
    /// Wishes for tools of the message before, and their tools.
    open: BTreeMap<String, String>,
}

impl Conversation {
    fn read(mut self, messages: &[Value], asked: &mut Asked) -> Result<(), Refusal> {
        for (at, message) in messages.iter().enumerate() {
            let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
            match role {
                "assistant" if self.last.is_empty() => return Err(no("messages: first message must use the \"user\" role")),
                "user" | "assistant" if self.last == role => {
                    let message = "messages: roles must alternate between \"user\" and \"assistant\", but found multiple";
                    return Err(no(format!("{message} \"{role}\" roles in a row")));
                }
                "user" => self.user(at, message, asked)?,
                "assistant" => self.assistant(at, message, asked)?,
                _ => return Err(no(format!("messages.{at}.role: Input should be 'user' or 'assistant'"))),
            }
            self.last = role.to_owned();
        }
        self.unanswered(messages.len().saturating_sub(1))
    }

    fn user(&mut self, at: usize, message: &Value, asked: &mut Asked) -> Result<(), Refusal> {
        let (mut texts, mut answered) = (Vec::new(), None);
        for (nth, block) in blocks(at, message)?.iter().enumerate() {
            match kind(block) {
                "text" => texts.push(text(at, nth, block)?),
                "tool_result" if texts.is_empty() => answered = Some(self.answer(at, nth, block)?),
                "tool_result" => return Err(no(format!("messages.{at}.content.{nth}: `tool_result` blocks must come first"))),
                _ => return Err(no(format!("messages.{at}.content.{nth}.type: Input tag is not one that is known"))),
            }
        }
        self.unanswered(at.saturating_sub(1))?;
        asked.tokens += texts.iter().chain(answered.iter().map(|(_, text)| text)).map(|text| count(text)).sum::<u64>();
        // Words beside a tool's answer come after it.
        match answered.filter(|_| texts.is_empty()) {
            None => (asked.heard, asked.answered) = (texts.join(" "), None),
            answered => asked.answered = answered,
        }
        Ok(())
    }

    fn assistant(&mut self, at: usize, message: &Value, asked: &mut Asked) -> Result<(), Refusal> {
        for (nth, block) in blocks(at, message)?.iter().enumerate() {
            match kind(block) {
                "text" => asked.tokens += count(&text(at, nth, block)?),
                "tool_use" => {
                    let word = |name: &str| block.get(name).and_then(Value::as_str).map(str::to_owned);
                    let wish = word("id").zip(word("name")).filter(|_| block.get("input").is_some_and(Value::is_object));
                    let (id, name) =
                        wish.ok_or_else(|| no(format!("messages.{at}.content.{nth}.tool_use.input: Input should be an object")))?;
                    self.open.insert(id, name);
                }
                "thinking" | "redacted_thinking" => {}
                _ => return Err(no(format!("messages.{at}.content.{nth}.type: Input tag is not one that is known"))),
            }
        }
        Ok(())
    }

    fn answer(&mut self, at: usize, nth: usize, block: &Value) -> Result<(String, String), Refusal> {
        let id = block.get("tool_use_id").and_then(Value::as_str).unwrap_or_default();
        let tool = self.open.remove(id).ok_or_else(|| {
            no(format!(
                "messages.{at}.content.{nth}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have \
                 a corresponding `tool_use` block in the previous message."
            ))
        })?;
        let content = block.get("content").map(words).transpose()?.unwrap_or_default();
        Ok((tool, content))
    }

    fn unanswered(&self, at: usize) -> Result<(), Refusal> {
        if self.open.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = self.open.keys().map(String::as_str).collect();
        let message = "`tool_use` ids were found without `tool_result` blocks immediately after:";
        Err(no(format!("messages.{at}: {message} {}.", ids.join(", "))))
    }
}

fn kind(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The blocks of a message; a string is one.
fn blocks(at: usize, message: &Value) -> Result<Vec<Value>, Refusal> {
    let blocks = match message.get("content") {
        Some(Value::String(text)) => vec![serde_json::json!({ "type": "text", "text": text })],
        Some(Value::Array(blocks)) => blocks.clone(),
        _ => return Err(no(format!("messages.{at}.content: Field required"))),
    };
    if blocks.is_empty() { Err(no(format!("messages.{at}: all messages must have non-empty content"))) } else { Ok(blocks) }
}

fn text(at: usize, nth: usize, block: &Value) -> Result<String, Refusal> {
    let text = block.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(no(format!("messages.{at}.content.{nth}: text content blocks must be non-empty")));
    }
    Ok(text.to_owned())
}

/// A string, or the texts of blocks.
fn words(content: &Value) -> Result<String, Refusal> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(blocks) => Ok(blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect::<Vec<_>>().join(" ")),
        _ => Err(no("content: Input should be a valid string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(change: impl FnOnce(&mut Value)) -> Result<Asked, Refusal> {
        let mut body = json!({
            "model": "claude", "max_tokens": 100, "temperature": 0.5,
            "tools": [{ "name": "look", "input_schema": { "type": "object" } }],
            "messages": [
                { "role": "user", "content": "what is free" },
                { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "look", "input": {} }] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "t", "content": "two" }, { "type": "text", "text": "hurry" }] },
            ],
        });
        change(&mut body);
        check(&body, true)
    }

    #[test]
    fn a_right_request_is_understood() {
        let asked = with(|_| {}).unwrap();
        assert_eq!((asked.heard.as_str(), asked.answered(), asked.tools.as_slice()), ("hurry", None, &["look".to_owned()][..]));
        assert_eq!((asked.tokens, asked.limit), (5, 100));
        let asked = with(|body| drop(body["messages"][2]["content"].as_array_mut().unwrap().pop())).unwrap();
        assert_eq!((asked.heard.as_str(), asked.answered()), ("what is free", Some(("look", "two"))));
    }

    #[test]
    fn wrong_requests_are_refused_as_the_vendor_does() {
        let refused = |part: &str, change: fn(&mut Value)| {
            let message = with(change).unwrap_err().message;
            assert!(message.contains(part), "{message}");
        };
        refused("max_tokens: Field required", |body| body["max_tokens"] = Value::Null);
        refused("first message", |body| body["messages"][0]["role"] = json!("assistant"));
        refused("roles must alternate", |body| body["messages"][1] = json!({ "role": "user", "content": "x" }));
        refused("unexpected `tool_use_id`", |body| body["messages"][2]["content"][0]["tool_use_id"] = json!("u"));
        refused("without `tool_result` blocks immediately after: t", |body| body["messages"][2]["content"] = json!("later"));
        refused("without `tool_result`", |body| drop(body["messages"].as_array_mut().unwrap().pop()));
        refused("non-empty", |body| body["messages"][0]["content"] = json!(" "));
        refused("input_schema", |body| body["tools"][0]["input_schema"] = json!({}));
        refused("Extra inputs", |body| body["surprise"] = json!(1));
        refused("temperature: range", |body| body["temperature"] = json!(1.5));
        assert!(check(&json!({ "model": "m", "max_tokens": 1, "temperature": 1, "messages": [] }), false).is_err());
    }
}
