//! Tools that workspaces declared: HTTP requests, and servers that have tools. Their secrets come sealed and go sealed.

use std::fmt;

use call::{TenantId, Timestamp};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::times::kept;
use crate::{Change, Database, Page, Paged, StoreError, Transaction, agents, directory, query};

/// A tool as it is stored.
#[derive(Clone, PartialEq)]
pub struct StoredTool {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// Unique in the workspace, whatever the case of its letters; agents name it by this.
    pub name: String,
    /// `http` or `mcp`; it stays.
    pub kind: String,
    /// What it is, as JSON. It was checked.
    pub definition: Value,
    /// What it says who we are with, sealed.
    pub secret: Option<Vec<u8>>,
    /// May be used.
    pub active: bool,
    /// Counts the changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for StoredTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.secret.as_ref().map(|_| "sealed");
        let (id, tenant, name, kind, version) = (self.id, self.tenant, &self.name, &self.kind, self.version);
        write!(f, "StoredTool {{ {id}, {tenant}, {name:?}, {kind}, {:?}, secret: {secret:?}, version: {version} }}", self.definition)
    }
}

/// What shall be different of a tool.
#[derive(Clone, Default, PartialEq)]
pub struct ToolChange {
    /// A new name; it cannot be cleared.
    pub name: Change<String>,
    /// Another definition of the same kind; it cannot be cleared.
    pub definition: Change<Value>,
    /// A new secret, sealed.
    pub secret: Change<Vec<u8>>,
    /// May be used, or not; it cannot be cleared.
    pub active: Change<bool>,
}

crate::statements! {
    ADD = "INSERT INTO tools (id, tenant_id, name, name_key, kind, definition, secret, active, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    GET = "SELECT * FROM tools WHERE tenant_id = $1 AND id = $2";
    LIST = "SELECT * FROM tools WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    EVERY = "SELECT * FROM tools ORDER BY id";
    NAMES = "SELECT name FROM tools WHERE tenant_id = $1 ORDER BY name_key";
    /// Changes nothing; whoever else wants to change this tool waits until our transaction is over.
    HOLD = "UPDATE tools SET version = version WHERE tenant_id = $1 AND id = $2";
    CHANGE = "UPDATE tools SET name = $1, name_key = $2, definition = $3, secret = $4, active = $5, version = $6, updated_at = $7 \
        WHERE tenant_id = $8 AND id = $9";
    REMOVE = "DELETE FROM tools WHERE tenant_id = $1 AND id = $2";
}

#[derive(FromRow)]
struct ToolRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    kind: String,
    definition: Json<Value>,
    secret: Option<Vec<u8>>,
    active: bool,
    version: i64,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

impl From<ToolRow> for StoredTool {
    fn from(row: ToolRow) -> Self {
        Self {
            id: row.id,
            tenant: TenantId(row.tenant_id),
            name: row.name,
            kind: row.kind,
            definition: row.definition.0,
            secret: row.secret,
            active: row.active,
            version: row.version,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        }
    }
}

impl ToolChange {
    /// The tool as it would be.
    fn of(&self, before: &StoredTool, now: Timestamp) -> Result<StoredTool, StoreError> {
        let (wanted, former) = (self.clone(), before.clone());
        Ok(StoredTool {
            name: wanted.name.needed(former.name, "name")?,
            definition: wanted.definition.needed(former.definition, "definition")?,
            secret: wanted.secret.of(former.secret),
            active: wanted.active.needed(former.active, "active")?,
            version: former.version + 1,
            updated_at: kept(now),
            ..before.clone()
        })
    }
}

/// The form in which names are compared.
fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Stores a new tool. Errors: [`StoreError::Taken`] when the workspace has one of that name.
pub async fn create(tx: &mut Transaction, tool: &StoredTool) -> Result<(), StoreError> {
    let insert = query(ADD)
        .bind(tool.id)
        .bind(tool.tenant.0)
        .bind(&tool.name)
        .bind(name_key(&tool.name))
        .bind(&tool.kind)
        .bind_json(&tool.definition)
        .bind(tool.secret.as_ref())
        .bind(tool.active)
        .bind(tool.version)
        .bind(tool.created_at)
        .bind(tool.updated_at);
    insert.execute(&mut **tx).await.map_err(StoreError::while_storing("store a new tool", "name"))?;
    directory::bump(tx).await
}

