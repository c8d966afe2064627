//! API keys of workspaces, kept as SHA-256 only.

use std::collections::BTreeMap;

use call::{TenantId, Timestamp};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Database, Page, Paged, Query, StoreError, Transaction, query};

/// The columns of a key, named: one that a later version adds changes no statement of this one.
macro_rules! columns {
    () => {
        "id, tenant_id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at"
    };
}

crate::statements! {
    INSERT = "INSERT INTO api_keys (id, tenant_id, name, prefix, digest, scopes, created_by, created_at, expires_at, last_used_at, revoked_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    BY_DIGEST = concat!("SELECT ", columns!(), " FROM api_keys WHERE digest = $1");
    BY_ID = concat!("SELECT ", columns!(), " FROM api_keys WHERE id = $1 AND tenant_id = $2");
    LIST = concat!("SELECT ", columns!(), " FROM api_keys WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    REVOKE = "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND tenant_id = $3 AND revoked_at IS NULL";
    REVOKE_OF = "UPDATE api_keys SET revoked_at = $1 WHERE created_by = $2 AND revoked_at IS NULL";
    USED = "UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)";
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// The workspace it works in.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// The first letters, by which people tell keys apart.
    pub prefix: String,
    /// What it may do: words of permissions.
    pub scopes: Vec<String>,
    /// Who made it; none once that account is gone.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Up to when it works; none is without end.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it works.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

#[derive(FromRow)]
struct KeyRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    prefix: String,
    scopes: Json<Vec<String>>,
    created_by: Option<Uuid>,
    created_at: jiff_sqlx::Timestamp,
    expires_at: Option<jiff_sqlx::Timestamp>,
    last_used_at: Option<jiff_sqlx::Timestamp>,
    revoked_at: Option<jiff_sqlx::Timestamp>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        let time = |at: Option<jiff_sqlx::Timestamp>| at.map(jiff_sqlx::Timestamp::to_jiff);
        Self {
            id: row.id,
            tenant: TenantId(row.tenant_id),
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes.0,
            created_by: row.created_by,
            created_at: row.created_at.to_jiff(),
            expires_at: time(row.expires_at),
            last_used_at: time(row.last_used_at),
            revoked_at: time(row.revoked_at),
        }
    }
}

async fn one(db: &Database, read: Query<'_>) -> Result<Option<ApiKey>, StoreError> {
    let row: Result<Option<KeyRow>, _> = read.optional(db.readers()).await;
    Ok(row.map_err(StoreError::while_doing("read an API key"))?.map(ApiKey::from))
}

/// Stores a new key that has this digest.
///
/// Errors: [`StoreError::Taken`] when its prefix or digest is there; [`StoreError::Missing`] when the workspace or the account is not.
pub async fn create(tx: &mut Transaction, key: &ApiKey, digest: &[u8; 32]) -> Result<(), StoreError> {
    let insert = query(INSERT)
        .bind(key.id)
        .bind(key.tenant.0)
        .bind(&key.name)
        .bind(&key.prefix)
        .bind(digest)
        .bind_json(&key.scopes)
        .bind(key.created_by)
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(key.last_used_at)
        .bind(key.revoked_at);
    insert.execute(&mut **tx).await.map(drop).map_err(|error| {
        let taken = error.as_database_error().is_some_and(|error| error.is_unique_violation());
        StoreError::while_storing("store an API key", if taken { "API key" } else { "user or workspace" })(error)
    })
}

/// The key with this digest, whether it works or not.
pub async fn by_digest(db: &Database, digest: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
    one(db, query(BY_DIGEST).bind(digest)).await
}

/// The keys of a workspace, also those that no longer work.
pub async fn list(db: &Database, tenant: TenantId, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
    let read = query(LIST).bind(tenant.0).bind(page.before()).bind(page.asked());
    let rows: Vec<KeyRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list API keys"))?;
    Ok(page.of(rows.into_iter().map(ApiKey::from).collect(), |key: &ApiKey| key.id))
}

/// One key of a workspace.
pub async fn get(db: &Database, tenant: TenantId, id: Uuid) -> Result<Option<ApiKey>, StoreError> {
    one(db, query(BY_ID).bind(id).bind(tenant.0)).await
}

/// Revokes a key of a workspace; false when there is none that is not revoked.
pub async fn revoke(tx: &mut Transaction, tenant: TenantId, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let update = query(REVOKE).bind(now).bind(id).bind(tenant.0);
    Ok(update.execute(&mut **tx).await.map_err(StoreError::while_doing("revoke an API key"))? > 0)
}

/// Revokes the keys an account made, in all workspaces, and says how many. For an account that is about to go: its keys would name no maker then.
pub async fn revoke_of(tx: &mut Transaction, maker: Uuid, now: Timestamp) -> Result<u64, StoreError> {
    let update = query(REVOKE_OF).bind(now).bind(maker);
    update.execute(&mut **tx).await.map_err(StoreError::while_doing("revoke the API keys of an account"))
}

/// Notes when keys were last used, in one transaction of its own. An earlier time changes nothing.
pub async fn used(db: &Database, uses: &[(Uuid, Timestamp)]) -> Result<(), StoreError> {
    let doing = || StoreError::while_doing("note the use of API keys");
    let mut latest = BTreeMap::new();
    for (id, at) in uses {
        let kept = latest.entry(*id).or_insert(*at);
        *kept = (*kept).max(*at);
    }
    if latest.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    // In the order of ids: two instances that note the same keys never wait for each other.
    for (id, at) in latest {
        query(USED).bind(at).bind(id).execute(&mut *tx).await.map_err(doing())?;
    }
    tx.commit().await.map_err(doing())
}
