//! Call records in SQL, on SQLite and PostgreSQL alike.

pub(crate) mod rows;
pub(crate) mod sql;

use async_trait::async_trait;
use call::{CallId, CallRecord, CallStatus, Carrier, EndReason, NextStep, RungChange, Timestamp, ToolOutcome, ToolRecord, TurnRecord};
use rows::{CallRow, CallbackRow, MessageRow, ToolRow, TurnRow, meaning};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::rungs;
use crate::times::integer;
use crate::usage::{self, PricedUsage};
use crate::{CallFilter, CallbackRequest, Database, Message, NewToolCall, Progress, Query, Records, StoreError, ToolClaim, query};

/// [`Records`] in a [`Database`].
#[derive(Debug, Clone)]
pub struct SqlRecords {
    database: Database,
}

impl SqlRecords {
    /// Most calls or messages one list holds.
    pub const MAX_LIST: u32 = 200;
    /// Most turns, and most tool calls, read of one call: a call of an hour has some hundreds.
    pub const MAX_PARTS: u32 = 5_000;
    /// Most status reports kept of one call.
    pub const MAX_STATUS_EVENTS: u32 = 50;
    /// Times a call was taken up again that are kept: the rule that ends a loop looks at the last two.
    pub const MAX_RESUMES: u32 = 8;

    /// Records in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Ok when the call has a record.
    async fn known(&self, id: CallId) -> Result<(), StoreError> {
        let doing = StoreError::while_doing("look for a call");
        let (found,): (i64,) = query(sql::CALL_EXISTS).bind(id.0).one(self.database.readers()).await.map_err(doing)?;
        if found == 1 { Ok(()) } else { Err(StoreError::UnknownCall { id }) }
    }

    async fn read_probe(&self, id: Uuid, written: &str) -> Result<(), StoreError> {
        let doing = StoreError::while_doing("read a probe back");
        let read: Option<(String,)> = query(sql::READ_PROBE).bind(id).optional(self.database.readers()).await.map_err(doing)?;
        let (read,) = read.unwrap_or_default();
        if read == written { Ok(()) } else { Err(StoreError::corrupt("probe", read)) }
    }
}

/// What an unanswered call becomes when the carrier has not said it.
const fn unanswered(why: EndReason) -> CallStatus {
    match why {
        EndReason::CallerHungUp => CallStatus::Canceled,
        _ => CallStatus::Failed,
    }
}

