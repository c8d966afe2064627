//! What OpenAI checks in a request, and what of it a mind needs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refusal::Refusal;
use super::schema;
use crate::vendors::sse::count;

/// Names that a request may have at its top.
const KNOWN: [&str; 34] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];
const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];
const UNANSWERED: &str = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
const UNASKED: &str = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
/// Models whose names begin so do not exist; all others do.
const NO_MODEL: &str = "no-such-";
/// Longest name of a tool.
const MAX_NAME: usize = 64;
/// Most tools.
const MAX_TOOLS: usize = 128;

/// A request that is right.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) usage: bool,
    /// The user's last words.
    pub(super) heard: String,
    /// Which tool answered last since then, and what.
    answered: Option<(String, String)>,
    /// What was offered.
    pub(super) tools: Vec<String>,
    /// Tokens of all messages, and of those before the last.
    pub(super) tokens: u64,
    pub(super) before: u64,
    /// Most tokens of the answer.
    pub(super) limit: Option<u64>,
}

impl Asked {
    pub(super) fn answered(&self) -> Option<(&str, &str)> {
        self.answered.as_ref().map(|(tool, answer)| (tool.as_str(), answer.as_str()))
    }
}

/// `deployment`: Azure's, in the place of the model.
pub(super) fn check(body: &Value, deployment: Option<&str>) -> Result<Asked, Refusal> {
    let Some(fields) = body.as_object() else { return Err(invalid("you must provide a model parameter", "")) };
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Refusal::invalid(format!("Unknown parameter: '{unknown}'."), Some(unknown.clone()), Some("unknown_parameter")));
    }
    let model = deployment.or_else(|| body.get("model")?.as_str()).filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| invalid("you must provide a model parameter", ""))?.to_owned();
    if model.starts_with(NO_MODEL) {
        return Err(Refusal::no_model(&model));
    }
    let mut asked = Asked { model, stream: flag(body, "stream")?, ..Asked::default() };
    options(body, &mut asked)?;
    tools(body, &mut asked)?;
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or_else(|| {
        Refusal::invalid("Missing required parameter: 'messages'.", Some("messages".into()), Some("missing_required_parameter"))
    })?;
    if messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return Err(Refusal::invalid(message, Some("messages".into()), Some("empty_array")));
    }
    Conversation::default().read(messages, &mut asked)?;
    Ok(asked)
}

fn invalid(message: &str, param: &str) -> Refusal {
    Refusal::invalid(message, (!param.is_empty()).then(|| param.to_owned()), None)
}

fn value(message: String, param: String) -> Refusal {
    Refusal::invalid(message, Some(param), Some("invalid_value"))
}

fn flag(body: &Value, name: &str) -> Result<bool, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            let message = format!("Invalid type for '{name}': expected a boolean.");
            Err(Refusal::invalid(message, Some(name.to_owned()), Some("invalid_type")))
        }
    }
}

/// Models that reason before they speak, by their names.
fn reasons(model: &str) -> bool {
    model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|sign: char| sign.is_ascii_digit())) || model.starts_with("gpt-5")
}

