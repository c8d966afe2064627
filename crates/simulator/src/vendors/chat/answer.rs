//! An answer in OpenAI's chunks, or whole.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::check::Asked;
use super::refusal::Refusal;
use crate::Reply;
use crate::vendors::sse::{Faulty, Frame, pieces, words};

/// Shortest conversation that is kept for the next request, tokens, and the steps in which it is.
const CACHED_FROM: u64 = 1024;
const CACHED_STEP: u64 = 128;

/// One answer.
pub(super) struct Answer {
    id: String,
    model: String,
    created: u64,
    usage: bool,
    words: Vec<String>,
    /// The tool: its name, its arguments in pieces, and the id of the wish.
    tool: Option<(String, Vec<String>, String)>,
    finish: &'static str,
    prompt: u64,
    cached: u64,
}

impl Answer {
    pub(super) fn new(asked: &Asked, reply: Reply) -> Self {
        let arguments = pieces(&reply.arguments());
        let mut words = words(&reply.say);
        let limit = asked.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let cut = words.len() > limit;
        words.truncate(limit);
        let tool = reply.tool.filter(|_| !cut).map(|(name, _)| (name, arguments, format!("call_{}", name_of_24())));
        let finish = if cut { "length" } else { tool.as_ref().map_or("stop", |_| "tool_calls") };
        Self {
            id: format!("chatcmpl-{}", name_of_24()),
            model: asked.model.clone(),
            created: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            usage: asked.usage,
            words,
            tool,
            finish,
            prompt: asked.tokens,
            cached: cached(asked.before),
        }
    }

    pub(super) fn request_id(&self) -> String {
        self.id.replace("chatcmpl-", "req_")
    }

    /// As chunks.
    pub(super) fn frames(&self) -> Vec<Frame> {
        let mut frames = vec![Frame::plain(self.chunk(json!({ "role": "assistant", "content": "", "refusal": null }), None))];
        frames.extend(self.words.iter().map(|word| Frame::token(self.chunk(json!({ "content": word }), None))));
        if let Some((name, arguments, id)) = &self.tool {
            let begin = json!({ "index": 0, "id": id, "type": "function", "function": { "name": name, "arguments": "" } });
            frames.push(Frame::token(self.chunk(json!({ "tool_calls": [begin] }), None)));
            for piece in arguments {
                let more = json!({ "index": 0, "function": { "arguments": piece } });
                frames.push(Frame::token(self.chunk(json!({ "tool_calls": [more] }), None)));
            }
        }
        frames.push(Frame::plain(self.chunk(json!({}), Some(self.finish))));
        if self.usage {
            let mut last = self.head("chat.completion.chunk");
            (last["choices"], last["usage"]) = (json!([]), self.used());
            frames.push(Frame::plain(format!("data: {last}\n\n")));
        }
        frames.push(Frame::plain("data: [DONE]\n\n".to_owned()));
        frames
    }

    /// As one body.
    pub(super) fn whole(&self) -> Vec<Frame> {
        let text = self.words.concat();
        let content = if text.is_empty() { Value::Null } else { text.into() };
        let mut message = json!({ "role": "assistant", "content": content, "refusal": null, "annotations": [] });
        if let Some((name, arguments, id)) = &self.tool {
            let function = json!({ "name": name, "arguments": arguments.concat() });
            message["tool_calls"] = json!([{ "id": id, "type": "function", "function": function }]);
        }
        let mut whole = self.head("chat.completion");
        whole["choices"] = json!([{ "index": 0, "message": message, "logprobs": null, "finish_reason": self.finish }]);
        whole["usage"] = self.used();
        vec![Frame { text: whole.to_string(), tokens: u32::try_from(self.written()).unwrap_or(u32::MAX).max(1) }]
    }

    pub(super) fn faulty(&self) -> Faulty {
        Faulty { error: Refusal::of_status(500, None).in_stream(), malformed: "data: {\"id\":\"chatcmpl-\n\n".to_owned() }
    }

    fn head(&self, object: &str) -> Value {
        json!({ "id": self.id, "object": object, "created": self.created, "model": self.model, "service_tier": "default", "system_fingerprint": null })
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> String {
        let mut chunk = self.head("chat.completion.chunk");
        chunk["choices"] = json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
        if self.usage {
            chunk["usage"] = Value::Null;
        }
        format!("data: {chunk}\n\n")
    }

    /// Tokens of the answer.
    fn written(&self) -> usize {
        self.words.len() + self.tool.as_ref().map_or(0, |(_, arguments, _)| arguments.len() + 1)
    }

    fn used(&self) -> Value {
        let written = self.written() as u64;
        json!({
            "prompt_tokens": self.prompt, "completion_tokens": written, "total_tokens": self.prompt + written,
            "prompt_tokens_details": { "cached_tokens": self.cached, "audio_tokens": 0 },
            "completion_tokens_details": {
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            },
        })
    }
}

/// What was sent before the last message was sent with the request before: that much is kept, when it is long enough.
fn cached(before: u64) -> u64 {
    if before < CACHED_FROM { 0 } else { before - before % CACHED_STEP }
}

fn name_of_24() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(24).collect()
}
