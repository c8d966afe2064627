//! OpenAI's Realtime sessions, in the protocol of general availability. Azure's are the same, with the key in `api-key`.

mod config;
pub(crate) mod detect;
mod inbox;
mod response;
mod session;
mod speaker;
mod wire;

use std::collections::HashMap;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::server::Stage;
use crate::vendors::goodbye;
use crate::{Act, Vendor};

/// Largest message (openai-realtime.md 1.2: 15 MiB of sound).
const MAX_MESSAGE: usize = 16 << 20;
const READ_BUFFER: usize = 16 * 1024;

pub(crate) fn router(stage: &Stage) -> Router {
    Router::new().route(&format!("{}/realtime", Vendor::OpenAi.path()), get(enter)).with_state(stage.clone())
}

async fn enter(
    State(stage): State<Stage>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let act = stage.plan.begin(Vendor::OpenAi);
    if let Some((status, after)) = act.refusal() {
        return refusal(status, after);
    }
    if !has_key(&headers) {
        return refusal(401, None);
    }
    let Some(model) = query.get("model").filter(|model| !model.is_empty()).cloned() else {
        return (StatusCode::BAD_REQUEST, axum::Json(error("invalid_request_error", "missing_model"))).into_response();
    };
    let beta = headers.contains_key("openai-beta");
    upgrade
        .max_message_size(MAX_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .on_upgrade(move |socket| serve(stage, act, socket, model, beta))
}

async fn serve(stage: Stage, act: Act, mut socket: WebSocket, model: String, beta: bool) {
    if beta {
        refuse_beta(&mut socket).await;
    } else {
        session::run(stage, act, socket, model).await;
    }
}

/// The beta was switched off on 2026-05-12: its header, and the flat shape of its sessions.
async fn refuse_beta(socket: &mut WebSocket) {
    let code = "beta_api_shape_disabled";
    let event = json!({ "type": "error", "event_id": "event_beta", "error": error("invalid_request_error", code)["error"] });
    // Whoever is gone already needs no answer.
    let _ = socket.send(Message::text(event.to_string())).await;
    goodbye::close(socket, 4000, code).await;
}

fn has_key(headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let azure = headers.get("api-key").and_then(|value| value.to_str().ok());
    bearer.or(azure).is_some_and(|key| !key.is_empty() && key != "wrong-key")
}

fn error(kind: &str, code: &str) -> Value {
    json!({ "error": { "type": kind, "code": code, "message": wire::sentence(code), "param": null, "event_id": null } })
}

fn refusal(status: u16, after: Option<u64>) -> Response {
    let body = match status {
        401 => error("invalid_request_error", "invalid_api_key"),
        429 => error("requests", "rate_limit_exceeded"),
        _ => error("server_error", "server_error"),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(seconds) = after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
