//! What is kept of a call. Times inside a call are milliseconds on the call clock, which starts with the media stream.

use serde::{Deserialize, Serialize};

use crate::{AgentId, CallId, CallStatus, Carrier, Direction, EndReason, PhoneNumber, TenantId, Timestamp};

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Our id.
    pub id: CallId,
    /// Whose call it is; records from before there were workspaces belong to the first.
    #[serde(default = "first_workspace")]
    pub tenant: TenantId,
    /// Whose wire it came over.
    pub carrier: Carrier,
    /// The carrier's id: `CallSid` or `call_control_id`. Together with `carrier` it is unique.
    pub carrier_call_id: String,
    /// Who called whom.
    pub direction: Direction,
    /// The calling number.
    pub from: PhoneNumber,
    /// The called number.
    pub to: PhoneNumber,
    /// The agent that serves the call.
    pub agent_id: AgentId,
    /// The agent's name at the time of the call.
    pub agent_name: String,
    /// The carrier's view.
    pub status: CallStatus,
    /// When the carrier asked us, or when we dialled.
    pub offered_at: Timestamp,
    /// When the media stream started.
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Why it was over.
    pub end_reason: Option<EndReason>,
    /// Two-channel WAV, path relative to the data directory.
    pub recording: Option<String>,
}

fn first_workspace() -> TenantId {
    TenantId::DEFAULT
}

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The person on the line.
    Caller,
    /// Our agent.
    Agent,
}

impl Speaker {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
        }
    }
}

/// Where the time between the caller's last word and the agent's first sound went, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyParts {
    /// From the caller's last speech to the decision that the utterance is over.
    pub endpoint_ms: u32,
    /// From that decision to the final transcript (zero when the transcript was ready before).
    pub recognition_ms: u32,
    /// From the transcript to the first words of the reply, tools included.
    pub brain_ms: u32,
    /// From the words to the first audio on the wire.
    pub first_audio_ms: u32,
}

impl LatencyParts {
    /// What the caller has waited, all in all.
    pub const fn total_ms(&self) -> u32 {
        self.endpoint_ms + self.recognition_ms + self.brain_ms + self.first_audio_ms
    }
}

/// One turn: something said or keyed by the caller, or one reply of the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// Place in the call, from 0.
    pub index: u32,
    /// Who.
    pub speaker: Speaker,
    /// What was said. For the caller: what was recognised, empty when it was not understood.
    pub text: String,
    /// For the agent: the part of `text` that the caller really heard, known from carrier marks. For the caller: equal to `text`.
    pub heard: String,
    /// True when the agent was cut off by the caller.
    pub interrupted: bool,
    /// Start on the call clock, ms.
    pub start_ms: u64,
    /// End on the call clock, ms.
    pub end_ms: u64,
    /// Recogniser's confidence from 0 to 1; caller turns only.
    pub confidence: Option<f32>,
    /// Keys pressed, when the turn was keyed and not spoken.
    pub digits: Option<String>,
    /// Agent turns that answer the caller.
    pub latency: Option<LatencyParts>,
}

/// How a tool call came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolOutcome {
    /// Asked for; the outcome is not known yet. What a crash leaves behind.
    Pending,
    /// Done.
    Ok,
    /// A rule of the business said no: an answer for the caller, not a fault.
    Refused,
    /// A fault.
    Failed,
}

impl ToolOutcome {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolRecord {
    /// One key, one effect: the same across retry, barge-in, reconnect and crash.
    pub idempotency_key: String,
    /// The tool's name.
    pub tool: String,
    /// What it was asked.
    pub arguments: serde_json::Value,
    /// How it came out.
    pub outcome: ToolOutcome,
    /// What it answered.
    pub result: serde_json::Value,
    /// When it was asked, ms on the call clock.
    pub start_ms: u64,
    /// How long it took, ms.
    pub took_ms: u64,
}
