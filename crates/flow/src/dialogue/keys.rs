//! Answers by key: `0` is a person, `*` repeats (twice: starts over), `#` ends an entry.

use super::Dialogue;
use super::say::max_keys;
use super::state::Asked;
use crate::definition::{Command, KeypadEntry, Kind};
use crate::understand::Heard;
use crate::values::Value;
use crate::values::date::Spec;
use crate::vocabulary::{Exit, Output};

/// Most keys of one entry.
const MOST_KEYS: usize = 20;

impl Dialogue {
    pub(super) fn key(&mut self, key: char) {
        if self.state.pending.is_some() || !matches!(key, '0'..='9' | '*' | '#') {
            return;
        }
        let room = self.room();
        let starred = std::mem::take(&mut self.state.starred);
        match key {
            '*' => self.star(starred),
            '#' => self.keys_done(),
            '0' if room <= 1 || (self.state.keys.is_empty() && !self.zero_may_begin()) => {
                self.begin_turn();
                if self.state.keypad_only && self.menu_entry('0').is_some() { self.menu_key('0') } else { self.person() }
            }
            digit => {
                self.state.keys.push(digit);
                if self.state.keys.len() >= room.clamp(1, MOST_KEYS) {
                    self.keys_done();
                }
            }
        }
    }

    /// Most keys of the present answer.
    fn room(&self) -> usize {
        match &self.state.asked {
            Asked::Field { name } if !self.state.keypad_only => self.flow.fields.get(name).map_or(1, |field| usize::from(max_keys(field))),
            _ => 1,
        }
    }

    fn zero_may_begin(&self) -> bool {
        let Asked::Field { name } = &self.state.asked else { return false };
        self.flow.fields.get(name).is_some_and(|field| matches!(field.kind, Kind::Date { .. } | Kind::Phone | Kind::Code { .. }))
    }

    fn star(&mut self, again: bool) {
        self.begin_turn();
        self.state.keys.clear();
        if again {
            return self.command(Command::StartOver);
        }
        if self.state.keypad_only {
            self.keypad_menu()
        } else {
            self.command(Command::Repeat)
        }
        self.state.starred = true;
    }

    /// What was keyed so far is the answer.
    pub(super) fn keys_done(&mut self) {
        let keys = std::mem::take(&mut self.state.keys);
        if keys.is_empty() || self.state.pending.is_some() {
            return;
        }
        self.begin_turn();
        if self.state.keypad_only {
            return keys.chars().for_each(|key| self.menu_key(key));
        }
        match self.keyed(&keys) {
            Some(heard) => self.apply(heard),
            None if matches!(self.state.asked, Asked::Main { .. })
                && keys.chars().next().is_some_and(|key| self.menu_entry(key).is_some()) =>
            {
                keys.chars().take(1).for_each(|key| self.menu_key(key));
            }
            None => self.not_understood(),
        }
    }

    fn keyed(&self, keys: &str) -> Option<Heard> {
        let yes_no = |keys: &str| match keys {
            "1" => Some(true),
            "2" => Some(false),
            _ => None,
        };
        let Asked::Field { name } = &self.state.asked else {
            let asks = matches!(self.state.asked, Asked::Confirm { .. } | Asked::Then { .. } | Asked::Unsure { .. });
            return Some(Heard { yes: Some(yes_no(keys).filter(|_| asks)?), ..Heard::default() });
        };
        let value = match &self.flow.fields.get(name)?.kind {
            Kind::Date { .. } => {
                let (day, month) = (keys.get(..2)?.parse().ok()?, keys.get(2..4)?.parse().ok()?);
                Value::Date(Spec::DayMonth(day, month).resolve(self.now.date())?)
            }
            Kind::Count(_) => Value::Count(keys.parse().ok()?),
            Kind::Money { currency } => Value::Money { amount: keys.parse().ok()?, currency: currency.clone() },
            Kind::Phone if keys.len() >= 6 => Value::Phone(keys.to_owned()),
            Kind::YesNo => Value::YesNo(yes_no(keys)?),
            Kind::Choice(options) => Value::Choice(options.get(keys.parse::<usize>().ok()?.checked_sub(1)?)?.value.clone()),
            Kind::Code { letters: false, .. } => Value::Code(keys.to_owned()),
            _ => return None,
        };
        Some(Heard { values: vec![(name.clone(), value)], ..Heard::default() })
    }

    fn menu_entry(&self, key: char) -> Option<KeypadEntry> {
        self.flow.keypad.as_ref().and_then(|keypad| keypad.entries.get(&key)).cloned()
    }

    fn menu_key(&mut self, key: char) {
        match self.menu_entry(key) {
            Some(KeypadEntry::Say(text)) => {
                self.say_text(text);
                if self.state.keypad_only { self.keypad_menu() } else { self.ask(Asked::Main { again: true }, false) }
            }
            Some(KeypadEntry::Person) => self.person_by_key(),
            Some(KeypadEntry::Goodbye) => {
                self.say_own("goodbye");
                self.end(Exit::Goodbye);
            }
            None => self.keypad_menu(),
        }
    }

    /// Without speech recognition no message can be taken: a person, or an honest no.
    pub(super) fn person_by_key(&mut self) {
        if self.whom().is_some() || !self.state.keypad_only {
            return self.person();
        }
        self.say_own("no_person");
        self.keypad_menu();
    }

    /// Says the menu and waits for a key. Without a menu in the file there is nothing to offer but a person.
    pub(super) fn keypad_menu(&mut self) {
        let flow = self.flow.clone();
        match &flow.keypad {
            Some(keypad) => {
                self.say_text(keypad.prompt.clone());
                self.state.asked = Asked::Main { again: false };
                self.state.last_turn = self.state.turn.clone();
                self.out.push_back(Output::Listen { state: "main".into(), max_keys: 1 });
            }
            None => match self.whom() {
                Some(to) => {
                    self.say_own("transfer");
                    self.end(Exit::Transfer { to });
                }
                None => {
                    self.say_own("failed");
                    self.say_own("goodbye");
                    self.end(Exit::Goodbye);
                }
            },
        }
    }
}