#[async_trait]
impl Records for SqlRecords {
    async fn open_call(&self, record: &CallRecord) -> Result<CallRecord, StoreError> {
        let doing = || StoreError::while_doing("store a new call");
        let mut tx = self.database.begin().await?;
        let insert = query(sql::OPEN_CALL)
            .bind(record.id.0)
            .bind(record.tenant.0)
            .bind(record.carrier.as_str())
            .bind(&record.carrier_call_id)
            .bind(record.direction.as_str())
            .bind(record.from.expose())
            .bind(record.to.expose())
            .bind(record.agent_id.0)
            .bind(&record.agent_name)
            .bind(record.status.as_str())
            .bind(record.offered_at)
            .bind(record.answered_at)
            .bind(record.ended_at)
            .bind(record.end_reason.map(EndReason::as_str))
            .bind(record.recording.as_deref());
        insert.execute(&mut *tx).await.map_err(doing())?;
        let read = query(sql::CALL_BY_CARRIER).bind(record.carrier.as_str()).bind(&record.carrier_call_id);
        let row: CallRow = read.one(&mut *tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        row.try_into()
    }

    async fn answer_call(&self, id: CallId, at: Timestamp, recording: Option<&str>) -> Result<(), StoreError> {
        let update = query(sql::ANSWER_CALL).bind(at).bind(recording).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store that a call was answered"))?;
        if done == 0 { self.known(id).await } else { Ok(()) }
    }

    async fn end_call(&self, id: CallId, at: Timestamp, why: EndReason) -> Result<(), StoreError> {
        let update = query(sql::END_CALL).bind(at).bind(why.as_str()).bind(unanswered(why).as_str()).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store the end of a call"))?;
        if done == 0 { self.known(id).await } else { Ok(()) }
    }

    async fn end_transfer(&self, id: CallId, at: Timestamp) -> Result<(), StoreError> {
        let update = query(sql::END_TRANSFER).bind(at).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store the end of a transfer"))?;
        if done == 0 { self.known(id).await } else { Ok(()) }
    }

    async fn report_status(
        &self,
        carrier: Carrier,
        carrier_call_id: &str,
        status: CallStatus,
        raw: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let doing = || StoreError::while_doing("store a reported status");
        let mut tx = self.database.begin().await?;
        // Written before it is read: a report that comes at the same time waits.
        let hold = query(sql::HOLD_CALL_OF_CARRIER).bind(carrier.as_str()).bind(carrier_call_id);
        if hold.execute(&mut *tx).await.map_err(doing())? == 0 {
            return Ok(false);
        }
        let read = query(sql::CALL_BY_CARRIER).bind(carrier.as_str()).bind(carrier_call_id);
        let call: CallRecord = read.one::<CallRow>(&mut *tx).await.map_err(doing())?.try_into()?;
        let event = query(sql::ADD_STATUS_EVENT).bind(call.id.0).bind(at).bind(status.as_str()).bind(raw).bind(Self::MAX_STATUS_EVENTS);
        event.execute(&mut *tx).await.map_err(doing())?;
        let update = query(sql::SET_STATUS).bind(call.status.advance(status).as_str()).bind(call.id.0);
        update.execute(&mut *tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(true)
    }

    async fn add_turn(&self, id: CallId, turn: &TurnRecord) -> Result<(), StoreError> {
        let insert = query(sql::ADD_TURN)
            .bind(id.0)
            .bind(turn.index)
            .bind(turn.speaker.as_str())
            .bind(&turn.text)
            .bind(&turn.heard)
            .bind(turn.interrupted)
            .bind(integer(turn.start_ms))
            .bind(integer(turn.end_ms))
            .bind(turn.confidence)
            .bind(turn.digits.as_deref())
            .bind(turn.latency.map(|parts| parts.endpoint_ms))
            .bind(turn.latency.map(|parts| parts.recognition_ms))
            .bind(turn.latency.map(|parts| parts.brain_ms))
            .bind(turn.latency.map(|parts| parts.first_audio_ms));
        let done = insert.execute(self.database.writer()).await.map_err(StoreError::while_doing("store a turn"))?;
        if done == 0 { Err(StoreError::UnknownCall { id }) } else { Ok(()) }
    }

    async fn claim_tool(&self, id: CallId, call: &NewToolCall) -> Result<ToolClaim, StoreError> {
        let doing = || StoreError::while_doing("claim a tool call");
        let mut tx = self.database.begin().await?;
        let insert = query(sql::CLAIM_TOOL)
            .bind(id.0)
            .bind(&call.idempotency_key)
            .bind(&call.tool)
            .bind_json(&call.arguments)
            .bind(integer(call.start_ms));
        if insert.execute(&mut *tx).await.map_err(doing())? == 1 {
            tx.commit().await.map_err(doing())?;
            return Ok(ToolClaim::Ours);
        }
        let read = query(sql::TOOL_BY_KEY).bind(&call.idempotency_key);
        let row: Option<ToolRow> = read.optional(&mut *tx).await.map_err(doing())?;
        // Neither new nor known: there is no such call.
        Ok(ToolClaim::Known(row.ok_or(StoreError::UnknownCall { id })?.try_into()?))
    }

    async fn finish_tool(&self, id: CallId, key: &str, outcome: ToolOutcome, result: &Value, took_ms: u64) -> Result<(), StoreError> {
        let update = query(sql::FINISH_TOOL).bind(outcome.as_str()).bind_json(result).bind(integer(took_ms)).bind(id.0).bind(key);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store how a tool call came out"))?;
        if done == 1 {
            return Ok(());
        }
        let doing = StoreError::while_doing("look for a tool call");
        let read = query(sql::TOOL_CLAIMED).bind(id.0).bind(key);
        let (claimed,): (i64,) = read.one(self.database.readers()).await.map_err(doing)?;
        if claimed == 1 { Ok(()) } else { Err(StoreError::UnknownToolCall { id, key: key.to_owned() }) }
    }

    async fn call(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        let row: Result<Option<CallRow>, _> = query(sql::CALL).bind(id.0).optional(self.database.readers()).await;
        row.map_err(StoreError::while_doing("read a call"))?.map(CallRecord::try_from).transpose()
    }

    async fn call_by_carrier(&self, carrier: Carrier, carrier_call_id: &str) -> Result<Option<CallRecord>, StoreError> {
        let read = query(sql::CALL_BY_CARRIER).bind(carrier.as_str()).bind(carrier_call_id);
        let row: Option<CallRow> = read.optional(self.database.readers()).await.map_err(StoreError::while_doing("read a call"))?;
        row.map(CallRecord::try_from).transpose()
    }

    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError> {
        let limit = filter.limit.clamp(1, Self::MAX_LIST);
        let read: Query<'_> = match filter.before {
            Some(before) => query(sql::CALLS_BEFORE).bind(before.0).bind(limit),
            None => query(sql::CALLS_NEWEST).bind(limit),
        };
        let rows: Vec<CallRow> = read.all(self.database.readers()).await.map_err(StoreError::while_doing("list calls"))?;
        rows.into_iter().map(CallRecord::try_from).collect()
    }

    async fn turns(&self, id: CallId) -> Result<Vec<TurnRecord>, StoreError> {
        let read = query(sql::TURNS).bind(id.0).bind(Self::MAX_PARTS);
        let rows: Vec<TurnRow> = read.all(self.database.readers()).await.map_err(StoreError::while_doing("read the turns of a call"))?;
        rows.into_iter().map(TurnRecord::try_from).collect()
    }

    async fn tools(&self, id: CallId) -> Result<Vec<ToolRecord>, StoreError> {
        let read = query(sql::TOOLS).bind(id.0).bind(Self::MAX_PARTS);
        let rows: Vec<ToolRow> =
            read.all(self.database.readers()).await.map_err(StoreError::while_doing("read the tool calls of a call"))?;
        rows.into_iter().map(ToolRecord::try_from).collect()
    }

    async fn add_rung(&self, id: CallId, change: &RungChange) -> Result<(), StoreError> {
        if rungs::add(&self.database, id, change).await? == 0 { Err(StoreError::UnknownCall { id }) } else { Ok(()) }
    }

    async fn rungs(&self, id: CallId) -> Result<Vec<RungChange>, StoreError> {
        rungs::of_call(&self.database, id).await
    }

    async fn save_usage(&self, id: CallId, used: &[PricedUsage]) -> Result<(), StoreError> {
        let doing = || StoreError::while_doing("store what a call used");
        let mut tx = self.database.begin().await?;
        if query(sql::HOLD_CALL).bind(id.0).execute(&mut *tx).await.map_err(doing())? == 0 {
            return Err(StoreError::UnknownCall { id });
        }
        usage::add(&mut tx, id, used).await?;
        tx.commit().await.map_err(doing())
    }

    async fn usage(&self, id: CallId) -> Result<Vec<PricedUsage>, StoreError> {
        usage::of_call(&self.database, id).await
    }

    async fn claim_call(&self, id: CallId, instance: &str) -> Result<(), StoreError> {
        let update = query(sql::CLAIM_CALL).bind(instance).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store who serves a call"))?;
        if done == 0 { self.known(id).await } else { Ok(()) }
    }

    async fn claimed_by(&self, id: CallId) -> Result<Option<String>, StoreError> {
        let doing = StoreError::while_doing("read who serves a call");
        let row: Option<(String,)> = query(sql::CLAIMED_BY).bind(id.0).optional(self.database.readers()).await.map_err(doing)?;
        Ok(row.map(|(instance,)| instance))
    }

    async fn open_calls(&self, instance: Option<&str>, limit: u32) -> Result<Vec<CallRecord>, StoreError> {
        let limit = limit.clamp(1, Self::MAX_LIST);
        let read: Query<'_> = match instance {
            Some(instance) => query(sql::OPEN_CALLS_OF).bind(instance).bind(limit),
            None => query(sql::OPEN_CALLS).bind(limit),
        };
        let rows: Vec<CallRow> = read.all(self.database.readers()).await.map_err(StoreError::while_doing("list open calls"))?;
        rows.into_iter().map(CallRecord::try_from).collect()
    }

