//! How a call goes on after its media stream.

use serde::{Deserialize, Serialize};

use crate::{PhoneNumber, Timestamp};

/// What the carrier is told when it asks, after our stream has ended, how the call goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum NextStep {
    /// It does not.
    Hangup,
    /// With a person.
    Dial(Dial),
    /// With a new media stream, because the person was not reached: the agent goes on, and has not said so yet.
    Unreached {
        /// Why not.
        why: Unreached,
        /// See [`Dial::stream`].
        #[serde(default)]
        stream: Option<String>,
    },
    /// It does not: the caller has talked with the person, and that is over.
    Transferred {
        /// How long they talked, s, where the carrier told.
        talked_secs: Option<u64>,
    },
    /// With a new media stream, here or on another instance: the conversation was handed over.
    Resume,
    /// Nothing was decided: a stream that ends now broke off.
    Undecided,
}

/// A transfer under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// Whom, E.164.
    pub number: PhoneNumber,
    /// The agent's language, for a spoken line should the agent not be there any more.
    pub language: String,
    /// When the agent left; those of earlier versions do not say.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// The carrier's name of the media stream before it: that this one has ended is old news from here on.
    #[serde(default)]
    pub stream: Option<String>,
    /// Since when caller and person talk, where the carrier tells it before the end.
    #[serde(default)]
    pub bridged: Option<Timestamp>,
}

impl Dial {
    /// A transfer that begins.
    pub fn new(number: PhoneNumber, language: String, since: Timestamp, stream: Option<String>) -> Self {
        Self { number, language, since: Some(since), stream, bridged: None }
    }
}

/// Why a transfer reached nobody. Closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreached {
    /// The person was talking, or declined.
    Busy,
    /// It rang, and nobody answered.
    NoAnswer,
    /// The call could not be placed.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_that_an_earlier_version_stored_is_read() {
        let stored = r#"{"next":"dial","number":"+15005550009","language":"en-US"}"#;
        let NextStep::Dial(dial) = serde_json::from_str(stored).unwrap() else { panic!("no transfer") };
        assert_eq!((dial.number.expose(), dial.since, dial.stream, dial.bridged), ("+15005550009", None, None, None));
    }
}
