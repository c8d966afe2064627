//! A few routes of the tests' own, of every kind that the framework knows.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use api::{Access, Act, ApiJson, ApiPath, ApiState, Budget, Caller, Done, IfMatch, Paging, Problem, Table, Versioned, privileged};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use people::Permission;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

/// Things that were made, in this process.
pub(crate) static MADE: AtomicU32 = AtomicU32::new(0);
/// Slow things whose making has begun.
pub(crate) static SLOW_BEGUN: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Thing {
    name: String,
    size: u8,
}

/// Anybody's
#[utoipa::path(get, path = "/api/v1/test/open", responses((status = 200, body = Value)))]
async fn open() -> Json<Value> {
    // Long enough to be worth compressing.
    Json(json!({ "text": "a".repeat(2000) }))
}

/// Who asks
#[utoipa::path(get, path = "/api/v1/test/me", responses((status = 200, body = Value)))]
async fn me(caller: Caller) -> Json<Value> {
    let who = caller.principal.actor();
    Json(json!({
        "kind": who.kind.as_str(), "id": who.id, "tenant": caller.principal.tenant.map(|tenant| tenant.to_string()),
        "address": caller.client.address.to_string(), "agent": caller.client.user_agent, "request_id": caller.client.request_id,
    }))
}

/// A list
#[utoipa::path(get, path = "/api/v1/test/things", responses((status = 200, body = Value)))]
async fn list(_: Caller, Paging(page): Paging) -> Json<Value> {
    Json(json!({ "limit": page.limit }))
}

/// One
#[utoipa::path(get, path = "/api/v1/test/things/{id}", params(("id" = Uuid, Path)), responses((status = 200, body = Thing)))]
async fn one(_: Caller, ApiPath(id): ApiPath<Uuid>) -> Result<Versioned<Thing>, Problem> {
    Ok(Versioned::ok(3, Thing { name: id.to_string(), size: 1 }))
}

/// Change one
#[utoipa::path(
    patch, path = "/api/v1/test/things/{id}", params(("id" = Uuid, Path)), request_body = Thing, responses((status = 200, body = Thing))
)]
async fn change(
    _: Caller,
    ApiPath(_id): ApiPath<Uuid>,
    IfMatch(expected): IfMatch,
    ApiJson(thing): ApiJson<Thing>,
) -> Result<Versioned<Thing>, Problem> {
    match expected {
        None | Some(3) => Ok(Versioned::ok(4, thing)),
        Some(_) => Err(Problem::changed("thing")),
    }
}

/// Make one
#[utoipa::path(post, path = "/api/v1/test/things", request_body = Thing, responses((status = 201, body = Thing)))]
async fn make(State(api): State<ApiState>, caller: Caller, ApiJson(thing): ApiJson<Thing>) -> Result<Versioned<Value>, Problem> {
    if thing.name == "slow" {
        SLOW_BEGUN.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let id = Uuid::now_v7();
    let act = Act::new("thing.create", "thing").on(id).with(json!({ "fields": ["name", "size"] }));
    let made = privileged(&api, &caller, act, async |_| {
        if thing.name == "bad" {
            return Err(Problem::conflict("bad", "this thing cannot be made"));
        }
        Ok(Done::new(MADE.fetch_add(1, Ordering::SeqCst) + 1).after(&thing))
    });
    Ok(Versioned::created(1, json!({ "number": made.await?, "name": thing.name })))
}

/// Costs much
#[utoipa::path(post, path = "/api/v1/test/costly", responses((status = 204)))]
async fn costly(_: Caller) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Sign in
#[utoipa::path(post, path = "/api/v1/test/login", request_body = Thing, responses((status = 200, body = Value)))]
async fn login(ApiJson(thing): ApiJson<Thing>) -> Json<Value> {
    Json(json!({ "name": thing.name }))
}

/// Breaks
#[utoipa::path(get, path = "/api/v1/test/panic", responses((status = 204)))]
#[expect(unreachable_code, reason = "it panics on purpose")]
async fn panics(_: Caller) -> StatusCode {
    panic!("on purpose");
    StatusCode::NO_CONTENT
}

/// All of them.
pub(crate) fn table() -> Table {
    Table::new()
        .add(routes!(open), Access::Public, Budget::Read)
        .add(routes!(me), Access::SignedIn, Budget::Read)
        .add(routes!(list, make), Access::Needs(&[Permission::AgentManage]), Budget::Write)
        .with_body(1024)
        .add(routes!(one), Access::Needs(&[Permission::AgentView]), Budget::Read)
        .add(routes!(change), Access::Needs(&[Permission::AgentView, Permission::AgentManage]), Budget::Write)
        .add(routes!(costly), Access::Needs(&[Permission::SystemConfig]), Budget::Costly)
        .add(routes!(login), Access::Public, Budget::Login)
        .add(routes!(panics), Access::SignedIn, Budget::Read)
}
