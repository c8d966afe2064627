//! Telnyx's Call Control over REST, as documented (telnyx.md 2): it keeps calls, obeys each command id once, refuses as the carrier does, and
//! hands what it obeyed to whoever plays the carrier's media side. The carrier's own SDK judges how faithful it is (`sdk/judge_telnyx_rest.py`).
//!
//! What no document says and no SDK type shows: the error codes other than 90018, and the order in which faults are found.

mod calls;
mod faults;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use calls::Calls;
pub use calls::{CallPhase, Obeyed, StreamWanted, TransferWanted};
pub use faults::ApiFault;
use faults::{error, refused};

/// Most orders that wait to be taken out; a test that has more of them must take them.
const MAX_ORDERS: usize = 4096;
/// Longest wait for an order.
const ORDER_LIMIT: Duration = Duration::from_secs(10);

/// A simulated Call Control endpoint. It stops when it is dropped.
pub struct TelnyxApi {
    url: String,
    shared: Arc<Shared>,
    orders: tokio::sync::Mutex<mpsc::Receiver<Order>>,
    task: JoinHandle<()>,
}

/// A command that was obeyed, for the simulated carrier to act on.
#[derive(Debug, Clone)]
pub struct Order {
    /// The call.
    pub call_control_id: String,
    /// What to do.
    pub obeyed: Obeyed,
}

/// One command as it arrived, obeyed or not.
#[derive(Debug, Clone)]
pub struct Command {
    /// The call, decoded.
    pub call_control_id: String,
    /// Last segment of the path (`answer`, `streaming_start`, ...).
    pub action: String,
    /// The JSON body; null when it was not JSON.
    pub body: Value,
    /// The status of the answer.
    pub status: u16,
    /// True when the same command id had been obeyed for this call before: nothing was done.
    pub repeated: bool,
}

struct Shared {
    key: String,
    calls: Mutex<Calls>,
    commands: Mutex<Vec<Command>>,
    faults: Mutex<Vec<ApiFault>>,
    orders: mpsc::Sender<Order>,
}

impl Drop for TelnyxApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TelnyxApi {
    /// Starts on a free port of this machine and takes this key.
    pub async fn start(key: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v2", listener.local_addr()?);
        let (sender, orders) = mpsc::channel(MAX_ORDERS);
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            calls: Mutex::default(),
            commands: Mutex::default(),
            faults: Mutex::default(),
            orders: sender,
        });
        let routes = Router::new()
            .route("/v2/calls/{id}/actions/{action}", post(command))
            .route("/v2/calls/{id}", get(status))
            .route("/v2/call_control_applications", get(applications))
            .fallback(async || error(StatusCode::NOT_FOUND, "10005", "Resource not found"))
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), faults::gate))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // A server that ends early shows as a refused connection in the test.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, shared, orders: tokio::sync::Mutex::new(orders), task })
    }

    /// The base address, as a client of the real one has it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A new inbound call that waits to be answered.
    pub fn call_arrives(&self, call_control_id: &str) {
        self.shared.calls().put(call_control_id, CallPhase::Parked);
    }

    /// The call is over: the caller hung up.
    pub fn call_ends(&self, call_control_id: &str) {
        self.shared.calls().put(call_control_id, CallPhase::Ended);
    }

    /// The call's media stream is over, as when its far end has closed it; the call goes on. A call that streams already takes no second stream.
    pub fn stream_ends(&self, call_control_id: &str) {
        self.shared.calls().stream_ends(call_control_id);
    }

    /// Where a call stands; `None` for one that was never heard of.
    pub fn phase(&self, call_control_id: &str) -> Option<CallPhase> {
        self.shared.calls().phase(call_control_id)
    }

    /// The next requests fail like this, one after the other, before anything else is looked at.
    pub fn will_fail(&self, faults: impl IntoIterator<Item = ApiFault>) {
        lock(&self.shared.faults).extend(faults);
    }

    /// Faults that no request has met yet.
    pub fn faults_left(&self) -> usize {
        lock(&self.shared.faults).len()
    }

    /// Every command that arrived, in order. Requests that a fault met before they were read are not among them.
    pub fn commands(&self) -> Vec<Command> {
        lock(&self.shared.commands).clone()
    }

    /// The next command that was obeyed.
    pub async fn order(&self) -> Result<Order> {
        let mut orders = self.orders.lock().await;
        tokio::time::timeout(ORDER_LIMIT, orders.recv()).await.context("no command came")?.context("the api has stopped")
    }
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        lock(&self.calls)
    }
}

/// A test that panicked with the lock held has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The body of an event as the carrier posts it (telnyx.md 3): `event_type` about a call, with `more` beside the ids.
pub fn event_body(event_id: &str, event_type: &str, call_control_id: &str, more: &Value) -> String {
    let mut payload = json!({
        "call_control_id": call_control_id, "call_leg_id": "00000000-0000-4000-8000-000000000002",
        "call_session_id": "00000000-0000-4000-8000-000000000003", "connection_id": "1", "client_state": null,
    });
    if let (Some(payload), Some(more)) = (payload.as_object_mut(), more.as_object()) {
        payload.extend(more.clone());
    }
    let data = json!({ "record_type": "event", "event_type": event_type, "id": event_id, "occurred_at": "2026-01-01T10:00:00.000000Z", "payload": payload });
    json!({ "data": data, "meta": { "attempt": 1, "delivered_to": "https://voice.example.test/webhooks/telnyx/voice" } }).to_string()
}

async fn command(
    State(shared): State<Arc<Shared>>,
    Path((id, action)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let json = headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let body: Value = if json { serde_json::from_slice(&body).unwrap_or(Value::Null) } else { Value::Null };
    let outcome = shared.calls().command(&id, &action, &body);
    let (response, repeated) = match outcome {
        Ok(Some(obeyed)) => match shared.orders.try_send(Order { call_control_id: id.clone(), obeyed }) {
            Ok(()) => (accepted(), false),
            Err(_) => (error(StatusCode::SERVICE_UNAVAILABLE, "10007", "Nobody takes the orders out"), false),
        },
        Ok(None) => (accepted(), true),
        Err(refusal) => (refused(&refusal), false),
    };
    let status = response.status().as_u16();
    lock(&shared.commands).push(Command { call_control_id: id, action, body, status, repeated });
    response
}

fn accepted() -> Response {
    use axum::response::IntoResponse as _;
    Json(json!({ "data": { "result": "ok" } })).into_response()
}

async fn status(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    use axum::response::IntoResponse as _;
    match shared.calls().phase(&id) {
        None => error(StatusCode::NOT_FOUND, "10005", "Resource not found"),
        Some(phase) => Json(json!({ "data": {
            "record_type": "call", "call_control_id": id, "call_leg_id": "00000000-0000-4000-8000-000000000002",
            "call_session_id": "00000000-0000-4000-8000-000000000003", "is_alive": phase != CallPhase::Ended,
        } }))
        .into_response(),
    }
}

async fn applications(Query(query): Query<Vec<(String, String)>>) -> Json<Value> {
    let page_size = query.iter().find(|(name, _)| name == "page[size]").and_then(|(_, size)| size.parse().ok()).unwrap_or(20_u32);
    let application = json!({
        "id": "1", "record_type": "call_control_application", "application_name": "call-router", "active": true,
        "webhook_event_url": "https://voice.example.test/webhooks/telnyx/voice", "webhook_api_version": "2",
    });
    let meta = json!({ "page_number": 1, "page_size": page_size, "total_pages": 1, "total_results": 1 });
    Json(json!({ "data": [application], "meta": meta }))
}
