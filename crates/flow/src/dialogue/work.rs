//! Working on a request: the first step that is not satisfied is what happens next.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::Dialogue;
use super::say::Extra;
use super::state::{Asked, MOST_TASKS, Pending, Task};
use crate::definition::{Intent, Step};
use crate::values::Value;
use crate::vocabulary::Output;

impl Dialogue {
    /// Does the next thing of the present request, or asks for one.
    pub(super) fn advance(&mut self) {
        let flow = self.flow.clone();
        // Each round ends a request; their number is limited.
        for _ in 0..=MOST_TASKS {
            let Some(intent) = self.state.tasks.front().and_then(|task| flow.intent(&task.intent)) else { break };
            if flow.closed.has(intent) {
                self.say_own_with("not_offered", &Extra { words: &[("label", &intent.label)], ..Extra::default() });
                self.state.tasks.pop_front();
                continue;
            }
            if let Some(step) = self.open_step(intent) {
                self.do_step(&step);
                return;
            }
            if intent.action.is_some() {
                self.read_back(intent);
                return;
            }
            if self.finish(intent) {
                return;
            }
        }
        self.ask_for_request();
    }

    fn ask_for_request(&mut self) {
        self.say_own("anything_else");
        self.listen(Asked::Main { again: true });
    }

    pub(super) fn open_step(&self, intent: &Intent) -> Option<Step> {
        let task = self.state.tasks.front()?;
        let open = |step: &&Step| match step {
            Step::Field(field) => !task.values.contains_key(field),
            Step::Query(name) => task.results.get(name).is_none_or(|answered| answered.arguments != self.query_arguments(name)),
            Step::AnyOf(name) => {
                self.flow.choices.get(name).is_some_and(|group| !group.fields.iter().any(|field| task.values.contains_key(field)))
            }
        };
        intent.steps.iter().find(open).cloned()
    }

    fn do_step(&mut self, step: &Step) {
        match step {
            Step::Field(name) => self.ask(Asked::Field { name: name.clone() }, false),
            Step::AnyOf(name) => self.ask(Asked::AnyOf { name: name.clone() }, false),
            Step::Query(name) => {
                let arguments = self.query_arguments(name);
                let flow = self.flow.clone();
                let Some(query) = flow.queries.get(name) else { return };
                self.say_prompt(&query.wait, &Extra::default());
                self.call(&query.tool, arguments, Some(name.clone()));
            }
        }
    }

    pub(super) fn call(&mut self, tool: &str, arguments: Json, query: Option<String>) {
        self.state.last_id += 1;
        let id = self.state.last_id;
        self.state.pending = Some(Pending { id, tool: tool.to_owned(), query, arguments: arguments.clone() });
        self.out.push_back(Output::CallTool { id, tool: tool.to_owned(), arguments });
    }

    /// Says the question and listens. `help`: the longer form with an example.
    pub(super) fn ask(&mut self, asked: Asked, help: bool) {
        let flow = self.flow.clone();
        match &asked {
            Asked::Main { again: true } => self.say_own("anything_else"),
            Asked::Main { again: false } => self.say_own("how_can_i_help"),
            Asked::Field { name } => {
                let Some(field) = flow.fields.get(name) else { return };
                let instead = self.state.tasks.front().and_then(|task| task.ask_instead.clone()).filter(|(of, _)| of == name);
                match instead {
                    Some((_, text)) if !help => self.say_text(text),
                    _ => self.say_prompt(if help && !field.help.is_empty() { &field.help } else { &field.ask }, &Extra::default()),
                }
            }
            Asked::AnyOf { name } => {
                let Some(group) = flow.choices.get(name) else { return };
                self.say_prompt(if help && !group.help.is_empty() { &group.help } else { &group.ask }, &Extra::default());
            }
            Asked::Confirm { .. } if help => self.say_own("yes_or_no"),
            Asked::Confirm { .. } => return self.advance(),
            Asked::WhatToChange => self.say_own("what_to_change"),
            Asked::Then { question, .. } | Asked::Unsure { question, .. } => self.say_text(question.clone()),
        }
        self.listen(asked);
    }