fn options(body: &Value, asked: &mut Asked) -> Result<(), Refusal> {
    if let Some(temperature) = body.get("temperature").and_then(Value::as_f64) {
        if reasons(&asked.model) && temperature != 1.0 {
            let message =
                "Unsupported value: 'temperature' does not support this value with this model. Only the default (1) is supported.";
            return Err(Refusal::invalid(message, Some("temperature".into()), Some("unsupported_value")));
        }
        if !(0.0..=2.0).contains(&temperature) {
            let message = "Invalid 'temperature': decimal outside of its range. Expected a value from 0 to 2.";
            return Err(Refusal::invalid(message, Some("temperature".into()), Some("decimal_above_max_value")));
        }
    }
    if body.get("max_tokens").is_some() && reasons(&asked.model) {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(Refusal::invalid(message, Some("max_tokens".into()), Some("unsupported_parameter")));
    }
    for name in ["max_tokens", "max_completion_tokens"] {
        match body.get(name).filter(|limit| !limit.is_null()) {
            None => {}
            Some(limit) if limit.as_u64().is_some_and(|limit| limit > 0) => asked.limit = limit.as_u64(),
            Some(_) => {
                let message = format!("Invalid '{name}': integer below minimum value. Expected a value >= 1.");
                return Err(Refusal::invalid(message, Some(name.into()), Some("integer_below_min_value")));
            }
        }
    }
    if let Some(options) = body.get("stream_options").filter(|options| !options.is_null()) {
        if !asked.stream {
            return Err(invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"));
        }
        asked.usage = flag(options, "include_usage")?;
    }
    Ok(())
}

fn tools(body: &Value, asked: &mut Asked) -> Result<(), Refusal> {
    let tools = body.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if tools.len() > MAX_TOOLS {
        return Err(Refusal::invalid("Invalid 'tools': array too long.", Some("tools".into()), Some("array_above_max_length")));
    }
    for name in ["parallel_tool_calls", "tool_choice"] {
        if tools.is_empty() && body.get(name).is_some_and(|value| !value.is_null()) {
            return Err(invalid(&format!("Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."), name));
        }
    }
    for (at, tool) in tools.iter().enumerate() {
        asked.tools.push(function(at, tool)?);
    }
    if body.get("tool_choice").and_then(Value::as_str) == Some("none") {
        asked.tools.clear();
    }
    Ok(())
}

fn function(at: usize, tool: &Value) -> Result<String, Refusal> {
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Err(value(
            format!("Invalid value: 'tools[{at}].type'. Supported values are: 'function' and 'custom'."),
            format!("tools[{at}].type"),
        ));
    }
    let name = tool.pointer("/function/name").and_then(Value::as_str).unwrap_or_default();
    let sign = |sign: u8| sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(sign) {
        let message = format!("Invalid 'tools[{at}].function.name': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'.");
        return Err(value(message, format!("tools[{at}].function.name")));
    }
    if let Some(fault) = tool.pointer("/function/parameters").and_then(schema::fault) {
        let (message, param) = (format!("Invalid schema for function '{name}': {fault}"), format!("tools[{at}].function.parameters"));
        return Err(Refusal::invalid(message, Some(param), Some("invalid_function_parameters")));
    }
    Ok(name.to_owned())
}

/// Reads the messages in their order.
#[derive(Default)]
struct Conversation {
    /// Wishes for tools of the last message that nobody answered yet, and their tools.
    open: BTreeMap<String, String>,
}

impl Conversation {
    fn read(mut self, messages: &[Value], asked: &mut Asked) -> Result<(), Refusal> {
        for (at, message) in messages.iter().enumerate() {
            let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
            if !ROLES.contains(&role) {
                let message = format!(
                    "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
                );
                return Err(value(message, format!("messages[{at}].role")));
            }
            if role != "tool" && !self.open.is_empty() {
                return Err(invalid(UNANSWERED, &format!("messages[{at}].role")));
            }
            let text = text(at, role, message)?;
            asked.before = asked.tokens;
            asked.tokens += count(&text);
            match role {
                "user" => (asked.heard, asked.answered) = (text, None),
                "assistant" => self.wishes(at, message)?,
                "tool" => asked.answered = Some(self.answer(at, message, text)?),
                _ => {}
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(invalid(UNANSWERED, "messages")) }
    }

    fn wishes(&mut self, at: usize, message: &Value) -> Result<(), Refusal> {
        for wish in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let word = |place: &str| wish.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (id, name) = (word("/id"), word("/function/name"));
            if id.is_empty() || name.is_empty() || !wish.pointer("/function/arguments").is_some_and(Value::is_string) {
                let message = format!("Missing required parameter in 'messages[{at}].tool_calls'.");
                return Err(Refusal::invalid(message, Some(format!("messages[{at}].tool_calls")), Some("missing_required_parameter")));
            }
            self.open.insert(id, name);
        }
        Ok(())
    }

