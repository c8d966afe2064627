//! Acting on what was understood.

use std::collections::BTreeMap;

use super::Dialogue;
use super::say::Extra;
use super::state::{Asked, MOST_TASKS, State, Task};
use super::work::uses;
use crate::definition::{Command, Field, Kind};
use crate::speak;
use crate::understand::{Heard, Request};
use crate::values::Value;
use crate::vocabulary::Exit;

impl Dialogue {
    /// The fields that short answers are taken for.
    pub(super) fn expected(&self) -> Vec<String> {
        let change = |asked: &Asked| match asked {
            Asked::Field { name } => vec![name.clone()],
            Asked::AnyOf { name } => self.flow.choices.get(name).map_or_else(Vec::new, |group| group.fields.clone()),
            _ => Vec::new(),
        };
        match &self.state.asked {
            Asked::Unsure { before, .. } => change(before),
            asked => change(asked),
        }
    }

    /// Does what the caller said. Commands first, then the question that was open, then requests and values.
    pub(super) fn apply(&mut self, mut heard: Heard) {
        if std::mem::take(&mut self.state.unheard) && heard.yes.take().is_some() && heard.is_empty() {
            // Said over the question before any of it was heard: the question is asked again.
            return self.ask(self.state.asked.clone(), false);
        }
        if let Some(command) = heard.command.filter(|command| self.obeys(*command, &heard)) {
            self.state.misses = 0;
            return self.command(command);
        }
        match self.state.asked.clone() {
            Asked::Unsure { heard: doubted, before, .. } => self.after_doubt(heard, *doubted, *before),
            Asked::Confirm { arguments } => self.after_read_back(heard, &arguments),
            Asked::Then { intent, values, .. } => self.after_offer(heard, &intent, values),
            Asked::Main { again } => self.after_main(heard, again),
            Asked::WhatToChange
                if heard.yes == Some(false) && heard.values.is_empty() && heard.requests.is_empty() && heard.denied.is_empty() =>
            {
                // "Nothing": back to the read-back.
                self.advance();
            }
            Asked::Field { .. } | Asked::AnyOf { .. } | Asked::WhatToChange => {
                if !self.take(heard) {
                    self.not_understood();
                }
            }
        }
    }

    /// Goodbye and thanks only count when nothing else was asked.
    fn obeys(&self, command: Command, heard: &Heard) -> bool {
        let alone = heard.requests.is_empty() && heard.values.is_empty();
        match command {
            Command::Emergency | Command::Person => true,
            Command::StartOver | Command::Repeat | Command::Help | Command::NeverMind | Command::Goodbye => alone,
            Command::Courtesy => false,
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Emergency => self.emergency(),
            Command::Person => self.person(),
            Command::Goodbye => {
                self.say_own("goodbye");
                self.end(Exit::Goodbye);
            }
            Command::Repeat => {
                for text in self.state.last_turn.clone() {
                    self.say_text(text);
                }
                self.listen(self.state.asked.clone());
            }
            Command::StartOver => {
                let old = std::mem::take(&mut self.state);
                self.state = State {
                    started: true,
                    caller: old.caller,
                    last_id: old.last_id,
                    keypad_only: old.keypad_only,
                    unreached: old.unreached,
                    ..State::default()
                };
                self.say_own("start_over");
                if self.state.keypad_only { self.keypad_menu() } else { self.ask(Asked::Main { again: false }, false) }
            }
            Command::NeverMind => {
                if self.state.tasks.pop_front().is_some() {
                    self.say_own("never_mind");
                }
                self.advance();
            }
            Command::Help | Command::Courtesy => self.help(),
        }
    }

    fn after_doubt(&mut self, heard: Heard, doubted: Heard, before: Asked) {
        self.state.asked = before.clone();
        let says_more = !heard.values.is_empty() || !heard.requests.is_empty() || !heard.denied.is_empty();
        match heard.yes {
            Some(true) if !says_more => self.apply(doubted),
            _ if says_more => self.apply(heard),
            Some(false) => {
                self.say_own("say_again");
                self.ask(before, false);
            }
            _ => self.not_understood(),
        }
    }

