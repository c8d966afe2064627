//! Workspaces: to see the ones there are, to make, change and remove them.

mod body;
mod hours;

use axum::Json;
use axum::extract::State;
use call::TenantId;
use people::{Permission, Role};
use store::{Paged, tenants, users};
use uuid::Uuid;

use self::body::{NewWorkspace, Workspace, WorkspacePatch};
use super::answers::{BadRequest, Changed, Conflict, IdParam, IfMatchParam, Invalid, Listing, NotFound, PageParams};
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::etag::{IfMatch, Versioned};
use crate::extract::{ApiJson, ApiPath, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// The workspaces one belongs to
///
/// Who may make workspaces sees all of them; an API key sees its own.
#[utoipa::path(
    get, path = "/api/v1/workspaces", operation_id = "listWorkspaces", tag = "Workspaces", params(PageParams),
    responses((status = 200, description = "One page of them, newest first.", body = Listing<Workspace>), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<Workspace>>, Problem> {
    let page = page.page()?;
    let everything = caller.principal.may(Permission::WorkspaceCreate);
    let rows = match caller.principal.user() {
        _ if everything => tenants::list(&api.db, None, &page).await?,
        Some(user) => tenants::list(&api.db, Some(user), &page).await?,
        None => Paged { rows: tenants::get(&api.db, caller.tenant()?).await?.into_iter().collect(), next: None },
    };
    Ok(Listing::of(rows))
}

/// Make a workspace
#[utoipa::path(
    post, path = "/api/v1/workspaces", operation_id = "createWorkspace", tag = "Workspaces", request_body = NewWorkspace,
    responses((status = 201, description = "It is there.", body = Workspace), BadRequest, Conflict, Invalid)
)]
pub(super) async fn create(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(mut body): ApiJson<NewWorkspace>,
) -> Result<Versioned<Workspace>, Problem> {
    let now = now();
    let named = body.owner.take();
    let tenant = body.checked(named.as_deref(), TenantId(Uuid::now_v7()), now)?;
    let owner = owner(&api, &caller, named).await?;
    let act = Act::new("workspace.create", "workspace").on(tenant.id).in_tenant(tenant.id);
    let made = privileged(&api, &caller, act, async |tx| {
        tenants::create(tx, &tenant).await?;
        if let Some(owner) = owner {
            users::set_role(tx, tenant.id, owner, Role::Owner.as_str(), now).await?;
        }
        let made = Workspace::from(tenant.clone());
        let detail = serde_json::json!({ "owner": owner });
        Ok(Done::new(()).after(&made).with(detail))
    });
    made.await?;
    api.people.forget();
    api.directory.changed();
    Ok(Versioned::created(tenant.version, tenant.into()))
}

/// Who shall own a new workspace: the account that is named, else the person who makes it.
async fn owner(api: &ApiState, caller: &Caller, named: Option<String>) -> Result<Option<Uuid>, Problem> {
    let Some(email) = named else { return Ok(caller.principal.user()) };
    let user = users::by_email(&api.db, &email).await?;
    let none =
        || Problem::invalid_field("/owner", "there is no account with this mail address; leave it out, and invite the owner afterwards");
    user.map(|user| Some(user.id)).ok_or_else(none)
}

/// One workspace
#[utoipa::path(
    get, path = "/api/v1/workspaces/{id}", operation_id = "getWorkspace", tag = "Workspaces", params(IdParam),
    responses((status = 200, description = "The workspace.", body = Workspace, headers(("ETag" = String))), NotFound)
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<Versioned<Workspace>, Problem> {
    let id = own(&caller, path.id)?;
    let tenant = tenants::get(&api.db, id).await?.ok_or_else(missing)?;
    Ok(Versioned::ok(tenant.version, tenant.into()))
}

/// Change a workspace
#[utoipa::path(
    patch, path = "/api/v1/workspaces/{id}", operation_id = "changeWorkspace", tag = "Workspaces", params(IdParam, IfMatchParam),
    request_body = WorkspacePatch,
    responses(
        (status = 200, description = "As it is now.", body = Workspace, headers(("ETag" = String))),
        BadRequest, NotFound, Conflict, Changed, Invalid
    )
)]
pub(super) async fn change(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<WorkspacePatch>,
) -> Result<Versioned<Workspace>, Problem> {
    let id = own(&caller, path.id)?;
    if body.changes_limit() && !caller.principal.may(Permission::SystemConfig) {
        return Err(Problem::forbidden(
            "forbidden",
            "max_calls is set by who runs the installation: it needs the permission system:config",
        ));
    }
    let act = Act::new("workspace.change", "workspace").on(id).with(body.fields());
    let change = body.checked()?;
    let after = privileged(&api, &caller, act, async |tx| {
        let (before, after) = tenants::change(tx, id, &change, expected, now()).await?;
        Ok(Done::new(after.clone()).before(&Workspace::from(before)).after(&Workspace::from(after)))
    });
    let after = after.await?;
    api.directory.changed();
    Ok(Versioned::ok(after.version, after.into()))
}

/// Remove a workspace
///
/// With its agents, numbers, keys and sessions. One that still has calls is not removed, nor the first one.
#[utoipa::path(
    delete, path = "/api/v1/workspaces/{id}", operation_id = "removeWorkspace", tag = "Workspaces", params(IdParam, IfMatchParam),
    responses((status = 204, description = "It is gone."), BadRequest, NotFound, Conflict, Changed)
)]
pub(super) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
) -> Result<axum::http::StatusCode, Problem> {
    let id = own(&caller, path.id)?;
    let removed = privileged(&api, &caller, Act::new("workspace.remove", "workspace").on(id), async |tx| {
        let before = tenants::remove(tx, id, expected).await?.ok_or_else(missing)?;
        Ok(Done::new(()).before(&Workspace::from(before)))
    });
    removed.await?;
    api.people.forget();
    api.directory.changed();
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// The workspace the caller acts in, when that is the one meant.
fn own(caller: &Caller, id: Uuid) -> Result<TenantId, Problem> {
    caller.principal.tenant.filter(|tenant| tenant.0 == id).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::missing("workspace")
}