    fn answer(&mut self, at: usize, message: &Value, text: String) -> Result<(String, String), Refusal> {
        let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default();
        let tool = self.open.remove(id).ok_or_else(|| invalid(UNASKED, &format!("messages[{at}].role")))?;
        Ok((tool, text))
    }
}

/// The text of a message: a string, or parts. Only an assistant's may be missing, when it wished for tools.
fn text(at: usize, role: &str, message: &Value) -> Result<String, Refusal> {
    let wrong = |why: &str| {
        let message = format!("Invalid value for 'content': expected a string, got {why}.");
        Refusal::invalid(message, Some(format!("messages[{at}].content")), Some("invalid_type"))
    };
    match message.get("content") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().map(|part| part.get("text").and_then(Value::as_str).ok_or_else(|| wrong("another part")));
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join(" "))
        }
        None | Some(Value::Null) if role == "assistant" && message.get("tool_calls").is_some_and(Value::is_array) => Ok(String::new()),
        None | Some(Value::Null) => Err(wrong("null")),
        Some(_) => Err(wrong("another type")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(change: impl FnOnce(&mut Value)) -> Result<Asked, Refusal> {
        let mut body = json!({
            "model": "gpt-4.1", "stream": true, "stream_options": { "include_usage": true },
            "tools": [{ "type": "function", "function": { "name": "look", "parameters": { "type": "object" } } }],
            "messages": [
                { "role": "user", "content": "what is free" },
                { "role": "assistant", "content": null, "tool_calls": [
                    { "id": "c", "type": "function", "function": { "name": "look", "arguments": "{}" } }] },
                { "role": "tool", "tool_call_id": "c", "content": "two" },
            ],
        });
        change(&mut body);
        check(&body, None)
    }

    #[test]
    fn a_right_request_is_understood() {
        let asked = with(|_| {}).unwrap();
        assert_eq!(
            (asked.heard.as_str(), asked.answered(), asked.tools.as_slice()),
            ("what is free", Some(("look", "two")), &["look".to_owned()][..])
        );
        assert_eq!((asked.tokens, asked.before, asked.usage), (4, 3, true));
    }

    #[test]
    fn wrong_requests_are_refused_as_the_vendor_does() {
        let code = |change: fn(&mut Value)| with(change).unwrap_err().code.unwrap_or_default();
        assert_eq!(code(|body| body["messages"][0]["role"] = json!("caller")), "invalid_value");
        assert_eq!(code(|body| body["surprise"] = json!(1)), "unknown_parameter");
        assert_eq!(code(|body| body["messages"] = json!([])), "empty_array");
        assert_eq!(code(|body| body["tools"][0]["function"]["parameters"]["type"] = json!("date")), "invalid_function_parameters");
        assert_eq!(code(|body| body["tools"][0]["function"]["name"] = json!("a b")), "invalid_value");
        assert_eq!(code(|body| body["messages"][0]["content"] = Value::Null), "invalid_type");
        assert_eq!(code(|body| (body["model"], body["temperature"]) = (json!("o4-mini"), json!(0.5))), "unsupported_value");
        assert_eq!(code(|body| body["max_tokens"] = json!(0)), "integer_below_min_value");
        let message = |change: fn(&mut Value)| with(change).unwrap_err().message;
        assert_eq!(message(|body| body["messages"][2]["tool_call_id"] = json!("d")), UNASKED);
        assert_eq!(message(|body| body["messages"][2] = json!({ "role": "user", "content": "hurry" })), UNANSWERED);
        assert!(message(|body| body["stream"] = json!(false)).contains("stream_options"));
        assert!(message(|body| (body["tools"], body["tool_choice"]) = (json!([]), json!("auto"))).contains("tool_choice"));
    }
}
