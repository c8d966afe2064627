//! Tools: what an agent can do beside talking. Effects happen exactly once: the caller of a tool gives an idempotency key, and the tool keeps it with the effect,
//! or says that it does not: then it is not asked a second time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use call::{AgentId, CallId, PhoneNumber};
use jiff::Timestamp;
use models::ToolSpec;
use serde_json::Value;

/// Who asks, for which call. Tools take ids and numbers from here, never from speech.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// The call.
    pub call: CallId,
    /// The agent that asks.
    pub agent: AgentId,
    /// The caller's number, when it is a number.
    pub caller: Option<PhoneNumber>,
    /// One key, one effect.
    pub idempotency_key: String,
    /// Wall-clock time of the request.
    pub now: Timestamp,
}

/// What a tool answers. A rule of the business that says no is an answer, not a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolAnswer {
    /// Done; fields for the prompts (an object).
    Ok(Value),
    /// A rule says no: a code from a closed list (`not_found`, `unavailable`, ...), and fields for the prompts.
    Refused {
        /// Which rule; the agent's file has a prompt for it.
        code: &'static str,
        /// Fields for the prompt (an object).
        fields: Value,
    },
    /// A fault; the text is for the log, not for the caller.
    Failed(String),
}

/// One tool.
#[async_trait]
pub trait Tool: Send + Sync {
    /// The name agents call it by.
    fn name(&self) -> &str;

    /// How a model sees it; `None`: only dialogues that know it use it.
    fn spec(&self) -> Option<ToolSpec> {
        None
    }

    /// It changes something: a model's call of it needs a read-back and the caller's yes. Whoever does not say so needs them too.
    fn effects(&self) -> bool {
        true
    }

    /// It keeps each idempotency key with its effect. Who does not is never asked again when it is not known whether it has acted.
    fn keeps_keys(&self) -> bool {
        true
    }

    /// Longest time to its answer; at most [`Toolbox::LONGEST`] counts.
    fn deadline(&self) -> Duration {
        Toolbox::DEADLINE
    }

    /// What is said of an answer that is `Ok`, where it is not left to the model's own words.
    fn spoken(&self, _fields: &Value) -> Option<String> {
        None
    }

    /// Does it. Arguments are a JSON object; what is missing or malformed is answered with `Failed`.
    async fn call(&self, context: &ToolContext, arguments: &Value) -> ToolAnswer;
}

/// The tools of this installation, by name.
#[derive(Clone, Default)]
pub struct Toolbox(BTreeMap<String, Arc<dyn Tool>>);

impl Toolbox {
    /// Longest time one tool call may take before it counts as failed, unless the tool says otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(10);
    /// No tool may take longer: no caller waits longer.
    pub const LONGEST: Duration = Duration::from_secs(30);

    /// An empty box.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool; a second one of the same name replaces the first.
    pub fn add(&mut self, tool: Arc<dyn Tool>) {
        self.0.insert(tool.name().to_owned(), tool);
    }

    /// True when there is a tool of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The tool of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(name)
    }

    /// Calls a tool, with the deadline. An unknown name is a fault.
    pub async fn call(&self, name: &str, context: &ToolContext, arguments: &Value) -> ToolAnswer {
        let Some(tool) = self.0.get(name) else {
            return ToolAnswer::Failed(format!("no tool is called {name:?}"));
        };
        let deadline = tool.deadline().min(Self::LONGEST);
        match tokio::time::timeout(deadline, tool.call(context, arguments)).await {
            Ok(answer) => answer,
            Err(_) => ToolAnswer::Failed(format!("tool {name:?} took longer than {deadline:?}")),
        }
    }
}
