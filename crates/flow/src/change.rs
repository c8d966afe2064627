//! What a workspace changes of an agent's file: its greeting, its timing, and which of its tools it may use.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::definition::{Flow, Intent, Prompts, Step, TurnTaking};
use crate::template::{Part, Prompt, Template};

/// What [`Flow::changed`] changes. What is `None` stays as the file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Said first; plain text, no placeholders.
    pub greeting: Option<String>,
    /// The tools it may use, of those the file uses. A request that needs another one is answered with "I'm sorry, I can't ..." (`not_offered`).
    pub tools: Option<BTreeSet<String>>,
    /// How the session times the conversation.
    pub turn_taking: Option<TurnTaking>,
}

/// Why a change is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeProblem {
    /// Nothing would be said first.
    #[error("the greeting is empty; write what the agent says first")]
    EmptyGreeting,
    /// A greeting with `{` or `}`.
    #[error("the greeting has a brace; it is said as it is written, so placeholders do not work in it")]
    Placeholder,
    /// The file does not use this tool.
    #[error("the agent's dialogue does not use the tool {tool:?}; it uses: {known}")]
    UnknownTool {
        /// Which.
        tool: String,
        /// Those it uses.
        known: String,
    },
    /// Every request needs a tool that is left out, and there is no knowledge to give.
    #[error("without {left_out} the agent could do nothing for its callers; leave it at least one of these tools")]
    NothingLeft {
        /// The tools that would be left out.
        left_out: String,
    },
}

/// What an agent may not do, though its file knows how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closed {
    pub(crate) tools: Arc<BTreeSet<String>>,
    /// Intents that need one of the tools.
    pub(crate) intents: Arc<BTreeSet<String>>,
}

impl Closed {
    pub(crate) fn has(&self, intent: &Intent) -> bool {
        self.intents.contains(&intent.name)
    }
}

impl Flow {
    /// The same agent, changed. It understands the same sentences: [`Flow::domain`] stays as it is.
    ///
    /// # Errors
    /// Every change that is not possible.
    pub fn changed(&self, changes: Changes) -> Result<Self, Vec<ChangeProblem>> {
        let mut flow = self.clone();
        let mut problems = Vec::new();
        if let Some(greeting) = changes.greeting {
            match greeting_prompt(&greeting) {
                Ok(prompt) => flow.prompts = with_greeting(&flow.prompts, prompt),
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(tools) = changes.tools {
            match self.without(&tools) {
                Ok(closed) => flow.closed = closed,
                Err(found) => problems.extend(found),
            }
        }
        flow.turn_taking = changes.turn_taking.unwrap_or(flow.turn_taking);
        if problems.is_empty() { Ok(flow) } else { Err(problems) }
    }

    /// What is closed when only these tools may be used.
    fn without(&self, allowed: &BTreeSet<String>) -> Result<Closed, Vec<ChangeProblem>> {
        let used: BTreeSet<String> = self.tools().map(str::to_owned).collect();
        let known = used.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let unknown = allowed.difference(&used).map(|tool| ChangeProblem::UnknownTool { tool: tool.clone(), known: known.clone() });
        let unknown: Vec<_> = unknown.collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let tools: BTreeSet<String> = used.difference(allowed).cloned().collect();
        let closed = self.intents.iter().filter(|intent| self.needs_one_of(intent, &tools));
        let intents: BTreeSet<String> = closed.map(|intent| intent.name.clone()).collect();
        if intents.len() == self.intents.len() && !intents.is_empty() && self.answers.is_empty() {
            let left_out = tools.into_iter().collect::<Vec<_>>().join(", ");
            return Err(vec![ChangeProblem::NothingLeft { left_out }]);
        }
        Ok(Closed { tools: tools.into(), intents: intents.into() })
    }

    fn needs_one_of(&self, intent: &Intent, tools: &BTreeSet<String>) -> bool {
        let asks = |step: &Step| match step {
            Step::Query(name) => self.queries.get(name).is_some_and(|query| tools.contains(&query.tool)),
            Step::Field(_) | Step::AnyOf(_) => false,
        };
        intent.steps.iter().any(asks) || intent.action.as_ref().is_some_and(|action| tools.contains(&action.tool))
    }
}

fn greeting_prompt(text: &str) -> Result<Prompt, ChangeProblem> {
    if text.trim().is_empty() {
        return Err(ChangeProblem::EmptyGreeting);
    }
    if text.contains(['{', '}']) {
        return Err(ChangeProblem::Placeholder);
    }
    Ok(Prompt(vec![Template(vec![Part::Text(text.trim().to_owned())])]))
}

fn with_greeting(prompts: &Prompts, greeting: Prompt) -> Prompts {
    let mut all = prompts.clone();
    all.0.insert("greeting", greeting);
    all
}
