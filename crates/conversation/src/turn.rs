//! The floor: who has it, and what follows when somebody takes it, leaves it, or lets it lie.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{Endpoint, EndpointEvent, TurnTaking};

/// What the session shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Begin an utterance; its audio began this long ago.
    StartUtterance {
        /// How much audio before now belongs to it.
        ago: Duration,
    },
    /// The caller pauses within the utterance.
    PauseUtterance,
    /// The utterance is over; the caller fell silent this long ago.
    FinishUtterance {
        /// Time from the last voiced frame to now: the endpointing part of the latency.
        quiet: Duration,
    },
    /// The caller talks over the agent: clear the far end's buffer and stop speaking.
    Interrupt,
    /// Nothing came from the caller for this many turns in a row.
    Silence {
        /// From 1.
        count: u32,
    },
    /// Keying is complete.
    KeysDone,
    /// Little is left of the longest conversation: say so with the next words. [`Action::TimeIsUp`] follows.
    TimeIsShort,
    /// Say a last sentence; [`Action::MaxDuration`] follows.
    TimeIsUp,
    /// The longest conversation is reached: end the call now.
    MaxDuration,
    /// The goodbye was heard, or waited for long enough.
    GoodbyeOver,
    /// The agent owed a reply for too long; the caller has the floor again. A fault worth a log line.
    Stalled,
}

/// Who has the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Floor {
    /// The agent owes a reply and is thinking of it.
    Owed { since: Instant },
    /// The agent speaks.
    Agent { interruptible: bool },
    /// It is the caller's turn.
    Caller { since: Instant },
}

/// Turn taking of one call.
#[derive(Debug)]
pub struct Conversation {
    rules: TurnTaking,
    endpoint: Endpoint,
    floor: Floor,
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
            floor: Floor::Owed { since: now },
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
        let event = self.endpoint.frame(voice, now, &self.rules);
        self.endpoint_event(event, now);
        self.barge_in(now);
    }

    /// The agent begins to speak. While `interruptible` is false the caller's voice is not listened to.
    pub fn agent_speaks(&mut self, interruptible: bool) {
        let interruptible = interruptible && self.rules.barge_in.is_some();
        self.floor = Floor::Agent { interruptible };
        if !interruptible {
            self.drop_utterance();
        }
    }

    /// The agent owes a reply: silence is not the caller's fault now.
    pub fn agent_thinks(&mut self, now: Instant) {
        self.floor = Floor::Owed { since: now };
    }

    /// Everything the agent had to say was heard (or cut): the caller's turn.
    pub fn caller_turn(&mut self, now: Instant) {
        self.floor = Floor::Caller { since: now };
    }

    /// True when the agent speaks.
    pub fn agent_has_floor(&self) -> bool {
        matches!(self.floor, Floor::Agent { .. })
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
            Floor::Agent { interruptible: true } => self.out.push_back(Action::Interrupt),
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
        self.drop_utterance();
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
        let ends = [self.goodbye, self.over, self.time_is_up, self.time_is_short];
        ends.into_iter().chain([endpoint, keys, self.silence_due(), self.stall_due()]).flatten().min()
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
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
        let event = self.endpoint.quiet(now, &self.rules);
        self.endpoint_event(event, now);
        if self.last_key.is_some_and(|at| now >= at + self.rules.keys_gap) {
            self.last_key = None;
            self.out.push_back(Action::KeysDone);
        }
        if self.stall_due().is_some_and(|due| now >= due) {
            self.floor = Floor::Caller { since: now };
            self.out.push_back(Action::Stalled);
        }
        if self.silence_due().is_some_and(|due| now >= due) {
            self.silences += 1;
            self.floor = Floor::Owed { since: now };
            self.out.push_back(Action::Silence { count: self.silences });
        }
    }

    fn stall_due(&self) -> Option<Instant> {
        match self.floor {
            Floor::Owed { since } if self.goodbye.is_none() => Some(since + self.rules.owed_limit),
            _ => None,
        }
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
                self.out.push_back(Action::StartUtterance { ago });
            }
            Some(EndpointEvent::Paused) if self.reported => self.out.push_back(Action::PauseUtterance),
            Some(EndpointEvent::Ended { quiet }) if self.reported => {
                self.reported = false;
                if let Floor::Caller { since } = &mut self.floor {
                    *since = now; // Who has just spoken is not silent.
                }
                self.out.push_back(Action::FinishUtterance { quiet });
            }
            _ => {}
        }
    }

    fn barge_in(&mut self, now: Instant) {
        let (Floor::Agent { interruptible: true }, Some(wait)) = (self.floor, self.rules.barge_in) else {
            return;
        };
        if self.reported && self.endpoint.spoken(now) >= wait {
            // The session answers with `caller_turn`; until then one interruption is enough.
            self.floor = Floor::Owed { since: now };
            self.out.push_back(Action::Interrupt);
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
