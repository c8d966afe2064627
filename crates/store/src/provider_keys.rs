//! Vendor and carrier keys of a workspace. They come sealed and go sealed: nothing here can read them. A change of one is a change of the directory:
//! agents are made with them.

use call::{TenantId, Timestamp};
use sqlx::FromRow;

use crate::{Database, StoreError, Transaction, directory, query};

/// Most keys one list holds; there are fewer kinds of providers.
pub const MAX_LIST: u32 = 100;

/// What people may know of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey {
    /// Whose interface it opens, such as `twilio.auth_token`.
    pub provider: String,
    /// Its last letters; `None` for short ones.
    pub ending: Option<String>,
    /// When it was set.
    pub updated_at: Timestamp,
    /// Who set it: an actor's id.
    pub updated_by: String,
}

crate::statements! {
    SET = "INSERT INTO provider_keys (tenant_id, provider, sealed, ending, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (tenant_id, provider) DO UPDATE SET sealed = excluded.sealed, ending = excluded.ending, updated_at = excluded.updated_at, \
        updated_by = excluded.updated_by";
    REMOVE = "DELETE FROM provider_keys WHERE tenant_id = $1 AND provider = $2";
    LIST = "SELECT provider, ending, updated_at, updated_by FROM provider_keys WHERE tenant_id = $1 ORDER BY provider LIMIT $2";
    SEALED = "SELECT sealed FROM provider_keys WHERE tenant_id = $1 AND provider = $2";
}

#[derive(FromRow)]
struct KeyRow {
    provider: String,
    ending: Option<String>,
    updated_at: jiff_sqlx::Timestamp,
    updated_by: String,
}

impl From<KeyRow> for ProviderKey {
    fn from(row: KeyRow) -> Self {
        Self { provider: row.provider, ending: row.ending, updated_at: row.updated_at.to_jiff(), updated_by: row.updated_by }
    }
}

/// Stores a sealed key, in place of an earlier one. Errors: [`StoreError::Missing`] when there is no such workspace.
pub async fn set(
    tx: &mut Transaction,
    tenant: TenantId,
    provider: &str,
    sealed: &[u8],
    ending: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let write = query(SET).bind(tenant.0).bind(provider).bind(sealed).bind(ending).bind(now).bind(by);
    write.execute(&mut **tx).await.map_err(StoreError::while_storing("store a provider's key", "workspace"))?;
    directory::bump(tx).await
}

/// Forgets a key; false when there was none.
pub async fn remove(tx: &mut Transaction, tenant: TenantId, provider: &str) -> Result<bool, StoreError> {
    let removed = query(REMOVE).bind(tenant.0).bind(provider).execute(&mut **tx).await;
    let there = removed.map_err(StoreError::while_doing("remove a provider's key"))? > 0;
    if there {
        directory::bump(tx).await?;
    }
    Ok(there)
}

/// The keys of a workspace by provider, without the keys themselves; at most [`MAX_LIST`].
pub async fn list(db: &Database, tenant: TenantId) -> Result<Vec<ProviderKey>, StoreError> {
    let rows: Result<Vec<KeyRow>, _> = query(LIST).bind(tenant.0).bind(MAX_LIST).all(db.readers()).await;
    Ok(rows.map_err(StoreError::while_doing("list the keys of providers"))?.into_iter().map(ProviderKey::from).collect())
}

/// The providers that a workspace has keys for.
pub async fn names(db: &Database, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    Ok(list(db, tenant).await?.into_iter().map(|key| key.provider).collect())
}

/// One key, sealed.
pub async fn sealed(db: &Database, tenant: TenantId, provider: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Result<Option<(Vec<u8>,)>, _> = query(SEALED).bind(tenant.0).bind(provider).optional(db.readers()).await;
    Ok(row.map_err(StoreError::while_doing("read a provider's key"))?.map(|(sealed,)| sealed))
}
