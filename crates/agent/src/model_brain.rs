//! The brain that thinks with a language model. It speaks the words of [`flow`] like every brain: the session knows no difference.

mod answer;
mod beside;
mod consents;
mod ear;
mod events;
mod hands;
mod history;
mod instructions;
mod live;
mod sentences;
mod talk;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use call::Meter;
use jiff::civil::DateTime;
use models::{LanguageModel, ModelError};
use serde_json::Value;
pub(crate) use talk::{State, Step, Talk};
pub use texts::Texts;

use crate::{Brain, BrainInput, BrainOutput, ToolSet};

/// Who a model plays, and what it may do: the same for all calls of an agent, but for [`Self::caller_known`].
#[derive(Debug, Clone)]
pub struct Persona {
    /// The agent's name.
    pub name: String,
    /// BCP 47: the only language it speaks.
    pub language: String,
    /// IANA name; the times it is told are local there.
    pub time_zone: String,
    /// What the workspace wants of it.
    pub prompt: Option<String>,
    /// Its first words; `None`: the model greets.
    pub greeting: Option<String>,
    /// What it may ask for.
    pub tools: Arc<ToolSet>,
    /// What it says without a model.
    pub texts: Texts,
    /// How free its words are, 0 to 2.
    pub temperature: Option<f32>,
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// The caller can be called back.
    pub caller_known: bool,
    /// From this silence on the call ends: the count of [`BrainInput::Silence`].
    pub max_silences: u32,
    /// How long an answer may let wait.
    pub limits: Limits,
}

/// How long an answer of a model may let wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To its first word or wish.
    pub first: Duration,
    /// Between two pieces.
    pub stall: Duration,
}

impl Default for Limits {
    /// 3 s: what the adapters' watchdogs have too. A caller has heard one filler then and would hear the second.
    fn default() -> Self {
        Self { first: Duration::from_secs(3), stall: Duration::from_secs(3) }
    }
}

/// Somebody a caller may be put through to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What the model calls it.
    pub name: String,
    /// The number to dial. The model never sees it.
    pub number: String,
}

/// Why an answer did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("nothing came within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("the answer stopped for {} ms", .0.as_millis())]
    Stalled(Duration),
    #[error("the answer was empty")]
    Empty,
    #[error("the answer broke off without an end")]
    Cut,
    #[error("it went on calling tools in a way that leads nowhere")]
    Tools,
}

/// A model as a brain. When it does not answer the caller is told so; see [`crate::LadderBrain`] for one that goes on with another.
pub struct ModelBrain(Talk);

impl ModelBrain {
    /// A brain for one call. Tokens are counted into `meter`.
    pub fn new(model: Arc<dyn LanguageModel>, persona: Arc<Persona>, meter: Meter) -> Self {
        Self(Talk::new(model, persona, meter, State::default()))
    }

    /// Takes up the conversation that [`Brain::snapshot`] stored; tell it [`BrainInput::Resumed`].
    ///
    /// # Errors
    /// It is no snapshot of such a brain.
    pub fn resume(model: Arc<dyn LanguageModel>, persona: Arc<Persona>, meter: Meter, snapshot: Value) -> Result<Self, serde_json::Error> {
        Ok(Self(Talk::new(model, persona, meter, serde_json::from_value(snapshot)?)))
    }
}

#[async_trait]
impl Brain for ModelBrain {
    fn handle(&mut self, input: BrainInput, now: DateTime) {
        self.0.handle(input, now);
    }

    fn snapshot(&self) -> Value {
        self.0.snapshot()
    }

    async fn next(&mut self) -> BrainOutput {
        loop {
            match self.0.step().await {
                Step::Do(output) => return output,
                Step::Broken(why) => {
                    tracing::warn!(error = %why, "the model gave no answer, and there is no other");
                    self.0.way_out();
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
