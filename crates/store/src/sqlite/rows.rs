//! Rows as they lie in the tables, and the records they mean.

use call::{
    AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, LatencyParts, PhoneNumber, Speaker, ToolOutcome, ToolRecord,
    TurnRecord,
};
use jiff_sqlx::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Message, StoreError};

#[derive(FromRow)]
pub(super) struct CallRow {
    id: Uuid,
    carrier: String,
    carrier_call_id: String,
    direction: String,
    from_number: String,
    to_number: String,
    agent_id: Uuid,
    agent_name: String,
    status: String,
    offered_at: Timestamp,
    answered_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    end_reason: Option<String>,
    recording: Option<String>,
}

impl TryFrom<CallRow> for CallRecord {
    type Error = StoreError;

    fn try_from(row: CallRow) -> Result<Self, StoreError> {
        let end_reason = row.end_reason.map(|text| EndReason::parse(&text).ok_or_else(|| StoreError::corrupt("end reason", text)));
        Ok(Self {
            id: CallId(row.id),
            carrier: word("carrier", &row.carrier, &[Carrier::Twilio, Carrier::Telnyx], Carrier::as_str)?,
            carrier_call_id: row.carrier_call_id,
            direction: word("direction", &row.direction, &[Direction::Inbound, Direction::Outbound], Direction::as_str)?,
            from: PhoneNumber::new(row.from_number),
            to: PhoneNumber::new(row.to_number),
            agent_id: AgentId(row.agent_id),
            agent_name: row.agent_name,
            status: CallStatus::parse(&row.status).ok_or_else(|| StoreError::corrupt("call status", row.status))?,
            offered_at: row.offered_at.to_jiff(),
            answered_at: row.answered_at.map(Timestamp::to_jiff),
            ended_at: row.ended_at.map(Timestamp::to_jiff),
            end_reason: end_reason.transpose()?,
            recording: row.recording,
        })
    }
}

#[derive(FromRow)]
pub(super) struct TurnRow {
    turn_index: u32,
    speaker: String,
    said: String,
    heard: String,
    interrupted: bool,
    start_ms: i64,
    end_ms: i64,
    confidence: Option<f32>,
    digits: Option<String>,
    endpoint_ms: Option<u32>,
    recognition_ms: Option<u32>,
    brain_ms: Option<u32>,
    first_audio_ms: Option<u32>,
}

impl TurnRow {
    fn latency(&self) -> Option<LatencyParts> {
        Some(LatencyParts {
            endpoint_ms: self.endpoint_ms?,
            recognition_ms: self.recognition_ms?,
            brain_ms: self.brain_ms?,
            first_audio_ms: self.first_audio_ms?,
        })
    }
}

impl TryFrom<TurnRow> for TurnRecord {
    type Error = StoreError;

    fn try_from(row: TurnRow) -> Result<Self, StoreError> {
        Ok(Self {
            index: row.turn_index,
            speaker: word("speaker", &row.speaker, &[Speaker::Caller, Speaker::Agent], Speaker::as_str)?,
            latency: row.latency(),
            text: row.said,
            heard: row.heard,
            interrupted: row.interrupted,
            start_ms: count("turn start", row.start_ms)?,
            end_ms: count("turn end", row.end_ms)?,
            confidence: row.confidence,
            digits: row.digits,
        })
    }
}

#[derive(FromRow)]
pub(super) struct ToolRow {
    idempotency_key: String,
    tool: String,
    arguments: String,
    outcome: String,
    result: String,
    start_ms: i64,
    took_ms: i64,
}

impl TryFrom<ToolRow> for ToolRecord {
    type Error = StoreError;

    fn try_from(row: ToolRow) -> Result<Self, StoreError> {
        use ToolOutcome::{Failed, Ok as Done, Pending, Refused};
        Ok(Self {
            idempotency_key: row.idempotency_key,
            tool: row.tool,
            arguments: json("tool arguments", row.arguments)?,
            outcome: word("tool outcome", &row.outcome, &[Pending, Done, Refused, Failed], ToolOutcome::as_str)?,
            result: json("tool result", row.result)?,
            start_ms: count("tool start", row.start_ms)?,
            took_ms: count("tool duration", row.took_ms)?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct MessageRow {
    call_id: Uuid,
    at: Timestamp,
    name: String,
    phone: String,
    said: String,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self { call_id: CallId(row.call_id), at: row.at.to_jiff(), name: row.name, phone: row.phone, text: row.said }
    }
}

/// The value whose word stands in the row.
fn word<T: Copy>(what: &'static str, text: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, StoreError> {
    all.iter().copied().find(|value| as_str(*value) == text).ok_or_else(|| StoreError::corrupt(what, text))
}

fn count(what: &'static str, stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::corrupt(what, stored.to_string()))
}

fn json(what: &'static str, text: String) -> Result<serde_json::Value, StoreError> {
    serde_json::from_str(&text).map_err(|_| StoreError::corrupt(what, text))
}
