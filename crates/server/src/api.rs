//! The API for operators: calls, recordings, live calls, messages, the hotel's books.

use std::path::PathBuf;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use call::{CallId, CallRecord, Carrier};
use hotel::{Reservation, ReservationQuery};
use live::{Command, InstanceName};
use serde::Deserialize;
use serde_json::json;
use store::{CallFilter, StoreError};
use tracing::error;

use crate::state::App;

pub(crate) mod drain;
mod queue;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/drain", get(drain::show).post(drain::begin).delete(drain::cancel))
        .route("/api/v1/queue", get(queue::list))
        .route("/api/v1/queue/stats", get(queue::stats))
        .route("/api/v1/queue/clear", post(queue::clear))
        .route("/api/v1/queue/{call_id}", delete(queue::remove))
        .route("/api/v1/callbacks", get(queue::callbacks))
        .route("/api/v1/instances", get(instances))
        .route("/api/v1/calls", get(calls))
        .route("/api/v1/calls/active", get(live))
        .route("/api/v1/calls/{id}", get(call))
        .route("/api/v1/calls/{id}/recording", get(recording))
        .route("/api/v1/calls/{id}/hangup", post(hang_up))
        .route("/api/v1/messages", get(messages))
        .route("/api/v1/agents", get(agents))
        .route("/api/v1/hotel/reservations", get(reservations))
}

/// Why a request was not answered as wished.
pub(crate) enum ApiError {
    NotFound,
    BadRequest(&'static str),
    Store(StoreError),
    Hotel(hotel::PmsError),
    LiveState,
}

impl From<StoreError> for ApiError {
    fn from(fault: StoreError) -> Self {
        Self::Store(fault)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "there is no such call"),
            Self::BadRequest(detail) => (StatusCode::BAD_REQUEST, detail),
            Self::Store(fault) => {
                error!(error = %fault, "the records could not be read");
                (StatusCode::SERVICE_UNAVAILABLE, "the records cannot be read at the moment")
            }
            Self::LiveState => (StatusCode::SERVICE_UNAVAILABLE, "the state that instances share cannot be reached at the moment"),
            Self::Hotel(fault) => {
                error!(error = %fault, "the hotel's books could not be read");
                (StatusCode::SERVICE_UNAVAILABLE, "the hotel's books cannot be read at the moment")
            }
        };
        (status, Json(json!({ "detail": detail }))).into_response()
    }
}

#[derive(Deserialize)]
struct Page {
    limit: Option<u32>,
    before: Option<CallId>,
}

async fn calls(State(app): State<App>, Query(page): Query<Page>) -> Result<Response, ApiError> {
    let limit = page.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(ApiError::BadRequest("limit must be from 1 to 200"));
    }
    let calls = app.services.records.calls(&CallFilter { limit, before: page.before }).await?;
    let full = calls.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = calls.last().map(|call| call.id).filter(|_| full);
    Ok(Json(json!({ "calls": calls, "next": next })).into_response())
}

/// Calls of this instance, and what the registry knows of all; not known is `null`, not an empty list.
async fn live(State(app): State<App>) -> Response {
    let registered = match app.settings.call_centre.registry {
        true => app.live_state.active_calls().await.ok(),
        false => Some(Vec::new()),
    };
    let body = json!({
        "instance": app.instance(),
        "calls": app.live.list(),
        "registered": registered,
        "taken": app.admission.taken(),
        "limit": app.admission.limit(),
    });
    Json(body).into_response()
}

/// Instances that share live state with this one, itself included.
async fn instances(State(app): State<App>) -> Result<Response, ApiError> {
    let instances = app.live_state.instances().await.map_err(|_| ApiError::LiveState)?;
    Ok(Json(json!({ "instance": app.instance(), "instances": instances })).into_response())
}

async fn call(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let call = find(&app, &id).await?;
    // Asked first: a call that ends in between is then shown with its whole record, not as ended without its last turns.
    let live = app.live.contains(call.id);
    let records = &app.services.records;
    let (turns, tools) = (records.turns(call.id).await?, records.tools(call.id).await?);
    let call = records.call(call.id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(json!({ "call": call, "turns": turns, "tools": tools, "live": live })).into_response())
}