    fn read_back(&mut self, intent: &Intent) {
        let Some(action) = &intent.action else { return };
        let arguments = self.arguments(&action.arguments);
        match self.fill(&action.confirm, &Extra::default()) {
            Some(text) => {
                self.say_text(text);
                self.listen(Asked::Confirm { arguments });
            }
            // A placeholder has no value: what can't be read back isn't done.
            None => {
                self.say_own("failed");
                self.state.tasks.pop_front();
                self.advance();
            }
        }
    }

    /// The arguments as they are now; unknown fields are left out.
    pub(super) fn arguments(&self, map: &BTreeMap<String, String>) -> Json {
        let Some(task) = self.state.tasks.front() else { return Json::Object(Map::new()) };
        let known = map.iter().filter_map(|(argument, field)| Some((argument.clone(), task.values.get(field)?.to_json())));
        Json::Object(known.collect())
    }

    fn query_arguments(&self, name: &str) -> Json {
        self.flow.queries.get(name).map_or(Json::Null, |query| self.arguments(&query.arguments))
    }

    /// A request is done. True when an offer follows, which is asked now.
    pub(super) fn finish(&mut self, intent: &Intent) -> bool {
        let then = intent.then.as_ref().filter(|then| !self.flow.closed.intents.contains(&then.intent));
        let question = then.and_then(|then| self.fill(&then.ask, &Extra::default()));
        let Some(task) = self.state.tasks.pop_front() else { return false };
        self.keep_values(&task.values);
        // With more requests waiting, or an answer heard already, offers only get in the way.
        if let (Some(then), Some(question), true) = (then, question, self.state.tasks.is_empty()) {
            self.say_text(question.clone());
            let mut values = task.values;
            for (field, (query, name)) in &then.sets {
                let text = task.results.get(query).and_then(|answered| answered.fields.get(name)).and_then(Json::as_str);
                let value = text.zip(self.flow.fields.get(field)).and_then(|(text, field)| Value::from_text(&field.kind, text));
                if let Some(value) = value {
                    values.entry(field.clone()).or_insert(value);
                }
            }
            self.listen(Asked::Then { intent: then.intent.clone(), values, question });
            return true;
        }
        false
    }

    pub(super) fn keep_values(&mut self, values: &BTreeMap<String, Value>) {
        let flow = self.flow.clone();
        let kept = values.iter().filter(|(field, _)| flow.fields.get(*field).is_some_and(|field| field.keep));
        self.state.kept.extend(kept.map(|(field, value)| (field.clone(), value.clone())));
        for task in &mut self.state.tasks {
            let Some(intent) = flow.intent(&task.intent) else { continue };
            for (field, value) in self.state.kept.iter().filter(|(field, _)| uses(&flow, intent, field)) {
                task.values.entry(field.clone()).or_insert_with(|| value.clone());
            }
        }
    }

    /// A new request with what is known already: kept values, the caller's number.
    pub(super) fn new_task(&self, intent: &str) -> Task {
        let mut task = Task { intent: intent.to_owned(), ..Task::default() };
        let Some(intent) = self.flow.intent(intent) else { return task };
        for field in self.flow.fields.values().filter(|field| uses(&self.flow, intent, &field.name)) {
            let caller = self.state.caller.clone().filter(|_| field.from_caller).map(Value::Phone);
            if let Some(value) = self.state.kept.get(&field.name).cloned().or(caller) {
                task.values.insert(field.name.clone(), value);
            }
        }
        task
    }
}

/// True when an intent asks for a field, takes it, or gives it to a tool.
pub(super) fn uses(flow: &crate::Flow, intent: &Intent, field: &str) -> bool {
    let names = |name: &str| name == field || field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let query_takes = |name: &str| flow.queries.get(name).is_some_and(|query| query.arguments.values().any(|used| used == field));
    let by_step = intent.steps.iter().any(|step| match step {
        Step::Field(name) => name == field,
        Step::Query(name) => query_takes(name),
        Step::AnyOf(name) => flow.choices.get(name).is_some_and(|group| group.fields.iter().any(|name| name == field)),
    });
    by_step
        || intent.optional.iter().any(|name| names(name))
        || intent.action.as_ref().is_some_and(|action| action.arguments.values().any(|used| used == field))
}
