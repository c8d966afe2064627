//! The exchange of a session's secret for the next one. Whoever comes with one that was exchanged before has stolen it, or was stolen from.

use call::Timestamp;
use jiff::SignedDuration;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::one;
use super::{BY_ID, BY_SECRET, REVOKE, Session};
use crate::times::kept;
use crate::{StoreError, Transaction, query};

crate::statements! {
    /// Changes nothing; whoever else comes with this secret waits until our transaction is over, and no longer finds it.
    HOLD = "UPDATE sessions SET used_at = used_at WHERE secret_digest = $1";
    PREVIOUS = "SELECT previous_digest FROM sessions WHERE id = $1 AND previous_digest IS NOT NULL";
    ROTATE = "UPDATE sessions SET secret_digest = $1, previous_digest = $2, used_at = $3, idle_ends_at = $4 WHERE id = $5";
    BY_PREVIOUS = "SELECT id FROM sessions WHERE previous_digest = $1";
    /// The session knows its last secret; those before it lie with the tickets, for they worked once too.
    KEEP_USED = "INSERT INTO tickets (digest, kind, user_id, tenant_id, carries, tries_left, created_at, ends_at) \
        VALUES ($1, 'used_secret', $2, NULL, $3, 1, $4, $5) ON CONFLICT (digest) DO NOTHING";
    BY_USED = "SELECT carries FROM tickets WHERE digest = $1 AND kind = 'used_secret'";
}

/// Why a session was ended whose secret came a second time.
pub const REUSED: &str = "a secret was used twice";

/// What became of a secret that was given to get the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The new secret holds from now on.
    Rotated(Session),
    /// The secret was exchanged before, so it was stolen, or its successor was: the session is over.
    Reused(Session),
    /// There is no such secret, or its session is over.
    Unknown,
}

/// Exchanges the secret of a live session for the next one, both given as digests. One that was exchanged before, however long ago, ends the
/// session. Commit in any case: an end that is undone ends nothing.
pub async fn rotate(
    tx: &mut Transaction,
    given: &[u8; 32],
    new: &[u8; 32],
    now: Timestamp,
    idle: SignedDuration,
) -> Result<Rotation, StoreError> {
    let hold = query(HOLD).bind(given).execute(&mut **tx).await;
    if hold.map_err(StoreError::while_doing("hold a session"))? == 0 {
        return reused(tx, given, now).await;
    }
    match one(query(BY_SECRET).bind(given), &mut **tx).await? {
        Some(session) if session.is_live(now) => {
            keep_previous(tx, &session, now).await?;
            exchange(tx, session, given, new, now, idle).await.map(Rotation::Rotated)
        }
        _ => Ok(Rotation::Unknown),
    }
}

async fn keep_previous(tx: &mut Transaction, session: &Session, now: Timestamp) -> Result<(), StoreError> {
    let doing = || StoreError::while_doing("keep a used secret");
    let previous: Option<(Vec<u8>,)> = query(PREVIOUS).bind(session.id).optional(&mut **tx).await.map_err(doing())?;
    let Some((previous,)) = previous else { return Ok(()) };
    let keep = query(KEEP_USED).bind(previous).bind(session.user_id).bind_json(&json!(session.id)).bind(now).bind(session.ends_at);
    keep.execute(&mut **tx).await.map(drop).map_err(doing())
}

async fn exchange(
    tx: &mut Transaction,
    session: Session,
    given: &[u8; 32],
    new: &[u8; 32],
    now: Timestamp,
    idle: SignedDuration,
) -> Result<Session, StoreError> {
    let idle_ends_at = now.checked_add(idle).map_or(session.ends_at, |at| at.min(session.ends_at));
    let update = query(ROTATE).bind(new).bind(given).bind(now).bind(idle_ends_at).bind(session.id);
    update.execute(&mut **tx).await.map_err(StoreError::while_storing("exchange the secret of a session", "secret"))?;
    Ok(Session { used_at: kept(now), idle_ends_at: kept(idle_ends_at), ..session })
}

/// Ends the session that had this secret before.
async fn reused(tx: &mut Transaction, given: &[u8; 32], now: Timestamp) -> Result<Rotation, StoreError> {
    let doing = || StoreError::while_doing("look for a used secret");
    let previous: Option<(Uuid,)> = query(BY_PREVIOUS).bind(given).optional(&mut **tx).await.map_err(doing())?;
    let id = match previous {
        Some((id,)) => Some(id),
        // In this order: a secret that is pushed out between the two questions is found by the second.
        None => query(BY_USED).bind(given).optional(&mut **tx).await.map_err(doing())?.map(|(Json(id),): (Json<Uuid>,)| id),
    };
    let Some(id) = id else { return Ok(Rotation::Unknown) };
    query(REVOKE).bind(now).bind(REUSED).bind(id).execute(&mut **tx).await.map_err(StoreError::while_doing("end a session"))?;
    let session = one(query(BY_ID).bind(id), &mut **tx).await?;
    Ok(session.map_or(Rotation::Unknown, Rotation::Reused))
}
