//! Call records in SQLite.

mod rows;
mod sql;

use async_trait::async_trait;
use call::{CallId, CallRecord, CallStatus, Carrier, EndReason, Timestamp, ToolOutcome, ToolRecord, TurnRecord};
use rows::{CallRow, MessageRow, ToolRow, TurnRow};
use serde_json::Value;
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use crate::times::{integer, stored};
use crate::{CallFilter, Database, Message, NewToolCall, Records, StoreError, ToolClaim};

/// [`Records`] in a [`Database`].
#[derive(Debug, Clone)]
pub struct SqliteRecords {
    database: Database,
}

impl SqliteRecords {
    /// Most calls or messages one list holds.
    pub const MAX_LIST: u32 = 200;
    /// Most turns, and most tool calls, read of one call: a call of an hour has some hundreds.
    pub const MAX_PARTS: u32 = 5_000;
    /// Most status reports kept of one call.
    pub const MAX_STATUS_EVENTS: u32 = 50;

    /// Records in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Ok when the call has a record.
    async fn known(&self, id: CallId) -> Result<(), StoreError> {
        let doing = StoreError::while_doing("look for a call");
        let found: i64 = query_scalar(sql::CALL_EXISTS).bind(id.0).fetch_one(self.database.readers()).await.map_err(doing)?;
        if found == 1 { Ok(()) } else { Err(StoreError::UnknownCall { id }) }
    }

