//! The caller's voice over the agent's words: pause at once, and then go on or stop.

use std::time::{Duration, Instant};

use agent::BrainInput;
use conversation::{Action, Words};
use telemetry::SessionFact;

use crate::run::Session;
use crate::socket::{MediaSocket, SocketClosed};

impl<S: MediaSocket> Session<S> {
    /// Stops at once, and keeps what the caller has not heard.
    pub(crate) async fn pause(&mut self, ago: Duration, now: Instant) -> Result<(), SocketClosed> {
        self.clear_far_end(now).await?;
        self.services.recorder.fact(SessionFact::Paused { ms: millis(ago + now.elapsed()) });
        let left = self.speaker.pause(now);
        if self.speaker.is_making() || !self.reply.complete {
            return Ok(()); // More comes: nobody knows how much.
        }
        self.conversation.paused_with(left);
        if left.is_zero() {
            // It had said everything: this is an answer.
            self.speaker.playout.clear(now);
            self.speaker.ledger.all_played();
            self.settle(now);
        }
        Ok(())
    }

    /// It was a murmur or a noise: the rest is said from where the caller stopped hearing it.
    pub(crate) fn resume(&mut self) {
        self.forget_utterance();
        self.speaker.playout.resume();
        self.services.recorder.fact(SessionFact::FalseInterruption);
    }

    /// Stops the agent: empties the far end's buffer, cuts the turn to what was heard, and tells the brain.
    pub(crate) async fn interrupt(&mut self, now: Instant) -> Result<(), SocketClosed> {
        if !self.speaker.playout.is_paused() {
            self.clear_far_end(now).await?;
        }
        self.services.recorder.fact(SessionFact::BargeIn { ms: millis(now.elapsed()) });
        let complete = self.reply.complete;
        let heard = self.speaker.cut(now);
        let (text, sound_ms) = (heard.text.clone(), self.speaker.sound_heard());
        self.finish_turn(Some(heard), now);
        self.tell(BrainInput::Interrupted { heard: text, sound_ms });
        if complete || (self.brain.listens() && self.tools.is_empty()) {
            // Who interrupts has heard enough; and a brain that listens by itself has dropped its answer.
            self.replying = false;
        }
        if complete && self.utterance.is_none_or(|utterance| !utterance.finished) {
            self.conversation.caller_turn(now);
            self.save(now);
        } else {
            // The brain is not done (a tool runs), or the words are awaited: the agent owes an answer.
            self.conversation.agent_thinks(now);
        }
        Ok(())
    }

    /// The caller has spoken while the agent has the floor. True when the agent gives way.
    pub(crate) async fn gives_way(&mut self, said: Words, now: Instant) -> Result<bool, SocketClosed> {
        self.conversation.last_words(said, now);
        // Whatever it had to do before was done: these are its answers.
        while let Some(action) = self.conversation.poll_action() {
            match action {
                Action::Interrupt => self.interrupt(now).await?,
                Action::Resume => self.resume(),
                _ => {}
            }
        }
        if self.conversation.agent_has_floor() && said == Words::Real {
            self.interrupt(now).await?;
        }
        Ok(!self.conversation.agent_has_floor())
    }

    /// The caller speaks: a filler is not said over it.
    pub(crate) async fn hush(&mut self, now: Instant) -> Result<(), SocketClosed> {
        let filler = self.speaker.is_making_aside() || self.speaker.playout.playing(now);
        if self.conversation.agent_has_floor() || !filler {
            return Ok(());
        }
        self.clear_far_end(now).await?;
        self.speaker.hush(now);
        self.conversation.agent_quiet(self.speaker.is_making(), now);
        Ok(())
    }

    /// Empties the far end's buffer, and cuts the recording there.
    async fn clear_far_end(&mut self, now: Instant) -> Result<(), SocketClosed> {
        let clear = self.stream.clear();
        self.send(clear).await?;
        let at_ms = self.clock_ms(now);
        if let Some(track) = &mut self.track {
            track.cut_agent(at_ms);
        }
        self.agent_end_ms = at_ms;
        Ok(())
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
