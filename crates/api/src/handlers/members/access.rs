//! How somebody else signs in: their sessions, their second factor, a link for a new password.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::body::Invitation;
use crate::extract::{ApiPath, Caller};
use crate::handlers::answers::{Conflict, IdParam, NotFound};
use crate::handlers::auth::{Ended, SessionInfo, Sessions};
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::state::ApiState;

/// A session of somebody.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SessionOfUser {
    /// The person.
    id: Uuid,
    /// The session.
    session_id: Uuid,
}

/// Somebody's sessions
#[utoipa::path(
    get, path = "/api/v1/users/{id}/sessions", operation_id = "listUserSessions", tag = "Users", params(IdParam),
    responses((status = 200, description = "Those that go on, newest first, at most 100.", body = Sessions), NotFound)
)]
pub(crate) async fn sessions(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<Json<Sessions>, Problem> {
    let sessions = api.people.sessions_of(&caller.principal, path.id, now()).await?;
    let own = caller.principal.session();
    Ok(Json(Sessions { items: sessions.into_iter().map(|session| SessionInfo::new(session, own)).collect() }))
}

/// End one of somebody's sessions
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/sessions/{session_id}", operation_id = "endUserSession", tag = "Users", params(SessionOfUser),
    responses((status = 204, description = "It is over."), NotFound)
)]
pub(crate) async fn end_session(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<SessionOfUser>,
) -> Result<StatusCode, Problem> {
    let ended = api.people.end_session(&caller.principal, path.id, path.session_id, &caller.client, now()).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::missing("session")) }
}

/// End all of somebody's sessions
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/sessions", operation_id = "endUserSessions", tag = "Users", params(IdParam),
    responses((status = 200, description = "How many there were.", body = Ended), NotFound)
)]
pub(crate) async fn end_sessions(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<Json<Ended>, Problem> {
    let ended = api.people.end_sessions(&caller.principal, path.id, false, &caller.client, now()).await?;
    Ok(Json(Ended { ended }))
}

/// Switch off somebody's second factor
///
/// For somebody who lost it. Their sessions end.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/totp", operation_id = "removeUserSecondFactor", tag = "Users", params(IdParam),
    responses((status = 204, description = "It is off."), NotFound, Conflict)
)]
pub(crate) async fn remove_second_factor(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<StatusCode, Problem> {
    api.people.totp_remove(&caller.principal, path.id, &caller.client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link for a new password
///
/// The link is in this answer and nowhere else; whom it is for chooses the password, and the present one works until then.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/password-reset", operation_id = "startPasswordReset", tag = "Users", params(IdParam),
    responses((status = 201, description = "The link.", body = Invitation), NotFound, Conflict)
)]
pub(crate) async fn start_password_reset(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let link = api.people.start_password_reset(&caller.principal, path.id, &caller.client, now()).await?;
    Ok((StatusCode::CREATED, Json(Invitation::new(&api.settings, "reset", link))))
}
