//! The floor: who has it, and what follows when somebody takes it, leaves it, or lets it lie.

mod action;
mod held;
mod owed;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use self::action::Action;
use self::held::{Held, Verdict};
use self::owed::Owed;
use crate::endpoint::ONSET_GAP;
use crate::{Endpoint, EndpointEvent, TurnTaking};

/// Who has the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Floor {
    /// The agent owes a reply and is thinking of it.
    Owed,
    /// The agent speaks.
    Agent { interruptible: bool },
    /// The agent has paused because the caller's voice came over its words.
    Held(Held),
    /// It is the caller's turn.
    Caller { since: Instant },
}

/// Turn taking of one call.
#[derive(Debug)]
pub struct Conversation {
    rules: TurnTaking,
    endpoint: Endpoint,
    floor: Floor,
    /// The agent owes sound: it thinks, or what it says is still being made.
    owed: Option<Owed>,
    /// Tools at work, and since when there is one.
    tools: u32,
    tool_since: Option<Instant>,
    silences: u32,
    last_key: Option<Instant>,
    time_is_short: Option<Instant>,
    time_is_up: Option<Instant>,
    over: Option<Instant>,
    goodbye: Option<Instant>,
    /// True while an utterance was reported with `StartUtterance` and not yet finished.
    reported: bool,
    out: VecDeque<Action>,
}

