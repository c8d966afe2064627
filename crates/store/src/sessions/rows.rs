//! Sessions as they lie in the table.

use call::TenantId;
use jiff_sqlx::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::{Session, SessionKind};
use crate::{Query, StoreError, Target};

/// The columns of a session, named: one that a later version adds changes no statement of this one.
macro_rules! columns {
    () => {
        "id, user_id, tenant_id, kind, verified_at, address, user_agent, created_at, used_at, idle_ends_at, ends_at, revoked_at, revoked_because"
    };
}
pub(super) use columns;

#[derive(FromRow)]
pub(super) struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    tenant_id: Option<Uuid>,
    kind: String,
    verified_at: Option<Timestamp>,
    address: String,
    user_agent: String,
    created_at: Timestamp,
    used_at: Timestamp,
    idle_ends_at: Timestamp,
    ends_at: Timestamp,
    revoked_at: Option<Timestamp>,
    revoked_because: Option<String>,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let kind = SessionKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind);
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            tenant: row.tenant_id.map(TenantId),
            kind: kind.ok_or_else(|| StoreError::corrupt("kind of session", row.kind))?,
            verified_at: row.verified_at.map(Timestamp::to_jiff),
            address: row.address.into(),
            user_agent: row.user_agent,
            created_at: row.created_at.to_jiff(),
            used_at: row.used_at.to_jiff(),
            idle_ends_at: row.idle_ends_at.to_jiff(),
            ends_at: row.ends_at.to_jiff(),
            revoked_at: row.revoked_at.map(Timestamp::to_jiff),
            revoked_because: row.revoked_because,
        })
    }
}

/// The session that a query gives.
pub(super) async fn one<'c>(read: Query<'_>, target: impl Into<Target<'c>>) -> Result<Option<Session>, StoreError> {
    let row: Result<Option<SessionRow>, _> = read.optional(target).await;
    row.map_err(StoreError::while_doing("read a session"))?.map(Session::try_from).transpose()
}

/// The sessions that a query gives.
pub(super) async fn many<'c>(read: Query<'_>, target: impl Into<Target<'c>>) -> Result<Vec<Session>, StoreError> {
    let rows: Result<Vec<SessionRow>, _> = read.all(target).await;
    rows.map_err(StoreError::while_doing("list sessions"))?.into_iter().map(Session::try_from).collect()
}
