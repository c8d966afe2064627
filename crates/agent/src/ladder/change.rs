//! Changes of rung, as they are reported.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use call::Meter;
use models::{AnswerStream, ChatRequest, LanguageModel, ModelError};
use outbound::Fault;

use crate::model_brain::Broken;

/// Told of every change, for numbers, log and record. Must not wait.
pub type OnRung = Arc<dyn Fn(&RungChange) + Send + Sync>;

/// Another brain goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RungChange {
    /// Who thought so far.
    pub from: RungName,
    /// Who thinks now.
    pub to: RungName,
    /// Why.
    pub why: RungWhy,
}

/// Who thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RungName {
    /// A language model.
    Model {
        /// Its service.
        service: &'static str,
        /// Its name.
        model: String,
    },
    /// The dialogue, without a model.
    Dialogue,
}

impl fmt::Display for RungName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model { service, model } => write!(f, "{service}/{model}"),
            Self::Dialogue => f.write_str("dialogue"),
        }
    }
}

/// Why another brain goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RungWhy {
    /// The model or the way to it is at fault.
    Failed,
    /// Its guard did not let the request through.
    NotAsked,
    /// Its first word came too late.
    Late,
    /// Its answer stopped in the middle.
    Stalled,
    /// Its answer was empty, or kept back.
    Empty,
    /// A better one is back.
    Back,
    /// Nobody can hear the caller: only the dialogue has a menu for keys.
    Deaf,
}

impl RungWhy {
    /// The word in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotAsked => "not_asked",
            Self::Late => "late",
            Self::Stalled => "stalled",
            Self::Empty => "empty",
            Self::Back => "back",
            Self::Deaf => "deaf",
        }
    }

    pub(super) fn of(broken: &Broken) -> Self {
        match broken {
            Broken::Late(_) | Broken::Model(ModelError::Service { fault: Fault::NoAnswer(_), .. }) => Self::Late,
            Broken::Stalled(_) | Broken::Model(ModelError::Service { fault: Fault::Stalled(_), .. }) => Self::Stalled,
            Broken::Model(ModelError::Service { fault: Fault::NotAsked(_), .. }) => Self::NotAsked,
            Broken::Empty | Broken::Model(ModelError::NoAnswer { .. }) => Self::Empty,
            Broken::Cut | Broken::Tools | Broken::Model(_) => Self::Failed,
        }
    }
}

/// Stands where an installation has no model at all: the dialogue is the only rung, and this is never asked.
pub(super) struct NoModel;

#[async_trait]
impl LanguageModel for NoModel {
    fn service(&self) -> &'static str {
        "none"
    }

    fn model(&self) -> &str {
        "none"
    }

    async fn answer(&self, _: ChatRequest, _: &Meter) -> Result<AnswerStream, ModelError> {
        Err(ModelError::Unaskable { model: "none", why: "no model is set up" })
    }

    async fn check(&self) -> Result<(), ModelError> {
        Err(ModelError::Unaskable { model: "none", why: "no model is set up" })
    }
}
