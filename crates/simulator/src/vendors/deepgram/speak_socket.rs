//! `/v1/speak` over a WebSocket: text in pieces, sound as it is made.

use std::collections::VecDeque;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::refusal::{look, request_id};
use super::speak::{PIECE, Voice};
use crate::content::Mouth;
use crate::plan::Next;
use crate::server::Stage;
use crate::{Act, Vendor};

/// Most text that waits for Flush, characters.
const MAX_TEXT: usize = 2000;
/// No more is spoken while so many pieces of sound wait.
const MAX_WAITING: usize = 3000;
const NORMAL: u16 = 1000;
const POLICY: u16 = 1008;
const SERVER_FAULT: u16 = 1011;

/// The socket is no more, or shall be no more.
struct Over;

/// What is said when its time has come.
enum Out {
    Sound(Bytes),
    Flushed,
    Close,
}

pub(super) async fn upgrade(
    State(stage): State<Stage>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let act = stage.plan.begin(Vendor::Deepgram);
    let voice = match look(&act, &headers).and_then(|()| Voice::read(&query)) {
        Ok(voice) => voice,
        Err(refusal) => return refusal.into_response(),
    };
    act.wait_first().await;
    upgrade.on_upgrade(move |socket| async move {
        let stop = stage.stop.clone();
        let speech =
            Speech { socket, act, voice, mouth: stage.mouth, text: String::new(), out: VecDeque::new(), due: Instant::now(), number: 0 };
        tokio::select! {
            () = speech.run() => {}
            () = stop.cancelled() => {}
        }
    })
}

/// One socket.
struct Speech {
    socket: WebSocket,
    act: Act,
    voice: Voice,
    mouth: Mouth,
    /// What is to be said at the next Flush.
    text: String,
    /// What is to be sent; at most [`MAX_TEXT`] characters of sound for each Flush.
    out: VecDeque<Out>,
    /// When the next of it is sent.
    due: Instant,
    /// Of Flushed and Cleared.
    number: u64,
}

impl Speech {
    async fn run(mut self) {
        let name = self.voice.model.clone();
        let hello = json!({"type": "Metadata", "request_id": request_id(), "model_name": name, "model_version": "2026-01-01.0",
            "model_uuid": request_id()});
        if self.say(&hello).await.is_err() {
            return;
        }
        loop {
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = sleep_until(self.due), if !self.out.is_empty() => {
                    if self.send_next().await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            let done = match message {
                Some(Ok(Message::Text(text))) => self.control(&text).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                Some(Ok(Message::Close(_))) => {
                    self.act.complete();
                    Err(Over)
                }
                Some(Ok(Message::Binary(_))) => {
                    self.close(POLICY, "DATA-0000").await;
                    Err(Over)
                }
                Some(Err(_)) | None => Err(Over),
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn control(&mut self, text: &str) -> Result<(), Over> {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        match message.get("type").and_then(Value::as_str) {
            Some("Speak") => self.add(message.get("text").and_then(Value::as_str).unwrap_or_default()).await,
            Some("Flush") => self.flush().await,
            Some("Clear") => {
                self.text.clear();
                self.out.clear();
                self.number += 1;
                self.say(&json!({"type": "Cleared", "sequence_id": self.number})).await
            }
            Some("Close") => {
                if !self.text.is_empty() {
                    self.flush().await?;
                }
                self.out.push_back(Out::Close);
                Ok(())
            }
            _ => self.say(&json!({"type": "Warning", "description": "Unknown message type.", "code": "DATA-0001"})).await,
        }
    }

    async fn add(&mut self, text: &str) -> Result<(), Over> {
        if self.text.chars().count() + text.chars().count() > MAX_TEXT {
            let warning = json!({"type": "Warning", "description": "The text buffer is full; send Flush.", "code": "DATA-0002"});
            return self.say(&warning).await;
        }
        self.text.push_str(text);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Over> {
        if self.out.len() > MAX_WAITING {
            let warning = json!({"type": "Warning", "description": "Too much waits to be sent.", "code": "DATA-0003"});
            return self.say(&warning).await;
        }
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            let Ok(pcm) = self.mouth.say(&text, self.voice.rate).await else {
                self.close(SERVER_FAULT, "NET-0000").await;
                return Err(Over);
            };
            let (out, voice) = (&mut self.out, &self.voice);
            out.extend(pcm.chunks(voice.piece()).map(|piece| Out::Sound(voice.encode(piece))));
        }
        self.out.push_back(Out::Flushed);
        Ok(())
    }

    async fn send_next(&mut self) -> Result<(), Over> {
        match self.out.pop_front() {
            Some(Out::Sound(bytes)) => {
                self.trouble().await?;
                self.due = Instant::now() + PIECE.div_f64(self.act.behaviour.pace.max(0.01));
                self.socket.send(Message::Binary(bytes)).await.map_err(|_| Over)
            }
            Some(Out::Flushed) => {
                self.number += 1;
                self.say(&json!({"type": "Flushed", "sequence_id": self.number})).await
            }
            Some(Out::Close) => {
                self.act.complete();
                self.close(NORMAL, "").await;
                Err(Over)
            }
            None => Ok(()),
        }
    }

    /// What goes wrong before the next piece of sound.
    async fn trouble(&mut self) -> Result<(), Over> {
        match self.act.next() {
            Next::Send => Ok(()),
            Next::Stall => std::future::pending().await,
            Next::Cut => Err(Over),
            Next::Malformed => self.socket.send(Message::Text("{\"type\":".into())).await.map_err(|_| Over),
            Next::Error => {
                self.act.complete();
                self.close(SERVER_FAULT, "NET-0000").await;
                Err(Over)
            }
        }
    }

    async fn say(&mut self, message: &Value) -> Result<(), Over> {
        self.socket.send(Message::Text(message.to_string().into())).await.map_err(|_| Over)
    }

    async fn close(&mut self, code: u16, reason: &'static str) {
        // Whoever is gone needs no goodbye.
        let _ = self.socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
}
