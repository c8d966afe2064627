//! How a simulated vendor behaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a vendor behaves from now on. Times are milliseconds, where it is written as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Time to the first byte of an answer.
    pub first_ms: u64,
    /// Up to so much more, evenly drawn.
    pub jitter_ms: u64,
    /// How much faster than it is spoken audio comes (voices, speech-to-speech).
    pub pace: f64,
    /// Tokens a second (models).
    pub tokens_per_second: f64,
    /// Speech-to-speech: a session is ended after so long; `None`: when the vendor would.
    pub session_ms: Option<u64>,
    /// What goes wrong.
    pub trouble: Option<Trouble>,
    /// The part of requests that it goes wrong for, from 0 to 1.
    pub share: f64,
}

impl Default for Behaviour {
    /// A vendor on a good day, fast enough for tests.
    fn default() -> Self {
        Self { first_ms: 20, jitter_ms: 0, pace: 20.0, tokens_per_second: 400.0, session_ms: None, trouble: None, share: 1.0 }
    }
}

/// What can go wrong. A "piece" is what the vendor sends at once: an audio message, a token, a result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trouble {
    /// The key is not taken: 401, in the vendor's words.
    WrongKey,
    /// Too many requests: 429, in the vendor's words.
    TooMany {
        /// `Retry-After`, seconds; `None`: not said.
        retry_after: Option<u64>,
    },
    /// Out of order: 500 and above (Anthropic: 529).
    Unavailable {
        /// The status.
        status: u16,
    },
    /// Takes the request and never answers.
    Silent,
    /// The first byte comes this much later.
    SlowFirst {
        /// Milliseconds.
        ms: u64,
    },
    /// After so many pieces nothing more comes, and the connection stays open.
    Stall {
        /// Pieces before.
        after: u32,
    },
    /// After so many pieces the connection breaks, without the protocol's goodbye.
    Cut {
        /// Pieces before.
        after: u32,
    },
    /// After so many pieces something comes that is not of the protocol.
    Malformed {
        /// Pieces before.
        after: u32,
    },
    /// After so many pieces the vendor reports an error within the stream, in its own way.
    Error {
        /// Pieces before.
        after: u32,
    },
}

impl Behaviour {
    /// A good day with this trouble for every request.
    pub fn with(trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    pub(crate) fn first(&self, rng: &mut fastrand::Rng) -> Duration {
        let slow = match self.trouble {
            Some(Trouble::SlowFirst { ms }) => ms,
            _ => 0,
        };
        Duration::from_millis(self.first_ms + slow + rng.u64(0..=self.jitter_ms))
    }
}
