//! What to do when nothing was heard, nothing was understood, or a person is wanted.

use std::collections::BTreeMap;

use super::Dialogue;
use super::say::Extra;
use super::state::{Asked, MOST_UNREACHED};
use crate::definition::{Command, Flow};
use crate::speak;
use crate::understand::{Heard, Request};
use crate::vocabulary::Exit;

impl Dialogue {
    pub(super) fn silence(&mut self, count: u32) {
        if self.state.pending.is_some() {
            return;
        }
        // Keys that nobody finished: take them as they are.
        if !self.state.keys.is_empty() {
            return self.keys_done();
        }
        self.begin_turn();
        if count >= self.flow.turn_taking.max_silences {
            self.say_own("silence_end");
            return self.end(Exit::Silence);
        }
        self.say_own(if count <= 1 { "silence" } else { "silence_again" });
        if self.state.keypad_only {
            self.keypad_menu();
        } else if count <= 1 && matches!(self.state.asked, Asked::Main { .. }) {
            let asked = self.state.asked.clone();
            self.listen(asked);
        } else {
            self.ask(self.state.asked.clone(), count > 1);
        }
    }

    pub(super) fn not_understood(&mut self) {
        self.state.misses += 1;
        let misses = self.state.misses;
        if misses > self.flow.turn_taking.max_misses {
            return self.person();
        }
        self.say_own(if misses == 1 { "not_understood" } else { "still_not_understood" });
        let asked = self.state.asked.clone();
        if misses > 1 && self.can_key(&asked) {
            self.say_own("keys");
        }
        match asked {
            Asked::Main { .. } if misses > 1 => self.help(),
            asked => self.ask(asked, true),
        }
    }

    fn can_key(&self, asked: &Asked) -> bool {
        match asked {
            Asked::Field { name } => self.flow.fields.get(name).is_some_and(|field| super::say::max_keys(field) > 0),
            Asked::Confirm { .. } | Asked::Then { .. } | Asked::Unsure { .. } => true,
            Asked::Main { .. } | Asked::AnyOf { .. } | Asked::WhatToChange => false,
        }
    }

    /// Says what the agent can do, then asks the present question again.
    pub(super) fn help(&mut self) {
        if self.state.tasks.is_empty() {
            let open = self.flow.intents.iter().filter(|intent| !self.flow.closed.has(intent));
            let labels: Vec<&str> = open.map(|intent| intent.label.as_str()).collect();
            let text = match labels.split_last() {
                Some((last, [])) => (*last).to_owned(),
                Some((last, rest)) => format!("{}, or {last}", rest.join(", ")),
                None => String::new(),
            };
            self.say_own_with("can_do", &Extra { words: &[("can_do", &text)], ..Extra::default() });
            self.listen(Asked::Main { again: false });
        } else {
            self.ask(self.state.asked.clone(), true);
        }
    }

    pub(super) fn emergency(&mut self) {
        match self.flow.person.as_ref().and_then(|person| person.transfer.clone()) {
            Some(to) => {
                self.state.emergency = true;
                self.say_own("transfer_emergency");
                self.end(Exit::Transfer { to });
            }
            None => {
                self.say_own("emergency_alone");
                self.end(Exit::Goodbye);
            }
        }
    }

    /// Who takes over; nobody once it was tried often enough.
    pub(super) fn whom(&self) -> Option<String> {
        let tried = self.state.unreached >= MOST_UNREACHED;
        self.flow.person.as_ref().and_then(|person| person.transfer.clone()).filter(|_| !tried)
    }

