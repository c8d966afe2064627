//! Call records as the rest of the program sees them.

use async_trait::async_trait;
use call::{CallId, CallRecord, CallStatus, Carrier, EndReason, Timestamp, ToolOutcome, ToolRecord, TurnRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::StoreError;

/// Which calls to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFilter {
    /// Most calls to return, 1 to 200.
    pub limit: u32,
    /// Only calls older than this one (keyset paging).
    pub before: Option<CallId>,
}

/// A tool call about to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewToolCall {
    /// One key, one effect.
    pub idempotency_key: String,
    /// Tool name.
    pub tool: String,
    /// A JSON object.
    pub arguments: Value,
    /// ms on the call clock.
    pub start_ms: u64,
}

/// What became of an attempt to claim an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolClaim {
    /// The key is new and now ours: make the call, then store its outcome.
    Ours,
    /// The key was claimed before; here is what is known of it.
    Known(ToolRecord),
}

/// A message a caller left for the people behind the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The call it was left in.
    pub call_id: CallId,
    /// When.
    pub at: Timestamp,
    /// Who left it, as said.
    pub name: String,
    /// How to reach them.
    pub phone: String,
    /// What they said.
    pub text: String,
}

/// The records of calls. Every method is one short transaction; nothing is held between calls of it.
#[async_trait]
pub trait Records: Send + Sync {
    /// Stores a new call. When one with the same carrier and carrier id is there (a repeated webhook), that one is returned and nothing is changed.
    async fn open_call(&self, record: &CallRecord) -> Result<CallRecord, StoreError>;

    /// The media stream has started.
    async fn answer_call(&self, id: CallId, at: Timestamp, recording: Option<&str>) -> Result<(), StoreError>;

    /// The call is over. The first end stands; later ones change nothing. The status becomes final too: `Completed` if the call was answered.
    async fn end_call(&self, id: CallId, at: Timestamp, why: EndReason) -> Result<(), StoreError>;

    /// What the carrier reports; see [`CallStatus::advance`]. Unknown calls are ignored (false is returned).
    async fn report_status(
        &self,
        carrier: Carrier,
        carrier_call_id: &str,
        status: CallStatus,
        raw: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Stores a turn when it ends. Storing the same index again replaces it.
    async fn add_turn(&self, id: CallId, turn: &TurnRecord) -> Result<(), StoreError>;

    /// Claims an idempotency key before an effect. Atomic.
    async fn claim_tool(&self, id: CallId, call: &NewToolCall) -> Result<ToolClaim, StoreError>;

    /// Stores how a claimed tool call came out.
    async fn finish_tool(&self, id: CallId, key: &str, outcome: ToolOutcome, result: &Value, took_ms: u64) -> Result<(), StoreError>;

    /// One call.
    async fn call(&self, id: CallId) -> Result<Option<CallRecord>, StoreError>;

    /// One call by the carrier's id.
    async fn call_by_carrier(&self, carrier: Carrier, carrier_call_id: &str) -> Result<Option<CallRecord>, StoreError>;

    /// Calls, newest first.
    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError>;

    /// The turns of a call, in order.
    async fn turns(&self, id: CallId) -> Result<Vec<TurnRecord>, StoreError>;

    /// The tool calls of a call, in order.
    async fn tools(&self, id: CallId) -> Result<Vec<ToolRecord>, StoreError>;

    /// Stores a message.
    async fn add_message(&self, message: &Message) -> Result<(), StoreError>;

    /// Messages, newest first, at most `limit`.
    async fn messages(&self, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// Ends every call that is still open in the records with `why`; run at start, when no call can be live (embedded setting). Returns how many.
    async fn close_left_open(&self, at: Timestamp, why: EndReason) -> Result<u64, StoreError>;

    /// Writes, reads back and removes a row.
    async fn check(&self) -> Result<(), StoreError>;
}
