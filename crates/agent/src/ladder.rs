//! A brain that goes on: with a model that hears and speaks, with one of words, with the next, and at last with the dialogue that needs none. Down at
//! once, in the same turn; up again after a while, at the beginning of a caller's turn.

mod change;
mod voice;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use call::Meter;
pub use change::{OnRung, RungChange, RungName, RungWhy};
use flow::{Flow, SnapshotError, ToolOutcome};
use jiff::civil::DateTime;
use models::{LanguageModel, ToolCall};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;
pub use voice::VoiceRung;

use self::voice::{Offer, Voices};
use crate::model_brain::{Broken, State, Step, Talk};
use crate::{Brain, BrainInput, BrainOutput, CallerSound, FlowBrain, Persona};

/// A better rung is not tried again earlier.
const UP_AFTER: Duration = Duration::from_secs(30);
/// Who has waited longer than this for an answer notices that something is wrong, and is told.
const NOTICED: Duration = Duration::from_secs(2);
/// Words of the caller that the dialogue is told at most when it takes over, the last ones; bytes.
const MAX_SINCE: usize = 600;
/// The dialogue counts its tool calls by itself; in this call they are counted from here on.
const FLOW_IDS: u32 = 1 << 30;

/// A model to think with.
#[derive(Clone)]
pub struct Rung {
    /// The model.
    pub model: Arc<dyn LanguageModel>,
    /// Whether its guard would let a request through now.
    pub open: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// A conversation that cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum LadderError {
    /// It is no snapshot of such a brain.
    #[error("the snapshot is not one of a brain with models: {0}; start the conversation anew")]
    Malformed(#[from] serde_json::Error),
    /// The dialogue's part is not usable.
    #[error(transparent)]
    Dialogue(#[from] SnapshotError),
}

/// Models, best first, and below them the dialogue.
pub struct LadderBrain {
    talk: Talk,
    rungs: Vec<Rung>,
    flow: FlowBrain,
    place: Place,
    /// When the present rung was taken, if a better one may be back.
    down_at: Option<Instant>,
    heard_at: Option<Instant>,
    /// Models that hear and speak, above all others.
    voices: Option<Voices>,
    /// One of them was given up, and none has come since.
    voiceless: bool,
    /// Of an utterance that was answered by its sound the ears' words are still to come; and they are of no use any more.
    ears: Ears,
    on_rung: OnRung,
}

/// What the ears beside a model that hears by itself still owe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ears {
    /// Nothing.
    Free,
    /// The words of the utterance that the model answers.
    Expected,
    /// The same, and they are known already: another answers them.
    Useless,
}

/// What is stored beside the conversation itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Place {
    /// Which rung; the number of models is the dialogue.
    at: usize,
    /// What the caller said since the last effect.
    since: String,
    /// The dialogue has begun.
    flow_began: bool,
    /// The dialogue waits for a yes.
    confirming: bool,
    /// Tools that the dialogue called: name and arguments.
    flow_calls: BTreeMap<u32, (String, Value)>,
}

#[derive(Serialize, Deserialize)]
struct Snapshot {
    talk: Value,
    flow: Value,
    place: Place,
}

impl LadderBrain {
    /// A brain for one call. `flow` is new. Changes of rung are told to `on_rung`.
    pub fn new(rungs: Vec<Rung>, flow: FlowBrain, persona: Arc<Persona>, meter: Meter, on_rung: OnRung) -> Self {
        Self::with(rungs, flow, persona, meter, on_rung, State::default(), Place::default())
    }

    /// Takes up the conversation that [`Brain::snapshot`] stored; tell it [`BrainInput::Resumed`].
    ///
    /// # Errors
    /// [`LadderError`].
    pub fn resume(
        rungs: Vec<Rung>,
        flow: Arc<Flow>,
        persona: Arc<Persona>,
        meter: Meter,
        on_rung: OnRung,
        snapshot: Value,
    ) -> Result<Self, LadderError> {
        let Snapshot { talk, flow: dialogue, place } = serde_json::from_value(snapshot)?;
        let place = Place { at: place.at.min(rungs.len()), ..place };
        let mut brain =
            Self::with(rungs, FlowBrain::resume(flow, dialogue)?, persona, meter, on_rung, serde_json::from_value(talk)?, place);
        brain.down_at = (brain.place.at > 0).then(Instant::now);
        Ok(brain)
    }

