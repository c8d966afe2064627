//! One call's session: orders and messages in, JSON and reports out.
//!
//! The vendor has no word for "stop" and none for "forget this": a new activity of the caller stops the model, whatever comes of it. So while the agent
//! speaks the caller's sound is held back until it is known to be an interruption or to be over; and an utterance that was none is left open, and the
//! next one goes on in it.

mod messages;
mod turns;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use outbound::{Client, Fault, Socket};
use serde_json::Value;

use super::config::GeminiConfig;
use super::{connect, wire};
use crate::voice::memory::{DROPPED, Memory};
use crate::voice::order::{Order, Tagged};
use crate::voice::pump::{Out, Protocol};
use crate::voice::sound::{Decoder, Encoder};
use crate::{VoiceConfig, VoiceEvent};

/// The machine of one session.
pub(super) struct Session {
    service: &'static str,
    config: Arc<GeminiConfig>,
    client: Client,
    call: VoiceConfig,
    memory: Memory,
    encoder: Encoder,
    decoder: Decoder,
    out: VecDeque<Out>,
    /// Interruptions so far.
    epoch: u64,
    /// The answer under way.
    answer: Option<Answer>,
    /// An utterance was sent while an answer that was cut off was not over yet: its answer comes after that.
    queued: bool,
    /// A turn is over for us, and the vendor will say so later: it waits until its sound was played.
    owed: bool,
    /// Bytes of sound since the caller's last turn.
    received: usize,
    /// Wishes for tools: id, name, and the answer once it is there.
    wishes: Vec<(String, String, Option<Value>)>,
    speaking: bool,
    /// An `activityStart` was sent, and no end.
    active: bool,
    /// Sound that is held back; at most an utterance.
    held: Option<Held>,
    /// What was understood of the caller since it was last reported.
    words: String,
    /// Utterances so far.
    utterances: u64,
    /// With which the session goes on elsewhere.
    handle: Option<String>,
    leaving: Leaving,
}

/// An answer under way.
struct Answer {
    since: Instant,
    begun: bool,
    /// It was cut off: nothing of it is reported.
    dropped: bool,
}

#[derive(Default)]
struct Held {
    sound: Vec<String>,
    finished: bool,
}

/// Whether the vendor closes this connection soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    /// It will, at this time.
    By(Instant),
    /// It will, and there was no way to another one yet.
    Stuck,
}

impl Session {
    pub(super) fn new(service: &'static str, config: Arc<GeminiConfig>, client: Client, call: VoiceConfig) -> Result<Self, &'static str> {
        let unfit = |_| "its audio is at a rate that cannot be converted";
        Ok(Self {
            service,
            config,
            client,
            memory: Memory::new(&call.history),
            encoder: Encoder::new(call.rate, wire::HEARD).map_err(unfit)?,
            decoder: Decoder::new(wire::SPOKEN, call.rate).map_err(unfit)?,
            call,
            out: VecDeque::new(),
            epoch: 0,
            answer: None,
            queued: false,
            owed: false,
            received: 0,
            wishes: Vec::new(),
            speaking: false,
            active: false,
            held: None,
            words: String::new(),
            utterances: 0,
            handle: None,
            leaving: Leaving::No,
        })
    }

    /// Opens a socket: where the last one was left, or with all that was said.
    pub(super) async fn connect(&mut self) -> Result<Socket, Fault> {
        if let Some(handle) = self.handle.take() {
            let setup = wire::setup(&self.config, &self.call, Some(&handle));
            match connect::set_up(&self.client, &self.config, &setup).await {
                // A handle that is not known any more is closed like other nonsense.
                Err(Fault::Refused { .. }) => {}
                other => return other,
            }
        }
        let setup = wire::setup(&self.config, &self.call, None);
        let mut socket = connect::set_up(&self.client, &self.config, &setup).await?;
        if let Some(replay) = wire::replay(&self.memory.messages()) {
            socket.text(replay.to_string()).await?;
        }
        Ok(socket)
    }

    fn send(&mut self, message: Value) {
        self.out.push_back(Out::Send(message));
    }

    fn report(&mut self, event: VoiceEvent) {
        self.out.push_back(Out::Report(Tagged { epoch: self.epoch, event }));
    }

    /// An answer is expected from now on.
    fn ask(&mut self, now: Instant) {
        if self.answer.is_some() {
            self.queued = true;
        } else {
            self.answer = Some(Answer { since: now, begun: false, dropped: false });
        }
    }

    /// The model is at it, or believes that the caller hears it.
    fn agent_has_the_floor(&self) -> bool {
        self.answering() || self.owed || !self.wishes.is_empty()
    }

    fn answering(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| !answer.dropped)
    }

