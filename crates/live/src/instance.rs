//! Instances: processes of this program that share live state.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CallEntry, Grant, LiveError, QueueEntry};

/// The name of one instance: 1 to 64 letters, digits, `.`, `_`, `-`. Two processes must never share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct InstanceName(String);

impl InstanceName {
    /// Longest name, bytes.
    pub const MAX: usize = 64;

    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, LiveError> {
        let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
        if name.is_empty() || name.len() > Self::MAX || !name.chars().all(fits) {
            return Err(LiveError::InstanceName { name: name.chars().take(Self::MAX).collect() });
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InstanceName {
    type Error = LiveError;
    fn try_from(name: String) -> Result<Self, LiveError> {
        Self::new(&name)
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A sign of life: what an instance says of itself every heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Who.
    pub instance: InstanceName,
    /// Calls it takes at once.
    pub limit: u32,
    /// It takes no new calls, and nothing from the queue.
    pub draining: bool,
    /// The address carriers reach this very instance by, when it has one of its own.
    pub url: Option<String>,
}

/// What a heartbeat found. Everything in it is told to exactly one instance of the cluster, once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pulse {
    /// False when the instance was not known, or its lease had run out: its calls, permits and waiting callers must be entered again.
    pub known: bool,
    /// Calls of instances that died since: count them as failed. They are open for resume from now on.
    pub lost: Vec<CallEntry>,
    /// Calls that were open for resume and that nobody took up within [`crate::Rules::resume_window`]: they are over.
    pub given_up: Vec<CallEntry>,
    /// Waiting callers of dead instances that did not come back within [`crate::Rules::resume_window`]: they left the queue.
    pub abandoned: Vec<QueueEntry>,
}

/// An instance as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceInfo {
    /// Its name.
    pub instance: InstanceName,
    /// Calls it takes at once.
    pub limit: u32,
    /// Permits it holds.
    pub taken: u32,
    /// It takes no new calls.
    pub draining: bool,
    /// Its own address, when it has one.
    pub url: Option<String>,
    /// Since its last heartbeat; in lists as seconds.
    #[serde(serialize_with = "crate::seconds::write")]
    pub silent_for: Duration,
}

/// What one instance asks another to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// End this call.
    Hangup {
        /// The carrier's id of the call.
        call_id: String,
    },
    /// The stream of a call that you answered has come to me: forget it.
    OfferTaken {
        /// The carrier's id of the call.
        call_id: String,
        /// Which of its offers: SHA-256 of the token, hex.
        token_digest: String,
    },
    /// The call goes on over a stream of mine: let go of yours.
    LetGo {
        /// The carrier's id of the call.
        call_id: String,
    },
}

/// What waits for an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inbox {
    /// Waiting callers of this instance that may be served now; each is shown until it is taken up or its lease runs out.
    pub grants: Vec<Grant>,
    /// Commands, each shown once.
    pub commands: Vec<Command>,
}
