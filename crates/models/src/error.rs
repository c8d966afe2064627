//! Everything that can go wrong with a model, by what can be done about it.

use outbound::Fault;

/// Errors of models. None holds a word of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The way to it, or the service itself, is at fault.
    #[error("{model} did not answer: {fault}")]
    Service {
        /// Which model, by the name of its service.
        model: &'static str,
        /// What happened.
        #[source]
        fault: Fault,
    },
    /// It ended its answer for a reason that leaves nothing to say.
    #[error("{model} gave no answer: {why}; another model or the dialogue goes on")]
    NoAnswer {
        /// Which model.
        model: &'static str,
        /// Why: filtered, refused, empty.
        why: &'static str,
    },
    /// The request cannot be put into the service's words.
    #[error("{model} cannot be asked this: {why}; correct the agent's settings")]
    Unaskable {
        /// Which model.
        model: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The check asked for a word and got another.
    #[error("{model} failed its check: it was asked to say one word and said something else")]
    CheckFailed {
        /// Which model.
        model: &'static str,
    },
}

impl ModelError {
    /// A fault of a service.
    pub fn service(model: &'static str) -> impl Fn(Fault) -> Self {
        move |fault| Self::Service { model, fault }
    }
}
