//! How a call goes on after its media stream.

use serde::{Deserialize, Serialize};

use crate::PhoneNumber;

/// What the carrier is told when it asks, after our stream has ended, how the call goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum NextStep {
    /// It does not.
    Hangup,
    /// With a person at this number.
    Dial {
        /// E.164.
        number: PhoneNumber,
        /// The agent's language, for the spoken line should nobody answer.
        language: String,
    },
    /// With a new media stream, here or on another instance: the conversation was handed over.
    Resume,
    /// Nothing was decided: a stream that ends now broke off.
    Undecided,
}
