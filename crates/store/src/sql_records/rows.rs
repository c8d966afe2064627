//! Rows as they lie in the tables, and the records they mean.

use call::{
    AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, LatencyParts, PhoneNumber, Speaker, TenantId, ToolOutcome,
    ToolRecord, TurnRecord,
};
use jiff_sqlx::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{CallbackRequest, CallbackWhy, Message, StoreError};

#[derive(FromRow)]
pub(crate) struct CallRow {
    id: Uuid,
    tenant_id: Uuid,
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
            tenant: TenantId(row.tenant_id),
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
pub(crate) struct TurnRow {
    turn_index: i64,
    speaker: String,
    said: String,
    heard: String,
    interrupted: bool,
    start_ms: i64,
    end_ms: i64,
    confidence: Option<f32>,
    digits: Option<String>,
    endpoint_ms: Option<i64>,
    recognition_ms: Option<i64>,
    brain_ms: Option<i64>,
    first_audio_ms: Option<i64>,
}

impl TurnRow {
    /// All four parts, or none.
    fn latency(&self) -> Result<Option<LatencyParts>, StoreError> {
        let parts = (self.endpoint_ms, self.recognition_ms, self.brain_ms, self.first_audio_ms);
        let (Some(endpoint), Some(recognition), Some(brain), Some(first_audio)) = parts else { return Ok(None) };
        let part = |stored| count("part of a latency", stored);
        Ok(Some(LatencyParts {
            endpoint_ms: part(endpoint)?,
            recognition_ms: part(recognition)?,
            brain_ms: part(brain)?,
            first_audio_ms: part(first_audio)?,
        }))
    }
}

impl TryFrom<TurnRow> for TurnRecord {
    type Error = StoreError;

    fn try_from(row: TurnRow) -> Result<Self, StoreError> {
        Ok(Self {
            index: count("turn index", row.turn_index)?,
            speaker: word("speaker", &row.speaker, &[Speaker::Caller, Speaker::Agent], Speaker::as_str)?,
            latency: row.latency()?,
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
pub(crate) struct ToolRow {
    idempotency_key: String,
    tool: String,
    arguments: Json<Value>,
    outcome: String,
    result: Json<Value>,
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
            arguments: row.arguments.0,
            outcome: word("tool outcome", &row.outcome, &[Pending, Done, Refused, Failed], ToolOutcome::as_str)?,
            result: row.result.0,
            start_ms: count("tool start", row.start_ms)?,
            took_ms: count("tool duration", row.took_ms)?,
        })
    }
}

#[derive(FromRow)]
pub(crate) struct MessageRow {
    pub(crate) id: i64,
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

#[derive(FromRow)]
pub(crate) struct CallbackRow {
    pub(crate) id: i64,
    call_id: Uuid,
    agent_id: Uuid,
    number: String,
    at: Timestamp,
    why: String,
}

impl TryFrom<CallbackRow> for CallbackRequest {
    type Error = StoreError;

    fn try_from(row: CallbackRow) -> Result<Self, StoreError> {
        Ok(Self {
            call_id: CallId(row.call_id),
            agent_id: AgentId(row.agent_id),
            number: PhoneNumber::new(row.number),
            at: row.at.to_jiff(),
            why: word(
                "reason of a callback",
                &row.why,
                &[CallbackWhy::Queue, CallbackWhy::Drain, CallbackWhy::Asked],
                CallbackWhy::as_str,
            )?,
        })
    }
}

/// The value whose word stands in the row.
pub(crate) fn word<T: Copy>(what: &'static str, text: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, StoreError> {
    all.iter().copied().find(|value| as_str(*value) == text).ok_or_else(|| StoreError::corrupt(what, text))
}

/// A count as the program has it.
pub(crate) fn count<T: TryFrom<i64>>(what: &'static str, stored: i64) -> Result<T, StoreError> {
    T::try_from(stored).map_err(|_| StoreError::corrupt(what, stored.to_string()))
}

/// What a stored JSON value says.
pub(crate) fn meaning<T: DeserializeOwned>(what: &'static str, stored: Value) -> Result<T, StoreError> {
    T::deserialize(&stored).map_err(|_| StoreError::corrupt(what, stored.to_string()))
}
