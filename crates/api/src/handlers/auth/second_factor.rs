//! One's own second factor.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use privacy::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{CodeRequest, PasswordAgain};
use crate::extract::{ApiJson, Caller};
use crate::handlers::answers::{BadRequest, Conflict, Invalid};
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::state::ApiState;

/// What an authenticator app must be told; shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Setup {
    /// For a QR code.
    #[schema(example = "otpauth://totp/voicenoob:ann%40example.com?secret=...")]
    url: String,
    /// The same secret in base 32, for typing.
    secret: String,
}

/// Codes for whoever lost the app; each works once, and they are shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

impl From<Vec<Secret>> for RecoveryCodes {
    fn from(codes: Vec<Secret>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

/// Begin with a second factor
///
/// It counts from its first code on, which goes to `/api/v1/auth/totp/confirm`.
#[utoipa::path(
    post, path = "/api/v1/auth/totp", operation_id = "beginTotp", tag = "Own account", request_body = PasswordAgain,
    responses((status = 200, description = "The secret for the app.", body = Setup), BadRequest, Conflict, Invalid)
)]
pub(crate) async fn begin(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<PasswordAgain>,
) -> Result<Json<Setup>, Problem> {
    caller.user()?;
    body.check()?;
    let setup = api.people.totp_begin(&caller.principal, body.password.as_ref(), &caller.client, now()).await?;
    Ok(Json(Setup { url: setup.url.expose().to_owned(), secret: setup.secret.expose().to_owned() }))
}

/// Switch the second factor on
#[utoipa::path(
    post, path = "/api/v1/auth/totp/confirm", operation_id = "confirmTotp", tag = "Own account", request_body = CodeRequest,
    responses((status = 200, description = "It is on; keep the recovery codes.", body = RecoveryCodes), BadRequest, Conflict, Invalid)
)]
pub(crate) async fn confirm(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<CodeRequest>,
) -> Result<Json<RecoveryCodes>, Problem> {
    caller.user()?;
    body.check()?;
    let codes = api.people.totp_confirm(&caller.principal, body.code.expose(), &caller.client, now()).await?;
    Ok(Json(codes.into()))
}

/// Switch the second factor off
#[utoipa::path(
    delete, path = "/api/v1/auth/totp", operation_id = "removeTotp", tag = "Own account", request_body = CodeRequest,
    responses((status = 204, description = "It is off."), BadRequest, Conflict, Invalid)
)]
pub(crate) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<CodeRequest>,
) -> Result<StatusCode, Problem> {
    caller.user()?;
    body.check()?;
    api.people.totp_disable(&caller.principal, body.code.expose(), &caller.client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get new recovery codes
///
/// The former ones work no more.
#[utoipa::path(
    post, path = "/api/v1/auth/recovery-codes", operation_id = "newRecoveryCodes", tag = "Own account", request_body = CodeRequest,
    responses((status = 200, description = "The new ones.", body = RecoveryCodes), BadRequest, Conflict, Invalid)
)]
pub(crate) async fn recovery_codes(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<CodeRequest>,
) -> Result<Json<RecoveryCodes>, Problem> {
    caller.user()?;
    body.check()?;
    let codes = api.people.recovery_codes_new(&caller.principal, body.code.expose(), &caller.client, now()).await?;
    Ok(Json(codes.into()))
}

/// Give the second factor anew
///
/// For what wants a fresh one; it counts for this session.
#[utoipa::path(
    post, path = "/api/v1/auth/verify", operation_id = "verifyAgain", tag = "Own account", request_body = CodeRequest,
    responses((status = 204, description = "It was right."), BadRequest, Conflict, Invalid)
)]
pub(crate) async fn verify(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<CodeRequest>,
) -> Result<StatusCode, Problem> {
    caller.user()?;
    body.check()?;
    api.people.verify_again(&caller.principal, body.code.expose(), &caller.client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
