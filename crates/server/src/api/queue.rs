//! The queue for operators: who waits, the numbers, and taking callers out.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use live::Leaving;
use serde::Deserialize;
use serde_json::json;
use tracing::warn;

use super::ApiError;
use crate::state::App;

/// Most entries one list shows.
const MAX_LIST: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Shown {
    count: Option<usize>,
}

/// `GET /api/v1/queue?count=100`: waiting callers in the order they are served.
pub(super) async fn list(State(app): State<App>, Query(shown): Query<Shown>) -> Result<Response, ApiError> {
    let count = shown.count.unwrap_or(100);
    if !(1..=MAX_LIST).contains(&count) {
        return Err(ApiError::BadRequest("count must be from 1 to 1000"));
    }
    let (entries, depth) = tokio::join!(app.live_state.peek(count), app.live_state.depth());
    let (entries, depth) = (entries.map_err(unreachable)?, depth.map_err(unreachable)?);
    let enabled = app.settings.call_centre.queue;
    Ok(Json(json!({ "enabled": enabled, "depth": depth, "waiting_here": app.waiting.len(), "calls": entries })).into_response())
}

/// `GET /api/v1/queue/stats`.
pub(super) async fn stats(State(app): State<App>) -> Response {
    Json(app.queue.get_queue_stats().await).into_response()
}

/// `DELETE /api/v1/queue/{call_id}`: by the carrier's id of the call. The caller is told, and hung up.
pub(super) async fn remove(State(app): State<App>, Path(call_id): Path<String>) -> Result<Response, ApiError> {
    match app.live_state.remove(&call_id, Leaving::Removed).await.map_err(unreachable)? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(ApiError::NotFound),
    }
}

/// `POST /api/v1/queue/clear`.
pub(super) async fn clear(State(app): State<App>) -> Result<Response, ApiError> {
    let removed = app.live_state.clear().await.map_err(unreachable)?;
    Ok(Json(json!({ "removed": removed })).into_response())
}

/// `GET /api/v1/callbacks`: callers who were promised to be called back, newest first.
pub(super) async fn callbacks(State(app): State<App>) -> Result<Response, ApiError> {
    Ok(Json(json!({ "callbacks": app.services.records.callbacks(200).await? })).into_response())
}

fn unreachable(fault: live::LiveError) -> ApiError {
    warn!(error = %fault, "the queue cannot be reached");
    ApiError::LiveState
}
