//! What is sealed and stays: keys of providers, second factors and secrets of tools. When the key that seals is replaced they are sealed again, one by one; what is
//! changed in the meantime is left as it is then. Nothing here can read them.

use call::TenantId;
use uuid::Uuid;

use crate::{Database, StoreError, query};

/// Most values read in one step.
pub const STEP: u32 = 200;

/// A sealed value, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed<W> {
    /// Whose.
    pub whose: W,
    /// As it is stored.
    pub value: Vec<u8>,
}

/// Workspace and provider of a provider's key.
pub type KeyOf = (TenantId, String);

/// Workspace and id of a tool.
pub type ToolOf = (TenantId, Uuid);

crate::statements! {
    KEYS = "SELECT tenant_id, provider, sealed FROM provider_keys WHERE tenant_id > $1 OR (tenant_id = $1 AND provider > $2) \
        ORDER BY tenant_id, provider LIMIT $3";
    SET_KEY = "UPDATE provider_keys SET sealed = $1 WHERE tenant_id = $2 AND provider = $3 AND sealed = $4";
    FACTORS = "SELECT id, totp_secret FROM users WHERE totp_secret IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";
    SET_FACTOR = "UPDATE users SET totp_secret = $1 WHERE id = $2 AND totp_secret = $3";
    TOOLS = "SELECT tenant_id, id, secret FROM tools WHERE secret IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";
    SET_TOOL = "UPDATE tools SET secret = $1 WHERE tenant_id = $2 AND id = $3 AND secret = $4";
    COUNT = "SELECT (SELECT COUNT(*) FROM provider_keys WHERE substr(sealed, 1, CAST($1 AS INTEGER)) = $2), \
        (SELECT COUNT(*) FROM users WHERE substr(totp_secret, 1, CAST($1 AS INTEGER)) = $2), \
        (SELECT COUNT(*) FROM tools WHERE substr(secret, 1, CAST($1 AS INTEGER)) = $2), \
        (SELECT COUNT(*) FROM idempotency WHERE substr(body, 1, CAST($1 AS INTEGER)) = $2)";
}

/// Values that begin like this, by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Keys of providers.
    pub provider_keys: i64,
    /// Second factors.
    pub second_factors: i64,
    /// Secrets of tools.
    pub tools: i64,
    /// Answers to requests that may be repeated; they go by themselves within a day.
    pub answers: i64,
}

impl Left {
    /// There is none.
    pub const fn is_none(&self) -> bool {
        self.provider_keys == 0 && self.second_factors == 0 && self.tools == 0 && self.answers == 0
    }
}

/// Keys of providers of all workspaces, those after `after`.
pub async fn provider_keys(db: &Database, after: Option<&KeyOf>) -> Result<Vec<Sealed<KeyOf>>, StoreError> {
    let (tenant, provider) = after.map_or((Uuid::nil(), ""), |(tenant, provider)| (tenant.0, provider.as_str()));
    let rows: Result<Vec<(Uuid, String, Vec<u8>)>, _> = query(KEYS).bind(tenant).bind(provider).bind(STEP).all(db.readers()).await;
    let rows = rows.map_err(StoreError::while_doing("read what is sealed"))?;
    Ok(rows.into_iter().map(|(tenant, provider, value)| Sealed { whose: (TenantId(tenant), provider), value }).collect())
}

/// Second factors of all accounts, those after `after`.
pub async fn second_factors(db: &Database, after: Option<Uuid>) -> Result<Vec<Sealed<Uuid>>, StoreError> {
    let rows: Result<Vec<(Uuid, Vec<u8>)>, _> = query(FACTORS).bind(after.unwrap_or(Uuid::nil())).bind(STEP).all(db.readers()).await;
    let rows = rows.map_err(StoreError::while_doing("read what is sealed"))?;
    Ok(rows.into_iter().map(|(whose, value)| Sealed { whose, value }).collect())
}

/// Secrets of tools of all workspaces, those after `after`.
pub async fn tools(db: &Database, after: Option<&ToolOf>) -> Result<Vec<Sealed<ToolOf>>, StoreError> {
    let after = after.map_or(Uuid::nil(), |(_, id)| *id);
    let rows: Result<Vec<(Uuid, Uuid, Vec<u8>)>, _> = query(TOOLS).bind(after).bind(STEP).all(db.readers()).await;
    let rows = rows.map_err(StoreError::while_doing("read what is sealed"))?;
    Ok(rows.into_iter().map(|(tenant, id, value)| Sealed { whose: (TenantId(tenant), id), value }).collect())
}

/// Puts a newly sealed value in place of the one that was read. False when somebody has changed it since.
pub async fn replace_key(db: &Database, read: &Sealed<KeyOf>, value: &[u8]) -> Result<bool, StoreError> {
    let (tenant, provider) = &read.whose;
    let done = query(SET_KEY).bind(value).bind(tenant.0).bind(provider).bind(&read.value).execute(db.writer()).await;
    done.map(|rows| rows > 0).map_err(StoreError::while_doing("store what was sealed again"))
}

/// As [`replace_key`].
pub async fn replace_factor(db: &Database, read: &Sealed<Uuid>, value: &[u8]) -> Result<bool, StoreError> {
    let done = query(SET_FACTOR).bind(value).bind(read.whose).bind(&read.value).execute(db.writer()).await;
    done.map(|rows| rows > 0).map_err(StoreError::while_doing("store what was sealed again"))
}

/// As [`replace_key`].
pub async fn replace_tool(db: &Database, read: &Sealed<ToolOf>, value: &[u8]) -> Result<bool, StoreError> {
    let (tenant, id) = read.whose;
    let done = query(SET_TOOL).bind(value).bind(tenant.0).bind(id).bind(&read.value).execute(db.writer()).await;
    done.map(|rows| rows > 0).map_err(StoreError::while_doing("store what was sealed again"))
}

/// How many values begin with these bytes, which name the key they are sealed with.
pub async fn left(db: &Database, beginning: &[u8]) -> Result<Left, StoreError> {
    let length = i64::try_from(beginning.len()).unwrap_or(i64::MAX);
    let counted: Result<(i64, i64, i64, i64), _> = query(COUNT).bind(length).bind(beginning).one(db.readers()).await;
    let (provider_keys, second_factors, tools, answers) = counted.map_err(StoreError::while_doing("count what is sealed"))?;
    Ok(Left { provider_keys, second_factors, tools, answers })
}
