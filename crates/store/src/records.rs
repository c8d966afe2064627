//! Call records as the rest of the program sees them.

use async_trait::async_trait;
use call::{CallId, CallRecord, CallStatus, Carrier, EndReason, NextStep, RungChange, Timestamp, ToolOutcome, ToolRecord, TurnRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::usage::PricedUsage;
use crate::{CallbackRequest, Progress, StoreError};

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
    /// Its progress is gone, the next step stays: the carrier may still ask for it.
    async fn end_call(&self, id: CallId, at: Timestamp, why: EndReason) -> Result<(), StoreError>;

    /// Caller and person have talked, and that is over: as [`Self::end_call`] with [`EndReason::Transferred`], which stands in place of
    /// [`EndReason::CallerHungUp`]: a carrier may tell that the line is down before it tells that the person was reached.
    async fn end_transfer(&self, id: CallId, at: Timestamp) -> Result<(), StoreError>;

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

    /// Adds a change of who listens, thinks or speaks.
    async fn add_rung(&self, id: CallId, change: &RungChange) -> Result<(), StoreError>;

    /// Those changes, in their order.
    async fn rungs(&self, id: CallId) -> Result<Vec<RungChange>, StoreError>;

    /// Adds what a part of the call used: at its end, and again after each resume, where the amounts are those of the part alone. Atomic.
    async fn save_usage(&self, id: CallId, used: &[PricedUsage]) -> Result<(), StoreError>;

    /// What a call used, in the order of services, models and units.
    async fn usage(&self, id: CallId) -> Result<Vec<PricedUsage>, StoreError>;

    /// This instance serves the call now. The last one to say so stands; a call that has ended stays as it is.
    async fn claim_call(&self, id: CallId, instance: &str) -> Result<(), StoreError>;

    /// The instance that serves the call, or served it last.
    async fn claimed_by(&self, id: CallId) -> Result<Option<String>, StoreError>;

    /// Calls that have not ended and that an instance serves, or should, oldest first, at most `limit` (1 to 200): those of this instance, or
    /// all with `None`. Without those that are being put through: they are their carrier's.
    async fn open_calls(&self, instance: Option<&str>, limit: u32) -> Result<Vec<CallRecord>, StoreError>;

    /// Calls that are being put through and were offered before this time, oldest first, at most `limit` (1 to 200).
    async fn transfers(&self, before: Timestamp, limit: u32) -> Result<Vec<CallRecord>, StoreError>;

    /// Stores where the conversation of an open call stands, in place of what was stored before. A call that has ended keeps none.
    async fn save_progress(&self, id: CallId, progress: &Progress) -> Result<(), StoreError>;

    /// Where the conversation of an open call stood last.
    async fn progress(&self, id: CallId) -> Result<Option<Progress>, StoreError>;

    /// Notes that the call is taken up again, and returns when it was before, oldest first (the last eight times are kept). Atomic: of two
    /// instances that take it up at once, the second sees the first.
    async fn note_resume(&self, id: CallId, at: Timestamp) -> Result<Vec<Timestamp>, StoreError>;

    /// Stores how the call goes on after its media stream; the last one stored stands. An open call is [`CallStatus::Transferring`] as long as
    /// it is [`NextStep::Dial`].
    async fn set_next(&self, id: CallId, next: &NextStep) -> Result<(), StoreError>;

    /// How the call goes on, when that was stored.
    async fn next_step(&self, carrier: Carrier, carrier_call_id: &str) -> Result<Option<NextStep>, StoreError>;

    /// Stores that a caller wants to be called back. The first request of a call stands, until the caller asks the agent for it
    /// ([`crate::CallbackWhy::Asked`]): then what was asked for last does.
    async fn add_callback(&self, request: &CallbackRequest) -> Result<(), StoreError>;

    /// Requests to be called back, newest first, at most `limit` (1 to 200).
    async fn callbacks(&self, limit: u32) -> Result<Vec<CallbackRequest>, StoreError>;

    /// Stores a message. One key, one message: when the key was there before, nothing is changed.
    async fn add_message(&self, message: &Message, key: &str) -> Result<(), StoreError>;

    /// Messages, newest first, at most `limit`.
    async fn messages(&self, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// Writes, reads back and removes a row.
    async fn check(&self) -> Result<(), StoreError>;
}