/// Ends a call, wherever it is served.
async fn hang_up(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let call = find(&app, &id).await?;
    if !app.live.hang_up(call.id) {
        let elsewhere = app.services.records.claimed_by(call.id).await?.filter(|_| call.ended_at.is_none() && app.shares_live_state());
        let Some(instance) = elsewhere.and_then(|name| InstanceName::new(&name).ok()).filter(|name| name != app.instance()) else {
            return Err(ApiError::BadRequest("the call is not live"));
        };
        let command = Command::Hangup { call_id: call.carrier_call_id };
        app.live_state.send(&instance, &command).await.map_err(|_| ApiError::LiveState)?;
    }
    Ok(Json(json!({ "status": "hanging_up" })).into_response())
}

async fn messages(State(app): State<App>) -> Result<Response, ApiError> {
    Ok(Json(json!({ "messages": app.services.records.messages(100).await? })).into_response())
}

async fn agents(State(app): State<App>) -> Response {
    let agents: Vec<_> = app
        .agents
        .iter()
        .map(
            |agent| json!({ "id": agent.id, "name": agent.name, "active": agent.active, "language": agent.language, "voice": agent.voice }),
        )
        .collect();
    Json(json!({ "agents": agents })).into_response()
}

async fn reservations(State(app): State<App>) -> Result<Response, ApiError> {
    let found = app.pms.find_reservations(&ReservationQuery::Latest).await.map_err(ApiError::Hotel)?;
    let found: Vec<_> = found.iter().map(reservation).collect();
    Ok(Json(json!({ "reservations": found })).into_response())
}

fn reservation(found: &Reservation) -> serde_json::Value {
    json!({
        "code": found.code,
        "status": found.status.as_str(),
        "room_type": found.room_type,
        "arrival": found.stay.arrival,
        "departure": found.stay.departure,
        "nights": found.stay.nights(),
        "guests": found.stay.guests,
        "name": found.name,
        "phone": found.phone,
        "total": found.total.plain(),
        "currency": found.total.currency,
        "created_at": found.created_at,
        "changed_at": found.changed_at,
    })
}

/// By our id or the carrier's.
async fn find(app: &App, id: &str) -> Result<CallRecord, ApiError> {
    let records = &app.services.records;
    if let Ok(id) = id.parse::<CallId>() {
        return records.call(id).await?.ok_or(ApiError::NotFound);
    }
    for carrier in [Carrier::Twilio, Carrier::Telnyx] {
        if let Some(call) = records.call_by_carrier(carrier, id).await? {
            return Ok(call);
        }
    }
    Err(ApiError::NotFound)
}

/// The recording, or the asked part of it: players seek by range.
async fn recording(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let call = find(&app, &id).await?;
    let relative = call.recording.ok_or(ApiError::NotFound)?;
    let path: PathBuf = app.settings.data_dir.join(relative);
    let bytes = tokio::fs::read(path).await.map_err(|_| ApiError::NotFound)?;
    Ok(ranged(bytes, headers.get(header::RANGE).and_then(|range| range.to_str().ok())))
}

fn ranged(bytes: Vec<u8>, range: Option<&str>) -> Response {
    let length = bytes.len();
    let common = [(header::CONTENT_TYPE, "audio/wav"), (header::ACCEPT_RANGES, "bytes"), (header::CACHE_CONTROL, "no-store")];
    match range.map(|range| asked(range, length)) {
        None => (common, bytes).into_response(),
        Some(Some((from, to))) => {
            let part = bytes.get(from..=to).unwrap_or_default().to_vec();
            let content = format!("bytes {from}-{to}/{length}");
            (StatusCode::PARTIAL_CONTENT, common, [(header::CONTENT_RANGE, content)], part).into_response()
        }
        Some(None) => (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{length}"))]).into_response(),
    }
}

/// First and last byte of a single range (RFC 9110, section 14.1.2).
fn asked(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = length.checked_sub(1)?;
    let (from, to) = match (from, to) {
        ("", suffix) => (length.saturating_sub(suffix.parse().ok()?), last),
        (from, "") => (from.parse().ok()?, last),
        (from, to) => (from.parse().ok()?, to.parse::<usize>().ok()?.min(last)),
    };
    (from <= to && from < length).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(asked("bytes=0-9", 100), Some((0, 9)));
        assert_eq!(asked("bytes=90-", 100), Some((90, 99)));
        assert_eq!(asked("bytes=-10", 100), Some((90, 99)));
        assert_eq!(asked("bytes=90-500", 100), Some((90, 99)));
        assert_eq!(asked("bytes=100-", 100), None);
        assert_eq!(asked("bytes=5-1", 100), None);
        assert_eq!(asked("bytes=0-0", 0), None);
        assert_eq!(asked("lines=1-2", 100), None);
    }
}
