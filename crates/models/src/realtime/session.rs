//! One call's session: orders and events in, JSON and reports out.

mod answer;
mod events;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use call::{Meter, Unit};
use outbound::{Fault, Socket, Standby};
use serde_json::{Value, json};

use super::config::RealtimeConfig;
use super::connect::{self, Greeted};
use super::{items, wire};
use crate::voice::memory::{DROPPED, Memory};
use crate::voice::order::{Order, Tagged};
use crate::voice::pump::{Out, Protocol};
use crate::voice::sound::{Coding, Decoder, Encoder};
use crate::{VoiceConfig, VoiceEvent};
use answer::{Answer, Spoken};

/// The machine of one session.
pub(super) struct Session {
    service: &'static str,
    config: Arc<RealtimeConfig>,
    standby: Standby<Greeted>,
    /// The configuration, sent on every socket.
    update: Value,
    meter: Meter,
    memory: Memory,
    coding: Coding,
    encoder: Encoder,
    decoder: Decoder,
    out: VecDeque<Out>,
    /// Interruptions so far.
    epoch: u64,
    /// The answer under way.
    answer: Option<Answer>,
    /// An answer that waits until the one under way is over; true: a new one, false: one that goes on after tools.
    queued: Option<bool>,
    /// What was spoken since the caller's last turn.
    spoken: Vec<Spoken>,
    /// Wishes for tools that were not answered.
    wishes: Vec<String>,
    /// Answers asked for so far.
    asked: u64,
    speaking: bool,
    /// The vendor's name of the caller's last utterance; `None` until it gave one.
    heard_last: Option<String>,
    /// The caller's last utterance was not transcribed yet: whoever moves now leaves its words behind.
    unwritten: bool,
    /// Since when this socket is in use; `None` until the first one is open.
    since: Option<Instant>,
    /// It is time to move, and the call was told.
    leaving: bool,
}