    /// The caller is back from a transfer that reached nobody: says so, and offers to take a message where the agent can.
    pub(super) fn transfer_failed(&mut self) {
        (self.state.ended, self.state.started, self.state.misses) = (None, true, 0);
        self.state.unreached += 1;
        self.state.keys.clear();
        self.state.tasks.clear();
        self.begin_turn();
        self.say_own("transfer_failed");
        if std::mem::take(&mut self.state.emergency) {
            self.say_own("emergency_alone");
        }
        if self.state.keypad_only {
            return self.keypad_menu();
        }
        let flow = self.flow.clone();
        let message = flow.person.as_ref().and_then(|person| person.message.clone()).filter(|name| !flow.closed.intents.contains(name));
        match message.zip(self.fill(flow.prompts.get("offer_message"), &Extra::default())) {
            Some((intent, question)) => self.ask(Asked::Then { intent, values: BTreeMap::new(), question }, false),
            None => self.ask(Asked::Main { again: true }, false),
        }
    }

    /// Hands over to a person, or takes a message, or says that there is nobody.
    pub(super) fn person(&mut self) {
        let flow = self.flow.clone();
        let person = flow.person.as_ref();
        if let Some(to) = self.whom() {
            self.say_own("transfer");
            return self.end(Exit::Transfer { to });
        }
        self.state.misses = 0;
        let taking = |intent: &&String| self.state.tasks.front().is_none_or(|task| task.intent != **intent);
        match person.and_then(|person| person.message.as_ref()).filter(taking).filter(|name| !flow.closed.intents.contains(*name)) {
            Some(message) => {
                self.say_own("take_message");
                self.state.tasks.clear();
                let task = self.new_task(message);
                self.state.tasks.push_front(task);
                self.advance();
            }
            None => {
                self.say_own("no_person");
                self.say_own("goodbye");
                self.end(Exit::Goodbye);
            }
        }
    }

    /// The reply was owed for too long: a person, or a message. A call with an effect is not forgotten: it comes out one way or the other, and the
    /// caller is to know which.
    pub(super) fn stalled(&mut self) {
        self.begin_turn();
        if self.state.pending.as_ref().is_some_and(|pending| pending.query.is_none()) {
            return self.say_own("apology");
        }
        self.say_own("stalled");
        self.state.pending = None;
        self.state.remembered = None;
        if self.state.keypad_only { self.person_by_key() } else { self.person() }
    }

    /// Asks whether that was said. False when there is nothing worth asking about.
    pub(super) fn verify(&mut self, heard: &Heard) -> bool {
        let question = if heard.command.is_some_and(|command| !matches!(command, Command::Goodbye | Command::Person | Command::StartOver)) {
            return false;
        } else if let Some(label) = heard.requests.iter().find_map(|request| label(&self.flow, request)) {
            let flow = self.flow.clone();
            self.fill(flow.prompts.get("did_you_want"), &Extra { words: &[("label", &label)], ..Extra::default() })
        } else if !heard.values.is_empty() {
            let flow = self.flow.clone();
            let spoken = heard.values.iter().filter_map(|(field, value)| Some(speak::value(flow.fields.get(field)?, value)));
            let spoken = spoken.collect::<Vec<_>>().join(", ");
            self.fill(flow.prompts.get("did_you_say"), &Extra { words: &[("heard", &spoken)], ..Extra::default() })
        } else if heard.yes == Some(true) && matches!(self.state.asked, Asked::Confirm { .. }) {
            let flow = self.flow.clone();
            self.fill(flow.prompts.get("did_you_say"), &Extra { words: &[("heard", "yes")], ..Extra::default() })
        } else {
            return false;
        };
        // One doubt at a time: a doubtful answer to "did you say" is judged by its words.
        if matches!(self.state.asked, Asked::Unsure { .. }) {
            return false;
        }
        let Some(question) = question else { return false };
        self.say_text(question.clone());
        let before = Box::new(self.state.asked.clone());
        self.listen(Asked::Unsure { heard: Box::new(heard.clone()), question, before });
        true
    }
}

fn label(flow: &Flow, request: &Request) -> Option<String> {
    match request {
        Request::Intent(name) => flow.intent(name).map(|intent| intent.label.clone()),
        // A wrong answer to a question costs less than one more question.
        Request::Answer(_) => None,
    }
}
