//! Pieces of a conversation as the vendor has them.

use serde_json::{Value, json};

use crate::Message;

/// The `conversation.item.create` events that bring a conversation into a new session.
pub(super) fn replay(messages: &[Message]) -> Vec<Value> {
    let mut items = Vec::new();
    for message in messages {
        match message {
            Message::Caller { text } => items.push(said("user", "input_text", text)),
            Message::Agent { text, calls } => {
                if !text.is_empty() {
                    items.push(said("assistant", "output_text", text));
                }
                let call = |call: &crate::ToolCall| {
                    create(json!({ "type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments }))
                };
                items.extend(calls.iter().map(call));
            }
            Message::Tool { id, content, .. } => items.push(output(id, content)),
        }
    }
    items
}

/// Something about the call: not the caller's words.
pub(super) fn told(text: &str) -> Value {
    said("system", "input_text", text)
}

/// A tool's answer.
pub(super) fn output(id: &str, result: &str) -> Value {
    create(json!({ "type": "function_call_output", "call_id": id, "output": result }))
}

fn said(role: &str, kind: &str, text: &str) -> Value {
    create(json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] }))
}

fn create(item: Value) -> Value {
    json!({ "type": "conversation.item.create", "item": item })
}
