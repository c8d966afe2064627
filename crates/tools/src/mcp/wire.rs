//! JSON-RPC over streamable HTTP: one POST for each message; the answer is JSON or a stream of events that holds it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue};
use outbound::{Body, Client, Content, Fault, Request, Watch};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

/// The version that is asked for; a server that knows it not names its own.
const VERSION: &str = "2025-06-18";
/// Versions whose messages are these.
const KNOWN: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];
/// Largest answer, bytes.
const MAX_ANSWER: usize = 256 * 1024;
/// A stream that goes on with something else than the answer is given up so much later than one that is silent, which its guard is told of.
const GRACE: Duration = Duration::from_millis(100);
/// Longest message of an error that is kept, characters.
const MAX_MESSAGE: usize = 500;

pub(super) struct Wire {
    client: Client,
    path: String,
    headers: HeaderMap,
    limit: Duration,
    session: Mutex<Option<Session>>,
    last_id: AtomicI64,
}

/// What `initialize` agreed on.
#[derive(Debug, Clone)]
struct Session {
    id: Option<HeaderValue>,
    version: HeaderValue,
}

/// What a server says to a request.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Result(Value),
    Error { code: i64, message: String },
}

impl Wire {
    pub(super) fn new(client: Client, path: String, headers: HeaderMap, limit: Duration) -> Self {
        Self { client, path, headers, limit, session: Mutex::new(None), last_id: AtomicI64::new(0) }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Asks and waits for the answer, within the limit; a session is begun where there is none.
    pub(super) async fn ask(&self, method: &str, parameters: Value) -> Result<Reply, Fault> {
        let due = Instant::now() + self.limit;
        timeout_at(due + GRACE, self.asked(method, parameters, due)).await.map_err(|_| Fault::NoAnswer(self.limit))?
    }

    async fn asked(&self, method: &str, parameters: Value, due: Instant) -> Result<Reply, Fault> {
        let (session, new) = self.session(due).await?;
        match self.request(Some(&session), method, &parameters, due).await {
            // The server has forgotten the session (2025-06-18, transports, session management): a new one, once. It did nothing with the request.
            Err(Fault::Refused { status: 404, .. }) if session.id.is_some() && !new => {
                *self.session.lock().await = None;
                let (session, _) = self.session(due).await?;
                Ok(self.request(Some(&session), method, &parameters, due).await?.0)
            }
            reply => Ok(reply?.0),
        }
    }

    /// The session, and whether it was just begun.
    async fn session(&self, due: Instant) -> Result<(Session, bool), Fault> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref() {
            return Ok((session.clone(), false));
        }
        let hello = json!({
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": { "name": "voicenoob", "version": env!("CARGO_PKG_VERSION") },
        });
        let (reply, id) = self.request(None, "initialize", &hello, due).await?;
        let Reply::Result(result) = reply else { return Err(Fault::Malformed("initialize was refused")) };
        let version = result["protocolVersion"].as_str().filter(|version| KNOWN.contains(version));
        let version =
            version.and_then(|version| HeaderValue::from_str(version).ok()).ok_or(Fault::Malformed("a version we do not speak"))?;
        let session = Session { id, version };
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.post(Some(&session), &ready, due).await?.whole().await?;
        *kept = Some(session.clone());
        Ok((session, true))
    }

    async fn request(
        &self,
        session: Option<&Session>,
        method: &str,
        parameters: &Value,
        due: Instant,
    ) -> Result<(Reply, Option<HeaderValue>), Fault> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let body = self.post(session, &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }), due).await?;
        let session = body.header("mcp-session-id").and_then(|id| HeaderValue::from_str(id).ok());
        let answer = if body.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
            from_events(body, id).await?
        } else {
            let whole = body.whole().await?;
            serde_json::from_slice(&whole).map_err(|_| Fault::Malformed("its answer is no JSON"))?
        };
        Ok((reply(&answer, id)?, session))
    }

    async fn post(&self, session: Option<&Session>, message: &Value, due: Instant) -> Result<Body, Fault> {
        let mut headers = self.headers.clone();
        if let Some(session) = session {
            headers.insert("mcp-protocol-version", session.version.clone());
            if let Some(id) = &session.id {
                headers.insert("mcp-session-id", id.clone());
            }
        }
        let request = Request::post(self.path.clone(), Content::json(message)?);
        let request = request.header("accept", "application/json, text/event-stream").headers(headers);
        let left = due.saturating_duration_since(Instant::now());
        let watch = Watch { first: left, stall: left, max_bytes: MAX_ANSWER };
        self.client.stream(&request, watch).await
    }
}

/// The answer among what else the server has to say (progress, log lines, pings).
async fn from_events(body: Body, id: i64) -> Result<Value, Fault> {
    let mut events = body.events();
    while let Some(event) = events.next().await {
        let Ok(message) = serde_json::from_str::<Value>(&event?.data) else {
            return Err(events.failed(Fault::Malformed("an event is no JSON")));
        };
        if message["id"].as_i64() == Some(id) && message.get("method").is_none() {
            return Ok(message);
        }
    }
    Err(Fault::Malformed("its events hold no answer"))
}

fn reply(answer: &Value, id: i64) -> Result<Reply, Fault> {
    if let Some(error) = answer.get("error") {
        let message = error["message"].as_str().unwrap_or_default().chars().take(MAX_MESSAGE).collect();
        return Ok(Reply::Error { code: error["code"].as_i64().unwrap_or_default(), message });
    }
    match answer.get("result") {
        Some(result) if answer["id"].as_i64() == Some(id) => Ok(Reply::Result(result.clone())),
        _ => Err(Fault::Malformed("it answered something else")),
    }
}
