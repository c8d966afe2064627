//! What the model does: answers, from `response.created` to `response.done`.

use axum::extract::ws::Message;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::session::{End, Session};
use super::speaker::{self, Step, Voice};
use super::wire::{Wrong, sentence};
use crate::{Act, Vendor};

/// Sound of a token, milliseconds: heard, and spoken.
const HEARD_MS: u64 = 100;
const SPOKEN_MS: u64 = 50;
/// What was read before is cached in pieces of so many tokens.
const CACHE: u64 = 64;

/// An answer under way.
pub(super) struct Running {
    pub(super) steps: mpsc::Receiver<Step>,
    /// What it is spoken with, until what it answers is understood.
    waiting: Option<(Act, Voice, mpsc::Sender<Step>)>,
    id: String,
    metadata: Value,
    /// Items that are complete.
    output: Vec<Value>,
    /// The item that is being spoken.
    item: Option<Value>,
    words: String,
    audio_ms: u64,
    call_letters: usize,
    speaks: bool,
}

impl Session {
    pub(super) async fn respond(&mut self, settings: &Value) -> Result<Result<(), Wrong>, End> {
        if self.running.is_some() {
            return Ok(Err(Wrong::new("conversation_already_has_active_response")));
        }
        if let Some(instructions) = settings["instructions"].as_str() {
            self.talk.said(instructions);
        }
        self.begin(settings).await?;
        Ok(Ok(()))
    }

    async fn begin(&mut self, settings: &Value) -> Result<(), End> {
        let act = self.stage.plan.begin(Vendor::OpenAi);
        let speaks = match settings["output_modalities"][0].as_str() {
            Some(modality) => modality == "audio",
            None => self.config.speaks(),
        };
        let (sender, steps) = speaker::channel();
        let voice = Voice { mouth: self.stage.mouth.clone(), format: self.config.format("output"), speaks };
        let running = Running {
            steps,
            waiting: Some((act, voice, sender)),
            id: self.id("resp"),
            metadata: settings["metadata"].clone(),
            output: Vec::new(),
            item: None,
            words: String::new(),
            audio_ms: 0,
            call_letters: 0,
            speaks,
        };
        let response = running.object("in_progress", Value::Null, Value::Null);
        self.running = Some(running);
        self.send(json!({ "type": "response.created", "response": response })).await?;
        let limits = json!([
            { "name": "requests", "limit": 5000, "remaining": 4999, "reset_seconds": 0.012 },
            { "name": "tokens", "limit": 400_000, "remaining": 399_000, "reset_seconds": 0.15 },
        ]);
        self.send(json!({ "type": "rate_limits.updated", "rate_limits": limits })).await?;
        self.launch();
        Ok(())
    }

    /// Lets the answer begin; its words depend on what was understood, so ears are waited for.
    pub(super) fn launch(&mut self) {
        if self.hearing > 0 {
            return;
        }
        let plan = self.talk.plan(&self.stage.mind, &self.config.tools());
        if let Some((act, voice, steps)) = self.running.as_mut().and_then(|running| running.waiting.take()) {
            speaker::start(act, voice, plan, steps);
        }
    }

