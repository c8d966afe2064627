//! Telephone numbers, and which agent answers them.

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use store::{StoreError, numbers};
use uuid::Uuid;

use self::body::{NewNumber, Number, NumberPatch};
use super::answers::{BadRequest, Changed, Conflict, IdParam, IfMatchParam, Invalid, Listing, NotFound, PageParams};
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::etag::{IfMatch, Versioned};
use crate::extract::{ApiJson, ApiPath, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// The numbers of the workspace
#[utoipa::path(
    get, path = "/api/v1/phone-numbers", operation_id = "listPhoneNumbers", tag = "Phone numbers", params(PageParams),
    responses((status = 200, description = "One page of them, newest first.", body = Listing<Number>), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<Number>>, Problem> {
    Ok(Listing::of(numbers::list(&api.db, caller.tenant()?, &page.page()?).await?))
}

/// Add a number
///
/// The carrier must send its calls here; nothing is bought.
#[utoipa::path(
    post, path = "/api/v1/phone-numbers", operation_id = "addPhoneNumber", tag = "Phone numbers", request_body = NewNumber,
    responses(
        (status = 201, description = "It is there; its agent answers from now on.", body = Number, headers(("ETag" = String))),
        BadRequest, Conflict, Invalid
    )
)]
pub(super) async fn create(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<NewNumber>,
) -> Result<Versioned<Number>, Problem> {
    let id = Uuid::now_v7();
    let row = body.checked(id, caller.tenant()?, now())?;
    let made = privileged(&api, &caller, Act::new("phone_number.add", "phone_number").on(id), async |tx| {
        numbers::create(tx, &row).await.map_err(of_agent)?;
        Ok(Done::new(()).after(&Number::from(row.clone())))
    });
    made.await?;
    api.directory.changed();
    Ok(Versioned::created(row.version, row.into()))
}

/// One number
#[utoipa::path(
    get, path = "/api/v1/phone-numbers/{id}", operation_id = "getPhoneNumber", tag = "Phone numbers", params(IdParam),
    responses((status = 200, description = "The number.", body = Number, headers(("ETag" = String))), NotFound)
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
) -> Result<Versioned<Number>, Problem> {
    let row = numbers::get(&api.db, caller.tenant()?, path.id).await?.ok_or_else(missing)?;
    Ok(Versioned::ok(row.version, row.into()))
}

/// Change a number's name or agent
#[utoipa::path(
    patch, path = "/api/v1/phone-numbers/{id}", operation_id = "changePhoneNumber", tag = "Phone numbers", params(IdParam, IfMatchParam),
    request_body = NumberPatch,
    responses(
        (status = 200, description = "As it is now.", body = Number, headers(("ETag" = String))),
        BadRequest, NotFound, Changed, Invalid
    )
)]
pub(super) async fn change(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<NumberPatch>,
) -> Result<Versioned<Number>, Problem> {
    let (tenant, id) = (caller.tenant()?, path.id);
    let act = Act::new("phone_number.change", "phone_number").on(id).with(body.fields());
    let change = body.checked()?;
    let after = privileged(&api, &caller, act, async |tx| {
        let (before, after) = numbers::change(tx, tenant, id, &change, expected, now()).await.map_err(of_agent)?;
        Ok(Done::new(after.clone()).before(&Number::from(before)).after(&Number::from(after)))
    });
    let after = after.await?;
    api.directory.changed();
    Ok(Versioned::ok(after.version, after.into()))
}

/// Take a number out
#[utoipa::path(
    delete, path = "/api/v1/phone-numbers/{id}", operation_id = "removePhoneNumber", tag = "Phone numbers", params(IdParam, IfMatchParam),
    responses((status = 204, description = "It is gone."), BadRequest, NotFound, Changed)
)]
pub(super) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<IdParam>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let (tenant, id) = (caller.tenant()?, path.id);
    let removed = privileged(&api, &caller, Act::new("phone_number.remove", "phone_number").on(id), async |tx| {
        let before = numbers::remove(tx, tenant, id, expected).await?.ok_or_else(missing)?;
        Ok(Done::new(()).before(&Number::from(before)))
    });
    removed.await?;
    api.directory.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// An agent that is not there is a field of the body; anything else is as it is.
fn of_agent(error: StoreError) -> Problem {
    match error {
        StoreError::Missing { what: "agent" } => Problem::invalid_field("/agent_id", "there is no such agent in this workspace"),
        error => error.into(),
    }
}

fn missing() -> Problem {
    Problem::missing("phone number")
}
