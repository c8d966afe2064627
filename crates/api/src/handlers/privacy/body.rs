//! What is asked and told about one caller's data.

use call::{CallId, PhoneNumber, Timestamp};
use privacy::Pii;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::personal::{Export, PrivacyLog};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::check::Check;
use crate::problem::Problem;

/// Whose data.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportRequest {
    /// E.164, with its plus.
    #[schema(value_type = String, pattern = r"^\+[1-9][0-9]{6,14}$", example = "+4930123456")]
    phone_number: Pii<String>,
}

/// Whose data, said twice: it does not come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// E.164, with its plus.
    #[schema(value_type = String, pattern = r"^\+[1-9][0-9]{6,14}$", example = "+4930123456")]
    phone_number: Pii<String>,
    /// The same number again.
    #[schema(value_type = String, example = "+4930123456")]
    confirmation: Pii<String>,
}

/// Everything that is kept about one caller, as it is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonalData {
    /// What stands for the caller in the log.
    subject: String,
    #[schema(value_type = Vec<Object>)]
    calls: Vec<Value>,
    /// What was said in them.
    #[schema(value_type = Vec<Object>)]
    turns: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    tool_calls: Vec<Value>,
    /// What the carrier reported.
    #[schema(value_type = Vec<Object>)]
    status_events: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    callbacks: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    reservations: Vec<Value>,
    /// Where texts of other people's calls name the number, without what they said.
    #[schema(value_type = Vec<Object>)]
    mentions: Vec<Value>,
    /// Recordings of the calls; the calls' ids get them.
    recordings: Vec<String>,
    /// True when there is more than is handed out at once (50,000 calls).
    partial: bool,
}

/// What an erasure did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Erasure {
    /// Of its entry in the log.
    id: Uuid,
    /// What stands for the caller in the log.
    subject: Option<String>,
    at: Timestamp,
    /// Rows by table, and files, that were removed or blanked.
    #[schema(value_type = Object)]
    removed: Value,
    /// Rows by table that a search found afterwards.
    #[schema(value_type = Object)]
    left_over: Value,
    /// True when the search found nothing.
    complete: bool,
    /// Calls of this caller that go on now and were left: erase again when they are over.
    open_calls: Vec<Uuid>,
}

/// What was done about somebody's data.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogEntry {
    id: Uuid,
    at: Timestamp,
    /// `export`, `erasure` or `retention`.
    kind: &'static str,
    /// What stands for the caller; `null` for retention.
    subject: Option<String>,
    /// Rows by table, and files, that were removed.
    #[schema(value_type = Object)]
    removed: Value,
    /// Rows by table that were there afterwards; of an export, what was handed out.
    #[schema(value_type = Object)]
    left_over: Value,
}

impl ExportRequest {
    pub(crate) fn checked(&self) -> Result<PhoneNumber, Problem> {
        let mut check = Check::default();
        let number = check.number("/phone_number", self.phone_number.expose());
        check.done()?;
        Ok(number)
    }
}

impl ErasureRequest {
    pub(crate) fn checked(&self) -> Result<PhoneNumber, Problem> {
        let mut check = Check::default();
        let number = check.number("/phone_number", self.phone_number.expose());
        if self.confirmation != self.phone_number {
            check.wrong("/confirmation", "must be the same number as phone_number: what is erased does not come back");
        }
        check.done()?;
        Ok(number)
    }
}

impl PersonalData {
    pub(crate) fn new(subject: String, export: Export) -> Self {
        let Export { calls, turns, tool_calls, status_events, messages, callbacks, reservations, mentions, recordings, partial } = export;
        Self { subject, calls, turns, tool_calls, status_events, messages, callbacks, reservations, mentions, recordings, partial }
    }

    /// Rows by table.
    pub(crate) fn counts(&self) -> Value {
        serde_json::json!({
            "calls": self.calls.len(),
            "turns": self.turns.len(),
            "tool_calls": self.tool_calls.len(),
            "status_events": self.status_events.len(),
            "messages": self.messages.len(),
            "callbacks": self.callbacks.len(),
            "reservations": self.reservations.len(),
            "mentions": self.mentions.len(),
            "recordings": self.recordings.len(),
        })
    }
}

impl Erasure {
    pub(crate) fn new(entry: PrivacyLog, complete: bool, open: &[CallId]) -> Self {
        Self {
            id: entry.id,
            subject: entry.subject,
            at: entry.at,
            removed: entry.removed,
            left_over: entry.left_over,
            complete,
            open_calls: open.iter().map(|call| call.0).collect(),
        }
    }
}

impl From<PrivacyLog> for LogEntry {
    fn from(entry: PrivacyLog) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            kind: entry.kind.as_str(),
            subject: entry.subject,
            removed: entry.removed,
            left_over: entry.left_over,
        }
    }
}