    fn after_read_back(&mut self, heard: Heard, read_back: &serde_json::Value) {
        let flow = self.flow.clone();
        let Some(intent) = self.state.tasks.front().and_then(|task| flow.intent(&task.intent)) else { return self.advance() };
        let Some(action) = intent.action.as_ref().filter(|_| !flow.closed.has(intent)) else { return self.advance() };
        let before = self.state.tasks.front().map(|task| task.values.clone()).unwrap_or_default();
        let changes = heard.values.iter().any(|(field, value)| uses(&flow, intent, field) && before.get(field) != Some(value))
            || !heard.denied.is_empty();
        // The arguments are compared, so that a yes can never confirm anything but what was read back.
        let unchanged = self.arguments(&action.arguments) == *read_back;
        if heard.yes == Some(true) && !changes && unchanged {
            self.state.misses = 0;
            self.call(&action.tool, read_back.clone(), None);
            // "Yes, and is breakfast included?": answered once the effect is there.
            self.state.remembered = Some(Heard { requests: heard.requests, ..Heard::default() }).filter(|more| !more.is_empty());
            return;
        }
        if changes || !heard.requests.is_empty() {
            if changes {
                self.say_own("changed");
            }
            if self.take(heard) {
                return;
            }
        } else if heard.yes == Some(false) {
            self.state.misses = 0;
            return if action.no_drops { self.command(Command::NeverMind) } else { self.ask(Asked::WhatToChange, false) };
        }
        self.not_understood();
    }

    fn after_offer(&mut self, heard: Heard, intent: &str, values: BTreeMap<String, Value>) {
        let more = !heard.requests.is_empty() || !heard.values.is_empty();
        if heard.yes == Some(false) && !more {
            self.state.misses = 0;
            return self.ask(Asked::Main { again: true }, false);
        }
        let wanted = heard.requests.iter().any(|request| *request == Request::Intent(intent.to_owned()));
        let other = heard.requests.iter().any(|request| matches!(request, Request::Intent(name) if name != intent));
        let accepts = heard.yes == Some(true) || wanted || (!heard.values.is_empty() && !other && heard.requests.is_empty());
        if accepts && self.state.tasks.len() < MOST_TASKS {
            let mut task = self.new_task(intent);
            let known = self.flow.intent(intent);
            task.values.extend(values.into_iter().filter(|(field, _)| known.is_some_and(|intent| uses(&self.flow, intent, field))));
            self.state.tasks.push_front(task);
            self.state.asked = Asked::Main { again: true };
            if !self.take(heard) {
                self.advance();
            }
        } else if more {
            self.state.asked = Asked::Main { again: true };
            if !self.take(heard) {
                self.not_understood();
            }
        } else {
            self.not_understood();
        }
    }

    fn after_main(&mut self, heard: Heard, again: bool) {
        let (yes, courtesy) = (heard.yes, heard.command == Some(Command::Courtesy));
        if self.take(heard) {
            return;
        }
        match yes {
            Some(false) if again => self.command(Command::Goodbye),
            Some(true) => {
                self.state.misses = 0;
                self.ask(Asked::Main { again: false }, false);
            }
            // "Thank you" after everything is done ends the call as "no, thank you" does; a greeting is answered with an offer.
            _ if courtesy => {
                self.state.misses = 0;
                self.ask(Asked::Main { again }, false);
            }
            _ => self.not_understood(),
        }
    }

    /// Takes requests and values, and goes on. False when there was nothing to take.
    pub(super) fn take(&mut self, heard: Heard) -> bool {
        let flow = self.flow.clone();
        let mut progress = false;
        for request in &heard.requests {
            progress |= match request {
                Request::Answer(name) => {
                    if let Some(answer) = flow.answer(name) {
                        self.say_prompt(&answer.say, &Extra::default());
                    }
                    true
                }
                Request::Intent(name) => self.queue(name, &heard),
            };
        }
        for field in &heard.denied {
            if let Some(task) = self.state.tasks.front_mut() {
                progress |= task.values.remove(field).is_some();
            }
        }
        for (field, value) in heard.values {
            progress |= self.set(&field, value);
        }
        if progress {
            self.state.misses = 0;
            self.advance();
        }
        progress
    }

