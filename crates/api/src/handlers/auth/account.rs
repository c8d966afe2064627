//! Who asks, and what they may change about themselves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::TenantId;
use people::{Principal, Who};
use store::users;

use super::body::{PasswordChange, WorkspaceChoice};
use super::told::{Account, CallerKind, Me, MyWorkspace};
use crate::extract::{ApiJson, Caller};
use crate::handlers::answers::{BadRequest, Invalid, NotFound};
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::state::ApiState;

/// Who asks
#[utoipa::path(
    get, path = "/api/v1/auth/me", operation_id = "getMe", tag = "Own account",
    responses((status = 200, description = "The caller, and what they may do.", body = Me))
)]
pub(crate) async fn me(State(api): State<ApiState>, caller: Caller) -> Result<Json<Me>, Problem> {
    Ok(Json(described(&api, &caller.principal).await?))
}

/// Choose the workspace to work in
///
/// Of the session: what follows acts there.
#[utoipa::path(
    post, path = "/api/v1/auth/workspace", operation_id = "chooseWorkspace", tag = "Own account", request_body = WorkspaceChoice,
    responses((status = 200, description = "The caller, in the workspace.", body = Me), BadRequest, NotFound, Invalid)
)]
pub(crate) async fn choose_workspace(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<WorkspaceChoice>,
) -> Result<Json<Me>, Problem> {
    caller.session()?;
    let tenant = TenantId(body.workspace_id);
    let principal = api.people.switch_workspace(&caller.principal, tenant, &caller.client, now()).await?;
    Ok(Json(described(&api, &principal).await?))
}

/// Change one's own password
///
/// All other sessions end.
#[utoipa::path(
    post, path = "/api/v1/auth/password", operation_id = "changePassword", tag = "Own account", request_body = PasswordChange,
    responses((status = 204, description = "It is changed."), BadRequest, Invalid)
)]
pub(crate) async fn change_password(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<PasswordChange>,
) -> Result<StatusCode, Problem> {
    caller.user()?;
    body.check()?;
    api.people.change_password(&caller.principal, &body.current, &body.new, &caller.client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn described(api: &ApiState, principal: &Principal) -> Result<Me, Problem> {
    let (mut account, mut workspaces, mut session_id, mut api_key_id) = (None, Vec::new(), None, None);
    let kind = match principal.who {
        Who::User { id, session } => {
            account = users::get(&api.db, id).await?.map(Account::from);
            let mine = users::memberships(&api.db, id).await?;
            workspaces.extend(mine.into_iter().map(|one| MyWorkspace { id: one.tenant.0, name: one.tenant_name, role: one.role }));
            session_id = Some(session);
            CallerKind::User
        }
        Who::ApiKey { id } => {
            api_key_id = Some(id);
            CallerKind::ApiKey
        }
        Who::Operator => CallerKind::Operator,
    };
    Ok(Me {
        kind,
        account,
        session_id,
        api_key_id,
        workspace_id: principal.tenant.map(|tenant| tenant.0),
        role: principal.role,
        permissions: principal.permissions.iter().copied().collect(),
        second_factor_at: principal.second_factor,
        workspaces,
    })
}
