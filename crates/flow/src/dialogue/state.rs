//! What a conversation remembers; all of it can be stored.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::definition::Flow;
use crate::understand::Heard;
use crate::values::Value;
use crate::vocabulary::Exit;

/// Most requests that wait to be worked on.
pub(super) const MOST_TASKS: usize = 5;
/// Refusals of one request after which it is given up, so that no tool can keep the caller in a circle.
pub(super) const MOST_REFUSALS: u32 = 6;

/// Times a person is tried in vain in one call; then nobody is put through any more, but in an emergency.
pub const MOST_UNREACHED: u32 = 2;

/// A stored conversation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) state: State,
    pub(super) seed: u64,
}

/// All that is known in the middle of a call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) started: bool,
    /// How it ended.
    pub(super) ended: Option<Exit>,
    pub(super) keypad_only: bool,
    pub(super) caller: Option<String>,
    /// Requests; the first is being worked on.
    pub(super) tasks: VecDeque<Task>,
    /// Values that later requests may use.
    pub(super) kept: BTreeMap<String, Value>,
    pub(super) asked: Asked,
    /// What the agent said in this turn, and in the last one that ended with listening.
    pub(super) turn: Vec<String>,
    pub(super) last_turn: Vec<String>,
    pub(super) pending: Option<Pending>,
    /// Said while a tool worked.
    pub(super) remembered: Option<Heard>,
    /// Keys of an answer that is not complete.
    pub(super) keys: String,
    /// The last key was a star, which a second one makes "start over".
    pub(super) starred: bool,
    /// Misunderstandings in a row.
    pub(super) misses: u32,
    pub(super) last_id: u32,
    #[serde(default)]
    pub(super) time: TimeLeft,
    /// The caller heard nothing of the last question: no bare yes can answer it.
    #[serde(default)]
    pub(super) unheard: bool,
    /// What was said of an effect in the last turn, and what of it the caller must still hear.
    #[serde(default)]
    pub(super) news: Vec<String>,
    #[serde(default)]
    pub(super) missed: Vec<String>,
    /// Times the caller was to be put through and nobody was reached.
    #[serde(default)]
    pub(super) unreached: u32,
    /// The caller is being put through because of an emergency.
    #[serde(default)]
    pub(super) emergency: bool,
}

/// What the caller is to know of the call's length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimeLeft {
    /// Nothing.
    #[default]
    Enough,
    /// That little of it is left: said with the next turn.
    Short,
    /// It was said.
    Told,
}

/// The question that the caller's next words answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    /// How can I help? (`again`: is there anything else?)
    Main {
        again: bool,
    },
    Field {
        name: String,
    },
    AnyOf {
        name: String,
    },
    /// Is this right? Yes calls the action's tool with exactly these arguments.
    Confirm {
        arguments: Json,
    },
    WhatToChange,
    /// Would you also like ...? Yes starts the intent with these values.
    Then {
        intent: String,
        values: BTreeMap<String, Value>,
        question: String,
    },
    /// Did you say ...?
    Unsure {
        heard: Box<Heard>,
        question: String,
        before: Box<Asked>,
    },
}

impl Default for Asked {
    fn default() -> Self {
        Self::Main { again: false }
    }
}

/// A request being worked on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) intent: String,
    pub(super) values: BTreeMap<String, Value>,
    /// Answers of queries, each with the arguments it was for.
    pub(super) results: BTreeMap<String, Answered>,
    pub(super) refusals: u32,
    /// A question that stands in for the usual one of this field, once.
    pub(super) ask_instead: Option<(String, String)>,
}

/// A query's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) arguments: Json,
    pub(super) fields: Json,
}

/// A tool call under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) id: u32,
    pub(super) tool: String,
    /// The query's name; none for the action.
    pub(super) query: Option<String>,
    pub(super) arguments: Json,
}

impl Asked {
    /// A name in it that the flow does not have.
    fn unknown_name(&self, flow: &Flow) -> Option<&String> {
        match self {
            Self::Field { name } => Some(name).filter(|name| !flow.fields.contains_key(*name)),
            Self::AnyOf { name } => Some(name).filter(|name| !flow.choices.contains_key(*name)),
            Self::Then { intent, .. } => Some(intent).filter(|intent| flow.intent(intent).is_none()),
            Self::Unsure { before, .. } => before.unknown_name(flow),
            Self::Main { .. } | Self::Confirm { .. } | Self::WhatToChange => None,
        }
    }
}

impl State {
    /// As it is stored: without what stands in secret slots, and without what was said of it. A question that needs it becomes the question for
    /// it; a tool call that needs it cannot be made again, and its request is given up.
    pub(super) fn without_secrets(&self, flow: &Flow) -> Self {
        let mut kept = self.clone();
        let secret = |field: &str| flow.fields.get(field).is_some_and(|field| field.secret);
        if matches!(&self.asked, Asked::Field { name } if secret(name)) {
            kept.keys.clear();
        }
        kept.remembered.iter_mut().for_each(|heard| heard.values.retain(|(field, _)| !secret(field)));
        if let Asked::Unsure { heard, before, .. } = &self.asked
            && heard.values.iter().any(|(field, _)| secret(field))
        {
            (kept.asked, kept.turn, kept.last_turn) = ((**before).clone(), Vec::new(), Vec::new());
        }
        let in_use = self.tasks.iter().flat_map(|task| task.values.keys()).chain(self.kept.keys()).find(|field| secret(field)).cloned();
        let Some(field) = in_use else { return kept };
        for values in kept.tasks.iter_mut().map(|task| &mut task.values).chain([&mut kept.kept]) {
            values.retain(|field, _| !secret(field));
        }
        // What was asked of a tool is in its answer's record.
        kept.tasks.iter_mut().for_each(|task| task.results.clear());
        [&mut kept.turn, &mut kept.last_turn, &mut kept.news, &mut kept.missed].into_iter().for_each(Vec::clear);
        if kept.pending.take().is_some() {
            kept.tasks.pop_front();
            kept.asked = Asked::Main { again: true };
        } else if matches!(kept.asked, Asked::Confirm { .. } | Asked::Then { .. } | Asked::Unsure { .. }) {
            kept.asked = Asked::Field { name: field };
        }
        kept
    }

    /// A name in a stored state that the flow does not have.
    pub(super) fn unknown_name(&self, flow: &Flow) -> Option<String> {
        let intent = self.tasks.iter().map(|task| &task.intent).find(|intent| flow.intent(intent).is_none());
        let mut values = self.tasks.iter().flat_map(|task| task.values.keys()).chain(self.kept.keys());
        let field = values.find(|field| !flow.fields.contains_key(*field));
        let tool = self.pending.as_ref().filter(|pending| self.tool_of(pending, flow) != Some(&pending.tool)).map(|pending| &pending.tool);
        intent.or(field).or(self.asked.unknown_name(flow)).or(tool).cloned()
    }

    /// The tool that a call under way would call with the flow of today.
    fn tool_of<'a>(&self, pending: &Pending, flow: &'a Flow) -> Option<&'a String> {
        match &pending.query {
            Some(query) => flow.queries.get(query).map(|query| &query.tool),
            None => flow.intent(&self.tasks.front()?.intent)?.action.as_ref().map(|action| &action.tool),
        }
    }
}
