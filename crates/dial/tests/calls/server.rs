//! A server to call: it checks every signature, answers with the documents a test gives it, and lets the test be the agent.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use call::Carrier;
use dial::{DialEvent, DialKeys, DialOptions, Url};
use serde_json::{Value, json};
use telephony::{Document, MediaFormat, telnyx, twilio};
use tokio::net::TcpListener;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SEED: [u8; 32] = [9; 32];

type Agent = Arc<dyn Fn(AgentSide) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One HTTP request that reached the server.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) signed: bool,
}

struct Inner {
    host: String,
    documents: Mutex<VecDeque<String>>,
    seen: Mutex<Vec<Seen>>,
    record: Mutex<Option<Value>>,
    agent: Agent,
}

pub(crate) struct Server {
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server whose media streams are handled by `agent`.
    pub(crate) async fn start<F, A>(agent: A) -> Self
    where
        A: Fn(AgentSide) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner {
            host: listener.local_addr().unwrap().to_string(),
            documents: Mutex::default(),
            seen: Mutex::default(),
            record: Mutex::default(),
            agent: Arc::new(move |side| Box::pin(agent(side))),
        });
        let routes = Router::new()
            .route("/webhooks/{carrier}/{what}", post(webhook))
            .route("/ws/{carrier}", get(stream))
            .route("/api/v1/calls/{id}", get(record))
            .with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { inner, task }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.inner.host)).unwrap()
    }

    /// The document that the next voice or action webhook gets; when none is left, they get a hang-up.
    pub(crate) fn will_answer(&self, carrier: Carrier, document: &Document) {
        self.inner.documents.lock().unwrap().push_back(document.render(carrier).unwrap());
    }

    /// The usual answer: our media stream, with a token, an action and a stream callback.
    pub(crate) fn will_connect(&self, carrier: Carrier) {
        let host = &self.inner.host;
        self.will_answer(
            carrier,
            &Document::ConnectStream {
                stream_url: format!("ws://{host}/ws/{carrier}"),
                parameters: vec![("token".into(), "once".into())],
                action_url: Some(format!("http://{host}/webhooks/{carrier}/answer")),
                status_callback_url: Some(format!("http://{host}/webhooks/{carrier}/stream")),
                format: MediaFormat::PCMU_8K,
                fallback: None,
            },
        );
    }

    pub(crate) fn will_record(&self, record: Value) {
        *self.inner.record.lock().unwrap() = Some(record);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Options to call this server, and the events it tells.
    pub(crate) fn options(&self) -> (DialOptions, Arc<Mutex<Vec<DialEvent>>>) {
        let mut options = DialOptions::new(self.url(), DialKeys::given(Some(TOKEN.into()), Some(SEED))).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&events);
        options.observer = Arc::new(move |event| told.lock().unwrap().push(event.clone()));
        options.watch = false;
        (options, events)
    }
}

