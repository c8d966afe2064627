//! One session: set-up first, then sound, turns and answers.

mod inbox;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::speaker::{self, Step};
use super::wire::{self, Setup};
use crate::server::Stage;
use crate::vendors::goodbye;
use crate::vendors::realtime::detect::Detector;
use crate::vendors::talk::Talk;
use crate::{Act, Heard, Vendor};

/// A connection is ended after so long (openai-realtime.md 5: about ten minutes, unverified).
const SESSION_LIMIT: Duration = Duration::from_secs(10 * 60);
/// So long before that it is said.
const WARNING: Duration = Duration::from_secs(2);
/// Sessions that may be taken up again.
const MAX_SAVED: usize = 64;
/// Utterances that are being understood.
const MAX_HEARINGS: usize = 8;
/// Sound of a token: 25 and 32 tokens a second are Google's figures for what is spoken and heard.
const SPOKEN_MS: u64 = 40;
const HEARD_MS: u64 = 31;

/// Sessions that may be taken up again, by their handle.
#[derive(Clone, Default)]
pub(super) struct Saved(Arc<Mutex<VecDeque<(String, Talk)>>>);

impl Saved {
    fn all(&self) -> MutexGuard<'_, VecDeque<(String, Talk)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, talk: &Talk) -> String {
        let handle = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let mut all = self.all();
        if all.len() == MAX_SAVED {
            all.pop_front();
        }
        all.push_back((handle.clone(), talk.clone()));
        handle
    }

    fn take(&self, handle: &str) -> Option<Talk> {
        self.all().iter().find(|(known, _)| known == handle).map(|(_, talk)| talk.clone())
    }
}

struct Session {
    stage: Stage,
    saved: Saved,
    socket: WebSocket,
    setup: Setup,
    talk: Talk,
    running: Option<Running>,
    /// The utterance under way, 16 kHz.
    utterance: Option<Vec<i16>>,
    detector: Detector,
    hearing: usize,
    hearings: (mpsc::Sender<Understood>, mpsc::Receiver<Understood>),
    /// Ids of the tools that were called and did not answer.
    waiting: Vec<String>,
    calls: u64,
    audio_ms: u64,
}

struct Understood {
    heard: Option<Heard>,
    millis: u64,
}

/// The model's turn.
struct Running {
    steps: mpsc::Receiver<Step>,
    generated: bool,
    spoken_ms: u64,
    words: String,
}

