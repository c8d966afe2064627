//! Tickets: what works once. Links for the first administrator, for invitations and for new passwords, and the steps of a sign-in.

use call::{TenantId, Timestamp};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Database, Query, StoreError, Target, Transaction, query};

crate::statements! {
    INSERT = "INSERT INTO tickets (digest, kind, user_id, tenant_id, carries, tries_left, created_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    LOOK = "SELECT kind, user_id, tenant_id, carries, tries_left, created_at, ends_at FROM tickets WHERE digest = $1 AND kind = $2";
    TAKE = "DELETE FROM tickets WHERE digest = $1 AND kind = $2 RETURNING kind, user_id, tenant_id, carries, tries_left, created_at, ends_at";
    FAILED = "UPDATE tickets SET tries_left = tries_left - 1 WHERE digest = $1 AND kind <> 'used_secret' RETURNING tries_left";
    REMOVE = "DELETE FROM tickets WHERE digest = $1";
    REMOVE_KIND = "DELETE FROM tickets WHERE kind = $1";
    REMOVE_KIND_OF_USER = "DELETE FROM tickets WHERE kind = $1 AND user_id = $2";
    SWEEP = "DELETE FROM tickets WHERE ends_at <= $1";
}

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketKind {
    /// Making the first account.
    FirstAdmin,
    /// Joining a workspace.
    Invitation,
    /// Choosing a new password.
    PasswordReset,
    /// Giving the second factor after the password.
    SecondFactor,
    /// Coming back from an OpenID provider.
    OpenId,
}

impl TicketKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::FirstAdmin, Self::Invitation, Self::PasswordReset, Self::SecondFactor, Self::OpenId];

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstAdmin => "first_admin",
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::SecondFactor => "second_factor",
            Self::OpenId => "open_id",
        }
    }
}

/// A ticket. It is found by the SHA-256 of a token that only its holder has.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// What it is for.
    pub kind: TicketKind,
    /// Whose it is.
    pub user_id: Option<Uuid>,
    /// For which workspace.
    pub tenant: Option<TenantId>,
    /// What it carries; sealed by its maker where that is a secret.
    pub carries: Value,
    /// Wrong tries that are left.
    pub tries_left: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Up to when it works.
    pub ends_at: Timestamp,
}

#[derive(FromRow)]
struct TicketRow {
    kind: String,
    user_id: Option<Uuid>,
    tenant_id: Option<Uuid>,
    carries: Json<Value>,
    tries_left: i64,
    created_at: jiff_sqlx::Timestamp,
    ends_at: jiff_sqlx::Timestamp,
}

impl TryFrom<TicketRow> for Ticket {
    type Error = StoreError;

    fn try_from(row: TicketRow) -> Result<Self, StoreError> {
        let kind = TicketKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind);
        Ok(Self {
            kind: kind.ok_or_else(|| StoreError::corrupt("kind of ticket", row.kind))?,
            user_id: row.user_id,
            tenant: row.tenant_id.map(TenantId),
            carries: row.carries.0,
            tries_left: u32::try_from(row.tries_left).map_err(|_| StoreError::corrupt("tries of a ticket", row.tries_left.to_string()))?,
            created_at: row.created_at.to_jiff(),
            ends_at: row.ends_at.to_jiff(),
        })
    }
}

/// The ticket that a query gives, unless its time is over.
async fn one<'c>(read: Query<'_>, target: impl Into<Target<'c>>, now: Timestamp) -> Result<Option<Ticket>, StoreError> {
    let row: Result<Option<TicketRow>, _> = read.optional(target).await;
    let ticket = row.map_err(StoreError::while_doing("read a ticket"))?.map(Ticket::try_from).transpose()?;
    Ok(ticket.filter(|ticket| now < ticket.ends_at))
}

/// Stores a new ticket.
///
/// Errors: [`StoreError::Missing`] when the account or the workspace is not there; [`StoreError::Taken`].
pub async fn put(tx: &mut Transaction, digest: &[u8; 32], ticket: &Ticket) -> Result<(), StoreError> {
    let insert = query(INSERT)
        .bind(digest)
        .bind(ticket.kind.as_str())
        .bind(ticket.user_id)
        .bind(ticket.tenant.map(|tenant| tenant.0))
        .bind_json(&ticket.carries)
        .bind(ticket.tries_left)
        .bind(ticket.created_at)
        .bind(ticket.ends_at);
    insert.execute(&mut **tx).await.map(drop).map_err(|error| {
        let taken = error.as_database_error().is_some_and(|error| error.is_unique_violation());
        StoreError::while_storing("store a ticket", if taken { "ticket" } else { "user or workspace" })(error)
    })
}

/// Looks at a ticket and leaves it.
pub async fn look(db: &Database, digest: &[u8; 32], kind: TicketKind, now: Timestamp) -> Result<Option<Ticket>, StoreError> {
    one(query(LOOK).bind(digest).bind(kind.as_str()), db.readers(), now).await
}

/// Takes a ticket: of all who try, one gets it.
pub async fn take(tx: &mut Transaction, digest: &[u8; 32], kind: TicketKind, now: Timestamp) -> Result<Option<Ticket>, StoreError> {
    one(query(TAKE).bind(digest).bind(kind.as_str()), &mut **tx, now).await
}

/// Counts a wrong try and says how many are left; at none the ticket is gone.
pub async fn failed(tx: &mut Transaction, digest: &[u8; 32]) -> Result<u32, StoreError> {
    let doing = || StoreError::while_doing("count a wrong try");
    let left: Option<(i64,)> = query(FAILED).bind(digest).optional(&mut **tx).await.map_err(doing())?;
    let Some((left,)) = left else { return Ok(0) };
    if left <= 0 {
        query(REMOVE).bind(digest).execute(&mut **tx).await.map_err(doing())?;
    }
    u32::try_from(left.max(0)).map_err(|_| StoreError::corrupt("tries of a ticket", left.to_string()))
}

/// Removes the tickets of a kind, those of one account when it is given, and says how many.
pub async fn remove_kind(tx: &mut Transaction, kind: TicketKind, user: Option<Uuid>) -> Result<u64, StoreError> {
    let remove = match user {
        Some(user) => query(REMOVE_KIND_OF_USER).bind(kind.as_str()).bind(user),
        None => query(REMOVE_KIND).bind(kind.as_str()),
    };
    remove.execute(&mut **tx).await.map_err(StoreError::while_doing("remove tickets"))
}

/// Removes tickets whose time is over, and says how many.
pub async fn sweep(tx: &mut Transaction, now: Timestamp) -> Result<u64, StoreError> {
    query(SWEEP).bind(now).execute(&mut **tx).await.map_err(StoreError::while_doing("remove old tickets"))
}
