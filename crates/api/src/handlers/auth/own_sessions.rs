//! One's own sessions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::Timestamp;
use serde::{Deserialize, Serialize};
use store::sessions::Session;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::extract::{ApiPath, ApiQuery, Caller};
use crate::handlers::answers::{BadRequest, IdParam, Invalid, NotFound};
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::state::ApiState;

/// A sign-in that goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionInfo {
    id: Uuid,
    /// True for the session of this request.
    current: bool,
    /// `browser` or `token`.
    kind: &'static str,
    /// The workspace it works in.
    workspace_id: Option<Uuid>,
    /// Where it began.
    address: String,
    /// With which program.
    user_agent: String,
    created_at: Timestamp,
    used_at: Timestamp,
    /// When it ends unless it is used.
    idle_ends_at: Timestamp,
    /// When it ends in any case.
    ends_at: Timestamp,
    /// When the second factor was given.
    second_factor_at: Option<Timestamp>,
}

/// Sessions that go on, newest first, at most 100.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    pub(crate) items: Vec<SessionInfo>,
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ended {
    pub(crate) ended: u64,
}

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EndParams {
    /// The session of this request too.
    #[serde(default)]
    #[param(required = false)]
    current: bool,
}

impl SessionInfo {
    /// `own` is the session of the request.
    pub(crate) fn new(session: Session, own: Option<Uuid>) -> Self {
        Self {
            id: session.id,
            current: own == Some(session.id),
            kind: session.kind.as_str(),
            workspace_id: session.tenant.map(|tenant| tenant.0),
            address: session.address.into_inner(),
            user_agent: session.user_agent,
            created_at: session.created_at,
            used_at: session.used_at,
            idle_ends_at: session.idle_ends_at,
            ends_at: session.ends_at,
            second_factor_at: session.verified_at,
        }
    }
}

/// One's own sessions
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", operation_id = "listSessions", tag = "Own account",
    responses((status = 200, description = "Those that go on, newest first, at most 100.", body = Sessions))
)]
pub(crate) async fn list(State(api): State<ApiState>, caller: Caller) -> Result<Json<Sessions>, Problem> {
    let (user, own) = (caller.user()?, caller.session()?);
    let sessions = api.people.sessions_of(&caller.principal, user, now()).await?;
    Ok(Json(Sessions { items: sessions.into_iter().map(|session| SessionInfo::new(session, Some(own))).collect() }))
}

/// End one of one's own sessions
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{id}", operation_id = "endSession", tag = "Own account", params(IdParam),
    responses((status = 204, description = "It is over."), NotFound)
)]
pub(crate) async fn end(State(api): State<ApiState>, caller: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<StatusCode, Problem> {
    let user = caller.user()?;
    let ended = api.people.end_session(&caller.principal, user, path.id, &caller.client, now()).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::missing("session")) }
}

/// End all of one's own other sessions
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions", operation_id = "endSessions", tag = "Own account", params(EndParams),
    responses((status = 200, description = "How many there were.", body = Ended), BadRequest, Invalid)
)]
pub(crate) async fn end_all(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(params): ApiQuery<EndParams>,
) -> Result<Json<Ended>, Problem> {
    let user = caller.user()?;
    let ended = api.people.end_sessions(&caller.principal, user, !params.current, &caller.client, now()).await?;
    Ok(Json(Ended { ended }))
}
