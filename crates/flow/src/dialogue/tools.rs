//! What tools answer.

use serde_json::Value as Json;

use super::Dialogue;
use super::say::Extra;
use super::state::{Answered, Asked, MOST_REFUSALS, Pending};
use crate::definition::{AfterRefusal, Refusal, Step};
use crate::values::Value;
use crate::vocabulary::ToolOutcome;

impl Dialogue {
    pub(super) fn tool_answered(&mut self, id: u32, outcome: ToolOutcome) {
        // An answer to an older call, or to none: nobody waits for it.
        let Some(pending) = self.state.pending.take_if(|pending| pending.id == id) else { return };
        self.begin_turn();
        match (outcome, &pending.query) {
            (ToolOutcome::Ok(fields), Some(query)) => self.query_answered(query, &pending.arguments, fields),
            (ToolOutcome::Ok(fields), None) => self.action_done(&fields),
            (ToolOutcome::Refused { code, fields }, _) => self.refused(&pending, &code, &fields),
            (ToolOutcome::Failed, _) => {
                self.say_own("failed");
                self.state.tasks.pop_front();
            }
        }
        if self.state.ended.is_some() {
            return;
        }
        if self.state.keypad_only {
            // The request was made by voice, before a machine took the call up that hears none: there is no way to go on with the rest.
            return self.menu_instead();
        }
        match self.state.remembered.take() {
            // What was said meanwhile is not an answer to a question that was still to come.
            Some(heard) => {
                self.state.asked = Asked::Main { again: true };
                self.apply(heard);
            }
            None if !self.listening() => self.advance(),
            None => {}
        }
    }

    fn listening(&self) -> bool {
        matches!(self.out.back(), Some(crate::Output::Listen { .. }))
    }

    fn query_answered(&mut self, name: &str, arguments: &Json, fields: Json) {
        let flow = self.flow.clone();
        let (Some(query), Some(task)) = (flow.queries.get(name), self.state.tasks.front_mut()) else { return };
        task.results.insert(name.to_owned(), Answered { arguments: arguments.clone(), fields });
        task.ask_instead = None;
        // A read-back that comes at once says it all.
        let next = self.state.tasks.front().and_then(|task| flow.intent(&task.intent)).filter(|intent| self.open_step(intent).is_none());
        let said_next = next.and_then(|intent| intent.action.as_ref()).is_some_and(|action| action.confirm.speaks_of(name));
        if !said_next || self.state.remembered.is_some() {
            self.say_prompt(&query.ok, &Extra::default());
        }
    }

    fn action_done(&mut self, fields: &Json) {
        let flow = self.flow.clone();
        let Some(intent) = self.state.tasks.front().and_then(|task| flow.intent(&task.intent)) else { return };
        let Some(action) = &intent.action else { return };
        self.say_prompt(&action.ok, &Extra { result: Some(fields), ..Extra::default() });
        self.state.news = self.state.turn.clone();
        for (field, from) in &action.sets {
            let text = fields.get(from).and_then(Json::as_str);
            let value = text.zip(flow.fields.get(field)).and_then(|(text, field)| Value::from_text(&field.kind, text));
            if let (Some(value), Some(task)) = (value, self.state.tasks.front_mut()) {
                task.values.insert(field.clone(), value);
            }
        }
        self.finish(intent);
    }

    fn refused(&mut self, pending: &Pending, code: &str, fields: &Json) {
        let flow = self.flow.clone();
        let Some(intent) = self.state.tasks.front().and_then(|task| flow.intent(&task.intent)) else { return };
        let list = match &pending.query {
            Some(query) => flow.queries.get(query).map(|query| query.refused.as_slice()),
            None => intent.action.as_ref().map(|action| action.refused.as_slice()),
        };
        let has = |refusal: &&Refusal| refusal.has.iter().all(|field| fields.get(field).is_some_and(|value| !value.is_null()));
        let refusal = list.unwrap_or_default().iter().filter(|refusal| refusal.code == code).find(has);
        let Some(refusal) = refusal else {
            self.say_own("refused");
            self.state.tasks.pop_front();
            return;
        };
        let extra = Extra { refused: Some(fields), ..Extra::default() };
        self.say_prompt(&refusal.say, &extra);
        match refusal.then {
            AfterRefusal::Ask => self.ask_again(refusal, &extra),
            AfterRefusal::Drop => drop(self.state.tasks.pop_front()),
            AfterRefusal::Person => self.person(),
        }
    }

    /// Forgets what the refusal was about, so that it is asked again. Where nothing is left to ask, the request is given up.
    fn ask_again(&mut self, refusal: &Refusal, extra: &Extra<'_>) {
        let flow = self.flow.clone();
        let question = self.fill(&refusal.ask, extra);
        let Some(task) = self.state.tasks.front_mut() else { return };
        let cleared = |field: &String| {
            refusal.clear.iter().any(|name| field == name || field.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.')))
        };
        let before = task.values.len();
        task.values.retain(|field, _| !cleared(field));
        self.state.kept.retain(|field, _| !cleared(field));
        task.refusals += 1;
        let useless = task.values.len() == before || task.refusals >= MOST_REFUSALS;
        let first = flow.intent(&task.intent).and_then(|intent| {
            let asked = |step: &&Step| matches!(step, Step::Field(field) if !task.values.contains_key(field));
            let open = intent.steps.iter().find(asked);
            open.and_then(|step| if let Step::Field(field) = step { Some(field.clone()) } else { None })
        });
        if useless {
            self.state.tasks.pop_front();
            return;
        }
        // An optional field isn't asked for by any step; with a question of its own it is asked here.
        let first = first.or_else(|| refusal.clear.iter().find(|field| flow.fields.contains_key(*field)).cloned());
        if let (Some(question), Some(field)) = (question, first) {
            let asked_by_step = self
                .state
                .tasks
                .front()
                .and_then(|task| flow.intent(&task.intent))
                .is_some_and(|intent| intent.steps.contains(&Step::Field(field.clone())));
            if let Some(task) = self.state.tasks.front_mut() {
                task.ask_instead = Some((field.clone(), question));
            }
            if !asked_by_step {
                self.ask(Asked::Field { name: field }, false);
            }
        }
    }
}
