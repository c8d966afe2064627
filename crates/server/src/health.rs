//! Health probes. Bodies are a contract with operators.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde_json::json;

use crate::state::App;

/// A probe answers within this time, whatever hangs.
const LIMIT: Duration = Duration::from_secs(1);

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/health", get(health)).route("/health/live", get(live)).route("/health/ready", get(ready))
}

async fn health() -> Response {
    Json(json!({ "status": "healthy", "app": "voicenoob", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

/// The process turns its loop.
async fn live() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// A new call can be taken.
async fn ready(State(app): State<App>) -> Response {
    match not_ready(&app).await {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not_ready", "reason": reason }))).into_response(),
    }
}

async fn not_ready(app: &App) -> Option<&'static str> {
    if app.drain.is_requested() {
        return Some("shutdown_in_progress");
    }
    if app.admission.taken() >= app.admission.limit() {
        return Some("capacity: every line is busy");
    }
    match tokio::time::timeout(LIMIT, app.services.records.check()).await {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("database: cannot write"),
        Err(_) => Some("database: no answer in time"),
    }
}
