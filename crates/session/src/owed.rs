//! What happens while the agent owes words: fillers, an apology, a way out, and words that came while the caller spoke.
//!
//! Fillers are ours and not the brain's: they are in the recording, but not in the turn, the transcript or the brain's history. A record that
//! held them would read as if the agent had answered, and its latency would be that of the filler.

use std::time::Instant;

use agent::{BrainInput, BrainOutput};
use conversation::Words;
use telemetry::SessionFact;
use tracing::error;

use crate::run::Session;
use crate::socket::MediaSocket;

/// Outputs of the brain that may wait for the caller's endpoint. A reply has a few sentences, or is a minute of sound in pieces of 20 ms.
const LATE_LIMIT: usize = 3_000;

impl<S: MediaSocket> Session<S> {
    /// When, by our clock, the caller has heard all that was sent, and more is owed.
    pub(crate) fn quiet_due(&self) -> Option<Instant> {
        let more = self.speaker.is_making() || !self.reply.complete;
        let dry = self.speaker.playout.is_empty() && !self.speaker.is_making_aside();
        (dry && more && self.conversation.agent_is_heard()).then(|| self.speaker.playout.ends_at().unwrap_or(self.origin))
    }

    pub(crate) fn filler(&mut self, count: u32, tool: bool, now: Instant) {
        if !self.late.is_empty() {
            // The words are there; what the caller said takes too long to be known.
            return self.release_late(now);
        }
        let texts = if tool { &self.wait_texts.filler_tool } else { &self.wait_texts.filler };
        let at = usize::try_from(count.saturating_sub(1)).unwrap_or(0) % texts.len().max(1);
        let text = texts.get(at).cloned();
        self.say_meanwhile(text, now);
    }

    pub(crate) fn apologise(&mut self, now: Instant) {
        if !self.late.is_empty() {
            return self.release_late(now);
        }
        let text = self.wait_texts.apology.first().cloned();
        self.say_meanwhile(text, now);
    }

    fn say_meanwhile(&mut self, text: Option<String>, now: Instant) {
        if text.is_some_and(|text| self.speaker.say_aside(&text)) {
            self.services.recorder.fact(SessionFact::Filler);
        } else {
            self.conversation.agent_quiet(self.speaker.is_making(), now);
        }
    }

    /// The reply does not come: the brain is told to find a way out.
    pub(crate) fn stalled(&mut self, now: Instant) {
        if !self.late.is_empty() {
            return self.release_late(now);
        }
        error!("the agent owed a reply for too long: the brain is told to find a way out");
        if self.speaker.is_making() {
            // A voice that brings nothing would hold up what follows.
            let heard = self.speaker.cut(now);
            self.finish_turn(Some(heard), now);
        }
        self.tell(BrainInput::Stalled);
    }

    /// Keeps what is to be said for after the caller's utterance; gives back what is done at once. A tool is called in any case: the brain waits
    /// for its answer. What the caller said is no reply.
    pub(crate) fn unless_late(&mut self, output: BrainOutput) -> Option<BrainOutput> {
        let speaks = self.utterance.is_some() && !self.conversation.agent_has_floor() && !self.saying_goodbye;
        if matches!(output, BrainOutput::CallTool { .. } | BrainOutput::CallerSaid(_)) || (!speaks && self.late.is_empty()) {
            return Some(output);
        }
        if self.late.len() >= LATE_LIMIT {
            error!(limit = LATE_LIMIT, "a reply was dropped: it has too many parts, and the caller still speaks");
        } else {
            self.late.push_back(output);
        }
        None
    }

    /// The caller has said something while a reply waited. True when it is dropped: the brain knows that nothing of it was heard, and answers
    /// the new words. What ends the call or must be heard is said in any case, and after a murmur or a noise everything is.
    pub(crate) fn drops_late(&mut self, said: Words) -> bool {
        let must = |output: &BrainOutput| matches!(output, BrainOutput::End(_) | BrainOutput::Say { interruptible: false, .. });
        if said != Words::Real || self.late.iter().any(must) {
            return false;
        }
        self.late.clear();
        self.tell(BrainInput::Interrupted { heard: String::new(), sound_ms: 0 });
        true
    }

    /// Says what waited.
    pub(crate) fn release_late(&mut self, now: Instant) {
        for output in std::mem::take(&mut self.late) {
            self.do_output(output, now);
        }
    }
}