    pub(super) async fn step(&mut self, step: Step) -> Result<(), End> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let (speaks, id) = (running.speaks, running.id.clone());
        match step {
            Step::Words(delta) => {
                running.words.push_str(&delta);
                let item = self.open_item().await?;
                let kind = if speaks { "response.output_audio_transcript.delta" } else { "response.output_text.delta" };
                self.send(place(kind, &id, &item, json!({ "delta": delta }))).await
            }
            Step::Sound(delta, millis) => {
                running.audio_ms += millis;
                let item = self.open_item().await?;
                self.spoke = true;
                if let Some(known) = self.items.iter_mut().find(|known| item["id"] == known.id.as_str()) {
                    known.audio_ms += millis;
                }
                self.send(place("response.output_audio.delta", &id, &item, json!({ "delta": delta }))).await
            }
            Step::Said => self.close_item("completed").await,
            Step::Call(name, arguments) => self.call(&name, &arguments).await,
            Step::Done => self.finish("completed", Value::Null).await,
            Step::Failed(code) => {
                let error = json!({ "type": if code == "server_error" { code } else { "invalid_request_error" }, "code": code, "message": sentence(code) });
                self.finish("failed", json!({ "type": "failed", "error": error })).await
            }
            Step::Malformed => self.socket.send(Message::text("{\"type\":\"response.")).await.map_err(|_| End::Left),
            Step::Cut => Err(End::Cut),
        }
    }

    /// The item that is being spoken; begun when there is none.
    async fn open_item(&mut self) -> Result<Value, End> {
        if let Some(item) = self.running.as_ref().and_then(|running| running.item.clone()) {
            return Ok(item);
        }
        let item = json!({ "id": self.id("item"), "object": "realtime.item", "type": "message", "status": "in_progress", "role": "assistant",
            "content": [] });
        let previous = self.items.last().map(|item| item.id.clone());
        let Some(running) = &mut self.running else { return Ok(item) };
        running.item = Some(item.clone());
        let (id, index) = (running.id.clone(), running.output.len());
        let part = running.part("", "");
        self.send(json!({ "type": "response.output_item.added", "response_id": id, "output_index": index, "item": item })).await?;
        self.send(json!({ "type": "conversation.item.added", "previous_item_id": previous, "item": item })).await?;
        self.remember(item.clone(), true);
        self.send(place("response.content_part.added", &id, &item, json!({ "part": part }))).await?;
        Ok(item)
    }

    /// What was said is over.
    async fn close_item(&mut self, status: &str) -> Result<(), End> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let Some(mut item) = running.item.take() else { return Ok(()) };
        let words = std::mem::take(&mut running.words);
        let (id, index, speaks) = (running.id.clone(), running.output.len(), running.speaks);
        let part = running.part(&words, &words);
        item["status"] = json!(status);
        item["content"] = json!([content(&part, speaks)]);
        running.output.push(item.clone());
        self.talk.said(&words);
        if speaks {
            self.send(place("response.output_audio.done", &id, &item, json!({}))).await?;
            self.send(place("response.output_audio_transcript.done", &id, &item, json!({ "transcript": words }))).await?;
        } else {
            self.send(place("response.output_text.done", &id, &item, json!({ "text": words }))).await?;
        }
        self.send(place("response.content_part.done", &id, &item, json!({ "part": part }))).await?;
        self.item_done(&id, index, item).await
    }

    async fn item_done(&mut self, response: &str, index: usize, item: Value) -> Result<(), End> {
        if let Some(known) = self.items.iter_mut().find(|known| item["id"] == known.id.as_str()) {
            known.value = item.clone();
        }
        self.send(json!({ "type": "conversation.item.done", "previous_item_id": null, "item": item })).await?;
        self.send(json!({ "type": "response.output_item.done", "response_id": response, "output_index": index, "item": item })).await
    }

    async fn call(&mut self, name: &str, arguments: &str) -> Result<(), End> {
        let (item_id, call_id) = (self.id("item"), self.id("call"));
        let item = |status: &str, arguments: &str| {
            json!({ "id": item_id, "object": "realtime.item", "type": "function_call", "status": status, "call_id": call_id, "name": name,
                "arguments": arguments })
        };
        let previous = self.items.last().map(|item| item.id.clone());
        let Some(running) = &mut self.running else { return Ok(()) };
        let (id, index) = (running.id.clone(), running.output.len());
        running.output.push(item("completed", arguments));
        running.call_letters += name.len() + arguments.len();
        self.talk.called(&call_id, name);
        let begun = item("in_progress", "");
        self.send(json!({ "type": "response.output_item.added", "response_id": id, "output_index": index, "item": begun })).await?;
        self.send(json!({ "type": "conversation.item.added", "previous_item_id": previous, "item": begun })).await?;
        self.remember(begun, false);
        let about = json!({ "response_id": id, "item_id": item_id, "output_index": index, "call_id": call_id });
        let with = |kind: &str, name: &str, value: &str| {
            let mut event = about.clone();
            event["type"] = json!(kind);
            event[name] = json!(value);
            event
        };
        self.send(with("response.function_call_arguments.delta", "delta", arguments)).await?;
        let mut done = with("response.function_call_arguments.done", "arguments", arguments);
        done["name"] = json!(name);
        self.send(done).await?;
        self.item_done(&id, index, item("completed", arguments)).await
    }

    /// Cuts the answer off.
    pub(super) async fn cancel(&mut self, reason: &str) -> Result<Result<(), Wrong>, End> {
        if self.running.is_none() {
            return Ok(Err(Wrong::new("response_cancel_not_active")));
        }
        self.close_item("incomplete").await?;
        self.finish("cancelled", json!({ "type": "cancelled", "reason": reason })).await?;
        Ok(Ok(()))
    }

    async fn finish(&mut self, status: &str, details: Value) -> Result<(), End> {
        if status == "failed" {
            self.close_item("incomplete").await?;
        }
        let Some(running) = self.running.take() else { return Ok(()) };
        let usage = self.usage(&running);
        self.send(json!({ "type": "response.done", "response": running.object(status, details, usage) })).await
    }

    /// The bill: everything that was said is read again, the part that was read before at the cached price.
    fn usage(&mut self, running: &Running) -> Value {
        self.audio_tokens += self.new_audio_ms / HEARD_MS;
        self.new_audio_ms = 0;
        let instructions = self.config.0["instructions"].as_str().unwrap_or_default().len() as u64 / 4;
        let (text, audio) = (instructions + self.talk.tokens(), self.audio_tokens);
        let cached = (self.read_before.0.min(text) / CACHE * CACHE, self.read_before.1.min(audio) / CACHE * CACHE);
        self.read_before = (text, audio);
        let spoken = running.audio_ms / SPOKEN_MS;
        let written = running
            .output
            .iter()
            .map(|item| item["content"][0]["transcript"].as_str().unwrap_or_default().len() as u64 / 4 + 1)
            .sum::<u64>()
            + running.call_letters as u64 / 4;
        // What was spoken is heard again next time.
        self.audio_tokens += running.audio_ms / HEARD_MS;
        json!({
            "total_tokens": text + audio + spoken + written, "input_tokens": text + audio, "output_tokens": spoken + written,
            "input_token_details": { "text_tokens": text, "audio_tokens": audio, "image_tokens": 0, "cached_tokens": cached.0 + cached.1,
                "cached_tokens_details": { "text_tokens": cached.0, "audio_tokens": cached.1, "image_tokens": 0 } },
            "output_token_details": { "text_tokens": written, "audio_tokens": spoken },
        })
    }
}

impl Running {
    fn object(&self, status: &str, details: Value, usage: Value) -> Value {
        let modality = if self.speaks { "audio" } else { "text" };
        json!({ "id": self.id, "object": "realtime.response", "status": status, "status_details": details, "output": self.output,
            "conversation_id": "conv_1", "output_modalities": [modality], "max_output_tokens": "inf", "metadata": self.metadata, "usage": usage })
    }

    fn part(&self, transcript: &str, text: &str) -> Value {
        if self.speaks { json!({ "type": "audio", "transcript": transcript }) } else { json!({ "type": "text", "text": text }) }
    }
}

/// A content part as it stands in an item.
fn content(part: &Value, speaks: bool) -> Value {
    if speaks {
        json!({ "type": "output_audio", "transcript": part["transcript"] })
    } else {
        json!({ "type": "output_text", "text": part["text"] })
    }
}

/// An event about the first part of an item.
fn place(kind: &str, response: &str, item: &Value, mut event: Value) -> Value {
    event["type"] = json!(kind);
    event["response_id"] = json!(response);
    event["item_id"] = item["id"].clone();
    event["output_index"] = json!(0);
    event["content_index"] = json!(0);
    event
}
