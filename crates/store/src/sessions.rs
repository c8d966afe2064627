//! Sessions: one row for each sign-in. Tokens are kept as SHA-256 only.

mod rotation;
mod rows;

use call::{TenantId, Timestamp};
use privacy::Pii;
pub use rotation::{REUSED, Rotation, rotate};
use rows::{columns, many, one};
use uuid::Uuid;

use crate::{Database, StoreError, Transaction, query};

crate::statements! {
    INSERT = "INSERT INTO sessions (id, user_id, tenant_id, kind, secret_digest, verified_at, address, user_agent, created_at, used_at, idle_ends_at, ends_at, \
        revoked_at, revoked_because) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    BY_ID = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1");
    BY_SECRET = concat!("SELECT ", columns!(), " FROM sessions WHERE secret_digest = $1");
    /// A request that was on its way longer than another does not set the clock back.
    TOUCH = "UPDATE sessions SET used_at = $1, idle_ends_at = $2 WHERE id = $3 AND revoked_at IS NULL AND used_at < $1";
    SET_TENANT = "UPDATE sessions SET tenant_id = $1 WHERE id = $2";
    VERIFIED = "UPDATE sessions SET verified_at = $1 WHERE id = $2";
    LIVE_OF_USER = concat!("SELECT ", columns!(), " FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND idle_ends_at > $2 AND ends_at > $2 \
        ORDER BY created_at DESC LIMIT $3");
    REVOKE = "UPDATE sessions SET revoked_at = $1, revoked_because = $2 WHERE id = $3 AND revoked_at IS NULL";
    REVOKE_OF_USER = "UPDATE sessions SET revoked_at = $1, revoked_because = $2 WHERE id = $3 AND revoked_at IS NULL AND user_id = $4";
    REVOKE_ALL = "UPDATE sessions SET revoked_at = $1, revoked_because = $2 WHERE user_id = $3 AND revoked_at IS NULL AND id <> $4";
    SWEEP = "DELETE FROM sessions WHERE ends_at <= $1";
}

/// How a session proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// By a cookie.
    Browser,
    /// By an access token and a refresh token.
    Token,
}

impl SessionKind {
    const ALL: [Self; 2] = [Self::Browser, Self::Token];

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Token => "token",
        }
    }
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// The workspace it acts in.
    pub tenant: Option<TenantId>,
    /// How it proves itself.
    pub kind: SessionKind,
    /// When the second factor was given.
    pub verified_at: Option<Timestamp>,
    /// Where it began.
    pub address: Pii<String>,
    /// With which program.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Timestamp,
    /// When it ends unless it is used.
    pub idle_ends_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// Why.
    pub revoked_because: Option<String>,
}

impl Session {
    /// Whether it may still be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.idle_ends_at && now < self.ends_at
    }
}

/// Most sessions that [`of_user`] gives.
pub const MAX_LIST: u32 = 100;

/// Stores a new session whose secret has this digest.
///
/// Errors: [`StoreError::Missing`] when the account or the workspace is not there; [`StoreError::Taken`].
pub async fn create(tx: &mut Transaction, session: &Session, secret: &[u8; 32]) -> Result<(), StoreError> {
    let insert = query(INSERT)
        .bind(session.id)
        .bind(session.user_id)
        .bind(session.tenant.map(|tenant| tenant.0))
        .bind(session.kind.as_str())
        .bind(secret)
        .bind(session.verified_at)
        .bind(session.address.expose())
        .bind(&session.user_agent)
        .bind(session.created_at)
        .bind(session.used_at)
        .bind(session.idle_ends_at)
        .bind(session.ends_at)
        .bind(session.revoked_at)
        .bind(session.revoked_because.as_ref());
    let done = insert.execute(&mut **tx).await;
    done.map(drop).map_err(|error| {
        let taken = error.as_database_error().is_some_and(|error| error.is_unique_violation());
        StoreError::while_storing("store a session", if taken { "session" } else { "user or workspace" })(error)
    })
}

/// One session, over or not.
pub async fn get(db: &Database, id: Uuid) -> Result<Option<Session>, StoreError> {
    one(query(BY_ID).bind(id), db.readers()).await
}

/// The session whose present secret has this digest, over or not.
pub async fn by_secret(db: &Database, digest: &[u8; 32]) -> Result<Option<Session>, StoreError> {
    one(query(BY_SECRET).bind(digest), db.readers()).await
}

/// Notes that a session was used.
pub async fn touch(db: &Database, id: Uuid, now: Timestamp, idle_ends_at: Timestamp) -> Result<(), StoreError> {
    let done = query(TOUCH).bind(now).bind(idle_ends_at).bind(id).execute(db.writer()).await;
    done.map(drop).map_err(StoreError::while_doing("note that a session was used"))
}

/// Ok when one row was changed.
fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Missing { what: "session" }) } else { Ok(()) }
}

/// Lets a session act in another workspace.
///
/// Errors: [`StoreError::Missing`] when the session or the workspace is not there.
pub async fn set_tenant(tx: &mut Transaction, id: Uuid, tenant: Option<TenantId>) -> Result<(), StoreError> {
    let update = query(SET_TENANT).bind(tenant.map(|tenant| tenant.0)).bind(id);
    found(update.execute(&mut **tx).await.map_err(StoreError::while_storing("store the workspace of a session", "workspace"))?)
}

/// Notes that the second factor was given.
///
/// Errors: [`StoreError::Missing`] when the session is not there.
pub async fn verified(tx: &mut Transaction, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let update = query(VERIFIED).bind(now).bind(id);
    found(update.execute(&mut **tx).await.map_err(StoreError::while_doing("note that a second factor was given"))?)
}

/// The live sessions of an account, newest first, at most [`MAX_LIST`].
pub async fn of_user(db: &Database, user: Uuid, now: Timestamp) -> Result<Vec<Session>, StoreError> {
    many(query(LIVE_OF_USER).bind(user).bind(now).bind(MAX_LIST), db.readers()).await
}

/// Ends a session, of this account when one is given; false when there is none that was not ended before.
pub async fn revoke(tx: &mut Transaction, id: Uuid, of_user: Option<Uuid>, because: &str, now: Timestamp) -> Result<bool, StoreError> {
    let update = match of_user {
        Some(user) => query(REVOKE_OF_USER).bind(now).bind(because).bind(id).bind(user),
        None => query(REVOKE).bind(now).bind(because).bind(id),
    };
    Ok(update.execute(&mut **tx).await.map_err(StoreError::while_doing("end a session"))? > 0)
}

/// Ends the sessions of an account, except one, and says how many.
pub async fn revoke_all(tx: &mut Transaction, user: Uuid, except: Option<Uuid>, because: &str, now: Timestamp) -> Result<u64, StoreError> {
    // No session has the empty id.
    let update = query(REVOKE_ALL).bind(now).bind(because).bind(user).bind(except.unwrap_or(Uuid::nil()));
    update.execute(&mut **tx).await.map_err(StoreError::while_doing("end the sessions of an account"))
}

/// Removes sessions whose time is over, and says how many. One that was ended stays until then: its tokens are still known as stolen.
pub async fn sweep(tx: &mut Transaction, now: Timestamp) -> Result<u64, StoreError> {
    query(SWEEP).bind(now).execute(&mut **tx).await.map_err(StoreError::while_doing("remove old sessions"))
}

/// Every statement, for the tests.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&[(&str, &str)]] = &[ALL, rotation::ALL];
