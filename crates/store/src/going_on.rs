//! How a call goes on when its media stream, or the instance that served it, is gone.

use call::{AgentId, CallId, PhoneNumber, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a conversation stands: enough to take it up again on another instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The dialogue's own state, which only it can read.
    pub snapshot: Value,
    /// Turns stored so far: the next one has this index.
    pub turns: u32,
    /// ms on the call clock.
    pub elapsed_ms: u64,
}

/// A caller who asked to be called back instead of waiting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallbackRequest {
    /// The call in which it was asked for; one request for each call.
    pub call_id: CallId,
    /// The agent that was called.
    pub agent_id: AgentId,
    /// The number to call.
    pub number: PhoneNumber,
    /// When it was asked for.
    pub at: Timestamp,
    /// What the caller did not wait for.
    pub why: CallbackWhy,
}

/// What a caller who asked to be called back did not wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackWhy {
    /// An agent: all were busy.
    Queue,
    /// Another instance: this one was stopping and nobody took the call.
    Drain,
    /// Anything: the caller asked the agent for it.
    Asked,
}

impl CallbackWhy {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Drain => "drain",
            Self::Asked => "asked",
        }
    }
}
