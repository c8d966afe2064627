//! What links that work once are good for.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::body::{Acceptance, FirstAdmin, Joining, PasswordReset};
use super::told::Account;
use crate::extract::{ApiJson, Caller, ClientInfo};
use crate::handlers::answers::{BadRequest, Conflict, Gone, Invalid, WrongCredentials};
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::state::ApiState;

/// Make the first administrator
///
/// With the ticket that was printed at the first start. Once there is an account, nobody is made here.
#[utoipa::path(
    post, path = "/api/v1/auth/first-admin", operation_id = "createFirstAdmin", tag = "Signing in", request_body = FirstAdmin,
    responses((status = 201, description = "The account; sign in with it.", body = Account), BadRequest, WrongCredentials, Conflict, Gone, Invalid)
)]
pub(crate) async fn first_admin(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    ApiJson(body): ApiJson<FirstAdmin>,
) -> Result<(StatusCode, Json<Account>), Problem> {
    let (ticket, person) = body.checked()?;
    let user = api.people.create_first_admin(Some(&ticket), &person, &client, now()).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Accept an invitation
#[utoipa::path(
    post, path = "/api/v1/auth/invitations/accept", operation_id = "acceptInvitation", tag = "Signing in", request_body = Acceptance,
    responses((status = 201, description = "The account; sign in with it.", body = Account), BadRequest, WrongCredentials, Conflict, Gone, Invalid)
)]
pub(crate) async fn accept_invitation(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    ApiJson(body): ApiJson<Acceptance>,
) -> Result<(StatusCode, Json<Account>), Problem> {
    let name = body.checked()?;
    let user = api.people.accept_invitation(&body.ticket, name.as_ref(), &body.password, &client, now()).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Accept an invitation as somebody who is signed in
///
/// With the account that has the invited mail address.
#[utoipa::path(
    post, path = "/api/v1/auth/invitations/join", operation_id = "joinWorkspace", tag = "Own account", request_body = Joining,
    responses((status = 200, description = "The account, which belongs to the workspace now.", body = Account), BadRequest, Conflict, Gone, Invalid)
)]
pub(crate) async fn join(State(api): State<ApiState>, caller: Caller, ApiJson(body): ApiJson<Joining>) -> Result<Json<Account>, Problem> {
    caller.user()?;
    body.check()?;
    let user = api.people.accept_invitation_as(&caller.principal, &body.ticket, &caller.client, now()).await?;
    Ok(Json(user.into()))
}

/// Choose a new password
///
/// With the ticket of a link. All sessions end; a second factor stays.
#[utoipa::path(
    post, path = "/api/v1/auth/password-reset", operation_id = "resetPassword", tag = "Signing in", request_body = PasswordReset,
    responses((status = 204, description = "It is changed; sign in with it."), BadRequest, Gone, Invalid)
)]
pub(crate) async fn reset_password(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    ApiJson(body): ApiJson<PasswordReset>,
) -> Result<StatusCode, Problem> {
    body.check()?;
    api.people.reset_password(&body.ticket, &body.password, &client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
