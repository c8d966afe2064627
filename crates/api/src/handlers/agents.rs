//! Agents: who answers calls, and how.

mod body;
mod limits;
mod patch;
mod words;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::AgentId;
use serde::Serialize;
use store::agents::{self, AgentChange, StoredAgent};
use store::{provider_keys, tools};
use utoipa::ToSchema;
use uuid::Uuid;

use self::body::{Agent, NewAgent};
use self::patch::{AgentPatch, applied};
use super::answers::{BadRequest, Changed, Conflict, IdParam, IfMatchParam, Invalid, Listing, NotFound, PageParams};
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::etag::{IfMatch, Versioned};
use crate::extract::{ApiJson, ApiPath, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::{ApiState, Base};

/// How often a change without `If-Match` is tried when others change the same agent.
const TRIES: u32 = 3;

/// What agents can be made of on this installation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Choices {
    voices: Vec<String>,
    languages: Vec<String>,
    /// Built-in dialogues.
    bases: Vec<Base>,
}

/// What agents can be made of
#[utoipa::path(
    get, path = "/api/v1/agents/choices", operation_id = "listAgentChoices", tag = "Agents",
    responses((status = 200, description = "Voices, languages and built-in dialogues.", body = Choices))
)]
pub(super) async fn choices(State(api): State<ApiState>, caller: Caller) -> Result<Json<Choices>, Problem> {
    let keys = match caller.tenant() {
        Ok(tenant) => provider_keys::names(&api.db, tenant).await?,
        Err(_) => Vec::new(),
    };
    Ok(Json(Choices { voices: api.directory.voices(&keys), languages: api.directory.languages(), bases: api.directory.bases() }))
}

/// The agents of the workspace
#[utoipa::path(
    get, path = "/api/v1/agents", operation_id = "listAgents", tag = "Agents", params(PageParams),
    responses((status = 200, description = "One page of them, newest first.", body = Listing<Agent>), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<Agent>>, Problem> {
    Ok(Listing::of(agents::list(&api.db, caller.tenant()?, &page.page()?).await?))
}

/// Make an agent
///
/// It is tried before it is stored: a dialogue that cannot be read, a tool or a voice that is not here is a field that is not right.
#[utoipa::path(
    post, path = "/api/v1/agents", operation_id = "createAgent", tag = "Agents", request_body = NewAgent,
    responses(
        (status = 201, description = "It is there, and answers calls from now on.", body = Agent, headers(("ETag" = String))),
        BadRequest, Conflict, Invalid
    )
)]
pub(super) async fn create(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<NewAgent>,
) -> Result<Versioned<Agent>, Problem> {
    let id = AgentId(Uuid::now_v7());
    let tenant = caller.tenant()?;
    let keys = provider_keys::names(&api.db, tenant).await?;
    let agent = body.checked(id, tenant, api.directory.as_ref(), &keys, now())?;
    let declared = tools::names(&api.db, agent.tenant).await?;
    api.directory.check(&agent, &declared, &keys).map_err(Problem::invalid)?;
    let made = privileged(&api, &caller, Act::new("agent.create", "agent").on(id), async |tx| {
        agents::create(tx, &agent).await?;
        Ok(Done::new(()).after(&Agent::from(agent.clone())))
    });
    made.await?;
    api.directory.changed();
    Ok(Versioned::created(agent.version, agent.into()))
}

/// One agent
#[utoipa::path(
    get, path = "/api/v1/agents/{id}", operation_id = "getAgent", tag = "Agents", params(IdParam),
    responses((status = 200, description = "The agent.", body = Agent, headers(("ETag" = String))), NotFound)
)]
pub(super) async fn get(State(api): State<ApiState>, caller: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<Versioned<Agent>, Problem> {
    let agent = agents::get(&api.db, caller.tenant()?, AgentId(path.id)).await?.ok_or_else(missing)?;
    Ok(Versioned::ok(agent.version, agent.into()))
}

/// Change an agent
///
/// Calls that are going on end as they began; the next call has the change.
#[utoipa::path(
    patch, path = "/api/v1/agents/{id}", operation_id = "changeAgent", tag = "Agents", params(IdParam, IfMatchParam),
    request_body = AgentPatch,
    responses(
        (status = 200, description = "As it is now.", body = Agent, headers(("ETag" = String))),
        BadRequest, NotFound, Conflict, Changed, Invalid
    )
)]
pub(super) async fn change(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<AgentPatch>,
) -> Result<Versioned<Agent>, Problem> {
    let id = AgentId(path.id);
    let fields = body.fields();
    let keys = provider_keys::names(&api.db, caller.tenant()?).await?;
    let change = body.checked(api.directory.as_ref(), &keys)?;
    let mut tries = TRIES;
    let after = loop {
        tries -= 1;
        match changed(&api, &caller, id, &change, expected, &fields).await {
            // Somebody else was faster, and this caller did not ask to be told.
            Err(problem) if problem.status == StatusCode::PRECONDITION_FAILED && expected.is_none() && tries > 0 => {}
            other => break other?,
        }
    };
    api.directory.changed();
    Ok(Versioned::ok(after.version, after.into()))
}

/// Changes the agent as it is now: only the whole shows whether it can be built, and that is tried before the transaction is open.
async fn changed(
    api: &ApiState,
    caller: &Caller,
    id: AgentId,
    change: &AgentChange,
    expected: Option<i64>,
    fields: &serde_json::Value,
) -> Result<StoredAgent, Problem> {
    let tenant = caller.tenant()?;
    let before = agents::get(&api.db, tenant, id).await?.ok_or_else(missing)?;
    let read = before.version;
    if expected.is_some_and(|expected| expected != read) {
        return Err(Problem::changed("agent"));
    }
    let declared = tools::names(&api.db, tenant).await?;
    let keys = provider_keys::names(&api.db, tenant).await?;
    api.directory.check(&applied(before, change), &declared, &keys).map_err(Problem::invalid)?;
    let act = Act::new("agent.change", "agent").on(id).with(fields.clone());
    let after = privileged(api, caller, act, async |tx| {
        let (before, after) = agents::change(tx, tenant, id, change, Some(read), now()).await?;
        Ok(Done::new(after.clone()).before(&Agent::from(before)).after(&Agent::from(after)))
    });
    after.await
}

/// Remove an agent
///
/// Its numbers are without one then. Calls that are going on end as they began.
#[utoipa::path(
    delete, path = "/api/v1/agents/{id}", operation_id = "removeAgent", tag = "Agents", params(IdParam, IfMatchParam),
    responses((status = 204, description = "It is gone."), BadRequest, NotFound, Changed)
)]
pub(super) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let (tenant, id) = (caller.tenant()?, AgentId(path.id));
    let removed = privileged(&api, &caller, Act::new("agent.remove", "agent").on(id), async |tx| {
        let before = agents::remove(tx, tenant, id, expected).await?.ok_or_else(missing)?;
        Ok(Done::new(()).before(&Agent::from(before)))
    });
    removed.await?;
    api.directory.changed();
    Ok(StatusCode::NO_CONTENT)
}

fn missing() -> Problem {
    Problem::missing("agent")
}
