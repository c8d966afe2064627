//! A request in the server's words.

use serde_json::{Map, Value, json};

use super::{Dialect, Limit};
use crate::history::in_order;
use crate::{ChatRequest, Message, ToolCall, ToolSpec};

pub(super) fn body(dialect: &Dialect, model: &str, asked: &ChatRequest) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages(asked).into());
    body.insert("stream".into(), true.into());
    if dialect.usage {
        body.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    let limit = match dialect.limit {
        Limit::MaxCompletionTokens => "max_completion_tokens",
        Limit::MaxTokens => "max_tokens",
    };
    body.insert(limit.into(), asked.max_tokens.into());
    if let Some(temperature) = asked.temperature.filter(|_| dialect.temperature) {
        body.insert("temperature".into(), decimal(temperature));
    }
    // Both are refused where no tools are offered.
    if !asked.tools.is_empty() {
        body.insert("tools".into(), asked.tools.iter().map(tool).collect());
        if let Some(parallel) = dialect.parallel_tool_calls {
            body.insert("parallel_tool_calls".into(), parallel.into());
        }
    }
    body.into()
}

/// 0.7 and not 0.699999988079071.
pub(crate) fn decimal(number: f32) -> Value {
    let rounded = (f64::from(number) * 1000.0).round() / 1000.0;
    rounded.into()
}

fn messages(asked: &ChatRequest) -> Vec<Value> {
    let mut messages = Vec::with_capacity(asked.messages.len() + 1);
    if !asked.system.is_empty() {
        messages.push(json!({ "role": "system", "content": asked.system }));
    }
    messages.extend(in_order(&asked.messages).iter().filter_map(message));
    messages
}

fn message(message: &Message) -> Option<Value> {
    Some(match message {
        Message::Caller { text } => json!({ "role": "user", "content": text }),
        // Of an answer that was cut off before a word of it was heard nothing is left.
        Message::Agent { text, calls } if calls.is_empty() && text.is_empty() => return None,
        Message::Agent { text, calls } if calls.is_empty() => json!({ "role": "assistant", "content": text }),
        Message::Agent { text, calls } => {
            let content = if text.is_empty() { Value::Null } else { text.as_str().into() };
            json!({ "role": "assistant", "content": content, "tool_calls": calls.iter().map(call).collect::<Vec<_>>() })
        }
        Message::Tool { id, content, .. } => json!({ "role": "tool", "tool_call_id": id, "content": content }),
    })
}

fn call(call: &ToolCall) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

fn tool(tool: &ToolSpec) -> Value {
    let function = json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters });
    json!({ "type": "function", "function": function })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn asked() -> ChatRequest {
        let call = ToolCall { id: "c1".into(), name: "look".into(), arguments: "{\"a\":1}".into() };
        ChatRequest {
            system: "Be kind.".into(),
            messages: vec![
                Message::Caller { text: "hello".into() },
                Message::Agent { text: String::new(), calls: vec![] },
                Message::Agent { text: String::new(), calls: vec![call] },
                Message::Tool { id: "c1".into(), name: "look".into(), content: "{}".into() },
            ],
            tools: Arc::new([ToolSpec { name: "look".into(), description: "Looks.".into(), parameters: json!({ "type": "object" }) }]),
            temperature: Some(0.7),
            max_tokens: 300,
        }
    }

    #[test]
    fn a_conversation_is_put_into_the_words_of_the_protocol() {
        let body = body(&Dialect::openai("gpt-4.1"), "gpt-4.1", &asked());
        let wanted = json!({
            "model": "gpt-4.1", "stream": true, "stream_options": { "include_usage": true },
            "max_completion_tokens": 300, "temperature": 0.7,
            "messages": [
                { "role": "system", "content": "Be kind." },
                { "role": "user", "content": "hello" },
                { "role": "assistant", "content": null, "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{\"a\":1}" } } ] },
                { "role": "tool", "tool_call_id": "c1", "content": "{}" },
            ],
            "tools": [{ "type": "function", "function": { "name": "look", "description": "Looks.", "parameters": { "type": "object" } } }],
        });
        assert_eq!(body, wanted);
    }

    #[test]
    fn a_dialect_leaves_out_what_its_server_refuses() {
        let dialect =
            Dialect { usage: false, temperature: false, parallel_tool_calls: Some(false), ..Dialect::own("http://127.0.0.1:1/v1") };
        let with_tools = body(&dialect, "llama", &asked());
        assert_eq!(with_tools["max_tokens"], 300);
        assert_eq!(with_tools["parallel_tool_calls"], false);
        for absent in ["stream_options", "temperature", "max_completion_tokens"] {
            assert!(with_tools.get(absent).is_none(), "{absent}");
        }
        let without = body(&dialect, "llama", &ChatRequest { tools: Arc::default(), ..asked() });
        assert!(without.get("tools").is_none() && without.get("parallel_tool_calls").is_none());
    }
}
