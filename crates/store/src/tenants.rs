//! Workspaces: what belongs together, and whom it belongs to.

mod hours;
mod rows;

use call::{TenantId, Timestamp};
pub use hours::{OpeningHours, Span};
use rows::{TenantRow, columns, one};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::times::kept;
use crate::{Change, Database, Page, Paged, StoreError, Transaction, directory, query};

crate::statements! {
    INSERT = "INSERT INTO tenants (id, name, description, time_zone, opening_hours, retention, redaction, max_calls, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    BY_ID = concat!("SELECT ", columns!(), " FROM tenants WHERE id = $1");
    LIST = concat!("SELECT ", columns!(), " FROM tenants WHERE id < $1 ORDER BY id DESC LIMIT $2");
    LIST_OF = concat!("SELECT ", columns!(), " FROM tenants JOIN (SELECT tenant_id FROM memberships WHERE user_id = $1 AND tenant_id < $2) AS m ON m.tenant_id = id \
        ORDER BY m.tenant_id DESC LIMIT $3");
    /// Changes nothing; whoever else wants to write this workspace waits until our transaction is over.
    HOLD = "UPDATE tenants SET version = version WHERE id = $1";
    UPDATE = "UPDATE tenants SET name = $1, description = $2, time_zone = $3, opening_hours = $4, retention = $5, redaction = $6, \
        max_calls = $7, version = $8, updated_at = $9 WHERE id = $10";
    HAS_CALLS = "SELECT COUNT(*) FROM (SELECT id FROM calls WHERE tenant_id = $1 LIMIT 1) AS found";
    FORGET_ANSWERS = "DELETE FROM idempotency WHERE tenant_id = $1";
    REMOVE_WORKSPACE = "DELETE FROM tenants WHERE id = $1";
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, for people.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// IANA name of the time zone its opening hours are in.
    pub time_zone: String,
    /// When calls are answered; none is always.
    pub opening_hours: Option<OpeningHours>,
    /// How long what is kept.
    pub retention: Retention,
    /// What is masked in stored transcripts.
    pub redaction: RedactionLevel,
    /// Calls at once; none is the installation's limit.
    pub max_calls: Option<u32>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// How many days each kind of data is kept; none is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordings_days: Option<u32>,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcripts_days: Option<u32>,
    /// That there was a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_days: Option<u32>,
    /// The audit trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_days: Option<u32>,
}

/// What is masked in stored transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedactionLevel {
    /// Numbers of payment cards, which is the least.
    #[default]
    Cards,
    /// Everything that points at a person.
    All,
}

impl RedactionLevel {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cards => "cards",
            Self::All => "all",
        }
    }
}

/// A change of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantChange {
    /// See [`Tenant::name`]; cannot be cleared.
    pub name: Change<String>,
    /// See [`Tenant::description`].
    pub description: Change<String>,
    /// See [`Tenant::time_zone`]; cannot be cleared.
    pub time_zone: Change<String>,
    /// See [`Tenant::opening_hours`].
    pub opening_hours: Change<OpeningHours>,
    /// See [`Tenant::retention`]; cleared, everything is kept for ever.
    pub retention: Change<Retention>,
    /// See [`Tenant::redaction`]; cleared, it is the least.
    pub redaction: Change<RedactionLevel>,
    /// See [`Tenant::max_calls`].
    pub max_calls: Change<u32>,
}

/// Stores a new workspace.
///
/// Errors: [`StoreError::Taken`] when its id is there.
pub async fn create(tx: &mut Transaction, tenant: &Tenant) -> Result<(), StoreError> {
    let insert = query(INSERT)
        .bind(tenant.id.0)
        .bind(&tenant.name)
        .bind(tenant.description.as_ref())
        .bind(&tenant.time_zone)
        .bind_json_option(tenant.opening_hours.as_ref())
        .bind_json(&tenant.retention)
        .bind(tenant.redaction.as_str())
        .bind(tenant.max_calls)
        .bind(tenant.version)
        .bind(tenant.created_at)
        .bind(tenant.updated_at);
    insert.execute(&mut **tx).await.map_err(StoreError::while_storing("store a workspace", "workspace"))?;
    directory::bump(tx).await
}

