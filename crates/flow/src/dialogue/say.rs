//! Saying and listening.

use super::Dialogue;
use super::state::{Asked, TimeLeft};
use crate::definition::{Field, Flow, Kind};
use crate::speak;
use crate::template::{Prompt, speak_result};
use crate::values::Value;
use crate::vocabulary::{Exit, Output};
use serde_json::Value as Json;

/// What a prompt may speak of beside the present request: bare words, and the tool answer at hand.
#[derive(Default)]
pub(super) struct Extra<'a> {
    pub(super) words: &'a [(&'a str, &'a str)],
    pub(super) result: Option<&'a Json>,
    pub(super) refused: Option<&'a Json>,
}

impl Dialogue {
    pub(super) fn begin_turn(&mut self) {
        self.state.turn.clear();
        self.state.news.clear();
        std::mem::take(&mut self.state.missed).into_iter().for_each(|text| self.say_text(text));
        if self.state.time == TimeLeft::Short {
            self.state.time = TimeLeft::Told;
            self.say_own("time_short");
        }
    }

    pub(super) fn say_text(&mut self, text: String) {
        self.say_with(text, true);
    }

    fn say_with(&mut self, text: String, interruptible: bool) {
        if !text.is_empty() && self.state.turn.last() != Some(&text) {
            self.state.turn.push(text.clone());
            self.out.push_back(Output::Say { text, interruptible });
        }
    }

    /// Says one of the engine's own prompts.
    pub(super) fn say_own(&mut self, name: &str) {
        self.say_own_with(name, &Extra::default());
    }

    pub(super) fn say_own_with(&mut self, name: &str, extra: &Extra<'_>) {
        let flow = self.flow.clone();
        let last_words = matches!(
            name,
            "goodbye" | "time_up" | "closing" | "closing_no_number" | "silence_end" | "transfer" | "transfer_emergency" | "emergency_alone"
        );
        let text = self.fill(flow.prompts.get(name), extra).unwrap_or_default();
        self.say_with(text, !last_words);
    }

    pub(super) fn say_prompt(&mut self, prompt: &Prompt, extra: &Extra<'_>) {
        let text = self.fill(prompt, extra).unwrap_or_default();
        self.say_text(text);
    }

    /// The prompt's text with everything known put in.
    pub(super) fn fill(&mut self, prompt: &Prompt, extra: &Extra<'_>) -> Option<String> {
        let flow = self.flow.clone();
        let task = self.state.tasks.front();
        let lookup = |path: &str, format: Option<&str>| -> Option<String> {
            if let Some((_, text)) = extra.words.iter().find(|(name, _)| *name == path) {
                return Some((*text).to_owned());
            }
            if let Some(spoken) = task.and_then(|task| speak_slot(&flow, &task.values, path)) {
                return Some(spoken);
            }
            let (root, name) = path.split_once('.')?;
            let fields = match root {
                "result" => extra.result?,
                "refused" => extra.refused?,
                query => &task?.results.get(query)?.fields,
            };
            speak_result(&flow, fields, name, format)
        };
        prompt.fill(&mut self.rng, &lookup)
    }

    /// Ends the turn: the caller's next words answer `asked`.
    pub(super) fn listen(&mut self, asked: Asked) {
        let flow = self.flow.clone();
        let (state, max_keys) = match &asked {
            Asked::Main { .. } => ("main".to_owned(), 1),
            Asked::Field { name } => (name.clone(), flow.fields.get(name).map_or(0, max_keys)),
            Asked::AnyOf { name } => (name.clone(), 1),
            Asked::Confirm { .. } => ("confirm".to_owned(), 1),
            Asked::WhatToChange => ("confirm".to_owned(), 1),
            Asked::Then { .. } | Asked::Unsure { .. } => ("yes_no".to_owned(), 1),
        };
        self.state.asked = asked;
        self.state.unheard = false;
        self.state.last_turn = self.state.turn.clone();
        self.out.push_back(Output::Listen { state, max_keys });
    }

    pub(super) fn end(&mut self, exit: Exit) {
        self.state.ended = Some(exit.clone());
        self.state.pending = None;
        self.out.push_back(Output::End(exit));
    }
}

/// Most keys of an answer to a field's question. 0 when it can't be keyed.
pub(super) fn max_keys(field: &Field) -> u8 {
    match &field.kind {
        Kind::Date { .. } => 4,
        Kind::Count(rules) => rules.max.max(1).to_string().len().min(6) as u8,
        Kind::Money { .. } => 6,
        Kind::Phone => 15,
        Kind::YesNo | Kind::Choice(_) => 1,
        Kind::Code { length, letters: false } => (*length).min(20) as u8,
        Kind::Code { letters: true, .. } | Kind::Name | Kind::Email | Kind::Text => 0,
    }
}

/// A slot spoken; a date range's departure is made of its two fields.
fn speak_slot(flow: &Flow, values: &std::collections::BTreeMap<String, Value>, path: &str) -> Option<String> {
    if let Some(range) = path.strip_suffix(".departure") {
        let Value::Date(arrival) = values.get(&format!("{range}.arrival"))? else { return None };
        let Value::Count(nights) = values.get(&format!("{range}.nights"))? else { return None };
        let departure = arrival.checked_add(jiff::Span::new().try_days(*nights).ok()?).ok()?;
        return Some(speak::date(departure));
    }
    Some(speak::value(flow.fields.get(path)?, values.get(path)?))
}
