//! Tools that a workspace declares: HTTP requests, and MCP servers as sources of tools. Their secrets come in, are sealed, and are never shown
//! again.

mod body;
mod secret;
mod shown;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::TenantId;
use store::tools::{self, StoredTool, ToolChange};
use uuid::Uuid;

use self::body::{NewTool, Tool, ToolPatch};
use super::answers::{BadRequest, Changed, Conflict, IdParam, IfMatchParam, Invalid, Listing, NotFound, PageParams};
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::etag::{IfMatch, Versioned};
use crate::extract::{ApiJson, ApiPath, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// How often a change without `If-Match` is tried when others change the same tool.
const TRIES: u32 = 3;

/// For what, and for whom, a tool's secret is sealed: who opens it must say the same.
pub fn tool_sealed_for(tenant: TenantId, tool: Uuid) -> String {
    format!("tool:{tenant}:{tool}")
}

/// The tools of the workspace
#[utoipa::path(
    get, path = "/api/v1/tools", operation_id = "listTools", tag = "Tools", params(PageParams),
    responses((status = 200, description = "One page of them, newest first.", body = Listing<Tool>), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<Tool>>, Problem> {
    Ok(Listing::of(tools::list(&api.db, caller.tenant()?, &page.page()?).await?))
}

/// Declare a tool
///
/// Agents may use it when their `tools` name it. Its secret is not shown again.
#[utoipa::path(
    post, path = "/api/v1/tools", operation_id = "createTool", tag = "Tools", request_body = NewTool,
    responses(
        (status = 201, description = "It is there.", body = Tool, headers(("ETag" = String))),
        BadRequest, Conflict, Invalid
    )
)]
pub(super) async fn create(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<NewTool>,
) -> Result<Versioned<Tool>, Problem> {
    let (id, tenant) = (Uuid::now_v7(), caller.tenant()?);
    let (mut tool, secret) = body.checked(id, tenant, api.settings.private_tool_addresses, now())?;
    tool.secret = match &secret {
        Some(secret) => Some(secret::sealed(&api, tenant, id, secret).await?),
        None => None,
    };
    let made = privileged(&api, &caller, Act::new("tool.create", "tool").on(id), async |tx| {
        tools::create(tx, &tool).await?;
        Ok(Done::new(()).after(&Tool::from(tool.clone())))
    });
    made.await?;
    api.directory.changed();
    Ok(Versioned::created(tool.version, tool.into()))
}

/// One tool
#[utoipa::path(
    get, path = "/api/v1/tools/{id}", operation_id = "getTool", tag = "Tools", params(IdParam),
    responses((status = 200, description = "The tool.", body = Tool, headers(("ETag" = String))), NotFound)
)]
pub(super) async fn get(State(api): State<ApiState>, caller: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<Versioned<Tool>, Problem> {
    let tool = tools::get(&api.db, caller.tenant()?, path.id).await?.ok_or_else(missing)?;
    Ok(Versioned::ok(tool.version, tool.into()))
}

/// Change a tool
///
/// A definition is replaced as a whole, by one of the same kind. When its address becomes another host's, the secret must be given again. A
/// tool that an agent names keeps its name.
#[utoipa::path(
    patch, path = "/api/v1/tools/{id}", operation_id = "changeTool", tag = "Tools", params(IdParam, IfMatchParam),
    request_body = ToolPatch,
    responses(
        (status = 200, description = "As it is now.", body = Tool, headers(("ETag" = String))),
        BadRequest, NotFound, Conflict, Changed, Invalid
    )
)]
pub(super) async fn change(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<ToolPatch>,
) -> Result<Versioned<Tool>, Problem> {
    let mut tries = TRIES;
    let after = loop {
        tries -= 1;
        match changed(&api, &caller, path.id, &body, expected).await {
            // Somebody else was faster, and this caller did not ask to be told.
            Err(problem) if problem.status == StatusCode::PRECONDITION_FAILED && expected.is_none() && tries > 0 => {}
            other => break other?,
        }
    };
    api.directory.changed();
    Ok(Versioned::ok(after.version, after.into()))
}

/// Changes the tool as it is now: only the whole shows whether definition and secret go together.
async fn changed(api: &ApiState, caller: &Caller, id: Uuid, body: &ToolPatch, expected: Option<i64>) -> Result<StoredTool, Problem> {
    let tenant = caller.tenant()?;
    let before = tools::get(&api.db, tenant, id).await?.ok_or_else(missing)?;
    let read = before.version;
    if expected.is_some_and(|expected| expected != read) {
        return Err(Problem::changed("tool"));
    }
    let change: ToolChange = body.checked(&before, api.settings.private_tool_addresses)?;
    let secret = secret::change(api, tenant, id, &body.secret).await?;
    let change = ToolChange { secret, ..change };
    let act = Act::new("tool.change", "tool").on(id).with(body.fields());
    let after = privileged(api, caller, act, async |tx| {
        let (before, after) = tools::change(tx, tenant, id, &change, Some(read), now()).await?;
        Ok(Done::new(after.clone()).before(&Tool::from(before)).after(&Tool::from(after)))
    });
    after.await
}

/// Remove a tool
///
/// Refused while an agent names it.
#[utoipa::path(
    delete, path = "/api/v1/tools/{id}", operation_id = "removeTool", tag = "Tools", params(IdParam, IfMatchParam),
    responses((status = 204, description = "It is gone."), BadRequest, NotFound, Conflict, Changed)
)]
pub(super) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let (tenant, id) = (caller.tenant()?, path.id);
    let removed = privileged(&api, &caller, Act::new("tool.remove", "tool").on(id), async |tx| {
        let before = tools::remove(tx, tenant, id, expected).await?.ok_or_else(missing)?;
        Ok(Done::new(()).before(&Tool::from(before)))
    });
    removed.await?;
    api.directory.changed();
    Ok(StatusCode::NO_CONTENT)
}

fn missing() -> Problem {
    Problem::missing("tool")
}