    /// Queues a request. One made in the middle of another is done first; the other is taken up after it.
    fn queue(&mut self, name: &str, heard: &Heard) -> bool {
        let flow = self.flow.clone();
        let Some(intent) = flow.intent(name) else { return false };
        if self.state.tasks.iter().any(|task| task.intent == name) {
            // The same request again: only what is said with it is new.
            return !matches!(self.state.asked, Asked::Field { .. }) || !heard.values.is_empty();
        }
        if self.state.tasks.len() >= MOST_TASKS {
            return false;
        }
        let mut task = self.new_task(name);
        let several = heard.requests.iter().filter(|request| matches!(request, Request::Intent(_))).count() > 1;
        let in_the_middle = !self.state.tasks.is_empty() && !matches!(self.state.asked, Asked::Main { .. });
        if !in_the_middle || several {
            self.state.tasks.push_back(task);
            return true;
        }
        // "And book it": what a mere question was about is known already, and the question is settled.
        let settled = self.state.tasks.front().and_then(|front| flow.intent(&front.intent)).is_some_and(|front| front.action.is_none());
        if settled && let Some(front) = self.state.tasks.pop_front() {
            carry(&flow, &front, intent, &mut task);
        }
        self.state.tasks.push_front(task);
        true
    }

    /// Gives a value to the first request that can use it. False when none can.
    fn set(&mut self, name: &str, value: Value) -> bool {
        let flow = self.flow.clone();
        let Some(field) = flow.fields.get(name) else { return false };
        let wants = |task: &Task| flow.intent(&task.intent).is_some_and(|intent| uses(&flow, intent, name));
        let asked = matches!(&self.state.asked, Asked::Field { name: asked } if asked == name);
        let Some(at) = self.state.tasks.iter().position(wants).or((asked && !self.state.tasks.is_empty()).then_some(0)) else {
            return false;
        };
        if let Some((reason, text)) = self.problem(field, &value) {
            let (min, max) = bounds(field);
            let extra = Extra { words: &[("value", &text), ("min", &min), ("max", &max)], ..Extra::default() };
            if let Some(prompt) = field.invalid.get(reason) {
                self.say_prompt(prompt, &extra);
            }
            return true;
        }
        if let Some(task) = self.state.tasks.get_mut(at) {
            task.values.insert(name.to_owned(), value);
            task.ask_instead = task.ask_instead.take().filter(|(of, _)| of != name);
        }
        true
    }

    /// Why a value can't be taken, and how it is said.
    fn problem(&self, field: &Field, value: &Value) -> Option<(&'static str, String)> {
        let today = self.now.date();
        let reason = match (&field.kind, value) {
            (Kind::Date { .. }, Value::Date(date)) if *date < today => "past",
            (Kind::Date { days_ahead }, Value::Date(date)) if i64::from((*date - today).get_days()) > *days_ahead => "too_far",
            (Kind::Count(rules), Value::Count(count)) if *count < rules.min => "too_few",
            (Kind::Count(rules), Value::Count(count)) if *count > rules.max => "too_many",
            (Kind::Code { length, .. }, Value::Code(code)) if code.len() != *length => "wrong_length",
            _ => return None,
        };
        Some((reason, speak::value(field, value)))
    }
}

fn bounds(field: &Field) -> (String, String) {
    match &field.kind {
        Kind::Count(rules) => (speak::value(field, &Value::Count(rules.min)), speak::value(field, &Value::Count(rules.max))),
        _ => Default::default(),
    }
}

/// Hands the values of one request to another that can use them.
fn carry(flow: &crate::Flow, from: &Task, intent: &crate::definition::Intent, to: &mut Task) {
    let usable = from.values.iter().filter(|(field, _)| uses(flow, intent, field));
    to.values.extend(usable.map(|(field, value)| (field.clone(), value.clone())));
}
