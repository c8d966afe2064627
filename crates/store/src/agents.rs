//! The agents of a workspace: which dialogue, and what the workspace set on top of it.

use call::{AgentId, TenantId, Tier, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::sql_records::rows::meaning;
use crate::times::kept;
use crate::{Change, Database, Page, Paged, StoreError, Transaction, directory, query};

/// An agent as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAgent {
    /// Its id, which is in the path of the media stream.
    pub id: AgentId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Unique in the workspace, whatever the case of its letters.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The text of a flow file; `None`: the built-in dialogue that `base` names.
    pub flow: Option<String>,
    /// The built-in dialogue it is made of.
    pub base: String,
    /// What the workspace set; what is missing is as the dialogue says.
    pub settings: AgentSettings,
    /// Takes calls.
    pub active: bool,
    /// Counts the changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a workspace sets on an agent. Ranges are the API's to check; what is stored here was checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSettings {
    /// Name of a voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// BCP 47 tag, such as `en-US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Said first, 1 to 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// Names of the tools it may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// Silence after which the caller has finished, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence_duration_ms: Option<u32>,
    /// How sure it must be that somebody speaks, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_detection_threshold: Option<f32>,
    /// Sound from before a voice was noticed that belongs to what is said, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_padding_ms: Option<u32>,
    /// The caller may cut it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interruptions: Option<bool>,
    /// Calls are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<bool>,
    /// What is said is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<bool>,
    /// Longest call, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_call_seconds: Option<u32>,
    /// The model that speaks; `None`: the dialogue itself, no model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// What the model is told of its part, 10 to 20000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// How free the model's words are, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Most tokens of one answer of the model, 100 to 16000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How the end of a turn is told; `None`: [`TurnDetection::Semantic`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_detection_mode: Option<TurnDetection>,
}

/// By what the end of a caller's turn is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TurnDetection {
    /// By the voice only.
    Normal,
    /// By voice, words and punctuation together.
    Semantic,
}

/// What shall be different of an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentChange {
    /// A new name; it cannot be cleared.
    pub name: Change<String>,
    /// A new description.
    pub description: Change<String>,
    /// A new flow file; cleared, the built-in dialogue of `base` is used.
    pub flow: Change<String>,
    /// Another built-in dialogue; it cannot be cleared.
    pub base: Change<String>,
    /// See [`AgentSettings::voice`].
    pub voice: Change<String>,
    /// See [`AgentSettings::language`].
    pub language: Change<String>,
    /// See [`AgentSettings::greeting`].
    pub greeting: Change<String>,
    /// See [`AgentSettings::tools`].
    pub tools: Change<Vec<String>>,
    /// See [`AgentSettings::silence_duration_ms`].
    pub silence_duration_ms: Change<u32>,
    /// See [`AgentSettings::turn_detection_threshold`].
    pub turn_detection_threshold: Change<f32>,
    /// See [`AgentSettings::prefix_padding_ms`].
    pub prefix_padding_ms: Change<u32>,
    /// See [`AgentSettings::interruptions`].
    pub interruptions: Change<bool>,
    /// See [`AgentSettings::recording`].
    pub recording: Change<bool>,
    /// See [`AgentSettings::transcript`].
    pub transcript: Change<bool>,
    /// See [`AgentSettings::max_call_seconds`].
    pub max_call_seconds: Change<u32>,
    /// See [`AgentSettings::tier`].
    pub tier: Change<Tier>,
    /// See [`AgentSettings::system_prompt`].
    pub system_prompt: Change<String>,
    /// See [`AgentSettings::temperature`].
    pub temperature: Change<f32>,
    /// See [`AgentSettings::max_tokens`].
    pub max_tokens: Change<u32>,
    /// See [`AgentSettings::turn_detection_mode`].
    pub turn_detection_mode: Change<TurnDetection>,
    /// Takes calls, or not; it cannot be cleared.
    pub active: Change<bool>,
}

