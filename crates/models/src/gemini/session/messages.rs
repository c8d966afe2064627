//! What the vendor says.

use std::time::{Duration, Instant};

use outbound::Fault;
use serde_json::Value;

use super::{Leaving, Session};
use crate::gemini::{usage, wire};
use crate::voice::pump::Out;
use crate::{ModelError, ToolCall, VoiceEvent};

/// Kept of the time the vendor leaves us, for the way to another connection.
const HEADROOM: Duration = Duration::from_secs(1);
/// Longest text of an utterance, bytes: thirty seconds of speech have some 600.
const MAX_WORDS: usize = 8 * 1024;

impl Session {
    pub(super) fn heard(&mut self, message: &Value, now: Instant) {
        // A message has one of these keys; the usage may come along with another.
        let content = &message["serverContent"];
        if content.is_object() {
            self.content(content, now);
        }
        let calls = message["toolCall"]["functionCalls"].as_array();
        if let Some(calls) = calls {
            self.called(calls);
        }
        if let Some(ids) = message["toolCallCancellation"]["ids"].as_array() {
            self.wishes.retain(|wish| !ids.iter().any(|id| *id == wish.0.as_str()));
            self.answer_tools(now);
        }
        if message["usageMetadata"].is_object() {
            usage::turn(&message["usageMetadata"], &self.call.meter, self.service, &self.config.model);
        }
        self.standing(message, now);
    }

    /// What it says about the connection.
    fn standing(&mut self, message: &Value, now: Instant) {
        let update = &message["sessionResumptionUpdate"];
        if let (true, Some(handle)) = (update["resumable"] == true, update["newHandle"].as_str()) {
            self.handle = Some(handle.to_owned());
        }
        if message["goAway"].is_object() {
            let left = message["goAway"]["timeLeft"].as_str().and_then(wire::seconds).unwrap_or_default();
            self.leaving = Leaving::By(now + left.saturating_sub(HEADROOM));
            self.report(VoiceEvent::GoingAway);
            self.leave(now);
        }
    }

    fn content(&mut self, content: &Value, now: Instant) {
        if content["interrupted"] == true {
            self.interrupted(now);
        }
        let parts = content["modelTurn"]["parts"].as_array().into_iter().flatten();
        let spoken = content["outputTranscription"]["text"].as_str().filter(|text| !text.is_empty());
        if spoken.is_some() || content["modelTurn"].is_object() {
            self.progress(now);
        }
        parts.for_each(|part| self.part(part));
        if let Some(words) = spoken.filter(|_| self.answering()) {
            self.memory.agent(words);
            self.report(VoiceEvent::AgentText(words.to_owned()));
        }
        let heard = &content["inputTranscription"];
        if let Some(text) = heard["text"].as_str() {
            let room = self.words.len() + text.len() <= MAX_WORDS;
            self.words.push_str(if room { text } else { "" });
        }
        let over = content["generationComplete"] == true || content["turnComplete"] == true;
        if heard["finished"] == true || over {
            self.understood();
        }
        if content["generationComplete"] == true {
            self.complete(content, false, now);
        }
        if content["turnComplete"] == true {
            self.complete(content, true, now);
        }
    }

    /// The model was stopped; a `turnComplete` of what it was at follows.
    fn interrupted(&mut self, now: Instant) {
        let begun = self.answer.take_if(|answer| answer.begun);
        self.owed = true;
        if let Some(answer) = begun {
            if !answer.dropped {
                self.memory.close();
                self.report(VoiceEvent::Answered { tools: false });
            }
            self.go_on(now);
        }
    }

    fn progress(&mut self, now: Instant) {
        if let Some(answer) = &mut self.answer {
            answer.since = now;
            if !std::mem::replace(&mut answer.begun, true) {
                // Nothing of an earlier turn comes after this.
                self.owed = false;
            }
        }
    }

    fn part(&mut self, part: &Value) {
        let sound = &part["inlineData"];
        if !self.answering() || !sound["mimeType"].as_str().is_some_and(|kind| kind.starts_with("audio/pcm")) {
            return;
        }
        match sound["data"].as_str().and_then(|data| self.decoder.decode(data)) {
            Some((pcm, bytes)) => {
                self.received += bytes;
                if !pcm.is_empty() {
                    self.report(VoiceEvent::Audio(pcm.into()));
                }
            }
            None => self.out.push_back(Out::Fail(Fault::Malformed("sound that is no base64"))),
        }
    }

    /// Reports what was understood of the caller.
    fn understood(&mut self) {
        let words = std::mem::take(&mut self.words);
        let words = words.trim();
        if !words.is_empty() {
            self.memory.heard(&self.utterances.to_string(), words);
            self.report(VoiceEvent::CallerText(words.to_owned()));
        }
    }

    /// The answer is made (`turn` false), or made and, as the vendor believes, heard. The second may come without the first, and long after it.
    fn complete(&mut self, content: &Value, turn: bool, now: Instant) {
        if turn && std::mem::take(&mut self.owed) {
            self.leave(now);
            return;
        }
        let Some(answer) = self.answer.take() else {
            self.leave(now);
            return;
        };
        self.owed = !turn;
        if !answer.dropped {
            self.rest();
            let reason = content["turnCompleteReason"].as_str().unwrap_or_default();
            let event = match reason {
                "MALFORMED_FUNCTION_CALL" | "RESPONSE_REJECTED" if !answer.begun => {
                    VoiceEvent::Trouble(ModelError::NoAnswer { model: self.service, why: "the vendor kept it back" })
                }
                _ => VoiceEvent::Answered { tools: false },
            };
            self.memory.close();
            self.report(event);
        }
        self.go_on(now);
    }

    /// The end of the sound.
    fn rest(&mut self) {
        let pcm = self.decoder.flush();
        if !pcm.is_empty() && self.received > 0 {
            self.report(VoiceEvent::Audio(pcm.into()));
        }
    }

    /// No answer is under way any more: what waited for that is done.
    fn go_on(&mut self, now: Instant) {
        if std::mem::take(&mut self.queued) {
            self.ask(now);
        } else if self.held.as_ref().is_some_and(|held| held.finished) {
            self.release(now);
        }
        self.leave(now);
    }

    /// The model waits for tools; what it says after them is another answer.
    fn called(&mut self, calls: &[Value]) {
        self.understood();
        if !self.answering() {
            return;
        }
        self.answer = None;
        self.owed = false;
        for call in calls {
            let (id, name) = (call["id"].as_str().unwrap_or_default(), call["name"].as_str().unwrap_or_default());
            let call = ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: call["args"].to_string() };
            self.wishes.push((call.id.clone(), call.name.clone(), None));
            self.memory.called(&call);
            self.report(VoiceEvent::Call(call));
        }
        self.memory.close();
        self.report(VoiceEvent::Answered { tools: true });
    }
}