/// One tool of a workspace.
pub async fn get(db: &Database, tenant: TenantId, id: Uuid) -> Result<Option<StoredTool>, StoreError> {
    let row: Result<Option<ToolRow>, _> = query(GET).bind(tenant.0).bind(id).optional(db.readers()).await;
    Ok(row.map_err(StoreError::while_doing("read a tool"))?.map(StoredTool::from))
}

/// The tools of a workspace, newest first.
pub async fn list(db: &Database, tenant: TenantId, page: &Page) -> Result<Paged<StoredTool>, StoreError> {
    let read = query(LIST).bind(tenant.0).bind(page.before()).bind(page.asked());
    let rows: Vec<ToolRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list tools"))?;
    Ok(page.of(rows.into_iter().map(StoredTool::from).collect(), |tool| tool.id))
}

/// Every tool of every workspace, for the directory.
pub async fn all(db: &Database) -> Result<Vec<StoredTool>, StoreError> {
    let rows: Vec<ToolRow> = query(EVERY).all(db.readers()).await.map_err(StoreError::while_doing("read all tools"))?;
    Ok(rows.into_iter().map(StoredTool::from).collect())
}

/// The names of a workspace's tools.
pub async fn names(db: &Database, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    let rows: Result<Vec<(String,)>, _> = query(NAMES).bind(tenant.0).all(db.readers()).await;
    Ok(rows.map_err(StoreError::while_doing("read the names of tools"))?.into_iter().map(|(name,)| name).collect())
}

/// Changes a tool and returns how it was and how it is.
///
/// Errors: [`StoreError::Missing`] when there is none; [`StoreError::Changed`] when it is of another version than `expected`;
/// [`StoreError::Taken`] when another has the name; [`StoreError::Needed`] when something is cleared that cannot be;
/// [`StoreError::InUse`] when it is to be named anew and an agent names it.
pub async fn change(
    tx: &mut Transaction,
    tenant: TenantId,
    id: Uuid,
    change: &ToolChange,
    expected: Option<i64>,
    now: Timestamp,
) -> Result<(StoredTool, StoredTool), StoreError> {
    let before = held(tx, tenant, id, expected).await?.ok_or(StoreError::Missing { what: "tool" })?;
    let after = change.of(&before, now)?;
    if after.name != before.name {
        unused(tx, tenant, &before.name).await?;
    }
    let update = query(CHANGE)
        .bind(&after.name)
        .bind(name_key(&after.name))
        .bind_json(&after.definition)
        .bind(after.secret.as_ref())
        .bind(after.active)
        .bind(after.version)
        .bind(after.updated_at)
        .bind(tenant.0)
        .bind(id);
    update.execute(&mut **tx).await.map_err(StoreError::while_storing("change a tool", "name"))?;
    directory::bump(tx).await?;
    Ok((before, after))
}

/// Removes a tool and returns what it was.
///
/// Errors: [`StoreError::Changed`] when it is of another version than `expected`; [`StoreError::InUse`] when an agent names it.
pub async fn remove(tx: &mut Transaction, tenant: TenantId, id: Uuid, expected: Option<i64>) -> Result<Option<StoredTool>, StoreError> {
    let Some(before) = held(tx, tenant, id, expected).await? else { return Ok(None) };
    unused(tx, tenant, &before.name).await?;
    let removed = query(REMOVE).bind(tenant.0).bind(id).execute(&mut **tx).await;
    removed.map_err(StoreError::while_doing("remove a tool"))?;
    directory::bump(tx).await?;
    Ok(Some(before))
}

/// An agent that names a tool which is not there could not be made ready.
async fn unused(tx: &mut Transaction, tenant: TenantId, name: &str) -> Result<(), StoreError> {
    if agents::name_tool(tx, tenant, name).await? { Err(StoreError::InUse { what: "tool" }) } else { Ok(()) }
}

/// The tool as it is, and stays until the transaction is over.
async fn held(tx: &mut Transaction, tenant: TenantId, id: Uuid, expected: Option<i64>) -> Result<Option<StoredTool>, StoreError> {
    let doing = || StoreError::while_doing("read a tool to change it");
    if query(HOLD).bind(tenant.0).bind(id).execute(&mut **tx).await.map_err(doing())? == 0 {
        return Ok(None);
    }
    let row: ToolRow = query(GET).bind(tenant.0).bind(id).one(&mut **tx).await.map_err(doing())?;
    match expected {
        Some(version) if version != row.version => Err(StoreError::Changed { what: "tool" }),
        _ => Ok(Some(row.into())),
    }
}
