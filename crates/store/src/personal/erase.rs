//! Takes a person out of what was found.

use call::CallId;

use super::find::Mention;
use super::{Erased, Found, add, sql};
use crate::{Query, StoreError, Transaction, query};

/// Everything, in the transaction of the caller.
pub(super) async fn erase(tx: &mut Transaction, found: &Found) -> Result<Erased, StoreError> {
    let mut erased = Erased { counts: super::Counts::new(), recordings: Vec::new() };
    for call in &found.calls {
        erase_call(tx, found, call.id, &mut erased).await?;
        erased.recordings.extend(call.recording.clone());
    }
    for mention in &found.mentions {
        let rows = run(tx, of_mention(found, mention)).await?;
        add(&mut erased.counts, mention.table(), rows);
    }
    for id in &found.reservations {
        let rows = run(tx, query(sql::BLANK_RESERVATION).bind(found.tenant.0).bind(*id)).await?;
        add(&mut erased.counts, "reservations", rows);
    }
    Ok(erased)
}

async fn erase_call(tx: &mut Transaction, found: &Found, id: CallId, erased: &mut Erased) -> Result<(), StoreError> {
    for (table, statement) in [
        ("calls", sql::BLANK_CALL),
        ("turns", sql::BLANK_TURNS),
        ("tool_calls", sql::BLANK_TOOLS),
        ("status_events", sql::BLANK_STATUS_EVENTS),
        ("messages", sql::REMOVE_MESSAGES),
        ("callbacks", sql::REMOVE_CALLBACKS),
    ] {
        let rows = run(tx, query(statement).bind(found.tenant.0).bind(id.0)).await?;
        add(&mut erased.counts, table, rows);
    }
    Ok(())
}

fn of_mention<'q>(found: &Found, mention: &'q Mention) -> Query<'q> {
    let tenant = found.tenant.0;
    match mention {
        Mention::NextStep { call } => query(sql::FORGET_NEXT).bind(tenant).bind(call.0),
        Mention::Turn { call, index, said, heard, digits } => {
            query(sql::SET_TURN).bind(said).bind(heard).bind(digits.as_deref()).bind(tenant).bind(call.0).bind(*index)
        }
        Mention::Tool { id, arguments, result, .. } => query(sql::SET_TOOL).bind_json(arguments).bind_json(result).bind(tenant).bind(*id),
        Mention::StatusEvent { id, raw, .. } => query(sql::SET_STATUS_EVENT).bind(raw).bind(tenant).bind(*id),
        Mention::Message { id, said, name, .. } => query(sql::SET_MESSAGE).bind(said).bind(name).bind(tenant).bind(*id),
        Mention::OwnMessage { id } => query(sql::REMOVE_MESSAGE).bind(tenant).bind(*id),
        Mention::OwnCallback { id } => query(sql::REMOVE_CALLBACK).bind(tenant).bind(*id),
    }
}

async fn run(tx: &mut Transaction, write: Query<'_>) -> Result<u64, StoreError> {
    write.execute(&mut **tx).await.map_err(StoreError::while_doing("erase a person's data"))
}