async fn webhook(
    State(server): State<Arc<Inner>>,
    Path((carrier, what)): Path<(String, String)>,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let signed = if carrier == "twilio" {
        let url = format!("http://{}{}", server.host, uri.0);
        twilio::signature::verify(&[&url], &body, Some(&header("content-type")), &header("x-twilio-signature"), TOKEN)
    } else {
        let (timestamp, signature) = (header("telnyx-timestamp"), header("telnyx-signature-ed25519"));
        let now = jiff::Timestamp::now().as_second();
        telnyx::signature::verify(&body, &timestamp, &signature, &telnyx::signature::public_key(&SEED), now).is_ok()
    };
    let form = form_urlencoded::parse(&body).into_owned().collect();
    let query = uri.0.query().unwrap_or_default().to_owned();
    server.seen.lock().unwrap().push(Seen { path: uri.0.path().to_owned(), query, form, signed });
    if !signed {
        return StatusCode::FORBIDDEN.into_response();
    }
    match what.as_str() {
        "voice" | "answer" => {
            let hang_up = || "<Response><Hangup/></Response>".to_owned();
            let document = server.documents.lock().unwrap().pop_front().unwrap_or_else(hang_up);
            ([("content-type", "text/xml")], document).into_response()
        }
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn record(State(server): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_some_and(|value| value != "Bearer operator") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match &*server.record.lock().unwrap() {
        Some(record) => axum::Json(record.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn stream(State(server): State<Arc<Inner>>, Path(carrier): Path<String>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if carrier == "twilio" {
        let url = format!("ws://{}/ws/twilio", server.host);
        let signature = headers.get("x-twilio-signature").map(|value| value.to_str().unwrap()).unwrap_or_default();
        assert!(twilio::signature::verify(&[&url], b"", None, signature, TOKEN), "the handshake is not signed");
    }
    let agent = Arc::clone(&server.agent);
    upgrade.on_upgrade(async move |socket| agent(AgentSide { socket, telnyx: carrier == "telnyx", stream: String::new() }).await)
}

/// The agent's end of a media stream.
pub(crate) struct AgentSide {
    socket: WebSocket,
    telnyx: bool,
    stream: String,
}

impl AgentSide {
    /// The next text message and when it came; `None` when the stream is over. Other messages come as `{"event":"binary"}` or `"unreadable"`.
    pub(crate) async fn next(&mut self) -> Option<(Instant, Value)> {
        loop {
            let message = self.socket.recv().await?.ok()?;
            let now = Instant::now();
            match message {
                Message::Text(text) => {
                    let value: Value = serde_json::from_str(&text).unwrap_or(json!({"event": "unreadable"}));
                    return Some((now, value));
                }
                Message::Binary(_) => return Some((now, json!({"event": "binary"}))),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    /// Reads up to and with `start`, which is returned.
    pub(crate) async fn started(&mut self) -> Value {
        assert_eq!(self.next().await.unwrap().1["event"], "connected");
        let start = self.next().await.unwrap().1;
        assert_eq!(start["event"], "start");
        self.stream = start["streamSid"].as_str().or(start["stream_id"].as_str()).unwrap().to_owned();
        start
    }

    /// The next message of this kind, and when it came.
    pub(crate) async fn wait_for(&mut self, event: &str) -> (Instant, Value) {
        loop {
            let (at, message) = self.next().await.expect("the stream ended too early");
            if message["event"] == event {
                return (at, message);
            }
        }
    }

    /// Reads until the caller's audio is loud (`voice`) or quiet again, frame by frame.
    pub(crate) async fn wait_for_voice(&mut self, voice: bool) -> Instant {
        loop {
            let (at, message) = self.wait_for("media").await;
            if is_loud(&message) == voice {
                return at;
            }
        }
    }

    /// Reads to the end of the stream.
    pub(crate) async fn rest(&mut self) -> Vec<(Instant, Value)> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }

    /// Sends `ms` of a loud tone, in one message.
    pub(crate) async fn speak(&mut self, ms: usize) {
        // Mu-law 0x10 and 0x90 are about +-15,000.
        let bytes: Vec<u8> = (0..ms * 8).map(|at| if at % 16 < 8 { 0x10 } else { 0x90 }).collect();
        self.send(json!({"event": "media", "media": {"payload": STANDARD.encode(bytes)}})).await;
    }

    pub(crate) async fn mark(&mut self, name: &str) {
        self.send(json!({"event": "mark", "mark": {"name": name}})).await;
    }

    pub(crate) async fn clear(&mut self) {
        self.send(json!({"event": "clear"})).await;
    }

    pub(crate) async fn send(&mut self, mut message: Value) {
        if !self.telnyx {
            message["streamSid"] = self.stream.as_str().into();
        }
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn close(mut self, code: u16) {
        self.socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await.unwrap();
        self.rest().await;
    }
}

/// True when a media message of mu-law holds a voice.
pub(crate) fn is_loud(media: &Value) -> bool {
    let bytes = STANDARD.decode(media["media"]["payload"].as_str().unwrap()).unwrap();
    let mut pcm = Vec::new();
    audio::g711::decode_ulaw(&bytes, &mut pcm);
    audio::level::Level::of(&pcm).rms_dbfs > -40.0
}
