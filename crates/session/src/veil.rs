//! What lies between a call and what is kept of it: payment cards, and with [`Level::All`] persons, are masked before a turn is stored.
//!
//! A card said or keyed over several turns is known by its last digits only. The turns before are then stored again, masked.

use std::collections::VecDeque;

use call::{CallRecord, Speaker, TurnRecord};
use privacy::{Level, Redactor, Revision};

use crate::kept::numbers;

/// Turns that may be stored again. A card has at most 19 digits; more turns than that with a digit or two in each nobody needs for one.
const KEPT_TURNS: usize = 64;

/// The veil of one call.
pub(crate) struct Veil {
    caller: Stream,
    agent: Stream,
    /// The last turns as they were stored.
    turns: VecDeque<(TurnRecord, Option<Part>)>,
}

/// An agent's turn that was cut off.
struct Part {
    said: String,
    heard: String,
}

/// What one speaker says, text after text.
struct Stream {
    redactor: Redactor,
    /// The number of the next text.
    next: u64,
    /// Which turn each of the last texts was of.
    turns: VecDeque<(u64, u32)>,
}

impl Veil {
    /// The veil of a call; its own numbers are known.
    pub(crate) fn new(level: Level, call: &CallRecord) -> Self {
        let stream = || Stream { redactor: Redactor::new(level, numbers(call)), next: 0, turns: VecDeque::new() };
        Self { caller: stream(), agent: stream(), turns: VecDeque::new() }
    }

    /// How much is masked.
    pub(crate) fn level(&self) -> Level {
        self.caller.redactor.level()
    }

    /// Names and numbers became known in the call.
    pub(crate) fn learn(&mut self, known: &[String]) {
        for stream in [&mut self.caller, &mut self.agent] {
            known.iter().for_each(|known| stream.redactor.learn(known));
        }
    }

    /// A turn as it is stored, and the turns before it that read differently now.
    pub(crate) fn cover(&mut self, mut turn: TurnRecord) -> (TurnRecord, Vec<TurnRecord>) {
        let cut = turn.heard != turn.text;
        let part = cut.then(|| Part { said: turn.text.clone(), heard: turn.heard.clone() });
        match (turn.speaker, &turn.digits) {
            (Speaker::Caller, Some(keys)) => turn.digits = Some(self.caller.push(turn.index, |redactor| redactor.push_keys(keys))),
            (Speaker::Caller, None) if turn.text.is_empty() => {}
            (Speaker::Caller, None) => {
                let text = self.caller.push(turn.index, |redactor| redactor.push(&turn.text));
                read(&mut turn, part.as_ref(), text);
            }
            (Speaker::Agent, _) => {
                let text = self.agent.push(turn.index, |redactor| redactor.push(&turn.text));
                read(&mut turn, part.as_ref(), text);
            }
        }
        let revised = self.revised(Redactor::revised);
        self.turns.push_back((turn.clone(), part));
        if self.turns.len() > KEPT_TURNS {
            self.turns.pop_front();
        }
        (turn, revised)
    }

    /// The turns that read differently because nothing follows.
    pub(crate) fn finish(&mut self) -> Vec<TurnRecord> {
        self.revised(Redactor::finish)
    }

    fn revised(&mut self, take: fn(&mut Redactor) -> Vec<Revision>) -> Vec<TurnRecord> {
        let revised: Vec<(u32, String)> = self.caller.revised(take).into_iter().chain(self.agent.revised(take)).collect();
        let mut indices = Vec::new();
        for (index, text) in revised {
            let Some((turn, part)) = self.turns.iter_mut().find(|(turn, _)| turn.index == index) else { continue };
            if turn.digits.is_some() {
                turn.digits = Some(text)
            } else {
                read(turn, part.as_ref(), text)
            }
            indices.push(index);
        }
        self.turns.iter().filter(|(turn, _)| indices.contains(&turn.index)).map(|(turn, _)| turn.clone()).collect()
    }
}

/// A turn reads like this now. Where something is masked, a part that was heard ends before it: half a card says too much too.
fn read(turn: &mut TurnRecord, part: Option<&Part>, text: String) {
    turn.heard = match part {
        None => text.clone(),
        Some(part) if part.said == text => part.heard.clone(),
        Some(part) => part.heard.chars().zip(text.chars()).take_while(|(heard, now)| heard == now).map(|(heard, _)| heard).collect(),
    };
    turn.text = text;
}

impl Stream {
    fn push(&mut self, turn: u32, push: impl FnOnce(&mut Redactor) -> String) -> String {
        self.turns.push_back((self.next, turn));
        self.next += 1;
        if self.turns.len() > KEPT_TURNS {
            self.turns.pop_front();
        }
        push(&mut self.redactor)
    }

    /// Turns and how their texts read now.
    fn revised(&mut self, take: fn(&mut Redactor) -> Vec<Revision>) -> Vec<(u32, String)> {
        let turn_of = |number| self.turns.iter().find(|(text, _)| *text == number).map(|(_, turn)| *turn);
        take(&mut self.redactor).into_iter().filter_map(|revision| Some((turn_of(revision.text_number)?, revision.text))).collect()
    }
}

#[cfg(test)]
#[path = "veil_tests.rs"]
mod tests;
