//! The way to a stop for operators.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::state::App;
use crate::stopping;

/// Where the drain stands: its state, seconds to the deadline, and what is left.
pub(crate) fn body(app: &App) -> Value {
    let left = app.drain.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()).as_secs_f64());
    json!({
        "state": app.drain.state().as_str(),
        "seconds_to_deadline": left,
        "remaining_calls": app.live.talking(),
        "waiting_calls": app.waiting.len(),
        "expected_streams": app.offers.len(),
    })
}

/// `GET /api/v1/drain`.
pub(super) async fn show(State(app): State<App>) -> Response {
    Json(body(&app)).into_response()
}

/// `POST /api/v1/drain`. The process stays when it is over: a signal ends it.
pub(super) async fn begin(State(app): State<App>) -> Response {
    if !app.settings.call_centre.draining {
        let detail = "draining is switched off: set ENABLE_CONNECTION_DRAINING=true";
        return (StatusCode::CONFLICT, Json(json!({ "detail": detail }))).into_response();
    }
    let begun = stopping::begin(&app).await;
    let status = if begun { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(body(&app))).into_response()
}

/// `DELETE /api/v1/drain`.
pub(super) async fn cancel(State(app): State<App>) -> Response {
    if stopping::cancel(&app).await {
        return Json(body(&app)).into_response();
    }
    let detail = match app.drain.state() {
        dispatch::DrainState::Running => "no drain is under way",
        dispatch::DrainState::Stopped => "too late: it is over, and a signal ends the process",
        _ => "too late: calls are being handed over",
    };
    (StatusCode::CONFLICT, Json(json!({ "detail": detail }))).into_response()
}
