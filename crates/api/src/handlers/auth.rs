//! Signing in and out, and one's own account.

pub(super) mod account;
mod body;
pub(super) mod links;
pub(super) mod openid;
pub(super) mod own_sessions;
pub(super) mod second_factor;
mod told;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use call::TenantId;
pub(super) use own_sessions::{Ended, SessionInfo, Sessions};
use people::{Login, Tokens};
use store::sessions::SessionKind;

use self::body::{LoginRequest, RefreshRequest, SecondFactorRequest};
pub(super) use self::told::Account;
use self::told::{SecondFactorNeeded, SignedIn};
use super::answers::{BadRequest, Invalid, WrongCredentials};
use super::clock::now;
use crate::cookie;
use crate::extract::{ApiJson, Caller, ClientInfo};
use crate::problem::Problem;
use crate::state::ApiState;

/// Sign in with mail address and password
///
/// The answer is the same for an unknown address, a wrong password and an account that is switched off.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "login", tag = "Signing in", request_body = LoginRequest,
    responses(
        (status = 200, description = "Signed in.", body = SignedIn),
        (status = 202, description = "The password was right; a code of the second factor is wanted.", body = SecondFactorNeeded),
        BadRequest, WrongCredentials, Invalid
    )
)]
pub(super) async fn login(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    ApiJson(body): ApiJson<LoginRequest>,
) -> Result<Response, Problem> {
    body.check()?;
    let tenant = body.workspace_id.map(TenantId);
    let login = api.people.login(&body.email, &body.password, tenant, kind(body.cookie), &client, now()).await?;
    Ok(answer(&api, login))
}

/// Give the second factor
#[utoipa::path(
    post, path = "/api/v1/auth/second-factor", operation_id = "giveSecondFactor", tag = "Signing in", request_body = SecondFactorRequest,
    responses((status = 200, description = "Signed in.", body = SignedIn), BadRequest, WrongCredentials, Invalid)
)]
pub(super) async fn second_factor(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    ApiJson(body): ApiJson<SecondFactorRequest>,
) -> Result<Response, Problem> {
    body.check()?;
    let tokens = api.people.second_factor(&body.ticket, body.code.expose(), kind(body.cookie), &client, now()).await?;
    Ok(signed_in(&api, tokens))
}

/// Get the next access token
///
/// A refresh token works once. One that is given a second time was stolen, or its owner's was: the session ends.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", operation_id = "refresh", tag = "Signing in", request_body = RefreshRequest,
    responses((status = 200, description = "The next two tokens.", body = SignedIn), BadRequest, WrongCredentials, Invalid)
)]
pub(super) async fn refresh(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    ApiJson(body): ApiJson<RefreshRequest>,
) -> Result<Response, Problem> {
    body.check()?;
    let tokens = api.people.refresh(&body.refresh_token, &client, now()).await?;
    Ok(signed_in(&api, tokens))
}

/// Sign out
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "logout", tag = "Signing in",
    responses((status = 204, description = "The session is over, and the cookie cleared."))
)]
pub(super) async fn logout(State(api): State<ApiState>, caller: Caller) -> Result<Response, Problem> {
    caller.session()?;
    api.people.logout(&caller.principal, &caller.client, now()).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = cookie::clear(&api.settings) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

const fn kind(cookie: bool) -> SessionKind {
    if cookie { SessionKind::Browser } else { SessionKind::Token }
}

fn answer(api: &ApiState, login: Login) -> Response {
    match login {
        Login::Done(tokens) => signed_in(api, tokens),
        Login::SecondFactor { ticket, ends_at } => {
            let body = SecondFactorNeeded { ticket: ticket.expose().to_owned(), ends_at };
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
    }
}

/// The answer with a new session: its tokens, or its cookie.
fn signed_in(api: &ApiState, tokens: Tokens) -> Response {
    let life = tokens.session.ends_at.duration_since(now());
    let cookie = tokens.cookie.as_ref().and_then(|value| cookie::set(&api.settings, value, life.unsigned_abs()));
    let mut response = Json(SignedIn::from(tokens)).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