enum End {
    Left,
    Cut,
    /// Closed by the vendor.
    Close(u16, &'static str),
}

pub(super) async fn run(stage: Stage, saved: Saved, mut act: Act, socket: WebSocket) {
    let stop = stage.stop.clone();
    let mut session = Session {
        stage,
        saved,
        socket,
        setup: Setup::default(),
        talk: Talk::default(),
        running: None,
        utterance: None,
        detector: Detector::default(),
        hearing: 0,
        hearings: mpsc::channel(MAX_HEARINGS),
        waiting: Vec::new(),
        calls: 0,
        audio_ms: 0,
    };
    let silent = act.trouble == Some(crate::Trouble::Silent);
    let limit = act.behaviour.session_ms.map_or(SESSION_LIMIT, Duration::from_millis);
    let end = tokio::select! {
        end = session.serve(silent, limit) => end,
        () = stop.cancelled() => End::Cut,
    };
    match end {
        End::Cut => return,
        End::Left => {}
        End::Close(code, reason) => goodbye::close(&mut session.socket, code, reason).await,
    }
    act.complete();
}

impl Session {
    async fn serve(&mut self, silent: bool, limit: Duration) -> End {
        if let Err(end) = self.set_up(silent).await {
            return end;
        }
        let due = Instant::now() + limit;
        let mut warned = false;
        loop {
            let next = if warned { due } else { due - WARNING.min(limit / 2) };
            let done = tokio::select! {
                message = self.socket.recv() => self.received(message).await,
                Some(understood) = self.hearings.1.recv() => self.understood(understood).await,
                step = next_step(&mut self.running) => self.step(step).await,
                () = tokio::time::sleep_until(next) => self.ending(&mut warned, due).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn set_up(&mut self, silent: bool) -> Result<(), End> {
        let message = self.next().await?;
        if silent {
            loop {
                self.next().await?;
            }
        }
        self.setup = Setup::read(&message).map_err(|reason| End::Close(1007, reason))?;
        if let Some(handle) = &self.setup.handle {
            self.talk = self.saved.take(handle).ok_or(End::Close(1008, "BidiGenerateContent session not found"))?;
        }
        self.send(json!({ "setupComplete": {} })).await
    }

    /// The client's next message.
    async fn next(&mut self) -> Result<Value, End> {
        loop {
            let message = self.socket.recv().await;
            if let Some(value) = parsed(message)? {
                return Ok(value);
            }
        }
    }

    async fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        match parsed(message)? {
            Some(message) => self.client(&message).await,
            None => Ok(()),
        }
    }

    /// Google sends its JSON in binary frames.
    async fn send(&mut self, message: Value) -> Result<(), End> {
        self.socket.send(Message::binary(message.to_string())).await.map_err(|_| End::Left)
    }

    async fn ending(&mut self, warned: &mut bool, due: Instant) -> Result<(), End> {
        if std::mem::replace(warned, true) {
            return Err(End::Close(1001, "The session has reached its time limit."));
        }
        let left = due.saturating_duration_since(Instant::now()).as_secs_f64();
        self.send(json!({ "goAway": { "timeLeft": format!("{left:.3}s") } })).await
    }

    /// The model begins its turn.
    fn begin(&mut self) {
        let act = self.stage.plan.begin(Vendor::Gemini);
        let plan = self.talk.plan(&self.stage.mind, &self.setup.tools);
        let words = plan.say.clone();
        let steps = speaker::start(act, self.stage.mouth.clone(), plan, self.setup.writes);
        self.running = Some(Running { steps, generated: false, spoken_ms: 0, words });
    }

    /// The model is stopped, if it is at it or its sound is not played yet.
    async fn interrupt(&mut self) -> Result<(), End> {
        let cancelled: Vec<String> = self.waiting.drain(..).collect();
        if !cancelled.is_empty() {
            self.send(json!({ "toolCallCancellation": { "ids": cancelled } })).await?;
        }
        if let Some(running) = self.running.take() {
            self.send(json!({ "serverContent": { "interrupted": true } })).await?;
            self.turn_over(running).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Content(content, millis) => {
                if let Some(running) = &mut self.running {
                    running.spoken_ms += millis;
                }
                self.send(json!({ "serverContent": content })).await
            }
            Step::Generated => {
                if let Some(running) = &mut self.running {
                    running.generated = true;
                }
                self.send(json!({ "serverContent": { "generationComplete": true } })).await
            }
            Step::Complete => match self.running.take() {
                Some(running) => self.turn_over(running).await,
                None => Ok(()),
            },
            Step::Calls(calls) => self.call(calls).await,
            Step::Malformed => self.socket.send(Message::text("{\"serverContent\":")).await.map_err(|_| End::Left),
            Step::Closed(code) => Err(End::Close(code, "Internal error encountered.")),
            Step::Cut => Err(End::Cut),
        }
    }

    async fn turn_over(&mut self, running: Running) -> Result<(), End> {
        self.talk.said(&running.words);
        self.send(json!({ "serverContent": { "turnComplete": true } })).await?;
        let usage = self.usage(running.spoken_ms, 0);
        self.send(json!({ "usageMetadata": usage })).await?;
        if self.setup.resumes {
            let handle = self.saved.put(&self.talk);
            self.send(json!({ "sessionResumptionUpdate": { "newHandle": handle, "resumable": true } })).await?;
        }
        Ok(())
    }

    async fn call(&mut self, calls: Vec<(String, Value)>) -> Result<(), End> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let mut list = Vec::new();
        for (name, args) in calls {
            self.calls += 1;
            let id = format!("function-call-{}{:08x}", self.calls, fastrand::u32(..));
            self.talk.called(&id, &name);
            list.push(json!({ "id": id, "name": name, "args": args }));
            self.waiting.push(id);
        }
        self.talk.said(&running.words);
        if self.setup.resumes {
            self.send(json!({ "sessionResumptionUpdate": { "newHandle": "", "resumable": false } })).await?;
        }
        let usage = self.usage(running.spoken_ms, list.len() as u64 * 12);
        self.send(json!({ "toolCall": { "functionCalls": list } })).await?;
        self.send(json!({ "usageMetadata": usage })).await
    }

    fn usage(&mut self, spoken_ms: u64, written: u64) -> Value {
        let (text, audio) = (self.setup.instructions as u64 / 4 + self.talk.tokens(), self.audio_ms / HEARD_MS);
        let spoken = spoken_ms / SPOKEN_MS;
        let detail = |modality: &str, count: u64| json!({ "modality": modality, "tokenCount": count });
        json!({
            "promptTokenCount": text + audio, "responseTokenCount": spoken + written, "totalTokenCount": text + audio + spoken + written,
            "promptTokensDetails": [detail("TEXT", text), detail("AUDIO", audio)],
            "responseTokensDetails": [detail("AUDIO", spoken), detail("TEXT", written)],
        })
    }
}

/// A client's message; `None` for a frame of the transport.
fn parsed(message: Option<Result<Message, axum::Error>>) -> Result<Option<Value>, End> {
    let bytes = match message {
        Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
        Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
        Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Left),
    };
    let message = serde_json::from_slice(&bytes).map_err(|_| End::Close(1007, "Request contains an invalid argument."))?;
    Ok(Some(wire::camel(message)))
}

/// The next step of the turn under way; waits for ever when there is none.
async fn next_step(running: &mut Option<Running>) -> Step {
    match running {
        Some(running) => running.steps.recv().await.unwrap_or(Step::Closed(1011)),
        None => std::future::pending().await,
    }
}
