//! Who works in the workspace.

pub(super) mod access;
mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use store::users::{self, UserChange};
use uuid::Uuid;

use self::body::{Invitation, Member, MemberPatch, NewMember};
use super::answers::{BadRequest, Changed, Conflict, IdParam, IfMatchParam, Invalid, Listing, NotFound, PageParams};
use super::check::set;
use super::clock::now;
use crate::etag::{IfMatch, Versioned};
use crate::extract::{ApiJson, ApiPath, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// Who works here
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "listUsers", tag = "Users", params(PageParams),
    responses((status = 200, description = "One page of them, newest first.", body = Listing<Member>), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<Member>>, Problem> {
    Ok(Listing::of(users::members(&api.db, caller.tenant()?, &page.page()?).await?))
}

/// Invite somebody
///
/// The link is in this answer and nowhere else. Somebody who has an account comes into this workspace with it.
#[utoipa::path(
    post, path = "/api/v1/users", operation_id = "inviteUser", tag = "Users", request_body = NewMember,
    responses((status = 201, description = "The invitation.", body = Invitation), BadRequest, Conflict, Invalid)
)]
pub(super) async fn invite(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<NewMember>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let invitation = body.checked()?;
    let link = api.people.invite(&caller.principal, &invitation, &caller.client, now()).await?;
    Ok((StatusCode::CREATED, Json(Invitation::new(&api.settings, "invitation", link))))
}

/// One person
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "getUser", tag = "Users", params(IdParam),
    responses((status = 200, description = "The person.", body = Member, headers(("ETag" = String))), NotFound)
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<Versioned<Member>, Problem> {
    let member = member(&api, &caller, path.id).await?;
    Ok(Versioned::ok(member.user.version, member.into()))
}

/// Change somebody's role, name, or whether they can sign in
///
/// Nobody gives a role above their own, nor changes somebody who has one; the last owner stays. The name, and being switched off, belong to the
/// account: of somebody who works in other workspaces too, only a system administrator changes them. Another role ends the person's sessions.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", operation_id = "changeUser", tag = "Users", params(IdParam, IfMatchParam), request_body = MemberPatch,
    responses(
        (status = 200, description = "As they are now.", body = Member, headers(("ETag" = String))),
        BadRequest, NotFound, Conflict, Changed, Invalid
    )
)]
pub(super) async fn change(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<MemberPatch>,
) -> Result<Versioned<Member>, Problem> {
    body.check()?;
    let now = now();
    let before = member(&api, &caller, path.id).await?;
    unchanged(&before, expected)?;
    if body.touches_account() {
        let change = UserChange { name: body.name.clone(), active: body.active, ..UserChange::default() };
        api.people.change_person(&caller.principal, path.id, &change, expected, &caller.client, now).await?;
    }
    if let Some(role) = set(&body.role).map(|role| people::Role::from(*role)).filter(|role| role.as_str() != before.role) {
        api.people.set_role(&caller.principal, path.id, role, &caller.client, now).await?;
    }
    let after = member(&api, &caller, path.id).await?;
    Ok(Versioned::ok(after.user.version, after.into()))
}

/// Take somebody out of the workspace
///
/// Their sessions here end. The last owner stays.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}", operation_id = "removeUser", tag = "Users", params(IdParam, IfMatchParam),
    responses((status = 204, description = "They are out."), BadRequest, NotFound, Conflict, Changed)
)]
pub(super) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    unchanged(&member(&api, &caller, path.id).await?, expected)?;
    api.people.remove_member(&caller.principal, path.id, &caller.client, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody of the caller's workspace; anybody else is not there.
async fn member(api: &ApiState, caller: &Caller, id: Uuid) -> Result<users::Member, Problem> {
    users::member(&api.db, caller.tenant()?, id).await?.ok_or_else(|| Problem::missing("person"))
}

fn unchanged(member: &users::Member, expected: Option<i64>) -> Result<(), Problem> {
    let changed = expected.is_some_and(|expected| expected != member.user.version);
    if changed { Err(Problem::changed("person")) } else { Ok(()) }
}