/// One workspace.
pub async fn get(db: &Database, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    one(query(BY_ID).bind(id.0), db.readers()).await
}

/// The workspaces of one person, or all of them.
pub async fn list(db: &Database, of_user: Option<Uuid>, page: &Page) -> Result<Paged<Tenant>, StoreError> {
    let read = match of_user {
        Some(user) => query(LIST_OF).bind(user).bind(page.before()).bind(page.asked()),
        None => query(LIST).bind(page.before()).bind(page.asked()),
    };
    let rows: Vec<TenantRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list workspaces"))?;
    let tenants = rows.into_iter().map(Tenant::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(page.of(tenants, |tenant| tenant.id.0))
}

/// Changes a workspace, and gives it as it was and as it is.
///
/// Errors: [`StoreError::Missing`] when it is not there; [`StoreError::Changed`] when its version is not `expected`; [`StoreError::Needed`].
pub async fn change(
    tx: &mut Transaction,
    id: TenantId,
    change: &TenantChange,
    expected: Option<i64>,
    now: Timestamp,
) -> Result<(Tenant, Tenant), StoreError> {
    let before = held(tx, id, expected).await?.ok_or(StoreError::Missing { what: "workspace" })?;
    let after = changed(&before, change.clone(), now)?;
    let update = query(UPDATE)
        .bind(&after.name)
        .bind(after.description.as_ref())
        .bind(&after.time_zone)
        .bind_json_option(after.opening_hours.as_ref())
        .bind_json(&after.retention)
        .bind(after.redaction.as_str())
        .bind(after.max_calls)
        .bind(after.version)
        .bind(after.updated_at)
        .bind(id.0);
    update.execute(&mut **tx).await.map_err(StoreError::while_doing("change a workspace"))?;
    directory::bump(tx).await?;
    Ok((before, after))
}

fn changed(before: &Tenant, change: TenantChange, now: Timestamp) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: before.id,
        name: change.name.needed(before.name.clone(), "name")?,
        description: change.description.of(before.description.clone()),
        time_zone: change.time_zone.needed(before.time_zone.clone(), "time_zone")?,
        opening_hours: change.opening_hours.of(before.opening_hours.clone()),
        retention: change.retention.or(before.retention, Retention::default()),
        redaction: change.redaction.or(before.redaction, RedactionLevel::default()),
        max_calls: change.max_calls.of(before.max_calls),
        version: before.version + 1,
        created_at: before.created_at,
        updated_at: kept(now),
    })
}

/// The workspace in the version expected, which nobody else changes until the transaction is over.
async fn held(tx: &mut Transaction, id: TenantId, expected: Option<i64>) -> Result<Option<Tenant>, StoreError> {
    let hold = query(HOLD).bind(id.0).execute(&mut **tx).await;
    hold.map_err(StoreError::while_doing("hold a workspace"))?;
    let tenant = one(query(BY_ID).bind(id.0), &mut **tx).await?;
    match (&tenant, expected) {
        (Some(tenant), Some(expected)) if tenant.version != expected => Err(StoreError::Changed { what: "workspace" }),
        _ => Ok(tenant),
    }
}

/// Removes a workspace with its members, keys, agents and numbers, and gives it as it was. Its audit trail stays.
///
/// Errors: [`StoreError::InUse`] for [`TenantId::DEFAULT`] and while it has calls; [`StoreError::Changed`].
pub async fn remove(tx: &mut Transaction, id: TenantId, expected: Option<i64>) -> Result<Option<Tenant>, StoreError> {
    let doing = || StoreError::while_doing("remove a workspace");
    let Some(tenant) = held(tx, id, expected).await? else { return Ok(None) };
    let (calls,): (i64,) = query(HAS_CALLS).bind(id.0).one(&mut **tx).await.map_err(doing())?;
    if id == TenantId::DEFAULT || calls > 0 {
        return Err(StoreError::InUse { what: "workspace" });
    }
    query(FORGET_ANSWERS).bind(id.0).execute(&mut **tx).await.map_err(doing())?;
    query(REMOVE_WORKSPACE).bind(id.0).execute(&mut **tx).await.map_err(doing())?;
    directory::bump(tx).await?;
    Ok(Some(tenant))
}