    async fn transfers(&self, before: Timestamp, limit: u32) -> Result<Vec<CallRecord>, StoreError> {
        let read = query(sql::TRANSFERS).bind(before).bind(limit.clamp(1, Self::MAX_LIST));
        let rows: Vec<CallRow> = read.all(self.database.readers()).await.map_err(StoreError::while_doing("list transfers"))?;
        rows.into_iter().map(CallRecord::try_from).collect()
    }

    async fn save_progress(&self, id: CallId, progress: &Progress) -> Result<(), StoreError> {
        let update = query(sql::SAVE_PROGRESS).bind_json(progress).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store where a conversation stands"))?;
        if done == 0 { self.known(id).await } else { Ok(()) }
    }

    async fn progress(&self, id: CallId) -> Result<Option<Progress>, StoreError> {
        let doing = StoreError::while_doing("read where a conversation stood");
        let row: Option<(Json<Value>,)> = query(sql::PROGRESS).bind(id.0).optional(self.database.readers()).await.map_err(doing)?;
        row.map(|(Json(stored),)| meaning("progress of a conversation", stored)).transpose()
    }

    async fn note_resume(&self, id: CallId, at: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        let doing = || StoreError::while_doing("note that a call was taken up again");
        let mut tx = self.database.begin().await?;
        if query(sql::HOLD_CALL).bind(id.0).execute(&mut *tx).await.map_err(doing())? == 0 {
            return Err(StoreError::UnknownCall { id });
        }
        let read = query(sql::RESUMES).bind(id.0).bind(Self::MAX_RESUMES);
        let earlier: Vec<(jiff_sqlx::Timestamp,)> = read.all(&mut *tx).await.map_err(doing())?;
        query(sql::ADD_RESUME).bind(id.0).bind(at).execute(&mut *tx).await.map_err(doing())?;
        query(sql::FORGET_RESUMES).bind(id.0).bind(Self::MAX_RESUMES).execute(&mut *tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(earlier.into_iter().rev().map(|(at,)| at.to_jiff()).collect())
    }

    async fn set_next(&self, id: CallId, next: &NextStep) -> Result<(), StoreError> {
        let update = query(sql::SET_NEXT).bind_json(next).bind(id.0).bind(matches!(next, NextStep::Dial(_)));
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store how a call goes on"))?;
        if done == 0 { Err(StoreError::UnknownCall { id }) } else { Ok(()) }
    }

    async fn next_step(&self, carrier: Carrier, carrier_call_id: &str) -> Result<Option<NextStep>, StoreError> {
        let doing = StoreError::while_doing("read how a call goes on");
        let read = query(sql::NEXT_STEP).bind(carrier.as_str()).bind(carrier_call_id);
        let row: Option<(Json<Value>,)> = read.optional(self.database.readers()).await.map_err(doing)?;
        row.map(|(Json(stored),)| meaning("next step of a call", stored)).transpose()
    }

    async fn add_callback(&self, request: &CallbackRequest) -> Result<(), StoreError> {
        let insert = query(sql::ADD_CALLBACK)
            .bind(request.call_id.0)
            .bind(request.agent_id.0)
            .bind(request.number.expose())
            .bind(request.at)
            .bind(request.why.as_str());
        let doing = StoreError::while_doing("store a request to be called back");
        let done = insert.execute(self.database.writer()).await.map_err(doing)?;
        if done == 0 { self.known(request.call_id).await } else { Ok(()) }
    }

    async fn callbacks(&self, limit: u32) -> Result<Vec<CallbackRequest>, StoreError> {
        let read = query(sql::CALLBACKS).bind(limit.clamp(1, Self::MAX_LIST));
        let rows: Vec<CallbackRow> =
            read.all(self.database.readers()).await.map_err(StoreError::while_doing("list requests to be called back"))?;
        rows.into_iter().map(CallbackRequest::try_from).collect()
    }

    async fn add_message(&self, message: &Message, key: &str) -> Result<(), StoreError> {
        let insert = query(sql::ADD_MESSAGE)
            .bind(message.call_id.0)
            .bind(message.at)
            .bind(&message.name)
            .bind(&message.phone)
            .bind(&message.text)
            .bind(key);
        let done = insert.execute(self.database.writer()).await.map_err(StoreError::while_doing("store a message"))?;
        if done == 0 { self.known(message.call_id).await } else { Ok(()) }
    }

    async fn messages(&self, limit: u32) -> Result<Vec<Message>, StoreError> {
        let read = query(sql::MESSAGES).bind(limit.clamp(1, Self::MAX_LIST));
        let rows: Vec<MessageRow> = read.all(self.database.readers()).await.map_err(StoreError::while_doing("list messages"))?;
        Ok(rows.into_iter().map(Message::from).collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        let (id, value) = (Uuid::new_v4(), Uuid::new_v4().to_string());
        let write = query(sql::WRITE_PROBE).bind(id).bind(&value).execute(self.database.writer()).await;
        write.map_err(StoreError::while_doing("write a probe"))?;
        let read = self.read_probe(id, &value).await;
        let remove = query(sql::REMOVE_PROBE).bind(id).execute(self.database.writer()).await;
        read.and(remove.map(drop).map_err(StoreError::while_doing("remove a probe")))
    }
}

#[cfg(test)]
mod tests;
