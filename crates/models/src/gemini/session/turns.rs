//! What the caller and the tools do.

use std::time::Instant;

use serde_json::{Value, json};

use super::Session;
use crate::gemini::wire;

impl Session {
    /// Tells that the caller speaks, once; this stops the model.
    pub(super) fn open(&mut self) {
        if !std::mem::replace(&mut self.active, true) {
            self.send(wire::activity("activityStart"));
        }
    }

    /// Sends what was held back.
    pub(super) fn release(&mut self, now: Instant) {
        let Some(held) = self.held.take() else { return };
        self.open();
        held.sound.iter().for_each(|sound| self.send(wire::audio(sound)));
        if held.finished {
            self.close(now);
        }
    }

    /// The utterance is over.
    fn close(&mut self, now: Instant) {
        self.active = false;
        self.send(wire::activity("activityEnd"));
        self.utterances += 1;
        self.memory.caller(&self.utterances.to_string());
        self.received = 0;
        self.ask(now);
    }

    pub(super) fn finish(&mut self, now: Instant) {
        self.speaking = false;
        let answering = self.answering();
        match &mut self.held {
            // It was not interrupted, so it is heard to its end first.
            Some(held) if answering => held.finished = true,
            Some(held) => {
                held.finished = true;
                self.release(now);
            }
            None => self.close(now),
        }
    }

    pub(super) fn interrupt(&mut self, heard_ms: u32, now: Instant) {
        self.queued = false;
        match &mut self.answer {
            Some(answer) if answer.begun => answer.dropped = true,
            // Nothing of it is on its way.
            _ => self.answer = None,
        }
        if self.held.is_some() {
            self.release(now);
        } else if self.answer.is_some() || self.owed {
            self.open();
        }
        self.memory.cut(heard_ms, wire::SPOKEN.millis(self.received));
        self.decoder.flush();
    }

    pub(super) fn tell(&mut self, text: &str, answer: bool, now: Instant) {
        self.memory.told(text);
        if answer && self.active && !self.speaking {
            // An utterance that was none is still open; nothing is answered within it.
            self.active = false;
            self.send(wire::activity("activityEnd"));
        }
        self.send(wire::told(text, answer));
        if answer {
            self.received = 0;
            self.ask(now);
        }
    }

    pub(super) fn tool_answered(&mut self, id: &str, result: &str, now: Instant) {
        let Some(wish) = self.wishes.iter_mut().find(|wish| wish.0 == id) else {
            // The vendor took the wish back when the caller spoke, or knew of it in a connection that is gone; what was done is done.
            return self.tell(&format!("[The tool that you had called has answered: {result}]"), !self.speaking, now);
        };
        self.memory.answered(id, result);
        wish.2 = Some(wire::answer(id, &wish.1, result));
        self.answer_tools(now);
    }

    /// Sends the answers of tools when they are all there.
    pub(super) fn answer_tools(&mut self, now: Instant) {
        if self.wishes.is_empty() || self.wishes.iter().any(|wish| wish.2.is_none()) {
            return;
        }
        let answers: Vec<Value> = self.wishes.drain(..).filter_map(|wish| wish.2).collect();
        self.send(json!({ "toolResponse": { "functionResponses": answers } }));
        self.ask(now);
    }
}
