//! Adding to the trail, and taking from its beginning.

use call::Timestamp;
use serde_json::{Value, json};
use sqlx::types::Json;

use super::chain::{self, GENESIS, canonical, storable, text_storable};
use super::rows::{self, EntryRow};
use super::verify::Head;
use super::{Actor, ActorKind, AuditEntry, Outcome};
use crate::times::{kept, stored};
use crate::{StoreError, Transaction, query};

crate::statements! {
    LAST = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
    START = "SELECT number, hash FROM audit_start ORDER BY number DESC LIMIT 1";
    INSERT = "INSERT INTO audit (number, tenant_id, at, actor_kind, actor_id, action, target_kind, target_id, outcome, before_digest, after_digest, detail, \
        request_id, address, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    OLDEST = "SELECT number, at, hash FROM audit ORDER BY number LIMIT $1";
    REMOVE = "DELETE FROM audit WHERE number <= $1";
    FORGET_START = "DELETE FROM audit_start WHERE number < $1";
    SET_START = "INSERT INTO audit_start (number, hash, at) VALUES ($1, $2, $3)";
}

/// Longest detail that is kept, in bytes of JSON.
pub const MAX_DETAIL: usize = 16 * 1024;
/// Most rows that one [`trim`] removes.
pub const TRIM_STEP: u32 = 10_000;
/// The action under which [`trim`] notes itself.
pub const TRIM_ACTION: &str = "audit.trim";
/// Whoever adds to the trail is alone at it.
const SUBJECT: &str = "audit";

/// Adds an entry to the trail and gives its number. Other transactions that add entries wait until this one is over: make it the last step
/// before the commit.
///
/// Errors: [`StoreError::TooLong`] for a detail of more than [`MAX_DETAIL`].
pub async fn append(tx: &mut Transaction, entry: &AuditEntry) -> Result<i64, StoreError> {
    let detail = storable(entry.detail.clone());
    let size = canonical(&detail).len();
    if size > MAX_DETAIL {
        return Err(StoreError::TooLong { what: "detail of an audit entry", size, limit: MAX_DETAIL });
    }
    tx.alone(SUBJECT).await?;
    let last = head(tx).await?;
    let mut row = row(entry, detail, last);
    row.hash = chain::hash(&last.hash, &row).to_vec();
    insert(tx, &row).await?;
    Ok(row.number)
}

/// The last row, or where the trail was cut, or where it begins.
async fn head(tx: &mut Transaction) -> Result<Head, StoreError> {
    let doing = || StoreError::while_doing("read the end of the audit trail");
    let mut last: Option<(i64, Vec<u8>)> = query(LAST).optional(&mut **tx).await.map_err(doing())?;
    if last.is_none() {
        last = query(START).optional(&mut **tx).await.map_err(doing())?;
    }
    match last {
        Some((number, hash)) => Ok(Head { number, hash: rows::hash(&hash)? }),
        None => Ok(Head { number: 0, hash: GENESIS }),
    }
}

/// The row after `last`, in the form in which it will be read back; its hash is still to come.
fn row(entry: &AuditEntry, detail: Value, last: Head) -> EntryRow {
    let text = |text: &String| text_storable(text);
    EntryRow {
        number: last.number + 1,
        tenant_id: entry.tenant.map(|tenant| tenant.0),
        at: stored(entry.at),
        actor_kind: entry.actor.kind.as_str().into(),
        actor_id: entry.actor.id.as_ref().map(text),
        action: text(&entry.action),
        target_kind: text(&entry.target.0),
        target_id: entry.target.1.as_ref().map(text),
        outcome: entry.outcome.as_str().into(),
        before_digest: entry.before.as_ref().map(text),
        after_digest: entry.after.as_ref().map(text),
        detail: Json(detail),
        request_id: text(&entry.request_id),
        address: text(entry.address.expose()),
        previous: last.hash.to_vec(),
        hash: Vec::new(),
    }
}

async fn insert(tx: &mut Transaction, row: &EntryRow) -> Result<(), StoreError> {
    let insert = query(INSERT)
        .bind(row.number)
        .bind(row.tenant_id)
        .bind(row.at.to_jiff())
        .bind(&row.actor_kind)
        .bind(row.actor_id.as_ref())
        .bind(&row.action)
        .bind(&row.target_kind)
        .bind(row.target_id.as_ref())
        .bind(&row.outcome)
        .bind(row.before_digest.as_ref())
        .bind(row.after_digest.as_ref())
        .bind_json(&row.detail.0)
        .bind(&row.request_id)
        .bind(&row.address)
        .bind(&row.previous)
        .bind(&row.hash);
    insert.execute(&mut **tx).await.map(drop).map_err(StoreError::while_doing("add to the audit trail"))
}

/// Removes the oldest entries that are from before `before`, up to the first that is not and at most [`TRIM_STEP`]. Notes where the trail
/// begins now, adds an entry that says so, and gives how many it removed.
pub async fn trim(tx: &mut Transaction, before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    let doing = || StoreError::while_doing("trim the audit trail");
    tx.alone(SUBJECT).await?;
    let oldest: Vec<(i64, jiff_sqlx::Timestamp, Vec<u8>)> = query(OLDEST).bind(TRIM_STEP).all(&mut **tx).await.map_err(doing())?;
    let old = oldest.iter().take_while(|(_, at, _)| at.to_jiff() < before).count();
    let Some((number, _, hash)) = old.checked_sub(1).and_then(|last| oldest.into_iter().nth(last)) else { return Ok(0) };
    let removed = query(REMOVE).bind(number).execute(&mut **tx).await.map_err(doing())?;
    // A policy of PostgreSQL keeps rows without a word.
    if usize::try_from(removed) != Ok(old) {
        return Err(StoreError::NotAllowed { doing: "trim the audit trail" });
    }
    query(FORGET_START).bind(number).execute(&mut **tx).await.map_err(doing())?;
    query(SET_START).bind(number).bind(&hash).bind(now).execute(&mut **tx).await.map_err(doing())?;
    append(tx, &trimmed(Head { number, hash: rows::hash(&hash)? }, removed, now)).await?;
    Ok(removed)
}

/// What stands in the trail about its trimming. [`super::verify`] looks for it: a beginning that was cut off otherwise is found.
fn trimmed(through: Head, removed: u64, now: Timestamp) -> AuditEntry {
    AuditEntry {
        tenant: None,
        at: kept(now),
        actor: Actor { kind: ActorKind::System, id: None },
        action: TRIM_ACTION.into(),
        target: ("audit".into(), Some(through.number.to_string())),
        outcome: Outcome::Done,
        before: None,
        after: Some(hex::encode(through.hash)),
        detail: json!({ "removed": removed }),
        request_id: String::new(),
        address: String::new().into(),
    }
}
