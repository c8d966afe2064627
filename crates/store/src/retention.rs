//! What is too old to be kept. A job walks the calls of a workspace from the oldest in steps: [`due`] says what has to go, the job removes the
//! recordings' files, [`apply`] removes the rows. A crash between leaves rows that name a file that is gone, and the next walk takes them. What
//! belongs to no call goes with [`apply_beside`].

use call::{CallId, TenantId, Timestamp};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use sqlx::FromRow;
use uuid::Uuid;

use crate::calls::first_id;
use crate::personal::Counts;
use crate::tenants::Retention;
use crate::{Database, StoreError, Transaction, query};

/// Most calls looked at in one step, and most rows beside calls removed in one.
pub const STEP: u32 = 500;

/// What has to go, of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Calls to remove with all their parts.
    pub calls: Vec<CallId>,
    /// Calls whose texts are to be removed.
    pub transcripts: Vec<CallId>,
    /// Recordings to remove: remove the files (relative to the data directory) before [`apply`].
    pub recordings: Vec<(CallId, String)>,
    /// Where the next step goes on; `None` when this was the last.
    pub next: Option<CallId>,
}

impl Due {
    /// The same without these calls, whose recordings could not be removed: a row that is gone would leave a file that is nobody's.
    #[must_use]
    pub fn without(mut self, stuck: &[CallId]) -> Self {
        self.calls.retain(|id| !stuck.contains(id));
        self.recordings.retain(|(id, _)| !stuck.contains(id));
        self
    }

    /// Nothing has to go.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.transcripts.is_empty() && self.recordings.is_empty()
    }
}

crate::statements! {
    /// Calls that are over and older than the shortest limit.
    STEP_ROWS = "SELECT id, recording, (EXISTS (SELECT 1 FROM turns t WHERE t.call_id = calls.id) \
        OR EXISTS (SELECT 1 FROM tool_calls t WHERE t.call_id = calls.id AND CAST(t.arguments AS TEXT) <> '{}') \
        OR EXISTS (SELECT 1 FROM status_events e WHERE e.call_id = calls.id AND e.raw <> '')) AS spoken FROM calls \
        WHERE tenant_id = $1 AND id > $2 AND id < $3 AND ended_at IS NOT NULL ORDER BY id LIMIT $4";
    REMOVE_CALL = "DELETE FROM calls WHERE tenant_id = $1 AND id = $2 AND ended_at IS NOT NULL";
    REMOVE_TURNS = "DELETE FROM turns WHERE tenant_id = $1 AND call_id = $2";
    BLANK_TOOLS = "UPDATE tool_calls SET arguments = '{}', result = 'null' WHERE tenant_id = $1 AND call_id = $2";
    BLANK_STATUS_EVENTS = "UPDATE status_events SET raw = '' WHERE tenant_id = $1 AND call_id = $2";
    FORGET_RECORDING = "UPDATE calls SET recording = NULL WHERE tenant_id = $1 AND id = $2";
    BLANK_BOOKINGS = "UPDATE reservations SET full_name = '', first_name = '', last_name = '', phone = '', phone_digits = '' \
        WHERE tenant_id = $1 AND id IN (SELECT id FROM reservations WHERE tenant_id = $1 AND departure < $2 AND (full_name <> '' OR phone <> '') \
        LIMIT $3)";
    REMOVE_NOTES = "DELETE FROM privacy_log WHERE tenant_id = $1 AND id IN (SELECT id FROM privacy_log WHERE tenant_id = $1 AND id < $2 \
        ORDER BY id LIMIT $3)";
    RECORDING_OF = "SELECT recording FROM calls WHERE id = $1";
}

#[derive(FromRow)]
struct OldRow {
    id: Uuid,
    recording: Option<String>,
    spoken: bool,
}

/// Ids below these are too old, by kind; nothing is below the nil id.
struct Limits {
    calls: Uuid,
    transcripts: Uuid,
    recordings: Uuid,
}

impl Limits {
    fn of(retention: &Retention, now: Timestamp) -> Self {
        let limit = |days: Option<u32>| before(days, now).map_or(Uuid::nil(), first_id);
        let calls = limit(retention.calls_days);
        // What belongs to a call goes with it.
        let (transcripts, recordings) = (limit(retention.transcripts_days).max(calls), limit(retention.recordings_days).max(calls));
        Self { calls, transcripts, recordings }
    }
}

