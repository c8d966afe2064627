//! A request in Anthropic's words: roles take turns, the caller begins, and tools are answered at once.

use serde_json::{Map, Value, json};

use crate::completions::decimal;
use crate::history::in_order;
use crate::{ChatRequest, Message, ToolCall, ToolSpec};

/// Stands for the caller where the agent spoke first.
const BEGIN: &str = "[The call begins.]";
/// Asks the agent to speak again: an answer cannot follow its own words, which some models would have to go on with and others refuse.
const GO_ON: &str = "[Go on.]";
/// Anthropic's highest temperature; others have 2.
const MAX_TEMPERATURE: f32 = 1.0;

pub(super) fn body(model: &str, temperature: bool, asked: &ChatRequest) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("max_tokens".into(), asked.max_tokens.into());
    body.insert("stream".into(), true.into());
    body.insert("messages".into(), messages(&asked.messages).into());
    if !asked.system.is_empty() {
        body.insert("system".into(), asked.system.as_str().into());
    }
    if let Some(wanted) = asked.temperature.filter(|_| temperature) {
        body.insert("temperature".into(), decimal(wanted.min(MAX_TEMPERATURE)));
    }
    if !asked.tools.is_empty() {
        body.insert("tools".into(), asked.tools.iter().map(tool).collect());
    }
    body.into()
}

/// Messages of one role after each other are one message.
fn messages(spoken: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&'static str, Vec<Value>)> = Vec::new();
    for message in in_order(spoken) {
        let (role, blocks) = blocks(&message);
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, before)) if *last == role => before.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    if turns.first().is_none_or(|(role, _)| *role == "assistant") {
        turns.insert(0, ("user", vec![text(BEGIN)]));
    }
    if turns.last().is_some_and(|(role, _)| *role == "assistant") {
        turns.push(("user", vec![text(GO_ON)]));
    }
    turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect()
}

/// A message's content. Text without a letter is refused, so it is left out.
fn blocks(message: &Message) -> (&'static str, Vec<Value>) {
    let spoken = |words: &str| (!words.trim().is_empty()).then(|| text(words.trim()));
    match message {
        Message::Caller { text } => ("user", spoken(text).into_iter().collect()),
        Message::Agent { text, calls } => ("assistant", spoken(text).into_iter().chain(calls.iter().map(wish)).collect()),
        Message::Tool { id, content, .. } => ("user", vec![json!({ "type": "tool_result", "tool_use_id": id, "content": content })]),
    }
}

fn text(words: &str) -> Value {
    json!({ "type": "text", "text": words })
}

/// Arguments must be an object. Those that were malformed were answered with an error, which says more than what they were.
fn wish(call: &ToolCall) -> Value {
    let input = serde_json::from_str(&call.arguments).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

fn tool(tool: &ToolSpec) -> Value {
    json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn agent(text: &str, calls: Vec<ToolCall>) -> Message {
        Message::Agent { text: text.into(), calls }
    }

    fn asked(messages: Vec<Message>) -> ChatRequest {
        let tool = ToolSpec { name: "look".into(), description: "Looks.".into(), parameters: json!({ "type": "object" }) };
        ChatRequest { system: "Be kind.".into(), messages, tools: Arc::new([tool]), temperature: Some(1.5), max_tokens: 300 }
    }

    #[test]
    fn roles_take_turns_and_tools_are_answered_in_the_callers_next_message() {
        let call = ToolCall { id: "t1".into(), name: "look".into(), arguments: "{\"a\":1}".into() };
        let body = body(
            "claude",
            true,
            &asked(vec![
                agent("Hello, this is the hotel.", vec![]),
                Message::Caller { text: "a room".into() },
                Message::Caller { text: "please".into() },
                agent("", vec![call]),
                Message::Caller { text: "hurry".into() },
                Message::Tool { id: "t1".into(), name: "look".into(), content: "{\"free\":2}".into() },
            ]),
        );
        let wanted = json!({
            "model": "claude", "max_tokens": 300, "stream": true, "system": "Be kind.", "temperature": 1.0,
            "messages": [
                { "role": "user", "content": [{ "type": "text", "text": BEGIN }] },
                { "role": "assistant", "content": [{ "type": "text", "text": "Hello, this is the hotel." }] },
                { "role": "user", "content": [{ "type": "text", "text": "a room" }, { "type": "text", "text": "please" }] },
                { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "look", "input": { "a": 1 } }] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "t1", "content": "{\"free\":2}" }, { "type": "text", "text": "hurry" } ] },
            ],
            "tools": [{ "name": "look", "description": "Looks.", "input_schema": { "type": "object" } }],
        });
        assert_eq!(body, wanted);
    }

    #[test]
    fn a_conversation_that_ends_with_the_agent_is_asked_to_go_on() {
        let broken = ToolCall { id: "t1".into(), name: "look".into(), arguments: "{\"a\":".into() };
        let body = body("claude", false, &asked(vec![agent(" ", vec![broken]), agent("Well.", vec![])]));
        let roles: Vec<&Value> = body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
        assert_eq!(body["messages"][1]["content"], json!([{ "type": "tool_use", "id": "t1", "name": "look", "input": {} }]));
        assert!(body.get("temperature").is_none());
    }
}
