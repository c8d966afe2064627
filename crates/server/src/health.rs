//! Health probes. Bodies are a contract with operators: section by section those of the program this one replaces.
//!
//! Every probe answers within a second, whatever hangs. Bodies hold no addresses and no error texts, unless the operator asks.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use live::Count;
use serde_json::{Value, json};

use crate::access;
use crate::settings::Source;
use crate::state::App;

/// A dependency that has not answered by then is unhealthy; it leaves time for the answer within a second.
const LIMIT: Duration = Duration::from_millis(800);

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/db", get(database))
        .route("/health/redis", get(redis))
        .route("/health/detailed", get(detailed))
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

async fn health() -> Response {
    Json(json!({ "status": "healthy", "app": "voicenoob", "version": VERSION })).into_response()
}

/// The process turns its loop.
async fn live() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// A new call can be taken. Live state that is not reachable is no hindrance: calls go on by this instance's own books.
async fn ready(State(app): State<App>) -> Response {
    match not_ready(&app).await {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not_ready", "reason": reason }))).into_response(),
    }
}

async fn not_ready(app: &App) -> Option<&'static str> {
    if app.drain.state() != dispatch::DrainState::Running {
        return Some("shutdown_in_progress");
    }
    check_database(app).await.err().map(|fault| fault.short)
}

/// What is wrong with a dependency: for everybody, and for the operator.
struct Unhealthy {
    short: &'static str,
    detail: String,
}

impl Unhealthy {
    /// For the operator: with the address that was tried, as `voicenoob config` shows it.
    fn in_full(&self, app: &App, setting: &str) -> String {
        let shown = app.settings.shown.iter().find(|shown| shown.name == setting && shown.source != Source::Default);
        shown.map_or_else(|| self.detail.clone(), |shown| format!("{} ({setting}: {})", self.detail, shown.value))
    }
}

/// Where the records are, and live state.
const DATABASE: &str = "DATABASE_URL";
const REDIS: &str = "REDIS_URL";

async fn check_database(app: &App) -> Result<(), Unhealthy> {
    match tokio::time::timeout(LIMIT, app.services.records.check()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(Unhealthy { short: "database: cannot write", detail: fault.to_string() }),
        Err(_) => Err(Unhealthy { short: "database: no answer in time", detail: format!("no answer within {LIMIT:?}") }),
    }
}

async fn check_live_state(app: &App) -> Result<(), Unhealthy> {
    match tokio::time::timeout(LIMIT, app.live_state.check()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(Unhealthy { short: "redis: cannot write", detail: fault.to_string() }),
        Err(_) => Err(Unhealthy { short: "redis: no answer in time", detail: format!("no answer within {LIMIT:?}") }),
    }
}

async fn database(State(app): State<App>, headers: HeaderMap) -> Response {
    probe("database", DATABASE, check_database(&app).await, &app, &headers)
}

async fn redis(State(app): State<App>, headers: HeaderMap) -> Response {
    if !app.shares_live_state() {
        return Json(json!({ "status": "not_configured", "redis": "not configured" })).into_response();
    }
    probe("redis", REDIS, check_live_state(&app).await, &app, &headers)
}

fn probe(name: &str, setting: &str, result: Result<(), Unhealthy>, app: &App, headers: &HeaderMap) -> Response {
    match result {
        Ok(()) => Json(json!({ "status": "healthy", name: "connected" })).into_response(),
        Err(fault) => {
            let text = if access::is_operator(app, headers) { fault.in_full(app, setting) } else { fault.short.to_owned() };
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unhealthy", name: text }))).into_response()
        }
    }
}

async fn detailed(State(app): State<App>, headers: HeaderMap) -> Response {
    let operator = access::is_operator(&app, &headers).then_some(&app);
    // Side by side: each may take all the time there is.
    let (database, redis, calls) = tokio::join!(
        check_database(&app),
        async { if app.shares_live_state() { Some(check_live_state(&app).await) } else { None } },
        async { if app.settings.call_centre.registry { Some(calls(&app).await) } else { None } },
    );
    let healthy = database.is_ok() && !matches!(redis, Some(Err(_)));
    let redis = redis.map_or_else(|| "not configured".to_owned(), |result| service(result, REDIS, operator));
    let centre = &app.settings.call_centre;
    let mut body = json!({
        "status": if healthy { "healthy" } else { "degraded" },
        "app": "voicenoob",
        "version": VERSION,
        "services": { "database": service(database, DATABASE, operator), "redis": redis },
        "features": {
            "call_registry": centre.registry,
            "prometheus_metrics": centre.metrics,
            "connection_draining": centre.draining,
            "call_queue": centre.queue,
        },
        "drain": crate::api::drain::body(&app),
    });
    if let Some(calls) = calls {
        body["calls"] = calls;
    }
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// `operator`: the program, when an operator asks.
fn service(result: Result<(), Unhealthy>, setting: &str, operator: Option<&App>) -> String {
    match result {
        Ok(()) => "healthy".to_owned(),
        Err(fault) => format!("unhealthy: {}", operator.map_or_else(|| fault.short.to_owned(), |app| fault.in_full(app, setting))),
    }
}

/// How many calls the cluster has; not known is not zero.
async fn calls(app: &App) -> Value {
    let count = tokio::time::timeout(LIMIT, app.registry.get_call_count()).await.unwrap_or(Count::Unknown);
    let active = match count {
        Count::Known(count) => json!(count),
        Count::Unknown => json!("unknown"),
    };
    json!({ "active": active, "active_here": app.live.talking(), "shutting_down": app.registry.is_shutting_down() })
}
