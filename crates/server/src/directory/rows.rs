//! What the database says of workspaces, their agents, numbers, tools and keys.

use store::agents::StoredAgent;
use store::numbers::PhoneNumberRow;
use store::sealed::{KeyOf, Sealed};
use store::tenants::Tenant;
use store::tools::StoredTool;
use store::{Database, Page, StoreError};

/// Workspaces read at once.
const PAGE: u32 = 200;

/// What the database says.
pub(super) struct Rows {
    pub(super) version: i64,
    pub(super) tenants: Vec<Tenant>,
    pub(super) agents: Vec<StoredAgent>,
    pub(super) numbers: Vec<PhoneNumberRow>,
    pub(super) tools: Vec<StoredTool>,
    /// Keys of vendors and carriers, sealed.
    pub(super) keys: Vec<Sealed<KeyOf>>,
}

impl Rows {
    pub(super) async fn read(database: &Database) -> Result<Self, StoreError> {
        // The version first: what changes meanwhile has a higher one and is read again.
        let version = store::directory::version(database).await?;
        Self::of(database, version).await
    }

    /// The rows, unless they are of the version that was seen.
    pub(super) async fn newer(database: &Database, seen: Option<i64>) -> Result<Option<Self>, StoreError> {
        let version = store::directory::version(database).await?;
        if seen == Some(version) { Ok(None) } else { Self::of(database, version).await.map(Some) }
    }

    async fn of(database: &Database, version: i64) -> Result<Self, StoreError> {
        let agents = store::agents::all(database).await?;
        let numbers = store::numbers::all(database).await?;
        let tools = store::tools::all(database).await?;
        let keys = keys(database).await?;
        Ok(Self { version, tenants: tenants(database).await?, agents, numbers, tools, keys })
    }
}

async fn keys(database: &Database) -> Result<Vec<Sealed<KeyOf>>, StoreError> {
    let mut all: Vec<Sealed<KeyOf>> = Vec::new();
    loop {
        let step = store::sealed::provider_keys(database, all.last().map(|key| &key.whose)).await?;
        if step.is_empty() {
            return Ok(all);
        }
        all.extend(step);
    }
}

async fn tenants(database: &Database) -> Result<Vec<Tenant>, StoreError> {
    let (mut all, mut page) = (Vec::new(), Page { limit: PAGE, after: None });
    loop {
        let part = store::tenants::list(database, None, &page).await?;
        all.extend(part.rows);
        match part.next {
            Some(next) => page.after = Some(next),
            None => return Ok(all),
        }
    }
}
