//! The telephone numbers of a workspace, and which agent answers them.

use call::{AgentId, Carrier, PhoneNumber, TenantId, Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use crate::sql_records::rows::word;
use crate::times::kept;
use crate::{Change, Database, Page, Paged, StoreError, Transaction, directory, query};

/// A number that callers dial.
#[derive(Debug, Clone, PartialEq)]
pub struct PhoneNumberRow {
    /// Its id, UUID v7.
    pub id: Uuid,
    /// Whose it is: one number belongs to one workspace of the installation.
    pub tenant: TenantId,
    /// E.164 with its plus.
    pub number: PhoneNumber,
    /// For people.
    pub name: Option<String>,
    /// Over whose wire its calls come.
    pub carrier: Carrier,
    /// Who answers.
    pub agent: Option<AgentId>,
    /// Counts the changes, from 1.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What shall be different of a number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NumberChange {
    /// A new name.
    pub name: Change<String>,
    /// Another agent of the same workspace; cleared, nobody answers.
    pub agent: Change<AgentId>,
}

crate::statements! {
    ADD = "INSERT INTO phone_numbers (id, tenant_id, number, name, carrier, agent_id, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    GET = "SELECT * FROM phone_numbers WHERE tenant_id = $1 AND id = $2";
    LIST = "SELECT * FROM phone_numbers WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    EVERY = "SELECT * FROM phone_numbers ORDER BY id";
    /// Changes nothing; whoever else wants to change this number waits until our transaction is over.
    HOLD = "UPDATE phone_numbers SET version = version WHERE tenant_id = $1 AND id = $2";
    /// The same for the agent that is to answer: it is not removed meanwhile.
    HOLD_AGENT = "UPDATE agents SET version = version WHERE tenant_id = $1 AND id = $2";
    CHANGE = "UPDATE phone_numbers SET name = $1, agent_id = $2, version = $3, updated_at = $4 WHERE tenant_id = $5 AND id = $6";
    REMOVE = "DELETE FROM phone_numbers WHERE tenant_id = $1 AND id = $2";
}

#[derive(FromRow)]
struct NumberRow {
    id: Uuid,
    tenant_id: Uuid,
    number: String,
    name: Option<String>,
    carrier: String,
    agent_id: Option<Uuid>,
    version: i64,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

impl TryFrom<NumberRow> for PhoneNumberRow {
    type Error = StoreError;

    fn try_from(row: NumberRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            tenant: TenantId(row.tenant_id),
            number: PhoneNumber::new(row.number),
            name: row.name,
            carrier: word("carrier", &row.carrier, &[Carrier::Twilio, Carrier::Telnyx], Carrier::as_str)?,
            agent: row.agent_id.map(AgentId),
            version: row.version,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// Stores a new number. Errors: [`StoreError::Taken`] when it belongs to a workspace already (this one or another);
/// [`StoreError::Missing`] when the workspace has no such agent.
pub async fn create(tx: &mut Transaction, number: &PhoneNumberRow) -> Result<(), StoreError> {
    hold_agent(tx, number.tenant, number.agent).await?;
    let insert = query(ADD)
        .bind(number.id)
        .bind(number.tenant.0)
        .bind(number.number.expose())
        .bind(number.name.as_deref())
        .bind(number.carrier.as_str())
        .bind(number.agent.map(|agent| agent.0))
        .bind(number.version)
        .bind(number.created_at)
        .bind(number.updated_at);
    insert.execute(&mut **tx).await.map_err(StoreError::while_storing("store a new number", "phone number"))?;
    directory::bump(tx).await
}

/// One number of a workspace.
pub async fn get(db: &Database, tenant: TenantId, id: Uuid) -> Result<Option<PhoneNumberRow>, StoreError> {
    let row: Result<Option<NumberRow>, _> = query(GET).bind(tenant.0).bind(id).optional(db.readers()).await;
    row.map_err(StoreError::while_doing("read a number"))?.map(PhoneNumberRow::try_from).transpose()
}

/// The numbers of a workspace, newest first.
pub async fn list(db: &Database, tenant: TenantId, page: &Page) -> Result<Paged<PhoneNumberRow>, StoreError> {
    let read = query(LIST).bind(tenant.0).bind(page.before()).bind(page.asked());
    let rows: Vec<NumberRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list numbers"))?;
    Ok(page.of(records(rows)?, |number| number.id))
}

/// Every number of every workspace, for the directory.
pub async fn all(db: &Database) -> Result<Vec<PhoneNumberRow>, StoreError> {
    let rows: Vec<NumberRow> = query(EVERY).all(db.readers()).await.map_err(StoreError::while_doing("read all numbers"))?;
    records(rows)
}

fn records(rows: Vec<NumberRow>) -> Result<Vec<PhoneNumberRow>, StoreError> {
    rows.into_iter().map(PhoneNumberRow::try_from).collect()
}

/// Changes a number and returns how it was and how it is.
///
/// Errors: [`StoreError::Missing`] when there is no such number, or no such agent in the workspace; [`StoreError::Changed`] when it is of
/// another version than `expected`.
pub async fn change(
    tx: &mut Transaction,
    tenant: TenantId,
    id: Uuid,
    change: &NumberChange,
    expected: Option<i64>,
    now: Timestamp,
) -> Result<(PhoneNumberRow, PhoneNumberRow), StoreError> {
    if let Change::Set(agent) = change.agent {
        hold_agent(tx, tenant, Some(agent)).await?;
    }
    let before = held(tx, tenant, id, expected).await?.ok_or(StoreError::Missing { what: "phone number" })?;
    let after = PhoneNumberRow {
        name: change.name.clone().of(before.name.clone()),
        agent: change.agent.of(before.agent),
        version: before.version + 1,
        updated_at: kept(now),
        ..before.clone()
    };
    let update = query(CHANGE)
        .bind(after.name.as_deref())
        .bind(after.agent.map(|agent| agent.0))
        .bind(after.version)
        .bind(after.updated_at)
        .bind(tenant.0)
        .bind(id);
    update.execute(&mut **tx).await.map_err(StoreError::while_doing("change a number"))?;
    directory::bump(tx).await?;
    Ok((before, after))
}

/// Removes a number and returns what it was. Errors: [`StoreError::Changed`] when it is of another version than `expected`.
pub async fn remove(tx: &mut Transaction, tenant: TenantId, id: Uuid, expected: Option<i64>) -> Result<Option<PhoneNumberRow>, StoreError> {
    let Some(before) = held(tx, tenant, id, expected).await? else { return Ok(None) };
    let removed = query(REMOVE).bind(tenant.0).bind(id).execute(&mut **tx).await;
    removed.map_err(StoreError::while_doing("remove a number"))?;
    directory::bump(tx).await?;
    Ok(Some(before))
}

/// The agent, when there is one, is of this workspace.
async fn hold_agent(tx: &mut Transaction, tenant: TenantId, agent: Option<AgentId>) -> Result<(), StoreError> {
    let Some(agent) = agent else { return Ok(()) };
    let held = query(HOLD_AGENT).bind(tenant.0).bind(agent.0).execute(&mut **tx).await;
    match held.map_err(StoreError::while_doing("look for the agent of a number"))? {
        0 => Err(StoreError::Missing { what: "agent" }),
        _ => Ok(()),
    }
}

/// The number as it is, and stays until the transaction is over.
async fn held(tx: &mut Transaction, tenant: TenantId, id: Uuid, expected: Option<i64>) -> Result<Option<PhoneNumberRow>, StoreError> {
    let doing = || StoreError::while_doing("read a number to change it");
    if query(HOLD).bind(tenant.0).bind(id).execute(&mut **tx).await.map_err(doing())? == 0 {
        return Ok(None);
    }
    let row: NumberRow = query(GET).bind(tenant.0).bind(id).one(&mut **tx).await.map_err(doing())?;
    match expected {
        Some(version) if version != row.version => Err(StoreError::Changed { what: "phone number" }),
        _ => Ok(Some(row.try_into()?)),
    }
}
