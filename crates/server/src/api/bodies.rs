//! What the API answers about calls, as its document shows it.

use call::{CallRecord, LatencyParts, Timestamp, ToolRecord, TurnRecord};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::calls::{directions, statuses};

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Call {
    /// Our id.
    id: Uuid,
    /// `twilio` or `telnyx`.
    carrier: String,
    /// The carrier's id: `CallSid` or `call_control_id`.
    carrier_call_id: String,
    /// `inbound` or `outbound`.
    #[schema(schema_with = directions)]
    direction: String,
    /// The calling number; empty when it is withheld or was erased.
    from: String,
    /// The called number.
    to: String,
    /// The agent that serves it.
    agent_id: Uuid,
    /// The agent's name at the time.
    agent_name: String,
    /// The carrier's view: `initiated`, `ringing`, `in_progress`, `transferring`, `completed`, `busy`, `failed`, `no_answer` or `canceled`.
    #[schema(schema_with = statuses)]
    status: String,
    /// When the carrier asked.
    #[schema(value_type = String, format = DateTime)]
    offered_at: Timestamp,
    /// When somebody or something began to talk.
    #[schema(value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Why it was over.
    end_reason: Option<String>,
    /// Where its recording lies in the data directory, while it is kept.
    recording: Option<String>,
}

impl From<CallRecord> for Call {
    fn from(call: CallRecord) -> Self {
        Self {
            id: call.id.0,
            carrier: call.carrier.as_str().to_owned(),
            carrier_call_id: call.carrier_call_id,
            direction: call.direction.as_str().to_owned(),
            from: call.from.expose().to_owned(),
            to: call.to.expose().to_owned(),
            agent_id: call.agent_id.0,
            agent_name: call.agent_name,
            status: call.status.as_str().to_owned(),
            offered_at: call.offered_at,
            answered_at: call.answered_at,
            ended_at: call.ended_at,
            end_reason: call.end_reason.map(|why| why.as_str().to_owned()),
            recording: call.recording,
        }
    }
}

/// Where the time before an answer went, milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Latency {
    /// From the caller's last word to the decision that it was the last.
    endpoint_ms: u32,
    /// From there to the words.
    recognition_ms: u32,
    /// From there to the answer's words.
    brain_ms: u32,
    /// From there to the first sound.
    first_audio_ms: u32,
}

impl From<LatencyParts> for Latency {
    fn from(parts: LatencyParts) -> Self {
        Self {
            endpoint_ms: parts.endpoint_ms,
            recognition_ms: parts.recognition_ms,
            brain_ms: parts.brain_ms,
            first_audio_ms: parts.first_audio_ms,
        }
    }
}

/// One turn of a call.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Turn {
    /// Its place, from 0.
    index: u32,
    /// `caller` or `agent`.
    speaker: String,
    /// What was said.
    text: String,
    /// What of it was heard.
    heard: String,
    /// The agent was interrupted.
    interrupted: bool,
    /// Milliseconds after the call began.
    start_ms: u64,
    /// The same.
    end_ms: u64,
    /// How sure the recogniser is, 0 to 1.
    confidence: Option<f32>,
    /// Keys, when it was keyed.
    digits: Option<String>,
    /// Of the agent's answers.
    latency: Option<Latency>,
}

impl From<TurnRecord> for Turn {
    fn from(turn: TurnRecord) -> Self {
        Self {
            index: turn.index,
            speaker: turn.speaker.as_str().to_owned(),
            text: turn.text,
            heard: turn.heard,
            interrupted: turn.interrupted,
            start_ms: turn.start_ms,
            end_ms: turn.end_ms,
            confidence: turn.confidence,
            digits: turn.digits,
            latency: turn.latency.map(Latency::from),
        }
    }
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ToolUse {
    /// One key, one effect.
    idempotency_key: String,
    /// Its name.
    tool: String,
    /// What it was asked.
    arguments: Value,
    /// `pending`, `ok`, `refused` or `failed`.
    outcome: String,
    /// What it answered.
    result: Value,
    /// Milliseconds after the call began.
    start_ms: u64,
    /// Milliseconds.
    took_ms: u64,
}

impl From<ToolRecord> for ToolUse {
    fn from(tool: ToolRecord) -> Self {
        Self {
            idempotency_key: tool.idempotency_key,
            tool: tool.tool,
            arguments: tool.arguments,
            outcome: tool.outcome.as_str().to_owned(),
            result: tool.result,
            start_ms: tool.start_ms,
            took_ms: tool.took_ms,
        }
    }
}