impl Session {
    pub(super) fn new(
        service: &'static str,
        config: Arc<RealtimeConfig>,
        standby: Standby<Greeted>,
        call: VoiceConfig,
    ) -> Result<Self, &'static str> {
        let coding = wire::coding(call.rate);
        let unfit = |_| "its audio is at a rate that cannot be converted";
        Ok(Self {
            service,
            update: wire::update(&config, &call),
            config,
            standby,
            memory: Memory::new(&call.history),
            meter: call.meter,
            coding,
            encoder: Encoder::new(call.rate, coding).map_err(unfit)?,
            decoder: Decoder::new(coding, call.rate).map_err(unfit)?,
            out: VecDeque::new(),
            epoch: 0,
            answer: None,
            queued: None,
            spoken: Vec::new(),
            wishes: Vec::new(),
            asked: 0,
            speaking: false,
            heard_last: None,
            unwritten: false,
            since: None,
            leaving: false,
        })
    }

    /// Opens a socket with the configuration and all that was said.
    pub(super) async fn connect(&mut self) -> Result<Socket, Fault> {
        let mut socket = connect::configured(&self.standby, &self.config, &self.update).await?;
        for item in items::replay(&self.memory.messages()) {
            socket.text(item.to_string()).await?;
        }
        self.since = Some(tokio::time::Instant::now().into_std());
        Ok(socket)
    }

    fn send(&mut self, message: Value) {
        self.out.push_back(Out::Send(message));
    }

    fn report(&mut self, event: VoiceEvent) {
        self.out.push_back(Out::Report(Tagged { epoch: self.epoch, event }));
    }

    /// Asks for an answer, now or when the one under way is over.
    fn ask(&mut self, new: bool, now: Instant) {
        if self.answer.is_some() {
            self.queued = Some(new || self.queued == Some(true));
            return;
        }
        if new {
            self.spoken.clear();
        }
        self.asked += 1;
        let name = format!("answer{}", self.asked);
        self.send(json!({ "type": "response.create", "event_id": name }));
        self.answer = Some(Answer::asked(name, now));
        // Until it is told what it used, it is an answer of which that is not known, also when the session ends meanwhile.
        self.meter.add(self.service, &self.config.model, Unit::Uncounted, 1);
    }

    /// What the answer under way used was told, or it was refused and used nothing.
    fn is_known(&self) {
        if self.answer.is_some() {
            self.meter.take_back(self.service, &self.config.model, Unit::Uncounted, 1);
        }
    }

    /// Nobody speaks and nothing is owed.
    fn is_idle(&self) -> bool {
        self.answer.is_none() && self.queued.is_none() && self.wishes.is_empty() && !self.speaking && !self.unwritten
    }

    fn interrupt(&mut self, heard_ms: u32) {
        self.queued = None;
        let mut running = false;
        if let Some(answer) = self.answer.as_mut().filter(|answer| !answer.dropped) {
            answer.dropped = true;
            running = true;
            let mut cancel = json!({ "type": "response.cancel" });
            if let Some(id) = &answer.id {
                cancel["response_id"] = json!(id);
            }
            self.send(cancel);
        }
        let received: u32 = self.spoken.iter().map(|spoken| self.coding.millis(spoken.bytes)).sum();
        self.truncate(heard_ms, running);
        self.memory.cut(heard_ms, received);
        self.spoken.clear();
        self.decoder.flush();
    }

    /// Tells the model which of its sound was heard. What it made and we did not take counts as unheard, so the last item of an answer under way is
    /// always cut: to what was received at most, for the vendor refuses more.
    fn truncate(&mut self, heard_ms: u32, running: bool) {
        let mut before = 0;
        let last = self.spoken.len().saturating_sub(1);
        for (index, spoken) in self.spoken.iter().enumerate() {
            let length = self.coding.millis(spoken.bytes);
            let heard = heard_ms.saturating_sub(before).min(length);
            before += length;
            if heard < length || (running && index == last) {
                self.out.push_back(Out::Send(json!({
                    "type": "conversation.item.truncate",
                    "item_id": spoken.item,
                    "content_index": spoken.content_index,
                    "audio_end_ms": heard,
                })));
            }
        }
    }

    fn tool_answered(&mut self, id: &str, result: &str, now: Instant) {
        if self.wishes.iter().any(|wish| wish == id) {
            self.tool_done(id, result);
            if self.wishes.is_empty() {
                self.ask(false, now);
            }
        }
    }

    fn tool_done(&mut self, id: &str, result: &str) {
        self.wishes.retain(|wish| wish != id);
        self.memory.answered(id, result);
        self.send(items::output(id, result));
    }

    /// Moves to a new socket when this one is old and nothing is under way.
    fn age(&mut self, now: Instant) {
        let old = self.since.is_some_and(|since| now.saturating_duration_since(since) >= self.config.limits.age);
        if old && !self.leaving {
            self.leaving = true;
            self.report(VoiceEvent::GoingAway);
        }
        if self.leaving && self.is_idle() {
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
            Order::Start => self.speaking = true,
            Order::Audio(pcm) => {
                let audio = self.encoder.encode(&pcm);
                self.send(json!({ "type": "input_audio_buffer.append", "audio": audio }));
            }
            Order::Finish => {
                self.speaking = false;
                (self.unwritten, self.heard_last) = (true, None);
                self.send(json!({ "type": "input_audio_buffer.commit" }));
                self.ask(true, now);
            }
            Order::Cancel => {
                self.speaking = false;
                self.send(json!({ "type": "input_audio_buffer.clear" }));
                self.age(now);
            }
            Order::Interrupt { heard_ms, epoch } => {
                self.epoch = epoch;
                self.interrupt(heard_ms);
            }
            Order::Tell { text, answer } => {
                self.memory.told(&text);
                self.send(items::told(&text));
                if answer {
                    self.ask(true, now);
                }
            }
            Order::ToolAnswered { id, result } => self.tool_answered(&id, &result, now),
            Order::ToolDropped(id) => self.tool_done(&id, DROPPED),
        }
    }

    fn message(&mut self, message: &Value, now: Instant) {
        self.event(message, now);
    }

    fn closed(&mut self, code: u16) {
        self.out.push_back(Out::Fail(wire::closed(code)));
    }

    fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        let limits = &self.config.limits;
        let old = self.since.filter(|_| !self.leaving).map(|since| since + limits.age);
        let due = self.answer.as_ref().map(|answer| answer.due(limits));
        [old, due].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Instant) {
        let limits = self.config.limits;
        match &self.answer {
            Some(answer) if answer.due(&limits) <= now => self.out.push_back(Out::Fail(answer.late(&limits))),
            _ => self.age(now),
        }
    }

    async fn reopen(&mut self) -> Result<Socket, Fault> {
        self.connect().await
    }

    /// Where there was no way, the old socket serves until the vendor ends it, and the next pause is another chance.
    fn moved(&mut self, done: bool, _: Instant) {
        self.leaving = !done;
    }
}

#[cfg(test)]
#[path = "session/tests.rs"]
mod tests;
