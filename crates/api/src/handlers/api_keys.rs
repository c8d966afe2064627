//! API keys of the workspace.

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use store::api_keys;

use self::body::{Key, KeyRequest, NewApiKey};
use super::answers::{BadRequest, IdParam, Invalid, Listing, NotFound, PageParams};
use super::clock::now;
use crate::extract::{ApiJson, ApiPath, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// The API keys of the workspace
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "listApiKeys", tag = "API keys", params(PageParams),
    responses((status = 200, description = "One page of them, newest first, without the keys themselves.", body = Listing<Key>), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<Key>>, Problem> {
    Ok(Listing::of(api_keys::list(&api.db, caller.tenant()?, &page.page()?).await?))
}

/// Make an API key
///
/// The key is in this answer and nowhere else. It may never do what its maker may not.
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "createApiKey", tag = "API keys", request_body = KeyRequest,
    responses((status = 201, description = "It is there.", body = NewApiKey), BadRequest, Invalid)
)]
pub(super) async fn create(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<KeyRequest>,
) -> Result<(StatusCode, Json<NewApiKey>), Problem> {
    let now = now();
    let key = body.checked(&caller.principal, now)?;
    let (stored, secret) = api.people.create_key(&caller.principal, &key, &caller.client, now).await?;
    Ok((StatusCode::CREATED, Json(NewApiKey::new(stored, &secret))))
}

/// One API key
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}", operation_id = "getApiKey", tag = "API keys", params(IdParam),
    responses((status = 200, description = "The key, without the key itself.", body = Key), NotFound)
)]
pub(super) async fn get(State(api): State<ApiState>, caller: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<Json<Key>, Problem> {
    let key = api_keys::get(&api.db, caller.tenant()?, path.id).await?.ok_or_else(missing)?;
    Ok(Json(key.into()))
}

/// Revoke an API key
///
/// It works nowhere any more within 3 seconds, and cannot be taken back.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", operation_id = "revokeApiKey", tag = "API keys", params(IdParam),
    responses((status = 204, description = "It is revoked."), NotFound)
)]
pub(super) async fn revoke(State(api): State<ApiState>, caller: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<StatusCode, Problem> {
    let revoked = api.people.revoke_key(&caller.principal, path.id, &caller.client, now()).await?;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) }
}

fn missing() -> Problem {
    Problem::missing("API key")
}