/// The time so many days ago; a time before the beginning of time is none.
fn before(days: Option<u32>, now: Timestamp) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days?))).ok()
}

/// What of the calls after `after` is too old at `now`, by the time in their ids. Calls that are not over are never due.
pub async fn due(db: &Database, tenant: TenantId, retention: &Retention, now: Timestamp, after: Option<CallId>) -> Result<Due, StoreError> {
    let limits = Limits::of(retention, now);
    let read = query(STEP_ROWS)
        .bind(tenant.0)
        .bind(after.map_or(Uuid::nil(), |id| id.0))
        .bind(limits.transcripts.max(limits.recordings))
        .bind(STEP);
    let rows: Vec<OldRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("look for what is too old"))?;
    let full = u32::try_from(rows.len()).is_ok_and(|rows| rows == STEP);
    let mut due = Due { next: rows.last().filter(|_| full).map(|row| CallId(row.id)), ..Due::default() };
    for row in rows {
        let id = CallId(row.id);
        if row.id < limits.calls {
            due.calls.push(id);
        } else if row.spoken && row.id < limits.transcripts {
            due.transcripts.push(id);
        }
        if let Some(file) = row.recording.filter(|_| row.id < limits.recordings) {
            due.recordings.push((id, file));
        }
    }
    Ok(due)
}

/// Removes what is due; returns the rows by table. Whatever belongs to a removed call goes with it and is not counted.
pub async fn apply(tx: &mut Transaction, tenant: TenantId, due: &Due) -> Result<Counts, StoreError> {
    let mut removed = Counts::new();
    for (id, _) in &due.recordings {
        run(tx, tenant, *id, "recordings", FORGET_RECORDING, &mut removed).await?;
    }
    for id in &due.transcripts {
        run(tx, tenant, *id, "turns", REMOVE_TURNS, &mut removed).await?;
        run(tx, tenant, *id, "tool_calls", BLANK_TOOLS, &mut removed).await?;
        run(tx, tenant, *id, "status_events", BLANK_STATUS_EVENTS, &mut removed).await?;
    }
    for id in &due.calls {
        run(tx, tenant, *id, "calls", REMOVE_CALL, &mut removed).await?;
    }
    Ok(removed)
}

/// Removes what belongs to no call, one step of it: of bookings whose stay was over when calls that are removed now were made, the person (the
/// house keeps its books); of the log of personal data what is older than the audit trail. Returns the rows by table; none when all is done.
pub async fn apply_beside(tx: &mut Transaction, tenant: TenantId, retention: &Retention, now: Timestamp) -> Result<Counts, StoreError> {
    let mut removed = Counts::new();
    let mut note = |table: &'static str, rows: u64| crate::personal::add(&mut removed, table, rows);
    let doing = || StoreError::while_doing("remove what is too old");
    if let Some(before) = before(retention.calls_days, now) {
        let day = before.to_zoned(TimeZone::UTC).date();
        let blank = query(BLANK_BOOKINGS).bind(tenant.0).bind(day).bind(STEP);
        note("reservations", blank.execute(&mut **tx).await.map_err(doing())?);
    }
    if let Some(before) = before(retention.audit_days, now) {
        let remove = query(REMOVE_NOTES).bind(tenant.0).bind(first_id(before)).bind(STEP);
        note("privacy_log", remove.execute(&mut **tx).await.map_err(doing())?);
    }
    Ok(removed)
}

/// Whether this file, named as records name it, is the recording of this call, of whatever workspace: one that is not is nobody's.
pub async fn is_recording(db: &Database, call: CallId, file: &str) -> Result<bool, StoreError> {
    let row: Result<Option<(Option<String>,)>, _> = query(RECORDING_OF).bind(call.0).optional(db.readers()).await;
    let row = row.map_err(StoreError::while_doing("look for a recording's call"))?;
    Ok(row.is_some_and(|(recording,)| recording.as_deref() == Some(file)))
}

async fn run(
    tx: &mut Transaction,
    tenant: TenantId,
    id: CallId,
    table: &'static str,
    statement: &'static str,
    removed: &mut Counts,
) -> Result<(), StoreError> {
    let done = query(statement).bind(tenant.0).bind(id.0).execute(&mut **tx).await;
    let rows = done.map_err(StoreError::while_doing("remove what is too old"))?;
    if rows > 0 {
        *removed.entry(table).or_default() += rows;
    }
    Ok(())
}
