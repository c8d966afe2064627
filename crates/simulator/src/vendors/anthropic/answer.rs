//! An answer in Anthropic's events, or whole.

use serde_json::{Value, json};

use super::check::Asked;
use super::refusal::Refusal;
use crate::Reply;
use crate::vendors::sse::{Faulty, Frame, pieces, words};

/// One answer.
pub(super) struct Answer {
    id: String,
    model: String,
    words: Vec<String>,
    /// The tool: its name, its arguments in pieces, and the id of the wish.
    tool: Option<(String, Vec<String>, String)>,
    stop: &'static str,
    asked: u64,
}

impl Answer {
    pub(super) fn new(asked: &Asked, reply: Reply) -> Self {
        let arguments = pieces(&reply.arguments());
        let mut words = words(&reply.say);
        let cut = words.len() > asked.limit;
        words.truncate(asked.limit);
        let tool = reply.tool.filter(|_| !cut).map(|(name, _)| (name, arguments, format!("toolu_{}", name_of_24())));
        let stop = if cut { "max_tokens" } else { tool.as_ref().map_or("end_turn", |_| "tool_use") };
        Self { id: format!("msg_{}", name_of_24()), model: asked.model.clone(), words, tool, stop, asked: asked.tokens }
    }

    /// As events. A ping comes among them, as it does.
    pub(super) fn frames(&self) -> Vec<Frame> {
        let mut message = self.message(json!([]), 1);
        (message["stop_reason"], message["stop_sequence"]) = (Value::Null, Value::Null);
        let mut frames = vec![plain(json!({ "type": "message_start", "message": message }))];
        let mut index = 0;
        if !self.words.is_empty() {
            frames.push(plain(begin(index, json!({ "type": "text", "text": "" }))));
            frames.push(plain(json!({ "type": "ping" })));
            frames.extend(self.words.iter().map(|word| token(go_on(index, json!({ "type": "text_delta", "text": word })))));
            frames.push(plain(json!({ "type": "content_block_stop", "index": index })));
            index += 1;
        }
        if let Some((name, arguments, id)) = &self.tool {
            frames.push(token(begin(index, json!({ "type": "tool_use", "id": id, "name": name, "input": {} }))));
            frames.push(plain(go_on(index, json!({ "type": "input_json_delta", "partial_json": "" }))));
            frames.extend(arguments.iter().map(|piece| token(go_on(index, json!({ "type": "input_json_delta", "partial_json": piece })))));
            frames.push(plain(json!({ "type": "content_block_stop", "index": index })));
        }
        let delta = json!({ "stop_reason": self.stop, "stop_sequence": null });
        frames.push(plain(json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": self.written() } })));
        frames.push(plain(json!({ "type": "message_stop" })));
        frames
    }

    /// As one body. Malformed arguments cannot be sent there: the vendor reads them itself.
    pub(super) fn whole(&self) -> Vec<Frame> {
        let mut content = Vec::new();
        if !self.words.is_empty() {
            content.push(json!({ "type": "text", "text": self.words.concat() }));
        }
        if let Some((name, arguments, id)) = &self.tool {
            let input: Value = serde_json::from_str(&arguments.concat()).unwrap_or_else(|_| json!({}));
            content.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
        }
        let tokens = u32::try_from(self.written()).unwrap_or(u32::MAX).max(1);
        vec![Frame { text: self.message(content.into(), self.written()).to_string(), tokens }]
    }

    fn message(&self, content: Value, written: usize) -> Value {
        let usage = json!({
            "input_tokens": self.asked, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": written,
            "service_tier": "standard",
        });
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": self.stop, "stop_sequence": null, "usage": usage,
        })
    }

    /// Tokens of the answer.
    fn written(&self) -> usize {
        self.words.len() + self.tool.as_ref().map_or(0, |(_, arguments, _)| arguments.len() + 1)
    }
}

pub(super) fn faulty() -> Faulty {
    let error = event(&Refusal::of_status(529, None).body());
    Faulty { error, malformed: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\n\n".to_owned() }
}

fn begin(index: u32, block: Value) -> Value {
    json!({ "type": "content_block_start", "index": index, "content_block": block })
}

fn go_on(index: u32, delta: Value) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": delta })
}

fn plain(data: Value) -> Frame {
    Frame::plain(event(&data))
}

fn token(data: Value) -> Frame {
    Frame::token(event(&data))
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn name_of_24() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(24).collect()
}
