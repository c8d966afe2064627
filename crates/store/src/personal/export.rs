//! Writes out what was found of a person.

use call::{CallId, TenantId};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::find::Mention;
use super::{Export, Found, sql};
use crate::sql_records::rows::{CallbackRow, MessageRow};
use crate::{CallbackRequest, Database, Message, SqlRecords, StoreError, calls, query};

#[derive(FromRow)]
struct EventRow {
    at: jiff_sqlx::Timestamp,
    status: String,
    raw: String,
}

#[derive(FromRow)]
struct ReservationRow {
    property: String,
    code: String,
    status: String,
    room_type: String,
    arrival: jiff_sqlx::Date,
    departure: jiff_sqlx::Date,
    guests: i64,
    full_name: String,
    phone: String,
    total_cents: i64,
    currency: String,
    created_at: jiff_sqlx::Timestamp,
    changed_at: jiff_sqlx::Timestamp,
}

/// Everything that was found; what is gone by now is left out.
pub(super) async fn export(db: &Database, found: &Found) -> Result<Export, StoreError> {
    let mut export = Export { partial: found.partial, ..Export::default() };
    for id in found.calls.iter().map(|call| call.id).chain(found.open.iter().copied()) {
        export_call(db, found.tenant, id, &mut export).await?;
    }
    for mention in &found.mentions {
        export_mention(db, found.tenant, mention, &mut export).await?;
    }
    for id in &found.reservations {
        export.reservations.extend(reservation(db, found.tenant, *id).await?);
    }
    Ok(export)
}

async fn export_call(db: &Database, tenant: TenantId, id: CallId, export: &mut Export) -> Result<(), StoreError> {
    let Some(call) = calls::get(db, tenant, id).await? else { return Ok(()) };
    export.recordings.extend(call.recording.clone());
    export.calls.push(value(&call)?);
    for turn in calls::turns(db, tenant, id).await? {
        export.turns.push(of_call(id, &turn)?);
    }
    for tool in calls::tools(db, tenant, id).await? {
        export.tool_calls.push(of_call(id, &tool)?);
    }
    let parts = |statement| query(statement).bind(tenant.0).bind(id.0).bind(SqlRecords::MAX_PARTS);
    let events: Vec<EventRow> = parts(sql::STATUS_EVENTS_OF).all(db.readers()).await.map_err(doing())?;
    let event = |row: EventRow| json!({"call_id": id, "at": row.at.to_jiff(), "status": row.status, "raw": row.raw});
    export.status_events.extend(events.into_iter().map(event));
    let messages: Vec<MessageRow> = parts(sql::MESSAGES_OF).all(db.readers()).await.map_err(doing())?;
    for row in messages {
        export.messages.push(value(&Message::from(row))?);
    }
    let callbacks: Vec<CallbackRow> = parts(sql::CALLBACKS_OF).all(db.readers()).await.map_err(doing())?;
    for row in callbacks {
        export.callbacks.push(value(&CallbackRequest::try_from(row)?)?);
    }
    Ok(())
}

/// Of other people's calls only where the number stands: what they said is theirs.
async fn export_mention(db: &Database, tenant: TenantId, mention: &Mention, export: &mut Export) -> Result<(), StoreError> {
    let (call, row) = match mention {
        Mention::OwnMessage { id } => {
            let row: Option<MessageRow> = one(db, sql::MESSAGE, tenant, *id).await?;
            export.messages.extend(row.map(|row| value(&Message::from(row))).transpose()?);
            return Ok(());
        }
        Mention::OwnCallback { id } => {
            let row: Option<CallbackRow> = one(db, sql::CALLBACK, tenant, *id).await?;
            let request = row.map(CallbackRequest::try_from).transpose()?;
            export.callbacks.extend(request.as_ref().map(value).transpose()?);
            return Ok(());
        }
        Mention::NextStep { call } => (call, None),
        Mention::Turn { call, index, .. } => (call, Some(*index)),
        Mention::Tool { call, id, .. } | Mention::StatusEvent { call, id, .. } | Mention::Message { call, id, .. } => (call, Some(*id)),
    };
    export.mentions.push(json!({"table": mention.table(), "call_id": call, "row": row}));
    Ok(())
}

async fn one<R: crate::Row>(db: &Database, statement: &'static str, tenant: TenantId, id: i64) -> Result<Option<R>, StoreError> {
    query(statement).bind(tenant.0).bind(id).optional(db.readers()).await.map_err(doing())
}

async fn reservation(db: &Database, tenant: TenantId, id: Uuid) -> Result<Option<Value>, StoreError> {
    let read = query(sql::RESERVATION).bind(tenant.0).bind(id);
    let Some(row) = read.optional::<ReservationRow>(db.readers()).await.map_err(doing())? else { return Ok(None) };
    let parts = |statement| query(statement).bind(tenant.0).bind(id).bind(SqlRecords::MAX_PARTS);
    let nights: Vec<(jiff_sqlx::Date, i64)> = parts(sql::NIGHTS).all(db.readers()).await.map_err(doing())?;
    let effects: Vec<(String, i64, jiff_sqlx::Timestamp)> = parts(sql::EFFECTS).all(db.readers()).await.map_err(doing())?;
    let night = |(night, cents): (jiff_sqlx::Date, i64)| json!({"night": night.to_jiff(), "cents": cents});
    let effect = |(kind, cents, at): (String, i64, jiff_sqlx::Timestamp)| json!({"kind": kind, "amount_cents": cents, "at": at.to_jiff()});
    Ok(Some(json!({
        "property": row.property,
        "code": row.code,
        "status": row.status,
        "room_type": row.room_type,
        "arrival": row.arrival.to_jiff(),
        "departure": row.departure.to_jiff(),
        "guests": row.guests,
        "name": row.full_name,
        "phone": row.phone,
        "total_cents": row.total_cents,
        "currency": row.currency,
        "created_at": row.created_at.to_jiff(),
        "changed_at": row.changed_at.to_jiff(),
        "nights": nights.into_iter().map(night).collect::<Vec<_>>(),
        "effects": effects.into_iter().map(effect).collect::<Vec<_>>(),
    })))
}

fn of_call(id: CallId, part: &impl Serialize) -> Result<Value, StoreError> {
    let mut part = value(part)?;
    if let Value::Object(fields) = &mut part {
        fields.insert("call_id".into(), json!(id));
    }
    Ok(part)
}

fn value(record: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(record).map_err(|error| StoreError::corrupt("record", error.to_string()))
}

fn doing() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::while_doing("read a person's data")
}
