//! The way to a stop for operators.

use std::time::Instant;

use api::answers::Conflict;
use api::{Caller, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;
use crate::stopping;

/// Where the drain stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrainBody {
    /// `running`, `settling`, `refusing`, `handover` or `stopped`.
    state: &'static str,
    /// Until calls are handed over; `null` while no drain is under way.
    seconds_to_deadline: Option<f64>,
    /// Calls that talk.
    remaining_calls: usize,
    /// Callers who wait.
    waiting_calls: usize,
    /// Answered calls whose media stream has not come.
    expected_streams: usize,
}

/// Its state, seconds to the deadline, and what is left.
pub(crate) fn body(app: &App) -> DrainBody {
    let left = app.drain.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()).as_secs_f64());
    DrainBody {
        state: app.drain.state().as_str(),
        seconds_to_deadline: left,
        remaining_calls: app.live.talking(),
        waiting_calls: app.waiting.len(),
        expected_streams: app.offers.len(),
    }
}

/// Where the drain of this instance stands
#[utoipa::path(
    get, path = "/api/v1/drain", operation_id = "getDrain", tag = "Installation",
    responses((status = 200, description = "Its state, and what is left.", body = DrainBody))
)]
pub(super) async fn show(State(app): State<App>) -> Json<DrainBody> {
    Json(body(&app))
}

/// Drain this instance
///
/// The process stays when it is over: a signal ends it.
#[utoipa::path(
    post, path = "/api/v1/drain", operation_id = "beginDrain", tag = "Installation",
    responses(
        (status = 202, description = "It has begun.", body = DrainBody), (status = 200, description = "It was under way.", body = DrainBody), Conflict
    )
)]
pub(super) async fn begin(State(app): State<App>, caller: Caller) -> Result<(StatusCode, Json<DrainBody>), Problem> {
    if !app.settings.call_centre.draining {
        return Err(Problem::conflict("draining_off", "draining is switched off: set ENABLE_CONNECTION_DRAINING=true"));
    }
    super::noted(&app, &caller, "drain.begin", "instance", Some(app.instance().to_string())).await?;
    let begun = stopping::begin(&app).await;
    Ok((if begun { StatusCode::ACCEPTED } else { StatusCode::OK }, Json(body(&app))))
}

/// Call the drain off, while calls are not handed over yet
#[utoipa::path(
    delete, path = "/api/v1/drain", operation_id = "cancelDrain", tag = "Installation",
    responses((status = 200, description = "Calls are taken again.", body = DrainBody), Conflict)
)]
pub(super) async fn cancel(State(app): State<App>, caller: Caller) -> Result<Json<DrainBody>, Problem> {
    super::noted(&app, &caller, "drain.cancel", "instance", Some(app.instance().to_string())).await?;
    if stopping::cancel(&app).await {
        return Ok(Json(body(&app)));
    }
    Err(Problem::conflict(
        "no_drain",
        match app.drain.state() {
            dispatch::DrainState::Running => "no drain is under way",
            dispatch::DrainState::Stopped => "too late: it is over, and a signal ends the process",
            _ => "too late: calls are being handed over",
        },
    ))
}