crate::statements! {
    ADD = "INSERT INTO agents (id, tenant_id, name, name_key, description, flow, base, settings, active, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    GET = "SELECT * FROM agents WHERE tenant_id = $1 AND id = $2";
    LIST = "SELECT * FROM agents WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    EVERY = "SELECT * FROM agents ORDER BY id";
    OF_TENANT = "SELECT * FROM agents WHERE tenant_id = $1 ORDER BY id";
    /// Changes nothing; whoever else wants to change this agent waits until our transaction is over.
    HOLD = "UPDATE agents SET version = version WHERE tenant_id = $1 AND id = $2";
    CHANGE = "UPDATE agents SET name = $1, name_key = $2, description = $3, flow = $4, base = $5, settings = $6, active = $7, version = $8, updated_at = $9 \
        WHERE tenant_id = $10 AND id = $11";
    REMOVE = "DELETE FROM agents WHERE tenant_id = $1 AND id = $2";
}

#[derive(FromRow)]
struct AgentRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    description: Option<String>,
    flow: Option<String>,
    base: String,
    settings: Json<Value>,
    active: bool,
    version: i64,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

impl TryFrom<AgentRow> for StoredAgent {
    type Error = StoreError;

    fn try_from(row: AgentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AgentId(row.id),
            tenant: TenantId(row.tenant_id),
            name: row.name,
            description: row.description,
            flow: row.flow,
            base: row.base,
            settings: meaning("settings of an agent", row.settings.0)?,
            active: row.active,
            version: row.version,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

impl AgentChange {
    /// The agent as it would be.
    fn of(&self, before: &StoredAgent, now: Timestamp) -> Result<StoredAgent, StoreError> {
        let (wanted, former) = (self.clone(), before.clone());
        let set = former.settings;
        Ok(StoredAgent {
            name: wanted.name.needed(former.name, "name")?,
            description: wanted.description.of(former.description),
            flow: wanted.flow.of(former.flow),
            base: wanted.base.needed(former.base, "base")?,
            settings: AgentSettings {
                voice: wanted.voice.of(set.voice),
                language: wanted.language.of(set.language),
                greeting: wanted.greeting.of(set.greeting),
                tools: wanted.tools.of(set.tools),
                silence_duration_ms: wanted.silence_duration_ms.of(set.silence_duration_ms),
                turn_detection_threshold: wanted.turn_detection_threshold.of(set.turn_detection_threshold),
                prefix_padding_ms: wanted.prefix_padding_ms.of(set.prefix_padding_ms),
                interruptions: wanted.interruptions.of(set.interruptions),
                recording: wanted.recording.of(set.recording),
                transcript: wanted.transcript.of(set.transcript),
                max_call_seconds: wanted.max_call_seconds.of(set.max_call_seconds),
                tier: wanted.tier.of(set.tier),
                system_prompt: wanted.system_prompt.of(set.system_prompt),
                temperature: wanted.temperature.of(set.temperature),
                max_tokens: wanted.max_tokens.of(set.max_tokens),
                turn_detection_mode: wanted.turn_detection_mode.of(set.turn_detection_mode),
            },
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

/// Stores a new agent. Errors: [`StoreError::Taken`] when the workspace has one of that name.
pub async fn create(tx: &mut Transaction, agent: &StoredAgent) -> Result<(), StoreError> {
    let insert = query(ADD)
        .bind(agent.id.0)
        .bind(agent.tenant.0)
        .bind(&agent.name)
        .bind(name_key(&agent.name))
        .bind(agent.description.as_deref())
        .bind(agent.flow.as_deref())
        .bind(&agent.base)
        .bind_json(&agent.settings)
        .bind(agent.active)
        .bind(agent.version)
        .bind(agent.created_at)
        .bind(agent.updated_at);
    insert.execute(&mut **tx).await.map_err(StoreError::while_storing("store a new agent", "name"))?;
    directory::bump(tx).await
}

/// One agent of a workspace.
pub async fn get(db: &Database, tenant: TenantId, id: AgentId) -> Result<Option<StoredAgent>, StoreError> {
    let row: Result<Option<AgentRow>, _> = query(GET).bind(tenant.0).bind(id.0).optional(db.readers()).await;
    row.map_err(StoreError::while_doing("read an agent"))?.map(StoredAgent::try_from).transpose()
}

/// The agents of a workspace, newest first.
pub async fn list(db: &Database, tenant: TenantId, page: &Page) -> Result<Paged<StoredAgent>, StoreError> {
    let read = query(LIST).bind(tenant.0).bind(page.before()).bind(page.asked());
    let rows: Vec<AgentRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list agents"))?;
    Ok(page.of(records(rows)?, |agent| agent.id.0))
}

/// Every agent of every workspace, for the directory.
pub async fn all(db: &Database) -> Result<Vec<StoredAgent>, StoreError> {
    let rows: Vec<AgentRow> = query(EVERY).all(db.readers()).await.map_err(StoreError::while_doing("read all agents"))?;
    records(rows)
}

fn records(rows: Vec<AgentRow>) -> Result<Vec<StoredAgent>, StoreError> {
    rows.into_iter().map(StoredAgent::try_from).collect()
}

/// True when an agent of the workspace names this tool.
pub(crate) async fn name_tool(tx: &mut Transaction, tenant: TenantId, tool: &str) -> Result<bool, StoreError> {
    let rows: Result<Vec<AgentRow>, _> = query(OF_TENANT).bind(tenant.0).all(&mut **tx).await;
    let agents = records(rows.map_err(StoreError::while_doing("look for agents that name a tool"))?)?;
    Ok(agents.iter().flat_map(|agent| agent.settings.tools.iter().flatten()).any(|named| named == tool))
}

/// Changes an agent and returns how it was and how it is.
///
/// Errors: [`StoreError::Missing`] when there is none; [`StoreError::Changed`] when it is of another version than `expected`;
/// [`StoreError::Taken`] when another has the name; [`StoreError::Needed`] when something is cleared that cannot be.
pub async fn change(
    tx: &mut Transaction,
    tenant: TenantId,
    id: AgentId,
    change: &AgentChange,
    expected: Option<i64>,
    now: Timestamp,
) -> Result<(StoredAgent, StoredAgent), StoreError> {
    let before = held(tx, tenant, id, expected).await?.ok_or(StoreError::Missing { what: "agent" })?;
    let after = change.of(&before, now)?;
    let update = query(CHANGE)
        .bind(&after.name)
        .bind(name_key(&after.name))
        .bind(after.description.as_deref())
        .bind(after.flow.as_deref())
        .bind(&after.base)
        .bind_json(&after.settings)
        .bind(after.active)
        .bind(after.version)
        .bind(after.updated_at)
        .bind(tenant.0)
        .bind(id.0);
    update.execute(&mut **tx).await.map_err(StoreError::while_storing("change an agent", "name"))?;
    directory::bump(tx).await?;
    Ok((before, after))
}

/// Removes an agent and returns what it was; its numbers are then without one. Calls keep its name.
///
/// Errors: [`StoreError::Changed`] when it is of another version than `expected`.
pub async fn remove(tx: &mut Transaction, tenant: TenantId, id: AgentId, expected: Option<i64>) -> Result<Option<StoredAgent>, StoreError> {
    let Some(before) = held(tx, tenant, id, expected).await? else { return Ok(None) };
    let removed = query(REMOVE).bind(tenant.0).bind(id.0).execute(&mut **tx).await;
    removed.map_err(StoreError::while_doing("remove an agent"))?;
    directory::bump(tx).await?;
    Ok(Some(before))
}

/// The agent as it is, and stays until the transaction is over.
async fn held(tx: &mut Transaction, tenant: TenantId, id: AgentId, expected: Option<i64>) -> Result<Option<StoredAgent>, StoreError> {
    let doing = || StoreError::while_doing("read an agent to change it");
    if query(HOLD).bind(tenant.0).bind(id.0).execute(&mut **tx).await.map_err(doing())? == 0 {
        return Ok(None);
    }
    let row: AgentRow = query(GET).bind(tenant.0).bind(id.0).one(&mut **tx).await.map_err(doing())?;
    let agent = StoredAgent::try_from(row)?;
    match expected {
        Some(version) if version != agent.version => Err(StoreError::Changed { what: "agent" }),
        _ => Ok(Some(agent)),
    }
}
