//! One session: the client's events come in, the model's go out.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::config::Config;
use super::detect::Detector;
use super::response::Running;
use super::speaker::Step;
use crate::server::Stage;
use crate::vendors::goodbye;
use crate::vendors::talk::Talk;
use crate::{Act, Heard};

/// Longest session (openai-realtime.md 1: 60 minutes, unverified).
const SESSION_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Transcriptions under way.
const MAX_HEARINGS: usize = 32;
/// Items that are remembered.
const MAX_ITEMS: usize = 2000;

/// A session's state. Its parts are in `inbox` (what the client says) and `response` (what the model does).
pub(super) struct Session {
    pub(super) stage: Stage,
    pub(super) socket: WebSocket,
    pub(super) config: Config,
    pub(super) talk: Talk,
    pub(super) items: Vec<Item>,
    pub(super) buffer: Buffer,
    pub(super) detector: Detector,
    pub(super) running: Option<Running>,
    /// Utterances that are not understood yet.
    pub(super) hearing: usize,
    pub(super) hearings: (mpsc::Sender<Understood>, mpsc::Receiver<Understood>),
    /// Sound the caller sent since the last answer, and all tokens that were read before, for the bill.
    pub(super) new_audio_ms: u64,
    pub(super) audio_tokens: u64,
    pub(super) read_before: (u64, u64),
    pub(super) spoke: bool,
    limit: Duration,
    events: u64,
    ids: u64,
}

/// One item of the conversation.
pub(super) struct Item {
    pub(super) id: String,
    /// Length of its sound, for the agent's.
    pub(super) audio_ms: u64,
    pub(super) agent: bool,
    pub(super) value: Value,
}

/// Sound that is not committed yet.
#[derive(Default)]
pub(super) struct Buffer {
    /// 8 or 16 kHz: what ears take.
    pub(super) pcm: Vec<i16>,
    pub(super) rate: u32,
    pub(super) resampler: Option<audio::resample::Resampler>,
    /// The item it will be, once speech was detected in it.
    pub(super) item: Option<String>,
}

/// What ears made of an utterance.
pub(super) struct Understood {
    pub(super) item: String,
    pub(super) heard: Option<Heard>,
    pub(super) millis: u64,
    /// Time to tell the client; before, it is for the model.
    pub(super) late: bool,
}

/// Why a session is over.
pub(super) enum End {
    /// The client is gone, or said goodbye.
    Left,
    /// The connection breaks.
    Cut,
}

pub(super) async fn run(stage: Stage, mut act: Act, socket: WebSocket, model: String) {
    if act.trouble == Some(crate::Trouble::Silent) {
        return silent(socket, &stage).await;
    }
    let (id, stop) = (format!("sess_{:012x}", fastrand::u64(..) & 0xFFFF_FFFF_FFFF), stage.stop.clone());
    let mut session = Session {
        stage,
        socket,
        config: Config::new(&id, &model),
        talk: Talk::default(),
        items: Vec::new(),
        buffer: Buffer::default(),
        detector: Detector::default(),
        running: None,
        hearing: 0,
        hearings: mpsc::channel(MAX_HEARINGS),
        new_audio_ms: 0,
        audio_tokens: 0,
        read_before: (0, 0),
        spoke: false,
        limit: act.behaviour.session_ms.map_or(SESSION_LIMIT, Duration::from_millis),
        events: 0,
        ids: 0,
    };
    let end = tokio::select! {
        end = session.serve() => end,
        () = stop.cancelled() => End::Cut,
    };
    if matches!(end, End::Left) {
        act.complete();
    }
}

/// Takes everything and answers nothing, until the client goes.
async fn silent(mut socket: WebSocket, stage: &Stage) {
    let taking = async { while let Some(Ok(_)) = socket.recv().await {} };
    tokio::select! {
        () = taking => {}
        () = stage.stop.cancelled() => {}
    }
}

impl Session {
    async fn serve(&mut self) -> End {
        let due = Instant::now() + self.limit;
        let hello = json!({ "type": "session.created", "session": self.config.0 });
        if self.send(hello).await.is_err() {
            return End::Left;
        }
        loop {
            let done = tokio::select! {
                message = self.socket.recv() => self.received(message).await,
                Some(understood) = self.hearings.1.recv() => self.understood(understood).await,
                step = next_step(&mut self.running) => self.step(step).await,
                () = tokio::time::sleep_until(due) => self.expired().await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        match message {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(event) => self.client(&event).await,
                Err(_) => self.send(super::wire::Wrong::new("invalid_json").event(&Value::Null)).await,
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => self.send(super::wire::Wrong::new("invalid_event").event(&Value::Null)).await,
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Left),
        }
    }

    async fn expired(&mut self) -> Result<(), End> {
        let error = json!({ "type": "invalid_request_error", "code": "session_expired", "message": "Your session hit the maximum duration of 60 minutes.",
            "param": null, "event_id": null });
        self.send(json!({ "type": "error", "error": error })).await?;
        goodbye::close(&mut self.socket, 1001, "session_expired").await;
        Err(End::Left)
    }

    /// Sends an event with an id of its own.
    pub(super) async fn send(&mut self, mut event: Value) -> Result<(), End> {
        self.events += 1;
        event["event_id"] = json!(format!("event_{:06}", self.events));
        self.socket.send(Message::text(event.to_string())).await.map_err(|_| End::Left)
    }

    pub(super) fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}_{:04}{:08x}", self.ids, fastrand::u32(..))
    }

    /// Puts an item into the conversation, and says so as the vendor does: added, and done.
    pub(super) async fn put(&mut self, item: Value, agent: bool) -> Result<(), End> {
        let previous = self.items.last().map(|item| item.id.clone());
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.send(json!({ "type": kind, "previous_item_id": previous, "item": item })).await?;
        }
        self.remember(item, agent);
        Ok(())
    }

    pub(super) fn remember(&mut self, value: Value, agent: bool) {
        if self.items.len() == MAX_ITEMS {
            self.items.remove(0);
        }
        let id = value["id"].as_str().unwrap_or_default().to_owned();
        self.items.push(Item { id, audio_ms: 0, agent, value });
    }
}

/// The next step of the answer under way; waits for ever when there is none.
async fn next_step(running: &mut Option<Running>) -> Step {
    match running {
        // A speaker that ended without a last step could not speak.
        Some(running) => running.steps.recv().await.unwrap_or(Step::Failed("server_error")),
        None => std::future::pending().await,
    }
}
