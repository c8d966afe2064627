//! Accounts of the whole installation, for system administrators.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use store::Change;
use store::users::{self, UserChange};
use utoipa::ToSchema;

use super::answers::{BadRequest, Changed, Conflict, IdParam, IfMatchParam, Invalid, NotFound};
use super::auth::Account;
use super::check::{Check, set};
use super::clock::now;
use super::patch::change as patched;
use crate::etag::{IfMatch, Versioned};
use crate::extract::{ApiJson, ApiPath, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// Changes of an account: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountPatch {
    #[serde(default, deserialize_with = "patched")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    name: Change<String>,
    #[serde(default, deserialize_with = "patched")]
    #[schema(value_type = String, required = false, min_length = 3, max_length = 254)]
    email: Change<String>,
    /// False: cannot sign in, and all sessions end.
    #[serde(default, deserialize_with = "patched")]
    #[schema(value_type = bool, required = false)]
    active: Change<bool>,
    /// Administers the installation.
    #[serde(default, deserialize_with = "patched")]
    #[schema(value_type = bool, required = false)]
    system_admin: Change<bool>,
}

/// One account
#[utoipa::path(
    get, path = "/api/v1/accounts/{id}", operation_id = "getAccount", tag = "Accounts", params(IdParam),
    responses((status = 200, description = "The account.", body = Account, headers(("ETag" = String))), NotFound)
)]
pub(super) async fn get(State(api): State<ApiState>, _: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<Versioned<Account>, Problem> {
    let user = users::get(&api.db, path.id).await?.ok_or_else(|| Problem::missing("account"))?;
    Ok(Versioned::ok(user.version, user.into()))
}

/// Change an account
///
/// Of their own account system administrators change the name only: so there is always one.
#[utoipa::path(
    patch, path = "/api/v1/accounts/{id}", operation_id = "changeAccount", tag = "Accounts", params(IdParam, IfMatchParam),
    request_body = AccountPatch,
    responses(
        (status = 200, description = "As it is now.", body = Account, headers(("ETag" = String))),
        BadRequest, NotFound, Conflict, Changed, Invalid
    )
)]
pub(super) async fn change(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<AccountPatch>,
) -> Result<Versioned<Account>, Problem> {
    let change = body.checked()?;
    let changed = api.people.change_person(&caller.principal, path.id, &change, expected, &caller.client, now());
    let (_, after) = changed.await?;
    Ok(Versioned::ok(after.version, after.into()))
}

/// Remove an account
///
/// With all its sessions; its API keys are revoked. Nobody removes their own.
#[utoipa::path(
    delete, path = "/api/v1/accounts/{id}", operation_id = "removeAccount", tag = "Accounts", params(IdParam),
    responses((status = 204, description = "It is gone."), NotFound, Conflict)
)]
pub(super) async fn remove(State(api): State<ApiState>, caller: Caller, ApiPath(path): ApiPath<IdParam>) -> Result<StatusCode, Problem> {
    api.people.remove_person(&caller.principal, path.id, &caller.client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl AccountPatch {
    fn checked(self) -> Result<UserChange, Problem> {
        let mut check = Check::default();
        check.stays("/name", &self.name);
        check.stays("/email", &self.email);
        check.stays("/active", &self.active);
        check.stays("/system_admin", &self.system_admin);
        if let Some(name) = set(&self.name) {
            check.short_name("/name", name);
        }
        if let Some(email) = set(&self.email) {
            check.email("/email", email);
        }
        check.done()?;
        Ok(UserChange { name: self.name, email: self.email, active: self.active, system_admin: self.system_admin })
    }
}