impl Conversation {
    /// A conversation that starts now; the agent has the first word.
    pub fn new(rules: TurnTaking, now: Instant) -> Self {
        Self {
            rules,
            endpoint: Endpoint::default(),
            floor: Floor::Owed,
            owed: Some(Owed::new(now, now)),
            tools: 0,
            tool_since: None,
            silences: 0,
            last_key: None,
            time_is_short: Some(now + rules.max_duration.saturating_sub(rules.last_words + rules.short_of_time)),
            time_is_up: Some(now + rules.max_duration.saturating_sub(rules.last_words)),
            over: Some(now + rules.max_duration),
            goodbye: None,
            reported: false,
            out: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.out.pop_front()
    }

    /// Takes the verdict on one inbound frame.
    pub fn frame(&mut self, voice: bool, now: Instant) {
        if self.goodbye.is_some() {
            return; // What the caller says over the goodbye changes nothing any more.
        }
        let min_speech = if matches!(self.floor, Floor::Agent { .. }) { self.rules.pauses_after } else { self.rules.min_speech };
        let event = self.endpoint.frame(voice, now, &TurnTaking { min_speech, ..self.rules });
        self.endpoint_event(event, now);
        if let Floor::Held(held) = &mut self.floor {
            held.frame(voice, now);
        }
        self.decide(now);
    }

    /// The agent has words to say; [`Self::agent_sounds`] when they are heard. While `interruptible` is false the caller's voice is not listened to.
    pub fn agent_speaks(&mut self, interruptible: bool) {
        let interruptible = interruptible && self.rules.barge_in.is_some();
        match self.floor {
            Floor::Held(_) if interruptible => return, // It is said when it is decided.
            Floor::Held(_) => self.out.push_back(Action::Resume),
            _ => {}
        }
        self.floor = Floor::Agent { interruptible };
        if !interruptible {
            self.drop_utterance();
        }
    }

    /// The agent's words are on their way to the caller's ear.
    pub fn agent_sounds(&mut self) {
        self.owed = None;
        self.endpoint.answered();
    }

    /// By our clock the caller has heard all that was sent, and more is owed. `making`: it is being turned into speech.
    pub fn agent_quiet(&mut self, making: bool, now: Instant) {
        match (self.floor, &mut self.owed) {
            (Floor::Caller { .. } | Floor::Held(_), _) => return,
            (_, Some(owed)) => owed.quiet(now),
            (_, owed @ None) => *owed = Some(Owed::new(now, now)),
        }
        if !making {
            self.floor = Floor::Owed;
        }
    }

    /// True while something is said of which [`Self::agent_quiet`] is to be told when it was played.
    pub fn agent_is_heard(&self) -> bool {
        match self.owed {
            Some(owed) => owed.sounds(),
            None => matches!(self.floor, Floor::Agent { .. }),
        }
    }

    /// The agent owes a reply: silence is not the caller's fault now.
    pub fn agent_thinks(&mut self, now: Instant) {
        self.floor = Floor::Owed;
        self.owed.get_or_insert_with(|| Owed::new(now, now));
    }

    /// A tool is at work.
    pub fn tool_started(&mut self, now: Instant) {
        self.tools += 1;
        self.tool_since.get_or_insert(now);
    }

    /// A tool has answered.
    pub fn tool_done(&mut self) {
        self.tools = self.tools.saturating_sub(1);
        if self.tools == 0 {
            self.tool_since = None;
        }
    }

    /// Everything the agent had to say was heard (or cut): the caller's turn.
    pub fn caller_turn(&mut self, now: Instant) {
        self.floor = Floor::Caller { since: now };
        self.owed = None;
    }

    /// True when the agent speaks, or has paused.
    pub fn agent_has_floor(&self) -> bool {
        matches!(self.floor, Floor::Agent { .. } | Floor::Held(_))
    }

    /// A key was pressed. It interrupts the agent like a voice does, but at once.
    pub fn key(&mut self, now: Instant) {
        if self.goodbye.is_some() {
            return;
        }
        self.silences = 0;
        self.last_key = Some(now);
        self.drop_utterance();
        match self.floor {
            Floor::Agent { interruptible: true } | Floor::Held(_) => self.decided(Verdict::Interrupt, now),
            Floor::Caller { .. } => self.floor = Floor::Caller { since: now },
            _ => {}
        }
    }

    /// What was keyed is complete before its time (terminator, or the longest length).
    pub fn keys_complete(&mut self) {
        self.last_key = None;
    }

    /// The caller was understood: the count of silences starts again.
    pub fn caller_answered(&mut self) {
        self.silences = 0;
    }

    /// The conversation ends once what is being played (this much, by our clock) was heard.
    pub fn goodbye(&mut self, remaining: Duration, now: Instant) {
        if matches!(self.floor, Floor::Held(_)) {
            self.floor = Floor::Agent { interruptible: false };
            self.out.push_back(Action::Resume);
        }
        self.drop_utterance();
        self.owed = None;
        self.goodbye = Some(now + remaining + self.rules.goodbye_grace);
    }

    /// The goodbye's last mark is back.
    pub fn goodbye_heard(&mut self) {
        if self.goodbye.take().is_some() {
            self.out.push_back(Action::GoodbyeOver);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        let endpoint = self.endpoint.deadline(&self.rules);
        let keys = self.last_key.map(|at| at + self.rules.keys_gap);
        let held = if let Floor::Held(held) = self.floor { Some(held.deadline(&self.rules)) } else { None };
        let ends = [self.goodbye, self.over, self.time_is_up, self.time_is_short];
        ends.into_iter().chain([endpoint, keys, held, self.silence_due(), self.owed_due()]).flatten().min()
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ends_due(now);
        let event = self.endpoint.quiet(now, &self.rules);
        self.endpoint_event(event, now);
        self.decide(now);
        if self.last_key.is_some_and(|at| now >= at + self.rules.keys_gap) {
            self.last_key = None;
            self.out.push_back(Action::KeysDone);
        }
        if self.owed_due().is_some_and(|due| now >= due)
            && let Some(action) = self.owed.as_mut().and_then(|owed| owed.take(self.tool_since, now, &self.rules))
        {
            self.out.push_back(action);
            if action == Action::GivenUp {
                self.caller_turn(now);
            }
        }
        if self.silence_due().is_some_and(|due| now >= due) {
            self.silences += 1;
            self.agent_thinks(now);
            self.out.push_back(Action::Silence { count: self.silences });
        }
    }

    fn ends_due(&mut self, now: Instant) {
        if take_due(&mut self.over, now) {
            self.out.push_back(Action::MaxDuration);
        }
        if take_due(&mut self.goodbye, now) {
            self.out.push_back(Action::GoodbyeOver);
        }
        if take_due(&mut self.time_is_short, now) && self.goodbye.is_none() {
            self.out.push_back(Action::TimeIsShort);
        }
        if take_due(&mut self.time_is_up, now) {
            self.out.push_back(Action::TimeIsUp);
        }
    }

    /// Nothing is said over the caller's voice, nor while the agent is paused or says goodbye.
    fn owed_due(&self) -> Option<Instant> {
        let free = self.goodbye.is_none() && !self.endpoint.in_utterance() && matches!(self.floor, Floor::Owed | Floor::Agent { .. });
        let due = self.owed.as_ref().filter(|_| free)?.due(self.tool_since, &self.rules);
        Some(self.endpoint.onset().map_or(due, |voice| due.max(voice + ONSET_GAP)))
    }

    fn silence_due(&self) -> Option<Instant> {
        match self.floor {
            Floor::Caller { since } if !self.endpoint.in_utterance() && self.last_key.is_none() && self.goodbye.is_none() => {
                Some(since + self.rules.silence)
            }
            _ => None,
        }
    }

    fn listens(&self) -> bool {
        !matches!(self.floor, Floor::Agent { interruptible: false })
    }

    fn endpoint_event(&mut self, event: Option<EndpointEvent>, now: Instant) {
        match event {
            Some(EndpointEvent::Started { ago }) if self.listens() => {
                self.reported = true;
                if matches!(self.floor, Floor::Agent { .. }) {
                    self.floor = Floor::Held(Held::new(now.checked_sub(ago).unwrap_or(now), now));
                    self.out.push_back(Action::Pause { ago });
                }
                self.out.push_back(Action::StartUtterance { ago });
            }
            Some(EndpointEvent::Paused) if self.reported => self.out.push_back(Action::PauseUtterance),
            Some(EndpointEvent::Ended { quiet }) if self.reported => {
                self.reported = false;
                if matches!(self.floor, Floor::Owed | Floor::Caller { .. }) {
                    // Who has just spoken waits for an answer, and the silence counts from the last word.
                    self.floor = Floor::Owed;
                    self.owed = Some(Owed::new(now, now.checked_sub(quiet).unwrap_or(now)));
                }
                self.out.push_back(Action::FinishUtterance { quiet });
            }
            _ => {}
        }
    }

    fn drop_utterance(&mut self) {
        self.endpoint.reset();
        self.reported = false;
    }
}

/// Takes a timer that is due.
fn take_due(timer: &mut Option<Instant>, now: Instant) -> bool {
    timer.take_if(|due| now >= *due).is_some()
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;

#[cfg(test)]
mod properties;