    async fn read_probe(&self, id: Uuid, written: &str) -> Result<(), StoreError> {
        let doing = StoreError::while_doing("read a probe back");
        let read: Option<String> = query_scalar(sql::READ_PROBE).bind(id).fetch_optional(self.database.readers()).await.map_err(doing)?;
        if read.as_deref() == Some(written) { Ok(()) } else { Err(StoreError::corrupt("probe", read.unwrap_or_default())) }
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
impl Records for SqliteRecords {
    async fn open_call(&self, record: &CallRecord) -> Result<CallRecord, StoreError> {
        let doing = || StoreError::while_doing("store a new call");
        let mut tx = self.database.begin().await?;
        let insert = query(sql::OPEN_CALL)
            .bind(record.id.0)
            .bind(record.carrier.as_str())
            .bind(&record.carrier_call_id)
            .bind(record.direction.as_str())
            .bind(record.from.expose())
            .bind(record.to.expose())
            .bind(record.agent_id.0)
            .bind(&record.agent_name)
            .bind(record.status.as_str())
            .bind(stored(record.offered_at))
            .bind(record.answered_at.map(stored))
            .bind(record.ended_at.map(stored))
            .bind(record.end_reason.map(EndReason::as_str))
            .bind(&record.recording);
        insert.execute(&mut *tx).await.map_err(doing())?;
        let read = query_as::<_, CallRow>(sql::CALL_BY_CARRIER).bind(record.carrier.as_str()).bind(&record.carrier_call_id);
        let row = read.fetch_one(&mut *tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        row.try_into()
    }

    async fn answer_call(&self, id: CallId, at: Timestamp, recording: Option<&str>) -> Result<(), StoreError> {
        let update = query(sql::ANSWER_CALL).bind(stored(at)).bind(recording).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store that a call was answered"))?;
        if done.rows_affected() == 0 { self.known(id).await } else { Ok(()) }
    }

    async fn end_call(&self, id: CallId, at: Timestamp, why: EndReason) -> Result<(), StoreError> {
        let update = query(sql::END_CALL).bind(stored(at)).bind(why.as_str()).bind(unanswered(why).as_str()).bind(id.0);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store the end of a call"))?;
        if done.rows_affected() == 0 { self.known(id).await } else { Ok(()) }
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
        let read = query_as::<_, CallRow>(sql::CALL_BY_CARRIER).bind(carrier.as_str()).bind(carrier_call_id);
        let Some(row) = read.fetch_optional(&mut *tx).await.map_err(doing())? else {
            return Ok(false);
        };
        let call = CallRecord::try_from(row)?;
        let event =
            query(sql::ADD_STATUS_EVENT).bind(call.id.0).bind(stored(at)).bind(status.as_str()).bind(raw).bind(Self::MAX_STATUS_EVENTS);
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
            .bind(&turn.digits)
            .bind(turn.latency.map(|parts| parts.endpoint_ms))
            .bind(turn.latency.map(|parts| parts.recognition_ms))
            .bind(turn.latency.map(|parts| parts.brain_ms))
            .bind(turn.latency.map(|parts| parts.first_audio_ms));
        insert.execute(self.database.writer()).await.map_err(|error| of_call(id, "store a turn", error))?;
        Ok(())
    }

    async fn claim_tool(&self, id: CallId, call: &NewToolCall) -> Result<ToolClaim, StoreError> {
        let doing = || StoreError::while_doing("claim a tool call");
        let mut tx = self.database.begin().await?;
        let insert = query(sql::CLAIM_TOOL)
            .bind(id.0)
            .bind(&call.idempotency_key)
            .bind(&call.tool)
            .bind(call.arguments.to_string())
            .bind(integer(call.start_ms));
        let done = insert.execute(&mut *tx).await.map_err(|error| of_call(id, "claim a tool call", error))?;
        if done.rows_affected() == 1 {
            tx.commit().await.map_err(doing())?;
            return Ok(ToolClaim::Ours);
        }
        let read = query_as::<_, ToolRow>(sql::TOOL_BY_KEY).bind(&call.idempotency_key);
        let row = read.fetch_one(&mut *tx).await.map_err(doing())?;
        Ok(ToolClaim::Known(row.try_into()?))
    }

    async fn finish_tool(&self, id: CallId, key: &str, outcome: ToolOutcome, result: &Value, took_ms: u64) -> Result<(), StoreError> {
        let update = query(sql::FINISH_TOOL).bind(outcome.as_str()).bind(result.to_string()).bind(integer(took_ms)).bind(id.0).bind(key);
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("store how a tool call came out"))?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        let doing = StoreError::while_doing("look for a tool call");
        let read = query_scalar(sql::TOOL_CLAIMED).bind(id.0).bind(key);
        let claimed: i64 = read.fetch_one(self.database.readers()).await.map_err(doing)?;
        if claimed == 1 { Ok(()) } else { Err(StoreError::UnknownToolCall { id, key: key.to_owned() }) }
    }

    async fn call(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        let row = query_as::<_, CallRow>(sql::CALL).bind(id.0).fetch_optional(self.database.readers()).await;
        row.map_err(StoreError::while_doing("read a call"))?.map(CallRecord::try_from).transpose()
    }

    async fn call_by_carrier(&self, carrier: Carrier, carrier_call_id: &str) -> Result<Option<CallRecord>, StoreError> {
        let read = query_as::<_, CallRow>(sql::CALL_BY_CARRIER).bind(carrier.as_str()).bind(carrier_call_id);
        let row = read.fetch_optional(self.database.readers()).await.map_err(StoreError::while_doing("read a call"))?;
        row.map(CallRecord::try_from).transpose()
    }

    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError> {
        let limit = filter.limit.clamp(1, Self::MAX_LIST);
        let read = match filter.before {
            Some(before) => query_as::<_, CallRow>(sql::CALLS_BEFORE).bind(before.0).bind(limit),
            None => query_as::<_, CallRow>(sql::CALLS_NEWEST).bind(limit),
        };
        let rows = read.fetch_all(self.database.readers()).await.map_err(StoreError::while_doing("list calls"))?;
        rows.into_iter().map(CallRecord::try_from).collect()
    }

    async fn turns(&self, id: CallId) -> Result<Vec<TurnRecord>, StoreError> {
        let read = query_as::<_, TurnRow>(sql::TURNS).bind(id.0).bind(Self::MAX_PARTS);
        let rows = read.fetch_all(self.database.readers()).await.map_err(StoreError::while_doing("read the turns of a call"))?;
        rows.into_iter().map(TurnRecord::try_from).collect()
    }

    async fn tools(&self, id: CallId) -> Result<Vec<ToolRecord>, StoreError> {
        let read = query_as::<_, ToolRow>(sql::TOOLS).bind(id.0).bind(Self::MAX_PARTS);
        let rows = read.fetch_all(self.database.readers()).await.map_err(StoreError::while_doing("read the tool calls of a call"))?;
        rows.into_iter().map(ToolRecord::try_from).collect()
    }

    async fn add_message(&self, message: &Message) -> Result<(), StoreError> {
        let insert = query(sql::ADD_MESSAGE)
            .bind(message.call_id.0)
            .bind(stored(message.at))
            .bind(&message.name)
            .bind(&message.phone)
            .bind(&message.text);
        insert.execute(self.database.writer()).await.map_err(|error| of_call(message.call_id, "store a message", error))?;
        Ok(())
    }

    async fn messages(&self, limit: u32) -> Result<Vec<Message>, StoreError> {
        let read = query_as::<_, MessageRow>(sql::MESSAGES).bind(limit.clamp(1, Self::MAX_LIST));
        let rows = read.fetch_all(self.database.readers()).await.map_err(StoreError::while_doing("list messages"))?;
        Ok(rows.into_iter().map(Message::from).collect())
    }

    async fn close_left_open(&self, at: Timestamp, why: EndReason) -> Result<u64, StoreError> {
        let update = query(sql::CLOSE_LEFT_OPEN).bind(stored(at)).bind(why.as_str()).bind(unanswered(why).as_str());
        let done = update.execute(self.database.writer()).await.map_err(StoreError::while_doing("close calls that were left open"))?;
        Ok(done.rows_affected())
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

/// A part of a call that is not there breaks the foreign key: that is the caller's mistake and not the database's.
fn of_call(id: CallId, doing: &'static str, error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_foreign_key_violation() => StoreError::UnknownCall { id },
        _ => StoreError::Unavailable { doing, source: error },
    }
}

#[cfg(test)]
mod tests;