    fn with(
        rungs: Vec<Rung>,
        flow: FlowBrain,
        persona: Arc<Persona>,
        meter: Meter,
        on_rung: OnRung,
        state: State,
        mut place: Place,
    ) -> Self {
        let model = match rungs.get(place.at).or(rungs.first()) {
            Some(rung) => Arc::clone(&rung.model),
            None => {
                place.at = 0;
                Arc::new(change::NoModel)
            }
        };
        let talk = Talk::new(model, persona, meter, state);
        Self { talk, rungs, flow, place, down_at: None, heard_at: None, voices: None, voiceless: false, ears: Ears::Free, on_rung }
    }

    /// Above all others stand these, best first; `rate`: of the call's sound, samples a second.
    #[must_use]
    pub fn speaking(mut self, rungs: Vec<VoiceRung>, rate: u32) -> Self {
        self.voices = (!rungs.is_empty()).then(|| Voices::new(rungs, rate));
        self
    }

    /// Nothing can be heard in this call: the dialogue talks by its keypad menu.
    pub fn keypad_only(&mut self) {
        self.flow.keypad_only();
        self.voices = None;
        if !self.on_flow() {
            self.take(self.rungs.len(), RungWhy::Deaf);
        }
    }

    /// A reply was owed for too long: a model is given up for the next rung; a tool that changes something is waited for.
    fn stalled(&mut self) {
        if !self.talk.waits_for_effect() {
            self.talk.give_up();
            let stalled = Broken::Stalled(self.talk.persona.limits.stall);
            match self.talk.is_live() {
                true => self.fall(&stalled, true),
                false => self.down(&stalled),
            }
        }
    }

    /// Nobody was reached. What the caller said before is done with: it must not put the caller through again.
    fn transfer_failed(&mut self, input: BrainInput, now: DateTime) {
        self.place.since.clear();
        if self.on_flow() {
            self.talk.not_put_through();
            self.place.flow_began = true;
            self.tell_flow(input, now);
        } else {
            self.flow.nobody_reached();
            self.talk.handle(input, now);
        }
    }

    fn on_flow(&self) -> bool {
        !self.talk.is_live() && self.place.at >= self.rungs.len()
    }

    fn name(&self, at: usize) -> RungName {
        match self.rungs.get(at) {
            Some(rung) => RungName::Model { service: rung.model.service(), model: rung.model.model().to_owned() },
            None => RungName::Dialogue,
        }
    }

    fn take(&mut self, to: usize, why: RungWhy) {
        self.report(self.name(self.place.at), self.name(to), why);
        self.place.at = to;
        self.down_at = (to > 0).then(Instant::now);
        if let Some(rung) = self.rungs.get(to) {
            self.talk.switch(Arc::clone(&rung.model));
        }
    }

    fn report(&self, from: RungName, to: RungName, why: RungWhy) {
        let change = RungChange { from, to, why };
        tracing::info!(from = %change.from, to = %change.to, why = why.as_str(), "another brain goes on");
        (self.on_rung)(&change);
    }

    /// A model that hears by itself takes the utterance that begins, when one is ready and nothing binds the caller to another.
    fn climb_to_voice(&mut self) {
        if self.talk.is_live() || self.is_bound() || self.talk.busy() || self.talk.has_ended() {
            return;
        }
        let Some(voices) = &mut self.voices else { return };
        match voices.take(&self.talk) {
            Offer::Taken(session, missed) => {
                let name = voices.name();
                self.flow.hush();
                self.talk.go_live(session, &missed);
                if std::mem::take(&mut self.voiceless) {
                    self.report(self.name(self.place.at), name, RungWhy::Back);
                }
            }
            Offer::NotYet => voices.open(&self.talk),
            Offer::Failed(error) => {
                self.without_voice(&Broken::Model(error));
            }
        }
    }

    /// The model that hears by itself is given up for now, and another session is opened if there is somebody to ask.
    fn without_voice(&mut self, broken: &Broken) {
        tracing::warn!(error = %broken, "a model that hears and speaks is given up");
        let to = self.name(self.place.at);
        if let Some(voices) = &mut self.voices {
            let from = voices.name();
            voices.shun();
            voices.open(&self.talk);
            if !std::mem::replace(&mut self.voiceless, true) {
                self.report(from, to, RungWhy::of(broken));
            }
        }
    }

