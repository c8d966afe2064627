//! The queue for operators: who waits, the numbers, and taking callers out.

use std::collections::BTreeMap;

use api::answers::{Invalid, NotFound};
use api::{ApiPath, ApiQuery, Caller, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use live::{Leaving, QueueEntry};
use people::Permission;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::state::App;

/// Most entries one list shows.
const MAX_LIST: usize = 1000;

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Shown {
    /// How many callers are listed; 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000, required = false)]
    count: Option<usize>,
}

/// A caller who waits.
#[derive(Debug, Serialize, ToSchema)]
struct WaitingCaller {
    /// The carrier's id of the call.
    call_id: String,
    /// For whom.
    agent_id: String,
    /// The caller's number.
    phone_number: Option<String>,
    /// Unix seconds.
    queued_at: f64,
    /// Higher is more urgent.
    priority: i32,
    /// What else is kept.
    metadata: Option<BTreeMap<String, String>>,
    /// The instance that has the caller on the line.
    holder: Option<String>,
    /// The workspace.
    tenant: String,
}

impl From<QueueEntry> for WaitingCaller {
    fn from(entry: QueueEntry) -> Self {
        Self {
            call_id: entry.call_id,
            agent_id: entry.agent_id,
            phone_number: entry.phone_number.map(|number| number.expose().to_owned()),
            queued_at: entry.queued_at,
            priority: entry.priority,
            metadata: entry.metadata,
            holder: entry.holder.map(|name| name.as_str().to_owned()),
            tenant: entry.tenant,
        }
    }
}

/// Who waits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Waiting {
    /// The queue is switched on.
    enabled: bool,
    /// Callers of this workspace who wait.
    depth: usize,
    /// Callers whose line is at this instance, of all workspaces.
    waiting_here: usize,
    /// In the order they are served.
    calls: Vec<WaitingCaller>,
}

/// Waiting callers, in the order they are served
#[utoipa::path(
    get, path = "/api/v1/queue", operation_id = "listQueue", tag = "Queue", params(Shown),
    responses((status = 200, description = "Who waits.", body = Waiting), Invalid)
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, ApiQuery(shown): ApiQuery<Shown>) -> Result<Json<Waiting>, Problem> {
    let count = shown.count.unwrap_or(100);
    if !(1..=MAX_LIST).contains(&count) {
        return Err(Problem::invalid_field("count", format!("must be from 1 to {MAX_LIST}")));
    }
    let mine = mine(&app, &caller).await?;
    Ok(Json(Waiting {
        enabled: app.settings.call_centre.queue,
        depth: mine.len(),
        waiting_here: app.waiting.len(),
        calls: mine.into_iter().take(count).map(WaitingCaller::from).collect(),
    }))
}

/// The whole queue is at most as long as MAX_CALL_QUEUE_SIZE; the caller's part of it.
async fn mine(app: &App, caller: &Caller) -> Result<Vec<QueueEntry>, Problem> {
    let tenant = caller.tenant()?.to_string();
    let mut entries = app.live_state.peek(0).await.map_err(super::unreachable)?;
    entries.retain(|entry| entry.tenant == tenant);
    Ok(entries)
}

/// The queue's numbers, of the whole installation
#[utoipa::path(
    get, path = "/api/v1/queue/stats", operation_id = "getQueueStats", tag = "Queue",
    responses((status = 200, description = "The numbers; zeros while live state cannot be reached.", body = Object))
)]
pub(super) async fn stats(State(app): State<App>) -> Json<Value> {
    Json(serde_json::to_value(app.queue.get_queue_stats().await).unwrap_or_default())
}

/// A waiting caller.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CallerParam {
    /// The carrier's id of the call.
    #[param(max_length = 255)]
    call_id: String,
}

/// Take a caller out; they are told, and hung up
#[utoipa::path(
    delete, path = "/api/v1/queue/{call_id}", operation_id = "removeFromQueue", tag = "Queue", params(CallerParam),
    responses((status = 204, description = "The caller is out."), NotFound)
)]
pub(super) async fn remove(State(app): State<App>, caller: Caller, ApiPath(path): ApiPath<CallerParam>) -> Result<StatusCode, Problem> {
    let missing = || Problem::missing("waiting caller");
    let entry = mine(&app, &caller).await?.into_iter().find(|entry| entry.call_id == path.call_id).ok_or_else(missing)?;
    super::noted(&app, &caller, "queue.remove", "call", Some(entry.call_id.clone())).await?;
    match app.live_state.remove(&entry.call_id, Leaving::Removed).await.map_err(super::unreachable)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing()),
    }
}

/// How many were taken out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cleared {
    removed: u64,
}

/// Take all callers of the workspace out; administrators of the installation, all
#[utoipa::path(
    post, path = "/api/v1/queue/clear", operation_id = "clearQueue", tag = "Queue",
    responses((status = 200, description = "They are out.", body = Cleared))
)]
pub(super) async fn clear(State(app): State<App>, caller: Caller) -> Result<Json<Cleared>, Problem> {
    super::noted(&app, &caller, "queue.clear", "queue", None).await?;
    if caller.principal.may(Permission::SystemAdmin) {
        return Ok(Json(Cleared { removed: app.live_state.clear().await.map_err(super::unreachable)? }));
    }
    let mut removed = 0;
    for entry in mine(&app, &caller).await? {
        removed += u64::from(app.live_state.remove(&entry.call_id, Leaving::Removed).await.map_err(super::unreachable)?);
    }
    Ok(Json(Cleared { removed }))
}
