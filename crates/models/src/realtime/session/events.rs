//! What the vendor says.

use std::time::Instant;

use outbound::Fault;
use serde_json::Value;

use super::Session;
use super::answer::Spoken;
use crate::realtime::usage;
use crate::realtime::wire::{self, Weight};
use crate::voice::pump::Out;
use crate::{ModelError, ToolCall, VoiceEvent};

/// Items with sound of one turn that are kept in mind; an answer has one, and one more for each round of tools.
const MAX_SPOKEN: usize = 64;

impl Session {
    pub(super) fn event(&mut self, event: &Value, now: Instant) {
        match wire::current(wire::kind(event)) {
            "input_audio_buffer.committed" => self.committed(event),
            "conversation.item.input_audio_transcription.completed" => self.transcribed(event, now),
            "conversation.item.input_audio_transcription.failed" => self.written(now),
            "response.created" => self.created(event, now),
            "response.done" => self.done(&event["response"], now),
            "error" => self.error(event, now),
            kind if kind.starts_with("response.") => self.progress(kind, event, now),
            // Also what nobody knows yet: the vendor adds events over time.
            _ => {}
        }
    }

    fn committed(&mut self, event: &Value) {
        let item = text(&event["item_id"]);
        self.memory.caller(item);
        self.heard_last = Some(item.to_owned());
    }

    fn transcribed(&mut self, event: &Value, now: Instant) {
        let words = text(&event["transcript"]).trim();
        usage::transcription(&event["usage"], &self.meter, self.service, &self.config.transcription);
        if !words.is_empty() {
            let item = text(&event["item_id"]);
            self.memory.heard(item, words);
            // Words of an utterance before the last one would be taken for those of the last.
            if self.heard_last.as_deref() == Some(item) {
                self.report(VoiceEvent::CallerText(words.to_owned()));
            }
        }
        self.written(now);
    }

    fn written(&mut self, now: Instant) {
        self.unwritten = false;
        self.age(now);
    }

    fn created(&mut self, event: &Value, now: Instant) {
        if let Some(answer) = &mut self.answer {
            answer.id = event["response"]["id"].as_str().map(str::to_owned);
            answer.touch(false, now);
        }
    }

    /// Something of the answer under way.
    fn progress(&mut self, kind: &str, event: &Value, now: Instant) {
        let Some(answer) = &mut self.answer else { return };
        // Services of its like may leave the ids out.
        let (ours, theirs) = (answer.id.as_deref(), event["response_id"].as_str());
        if ours.is_some() && theirs.is_some() && ours != theirs {
            return;
        }
        let content = kind.ends_with(".delta") || event["item"]["type"] == "function_call";
        answer.touch(content, now);
        if answer.dropped {
            return;
        }
        match kind {
            "response.output_audio.delta" => self.sound(event),
            "response.output_audio.done" => self.rest(),
            "response.output_audio_transcript.delta" | "response.output_text.delta" => {
                let words = text(&event["delta"]);
                self.memory.agent(words);
                self.report(VoiceEvent::AgentText(words.to_owned()));
            }
            "response.output_item.done" => self.wish(&event["item"]),
            _ => {}
        }
    }

    fn sound(&mut self, event: &Value) {
        let Some((pcm, bytes)) = event["delta"].as_str().and_then(|delta| self.decoder.decode(delta)) else {
            self.out.push_back(Out::Fail(Fault::Malformed("sound that is no base64")));
            return;
        };
        let (item, content_index) = (text(&event["item_id"]), event["content_index"].as_u64().unwrap_or_default());
        let room = self.spoken.len() < MAX_SPOKEN;
        match self.spoken.last_mut().filter(|spoken| spoken.item == item && spoken.content_index == content_index) {
            Some(spoken) => spoken.bytes += bytes,
            None if room => self.spoken.push(Spoken { item: item.to_owned(), content_index, bytes }),
            None => {}
        }
        if !pcm.is_empty() {
            self.report(VoiceEvent::Audio(pcm.into()));
        }
    }

    /// The end of an item's sound.
    fn rest(&mut self) {
        let pcm = self.decoder.flush();
        if !pcm.is_empty() {
            self.report(VoiceEvent::Audio(pcm.into()));
        }
    }

    /// A complete item; if it is a wish for a tool, it is reported once.
    fn wish(&mut self, item: &Value) {
        let Some(answer) = &mut self.answer else { return };
        let id = text(&item["call_id"]);
        if item["type"] != "function_call" || item["status"] == "incomplete" || answer.wishes.iter().any(|wish| wish == id) {
            return;
        }
        answer.wishes.push(id.to_owned());
        self.wishes.push(id.to_owned());
        let call = ToolCall { id: id.to_owned(), name: text(&item["name"]).to_owned(), arguments: text(&item["arguments"]).to_owned() };
        self.memory.called(&call);
        self.report(VoiceEvent::Call(call));
    }

    fn done(&mut self, response: &Value, now: Instant) {
        usage::answer(&response["usage"], &self.meter, self.service, &self.config.model);
        if response["usage"].is_object() {
            self.is_known();
        }
        if let Some(answer) = &self.answer
            && !answer.dropped
        {
            if let "completed" | "incomplete" = text(&response["status"]) {
                response["output"].as_array().into_iter().flatten().for_each(|item| self.wish(item));
            }
            self.end(response);
        }
        self.over(now);
    }

    /// Reports how the answer ended.
    fn end(&mut self, response: &Value) {
        let (tools, begun) = self.answer.as_ref().map_or((false, false), |answer| (!answer.wishes.is_empty(), answer.begun));
        let details = &response["status_details"];
        match (text(&response["status"]), text(&details["reason"])) {
            ("failed", _) => self.trouble(wire::fault(&details["error"])),
            ("incomplete", "content_filter") if !begun => {
                self.report(VoiceEvent::Trouble(ModelError::NoAnswer { model: self.service, why: "the vendor kept it back" }));
            }
            _ => self.report(VoiceEvent::Answered { tools }),
        }
    }

    /// The answer failed by the vendor's fault.
    pub(super) fn trouble(&mut self, fault: Fault) {
        self.out.push_back(Out::Note(fault.clone()));
        self.report(VoiceEvent::Trouble(ModelError::service(self.service)(fault)));
    }

    /// No answer is under way any more: what waited for that is done.
    fn over(&mut self, now: Instant) {
        self.answer = None;
        self.memory.close();
        match self.queued.take() {
            // Tools that were asked for meanwhile are answered first, and then it goes on.
            Some(new) if new || self.wishes.is_empty() => self.ask(new, now),
            _ => self.age(now),
        }
    }

    fn error(&mut self, event: &Value, now: Instant) {
        let asked = self.answer.as_ref().filter(|answer| !answer.begun).map(|answer| answer.name.as_str());
        let weight = wire::weigh(event, asked);
        if event["error"]["code"] == "input_audio_buffer_commit_empty" {
            self.written(now);
        }
        match weight {
            Weight::Harmless => tracing::debug!(service = self.service, "the service complains of something that harms nobody"),
            // What is under way is another answer; its end brings ours. If it has none, the limit of the question ends the session.
            Weight::Busy => {
                if let Some(answer) = &mut self.answer {
                    answer.dropped = true;
                }
                self.queued = Some(true);
            }
            Weight::Answer => {
                let dropped = self.answer.as_ref().is_some_and(|answer| answer.dropped);
                if !dropped {
                    self.trouble(wire::fault(&event["error"]));
                }
                self.is_known();
                self.over(now);
            }
            Weight::Fatal => self.out.push_back(Out::Fail(wire::fault(&event["error"]))),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