    /// The model that hears by itself gave no answer: a model of words, or the dialogue, goes on in the same turn.
    fn fall(&mut self, broken: &Broken, owed: bool) {
        let known = !self.talk.awaits_words();
        self.talk.leave_live();
        self.without_voice(broken);
        if !owed || self.talk.has_tools_at_work() {
            return; // The caller's next words, or the tools' answer, bring it on.
        }
        match (self.ears, known) {
            // They are all that is needed, and come in a moment.
            (Ears::Expected, false) => self.talk.forget_unwritten(),
            (Ears::Expected, true) if self.on_flow() => {}
            (ears, _) => {
                self.ears = if ears == Ears::Expected { Ears::Useless } else { ears };
                match self.on_flow() {
                    true => self.hand_to_flow(),
                    false => self.talk.ask(),
                }
            }
        }
    }

    /// The ears beside a model that hears by itself have heard an utterance, or nothing in it. True when that is all they are asked for.
    fn heard_beside(&mut self, input: &BrainInput) -> bool {
        let ears = std::mem::replace(&mut self.ears, Ears::Free);
        if let (true, BrainInput::Heard { text, confidence }) = (self.talk.is_live(), input) {
            self.talk.ears_heard(text, *confidence);
        }
        ears == Ears::Useless || (ears == Ears::Expected && self.talk.is_live())
    }

    /// The present model gave no answer: the next one is asked the same, in the same turn.
    fn down(&mut self, broken: &Broken) {
        if self.talk.is_live() {
            return self.fall(broken, self.talk.busy());
        }
        let next = (self.place.at + 1..self.rungs.len()).find(|at| self.rungs.get(*at).is_some_and(|rung| (rung.open)()));
        tracing::warn!(error = %broken, "a model gave no answer");
        self.take(next.unwrap_or(self.rungs.len()), RungWhy::of(broken));
        match next {
            Some(_) => self.talk.ask(),
            None => self.hand_to_flow(),
        }
    }

    /// The dialogue takes over in the middle of a turn.
    fn hand_to_flow(&mut self) {
        self.talk.hand_over();
        let fresh = !std::mem::replace(&mut self.place.flow_began, true);
        if fresh {
            self.flow.handle(BrainInput::Started, self.talk.now());
            if self.place.since.is_empty() && !self.talk.has_spoken() {
                // Its greeting is the first word of the call.
                return;
            }
            self.flow.hush();
        }
        let texts = self.talk.persona.texts.clone();
        if self.heard_at.is_some_and(|at| at.elapsed() >= NOTICED) {
            self.talk.say(texts.sorry_to_wait);
        }
        if self.talk.take_untold_effect() {
            self.talk.say(texts.done);
            self.talk.listen();
        } else if self.place.since.is_empty() {
            self.talk.say(texts.failed);
            self.talk.listen();
        } else {
            let text = self.place.since.clone();
            self.flow.handle(BrainInput::Heard { text, confidence: 1.0 }, self.talk.now());
        }
    }

    /// At the beginning of the caller's turn: a better rung, when one is back.
    fn climb(&mut self) {
        if self.is_bound() || self.down_at.is_none_or(|at| at.elapsed() < UP_AFTER) {
            return;
        }
        if let Some(better) = (0..self.place.at).find(|at| self.rungs.get(*at).is_some_and(|rung| (rung.open)())) {
            self.flow.hush();
            self.take(better, RungWhy::Back);
        }
    }

    /// Who is asked for a yes, or waits for a tool, is not handed to another.
    fn is_bound(&self) -> bool {
        self.on_flow() && (self.place.confirming || !self.place.flow_calls.is_empty())
    }

    fn note(&mut self, input: &BrainInput) {
        if let BrainInput::Heard { text, .. } = input {
            self.heard_at = Some(Instant::now());
            let since = format!("{} {text}", self.place.since);
            let from = since.ceil_char_boundary(since.len().saturating_sub(MAX_SINCE));
            self.place.since = since[from..].trim().to_owned();
            if !self.talk.is_live() {
                self.climb();
            }
        }
    }

    /// What the dialogue is told is known to the models as well.
    fn tell_flow(&mut self, input: BrainInput, now: DateTime) {
        match &input {
            BrainInput::Heard { text, .. } => self.talk.heard_by_another(text),
            BrainInput::Interrupted { heard, .. } => self.talk.cut(heard),
            _ => {}
        }
        if matches!(input, BrainInput::Started) {
            self.place.flow_began = true;
            self.talk.begun_by_another();
        }
        self.flow.handle(input, now);
    }

