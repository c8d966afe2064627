//! `…/stream-input`: text in pieces, sound in pieces .

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::refusal::Refusal;
use super::{MAX_TEXT, format, header_key, refused, voices};
use crate::Vendor;
use crate::plan::{Act, Next};
use crate::server::Stage;
use crate::vendors::sound::{Coding, PIECE};

/// Idle limit, and the longest that may be asked for.
const IDLE: (u64, u64) = (20, 180);
/// Text is spoken when it is as long as this, letters, unless the client says otherwise (`chunk_length_schedule`; the first of it is used).
const ENOUGH: usize = 120;
/// Largest message of a client.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default = "super::http::default_format")]
    output_format: String,
    #[serde(rename = "xi-api-key")]
    key: Option<String>,
    inactivity_timeout: Option<u64>,
    /// Each piece is spoken as it comes.
    #[serde(default)]
    auto_mode: bool,
}

/// One piece of text.
#[derive(Debug, Deserialize)]
struct Piece {
    text: Option<String>,
    #[serde(default)]
    flush: bool,
    #[serde(rename = "xi-api-key")]
    key: Option<String>,
    generation_config: Option<Generation>,
}

#[derive(Debug, Deserialize)]
struct Generation {
    chunk_length_schedule: Vec<usize>,
}

struct Line {
    socket: WebSocket,
    stage: Stage,
    act: Act,
    coding: Coding,
    rate: u32,
    idle: Duration,
    /// Text is spoken when it is as long as this, letters.
    enough: usize,
}