    /// Moves to a new connection when it is time, between two turns.
    fn leave(&mut self, now: Instant) {
        let quiet = self.answer.is_none() && self.wishes.is_empty() && !self.speaking;
        let go = match self.leaving {
            Leaving::No => false,
            Leaving::By(due) => quiet && (!self.owed || due <= now),
            Leaving::Stuck => quiet,
        };
        if go {
            self.out.push_back(Out::Move);
        }
    }
}

impl Protocol for Session {
    fn service(&self) -> &'static str {
        self.service
    }

    fn order(&mut self, order: Order, now: Instant) {
        match order {
            Order::Start => {
                self.speaking = true;
                if self.agent_has_the_floor() {
                    self.held = Some(Held::default());
                } else {
                    self.open();
                }
            }
            Order::Audio(pcm) => {
                let sound = self.encoder.encode(&pcm);
                match &mut self.held {
                    Some(held) => held.sound.push(sound),
                    None => self.send(wire::audio(&sound)),
                }
            }
            Order::Finish => self.finish(now),
            Order::Cancel => {
                self.speaking = false;
                self.held = None;
                self.leave(now);
            }
            Order::Interrupt { heard_ms, epoch } => {
                self.epoch = epoch;
                self.interrupt(heard_ms, now);
            }
            Order::Tell { text, answer } => self.tell(&text, answer, now),
            Order::ToolAnswered { id, result } => self.tool_answered(&id, &result, now),
            // The vendor takes wishes of an answer that was cut off back by itself (toolCallCancellation).
            Order::ToolDropped(id) => {
                self.memory.answered(&id, DROPPED);
                self.wishes.retain(|wish| wish.0 != id);
            }
        }
    }

    fn message(&mut self, message: &Value, now: Instant) {
        self.heard(message, now);
    }

    fn closed(&mut self, code: u16) {
        let fault = wire::closed(code);
        if self.leaving == Leaving::No {
            self.out.push_back(Out::Fail(fault));
            return;
        }
        // It was announced: the session goes on elsewhere, and an answer under way is lost.
        if self.answering() {
            self.report(VoiceEvent::Trouble(crate::ModelError::service(self.service)(fault)));
        }
        self.leaving = Leaving::Stuck;
        self.out.push_back(Out::Move);
    }

    fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        let leave = match self.leaving {
            Leaving::By(due) if self.answer.is_none() && self.wishes.is_empty() && !self.speaking => Some(due),
            _ => None,
        };
        let late = self.answer.as_ref().map(|answer| answer.since + self.limit(answer));
        [leave, late].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Instant) {
        match &self.answer {
            Some(answer) if answer.since + self.limit(answer) <= now => {
                let limit = self.limit(answer);
                self.out.push_back(Out::Fail(if answer.begun { Fault::Stalled(limit) } else { Fault::NoAnswer(limit) }));
            }
            _ => self.leave(now),
        }
    }

    async fn reopen(&mut self) -> Result<Socket, Fault> {
        self.connect().await
    }

    fn moved(&mut self, done: bool, _: Instant) {
        let gone = self.leaving == Leaving::Stuck;
        self.leaving = if done { Leaving::No } else { Leaving::Stuck };
        if done {
            (self.answer, self.queued, self.owed, self.active) = (None, false, false, false);
            self.wishes.clear();
            if self.speaking && self.held.is_none() {
                self.open();
            }
        } else if gone {
            // Twice there was no way, and the old connection is closed or about to be.
            self.out.push_back(Out::Fail(Fault::Cut("the session could not go on over a new connection".to_owned())));
        }
    }
}

impl Session {
    fn limit(&self, answer: &Answer) -> std::time::Duration {
        if answer.begun { self.config.limits.stall } else { self.config.limits.first }
    }
}