    fn tool_answered(&mut self, id: u32, outcome: ToolOutcome, now: DateTime) {
        let Some((tool, arguments)) = id.checked_sub(FLOW_IDS).and_then(|id| self.place.flow_calls.remove(&id)) else {
            if matches!(outcome, ToolOutcome::Ok(_)) && self.talk.is_effect(id) {
                self.place.since.clear();
            }
            self.talk.handle(BrainInput::ToolAnswered { id, outcome }, now);
            if self.on_flow() && !self.talk.has_tools_at_work() && self.talk.busy() {
                // Whoever called it is gone.
                self.hand_to_flow();
            }
            return;
        };
        if matches!(outcome, ToolOutcome::Ok(_)) && self.talk.persona.tools.has_effects(&tool) {
            self.place.since.clear();
        }
        let answer = match &outcome {
            ToolOutcome::Ok(fields) => json!({ "status": "ok", "result": fields }),
            ToolOutcome::Refused { code, fields } => json!({ "status": "refused", "why": code, "details": fields }),
            ToolOutcome::Failed => json!({ "status": "failed" }),
        };
        let call = ToolCall { id: format!("dialogue_{id}"), name: tool, arguments: arguments.to_string() };
        self.talk.done_by_another(call, answer.to_string());
        self.flow.handle(BrainInput::ToolAnswered { id: id - FLOW_IDS, outcome }, now);
    }

    /// The dialogue's output as this brain's.
    fn of_flow(&mut self, output: BrainOutput) -> BrainOutput {
        match &output {
            BrainOutput::Say { text, .. } => self.talk.said_by_another(text),
            BrainOutput::Listen { state, .. } => {
                self.place.confirming = state == "confirm";
                self.talk.turn_over();
            }
            BrainOutput::End(exit) => self.talk.ended_by_another(exit.clone()),
            // A dialogue has no sound of its own.
            BrainOutput::CallTool { .. } | BrainOutput::Dtmf { .. } | BrainOutput::Sound(_) | BrainOutput::Words(_) => {}
            BrainOutput::SoundOver | BrainOutput::CallerSaid(_) => {}
        }
        let BrainOutput::CallTool { id, tool, arguments } = output else { return output };
        self.place.flow_calls.insert(id, (tool.clone(), arguments.clone()));
        BrainOutput::CallTool { id: id.saturating_add(FLOW_IDS), tool, arguments }
    }
}

#[async_trait]
impl Brain for LadderBrain {
    fn handle(&mut self, input: BrainInput, now: DateTime) {
        self.talk.at(now);
        self.note(&input);
        if matches!(input, BrainInput::Started | BrainInput::Resumed { .. } | BrainInput::TransferFailed { .. })
            && let Some(voices) = &mut self.voices
        {
            voices.open(&self.talk);
        }
        if matches!(input, BrainInput::Heard { .. } | BrainInput::NotUnderstood) && self.heard_beside(&input) {
            return;
        }
        match input {
            BrainInput::ToolAnswered { id, outcome } => self.tool_answered(id, outcome, now),
            BrainInput::TransferFailed { .. } => self.transfer_failed(input, now),
            // What is under way, or has ended, was another's.
            BrainInput::Resumed { .. } if self.talk.has_tools_at_work() || self.talk.has_ended() => self.talk.handle(input, now),
            input if self.on_flow() => self.tell_flow(input, now),
            BrainInput::Stalled if !self.talk.has_ended() => self.stalled(),
            input => self.talk.handle(input, now),
        }
    }

    fn listens(&self) -> bool {
        self.talk.is_live()
    }

    fn listen(&mut self, sound: CallerSound<'_>) {
        match sound {
            CallerSound::Begins => {
                // The ears give up what they had not finished.
                self.ears = Ears::Free;
                self.climb_to_voice();
                self.talk.utterance_begins();
            }
            CallerSound::Piece(pcm) => self.talk.utterance_sounds(pcm),
            CallerSound::Nothing => self.talk.utterance_was_none(),
            CallerSound::Over => {
                self.heard_at = Some(Instant::now());
                self.ears = Ears::Expected;
                self.talk.utterance_over();
            }
        }
    }

    fn snapshot(&self) -> Value {
        let snapshot = Snapshot { talk: self.talk.snapshot(), flow: self.flow.snapshot(), place: self.place.clone() };
        serde_json::to_value(snapshot).unwrap_or_default()
    }

    async fn next(&mut self) -> BrainOutput {
        loop {
            if self.on_flow() {
                if let Some(output) = self.talk.next_ready() {
                    return output;
                }
                let output = self.flow.next().await;
                return self.of_flow(output);
            }
            match self.talk.step().await {
                Step::Do(output) => return output,
                Step::Broken(broken) => self.down(&broken),
            }
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod voice_tests;