/// The end of a socket: its code and what is said with it.
type End = (u16, &'static str);

/// They take the upgrade and say what is wrong over the socket, so a key may come with the first message.
pub(super) async fn open(
    State(stage): State<Stage>,
    Path(voice): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let key = header_key(&headers).map(str::to_owned).or(asked.key);
    let act = stage.plan.begin(Vendor::ElevenLabs);
    if let Some((status, after)) = act.refusal().filter(|(status, _)| *status != 401) {
        return Refusal::of_status(status, after).into_response();
    }
    let Some((coding, rate)) = format(&asked.output_format) else {
        return Refusal::new(400, "invalid_output_format", "This simulator has raw sound only.").into_response();
    };
    if let Err(refusal) = voices::known(&voice) {
        return refusal.into_response();
    }
    let idle = Duration::from_secs(asked.inactivity_timeout.unwrap_or(IDLE.0).min(IDLE.1));
    let enough = if asked.auto_mode { 1 } else { ENOUGH };
    let stop = stage.stop.clone();
    upgrade.max_message_size(MAX_MESSAGE_BYTES).on_upgrade(move |socket| async move {
        let line = Line { socket, stage, act, coding, rate, idle, enough };
        tokio::select! { () = one_text(line, key) => {}, () = stop.cancelled() => {} }
    })
}

async fn one_text(mut line: Line, key: Option<String>) {
    let end = match line.first(key).await {
        Ok(()) => line.texts().await,
        Err(refusal) => line.refuse(&refusal).await,
    };
    line.close(end).await;
}

impl Line {
    /// The first message: a single space, and the key if no header brought it.
    async fn first(&mut self, key: Option<String>) -> Result<(), Refusal> {
        let Some(Ok(value)) = self.message().await else { return Err(Refusal::new(1008, "input_timeout_exceeded", "No text came.")) };
        let piece: Piece = read(value)?;
        if let Some(refusal) = refused(&self.act, key.or(piece.key).as_deref()) {
            return Err(refusal);
        }
        if piece.text.as_deref() != Some(" ") {
            return Err(Refusal::new(1008, "invalid_init", "The first message must hold a single space as its text."));
        }
        let schedule = piece.generation_config.map(|generation| generation.chunk_length_schedule).unwrap_or_default();
        self.enough = schedule.first().copied().map_or(self.enough, |first| first.min(self.enough));
        Ok(())
    }

    /// Collects text until it is enough, is flushed or ends, and speaks it.
    async fn texts(&mut self) -> Result<End, ()> {
        let mut text = String::new();
        loop {
            let value = match self.message().await {
                Some(Ok(value)) => value,
                Some(Err(())) => return Err(()),
                None => return Ok((1008, "input_timeout_exceeded")),
            };
            let piece: Piece = match read(value) {
                Ok(piece) => piece,
                Err(refusal) => return self.refuse(&refusal).await,
            };
            let more = piece.text.unwrap_or_default();
            text.push_str(&more);
            if text.len() > MAX_TEXT {
                return self.refuse(&Refusal::new(1008, "max_character_limit_exceeded", "The text is too long.")).await;
            }
            if piece.flush || more.is_empty() || text.trim().chars().count() >= self.enough {
                let said = std::mem::take(&mut text);
                if let Some(end) = self.speak(&said).await? {
                    return Ok(end);
                }
            }
            if more.is_empty() {
                self.say(json!({ "audio": null, "isFinal": true, "normalizedAlignment": null, "alignment": null })).await?;
                self.act.complete();
                return Ok((1000, ""));
            }
        }
    }

    /// Speaks a text; `Some`: the socket ends.
    async fn speak(&mut self, text: &str) -> Result<Option<End>, ()> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let pcm = self.stage.mouth.say(text, self.rate).await.map_err(drop)?;
        self.act.wait_first().await;
        let piece = self.rate as usize * PIECE.as_millis() as usize / 1000;
        let (mut due, letters) = (Instant::now(), text.chars().count());
        for (at, sound) in pcm.chunks(piece).enumerate() {
            tokio::time::sleep_until(due).await;
            due += PIECE.div_f64(self.act.behaviour.pace.max(0.01));
            match self.act.next() {
                Next::Send => self.say(audio(&self.coding.write(sound), (at == 0).then_some((text, letters)))).await?,
                Next::Stall => return self.hang().await,
                Next::Cut => return Err(()),
                Next::Malformed => self.socket.send(Message::text("{\"audio\":")).await.map_err(drop)?,
                Next::Error => return self.refuse(&Refusal::new(1011, "internal_server_error", "Something went wrong.")).await.map(Some),
            }
        }
        Ok(None)
    }

    /// Says nothing more until the client is gone.
    async fn hang(&mut self) -> Result<Option<End>, ()> {
        while let Some(Ok(_)) = self.socket.recv().await {}
        Err(())
    }

    /// The next message as JSON; `None`: none came in time; `Err`: the client is gone.
    async fn message(&mut self) -> Option<Result<Value, ()>> {
        loop {
            match timeout(self.idle, self.socket.recv()).await.ok()? {
                Some(Ok(Message::Text(text))) => return Some(Ok(serde_json::from_str(text.as_str()).unwrap_or(Value::Null))),
                Some(Ok(Message::Binary(_))) => return Some(Ok(Value::Null)),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Some(Err(())),
            }
        }
    }

    async fn say(&mut self, value: Value) -> Result<(), ()> {
        self.socket.send(Message::text(value.to_string())).await.map_err(drop)
    }

    async fn refuse(&mut self, refusal: &Refusal) -> Result<End, ()> {
        self.act.complete();
        self.socket.send(Message::text(refusal.event())).await.map_err(drop)?;
        Ok((1008, refusal.word))
    }

    async fn close(mut self, end: Result<End, ()>) {
        if let Ok((code, reason)) = end {
            // Whoever does not take the goodbye is gone already.
            let _ = self.socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|_| Refusal::new(1008, "invalid_message", "The message is no JSON of this kind."))
}

/// One piece of sound, the first with when each letter is spoken: 60 ms each, as the hum does.
fn audio(bytes: &[u8], letters: Option<(&str, usize)>) -> Value {
    let alignment = letters.map(|(text, count)| {
        let starts: Vec<usize> = (0..count).map(|at| at * 60).collect();
        json!({ "charStartTimesMs": starts, "charDurationsMs": vec![60; count], "chars": text.chars().collect::<Vec<_>>() })
    });
    json!({ "audio": STANDARD.encode(bytes), "alignment": alignment, "normalizedAlignment": alignment, "isFinal": null })
}
