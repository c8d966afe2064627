//! `/v1/listen`: live transcription over a WebSocket.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::parameters::Parameters;
use super::refusal::{look, request_id};
use super::transcriber::Transcriber;
use crate::plan::Next;
use crate::server::Stage;
use crate::{Act, Event, Journal, Vendor};

/// Without sound and without a sign of life for so long, the socket is closed.
const SILENCE: Duration = Duration::from_secs(10);
/// Largest message that is taken.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The default of 128 KiB is filled with zeros at every read (docs/dependencies.md).
const READ_BUFFER: usize = 16 * 1024;
const NORMAL: u16 = 1000;
const POLICY: u16 = 1008;
const SERVER_FAULT: u16 = 1011;

/// The socket is no more, or shall be no more.
struct Over;

pub(super) async fn upgrade(
    State(stage): State<Stage>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let act = stage.plan.begin(Vendor::Deepgram);
    let parameters = match look(&act, &headers).and_then(|()| Parameters::read(&query)) {
        Ok(parameters) => parameters,
        Err(refusal) => return refusal.into_response(),
    };
    act.wait_first().await;
    let request = request_id();
    let id = HeaderValue::from_str(&request);
    let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(0).max_message_size(MAX_MESSAGE_BYTES);
    let mut response = upgrade.on_upgrade(move |socket| async move {
        let stop = stage.stop.clone();
        let (transcriber, journal) = (Transcriber::new(parameters, stage.ears, request), stage.journal);
        let stream =
            Stream { socket, act, transcriber, journal, words: String::new(), heard: false, mute: false, until: Instant::now() + SILENCE };
        tokio::select! {
            () = stream.run() => {}
            () = stop.cancelled() => {}
        }
    });
    if let Ok(id) = id {
        response.headers_mut().insert("dg-request-id", id);
    }
    response
}

/// One socket.
struct Stream {
    socket: WebSocket,
    act: Act,
    transcriber: Transcriber,
    journal: Journal,
    /// The last that were heard.
    words: String,
    /// Sound came: from then on a sign of life is enough.
    heard: bool,
    /// Nothing more is said.
    mute: bool,
    until: Instant,
}

impl Stream {
    async fn run(mut self) {
        loop {
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = sleep_until(self.until) => {
                    self.refuse(SERVER_FAULT, "NET-0001").await;
                    return;
                }
            };
            let done = match message {
                Some(Ok(Message::Binary(bytes))) if bytes.is_empty() => self.end().await,
                Some(Ok(Message::Binary(bytes))) => self.sound(&bytes).await,
                Some(Ok(Message::Text(text))) => self.control(&text).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                Some(Ok(Message::Close(_))) => {
                    self.act.complete();
                    Err(Over)
                }
                Some(Err(_)) | None => Err(Over),
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn sound(&mut self, bytes: &[u8]) -> Result<(), Over> {
        (self.heard, self.until) = (true, Instant::now() + SILENCE);
        if !self.transcriber.push(bytes) {
            self.refuse(POLICY, "DATA-0000").await;
            return Err(Over);
        }
        while let Some((message, is_final)) = self.transcriber.next().await {
            self.result(&message, is_final).await?;
        }
        Ok(())
    }

    async fn control(&mut self, text: &str) -> Result<(), Over> {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        match message.get("type").and_then(Value::as_str) {
            // A socket that never had sound is not kept.
            Some("KeepAlive") if self.heard => self.until = Instant::now() + SILENCE,
            Some("KeepAlive") => {}
            Some("Finalize") => {
                if let Some(results) = self.transcriber.finalize().await {
                    self.result(&results, true).await?;
                }
            }
            Some("Configure") => {
                let success = json!({"type": "ConfigureSuccess", "request_id": request_id(), "keyterms": message.get("keyterms")});
                self.say(&success).await?;
            }
            Some("CloseStream") => return self.end().await,
            // What Deepgram does with other text is unverified.
            _ => {
                self.refuse(POLICY, "DATA-0000").await;
                return Err(Over);
            }
        }
        Ok(())
    }

    /// The end, as the user wants it.
    async fn end(&mut self) -> Result<(), Over> {
        self.act.complete();
        let (results, metadata) = self.transcriber.close().await;
        if let Some(results) = results {
            self.say(&results).await?;
        }
        self.say(&metadata).await?;
        if !self.mute {
            self.close(NORMAL, "").await;
            return Err(Over);
        }
        Ok(())
    }

    /// Says something about the sound so far; the last words of an utterance take their time.
    async fn result(&mut self, message: &Value, is_final: bool) -> Result<(), Over> {
        if is_final {
            self.think().await;
        }
        self.say(message).await?;
        if is_final {
            let words = message["channel"]["alternatives"][0]["transcript"].as_str().unwrap_or_default();
            if !words.is_empty() {
                words.clone_into(&mut self.words);
            }
            // That there is nothing more is about the same words.
            self.journal.note(Event::Heard, || self.words.clone());
        }
        Ok(())
    }

    /// The time that a final result takes.
    fn think(&mut self) -> tokio::time::Sleep {
        self.act.follow();
        tokio::time::sleep(self.act.first)
    }

    async fn say(&mut self, message: &Value) -> Result<(), Over> {
        if self.mute {
            return Ok(());
        }
        match self.act.next_in_call() {
            Next::Send => {}
            Next::Stall => {
                self.mute = true;
                return Ok(());
            }
            Next::Cut => return Err(Over),
            Next::Malformed => self.send(r#"{"type":"Results","channel":"#.to_owned()).await?,
            Next::Error => {
                self.refuse(SERVER_FAULT, "NET-0000").await;
                return Err(Over);
            }
        }
        self.send(message.to_string()).await
    }

    /// Says what is wrong, in a message and as it closes.
    async fn refuse(&mut self, code: u16, word: &'static str) {
        self.act.complete();
        let description = match word {
            "NET-0001" => "Deepgram did not receive audio data or a text message within the timeout window.",
            "DATA-0000" => "The payload cannot be decoded as audio.",
            _ => "The service has not transmitted a Text frame to the client within the timeout window.",
        };
        if !self.mute {
            let error = json!({"type": "Error", "description": description, "message": description, "variant": word});
            if self.send(error.to_string()).await.is_ok() {
                self.close(code, word).await;
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Over> {
        self.socket.send(Message::Text(text.into())).await.map_err(|_| Over)
    }

    async fn close(&mut self, code: u16, reason: &'static str) {
        // Whoever is gone needs no goodbye.
        let _ = self.socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
}
