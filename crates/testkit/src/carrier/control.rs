//! Telnyx calls that are steered by command: the carrier brings events, the server answers with requests to the carrier's REST interface
//! ([`crate::telnyx_api`]), and the carrier does what it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use telephony::{Codec, MediaFormat};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::document::Connect;
use super::journal::CallEnd;
use super::line::Line;
use super::plan::Person;
use super::stream::{StreamEnd, stream};
use super::web::Web;
use crate::telnyx_api::{Obeyed, StreamWanted, TelnyxApi, TransferWanted, event_body};

/// What the server must present.
const API_KEY: &str = "KEY-carrier-simulator";
/// Commands that wait for one call.
const MAX_COMMANDS: usize = 64;
/// How often an event that was not taken is brought in all, and the pause before each repetition. The carrier's real schedule is not documented.
const TRIES: u32 = 4;
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// After a fault of the interface itself.
const RECOVER: Duration = Duration::from_millis(100);

/// The carrier's REST interface, and who acts on its commands. Clones are the same one.
#[derive(Clone)]
pub struct CallControl(Arc<Desk>);

struct Desk {
    api: Arc<TelnyxApi>,
    calls: Arc<Mutex<Calls>>,
    handing_on: JoinHandle<()>,
}

type Calls = HashMap<String, mpsc::Sender<Obeyed>>;

impl CallControl {
    /// Starts the interface.
    pub async fn start() -> Result<Self> {
        let api = Arc::new(TelnyxApi::start(API_KEY).await?);
        let calls = Arc::new(Mutex::new(Calls::new()));
        let handing_on = tokio::spawn(hand_on(Arc::clone(&api), Arc::clone(&calls)));
        Ok(Self(Arc::new(Desk { api, calls, handing_on })))
    }

    /// The server's settings that belong to it.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("TELNYX_API_KEY", API_KEY.to_owned()), ("TELNYX_API_URL", self.0.api.url().to_owned())]
    }

    /// The interface itself.
    pub fn api(&self) -> &TelnyxApi {
        &self.0.api
    }

    fn enter(&self, call_id: &str) -> mpsc::Receiver<Obeyed> {
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        lock(&self.0.calls).insert(call_id.to_owned(), sender);
        self.0.api.call_arrives(call_id);
        commands
    }

    fn leave(&self, call_id: &str) {
        self.0.api.call_ends(call_id);
        lock(&self.0.calls).remove(call_id);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.handing_on.abort();
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings each command to its call.
async fn hand_on(api: Arc<TelnyxApi>, calls: Arc<Mutex<Calls>>) {
    loop {
        // Nothing for a while is no fault: the interface waits so long and says so.
        let Ok(order) = api.order().await else {
            sleep(RECOVER).await;
            continue;
        };
        let call = lock(&calls).get(&order.call_control_id).cloned();
        if let Some(call) = call {
            // A call that is over, or that does not take its commands out, gets no more.
            let _ = call.try_send(order.obeyed);
        }
    }
}

/// Lives through one call.
pub(super) async fn follow(web: &Web, line: &Line, control: &CallControl) -> Result<CallEnd> {
    let commands = control.enter(&web.call_id);
    let mut steered = Steered { web, line, control, commands };
    let end = steered.through().await;
    control.leave(&web.call_id);
    let cause = json!({ "hangup_cause": "normal_clearing", "hangup_source": "caller" });
    let vanished = matches!(end, Ok(CallEnd::CallerLeft)) && line.hang_up != super::HangUp::Stop;
    if !vanished {
        // The call is over whether the server hears of it or not.
        let _ = steered.event("call.hangup", cause).await;
    }
    end
}

struct Steered<'a> {
    web: &'a Web,
    line: &'a Line,
    control: &'a CallControl,
    commands: mpsc::Receiver<Obeyed>,
}

/// What ended a stream.
enum Over {
    Stream(StreamEnd),
    Command(Obeyed),
}

impl Steered<'_> {
    async fn through(&mut self) -> Result<CallEnd> {
        let ringing = json!({ "direction": "incoming", "state": "parked", "from": self.web.from, "to": self.web.to });
        self.event("call.initiated", ringing).await?;
        loop {
            let command = tokio::select! {
                command = self.commands.recv() => command.context("the interface has stopped")?,
                () = self.line.leave.cancelled() => return Ok(CallEnd::CallerLeft),
            };
            if let Some(end) = self.obey(command).await? {
                return Ok(end);
            }
        }
    }

    async fn obey(&mut self, command: Obeyed) -> Result<Option<CallEnd>> {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            match command {
                Obeyed::Answer(wanted) => {
                    self.event("call.answered", json!({})).await?;
                    if let Some(wanted) = wanted {
                        match self.stream(wanted).await? {
                            Ok(end) => return Ok(end),
                            Err(command) => next = Some(command),
                        }
                    }
                }
                Obeyed::StartStream(wanted) => match self.stream(wanted).await? {
                    Ok(end) => return Ok(end),
                    Err(command) => next = Some(command),
                },
                Obeyed::Speak(text) => {
                    self.line.journal().said.push(text);
                    self.event("call.speak.ended", json!({ "status": "completed" })).await?;
                }
                Obeyed::Transfer(wanted) => {
                    if let Some(end) = self.transfer(wanted).await? {
                        return Ok(Some(end));
                    }
                }
                Obeyed::StopStream => {}
                Obeyed::HangUp => return Ok(Some(CallEnd::HungUp)),
            }
        }
        Ok(None)
    }

    /// A stream to its end. `Ok` when the call may be over (`Some`) or goes on (`None`), `Err` with the command that ended the stream.
    async fn stream(&mut self, wanted: StreamWanted) -> Result<Result<Option<CallEnd>, Obeyed>> {
        ensure!(wanted.heard, "the stream was asked for without a mode in which the caller hears anything");
        let codec = Codec::from_name(&wanted.codec).with_context(|| format!("this carrier does not speak {}", wanted.codec))?;
        let connect = Connect {
            action: None,
            url: wanted.url.clone(),
            parameters: wanted.parameters.iter().cloned().collect(),
            status_callback: None,
            format: MediaFormat { codec, rate: wanted.rate },
        };
        let over = tokio::select! {
            end = stream(self.web, &connect, self.line, wanted.stream_id.clone()) => Over::Stream(end),
            command = self.commands.recv() => Over::Command(command.context("the interface has stopped")?),
        };
        self.line.journal().streaming = false;
        let mut about = json!({ "stream_id": wanted.stream_id, "stream_params": { "stream_url": wanted.url, "track": "inbound_track" } });
        match over {
            Over::Command(command) => return Ok(Err(command)),
            Over::Stream(StreamEnd::Left) => return Ok(Ok(Some(CallEnd::CallerLeft))),
            Over::Stream(StreamEnd::Over) => {
                self.control.0.api.stream_ends(&self.web.call_id);
                self.event("streaming.stopped", about).await?;
            }
            Over::Stream(StreamEnd::Unopened(why)) => {
                self.line.journal().trouble(why);
                self.control.0.api.stream_ends(&self.web.call_id);
                about["failure_reason"] = json!("connection_failed");
                self.event("streaming.failed", about).await?;
            }
        }
        Ok(Ok(None))
    }

    /// Another phone rings. Its leg has events of its own, each of which comes twice.
    async fn transfer(&self, wanted: TransferWanted) -> Result<Option<CallEnd>> {
        let leg = format!("v3:leg-{}", Uuid::new_v4().simple());
        let tell = async |kind: &str, mut more: Value| {
            more["client_state"] = json!(wanted.leg_state);
            let body = event_body(&Uuid::new_v4().to_string(), kind, &leg, &more);
            self.bring(kind, &body).await?;
            self.bring(kind, &body).await
        };
        let numbers = json!({ "direction": "outgoing", "state": "bridging", "from": wanted.from, "to": wanted.to });
        tell("call.initiated", numbers).await?;
        let cause = match self.line.person() {
            Person::Answers => {
                tell("call.answered", json!({})).await?;
                tell("call.bridged", json!({})).await?;
                self.event("call.bridged", json!({})).await?;
                tell("call.hangup", json!({ "hangup_cause": "normal_clearing", "hangup_source": "callee" })).await?;
                return Ok(Some(CallEnd::Transferred(wanted.to)));
            }
            Person::Busy => "user_busy",
            Person::Misses(after) => tokio::select! {
                () = sleep(after) => "timeout",
                () = self.line.leave.cancelled() => "originator_cancel",
            },
            Person::Rings => {
                self.line.leave.cancelled().await;
                "originator_cancel"
            }
        };
        if cause == "originator_cancel" {
            // The caller's line ended before the person's: commands find no call.
            self.control.0.api.call_ends(&self.web.call_id);
        }
        tell("call.hangup", json!({ "hangup_cause": cause, "hangup_source": "unknown" })).await?;
        Ok((cause == "originator_cancel").then_some(CallEnd::CallerLeft))
    }

    /// Brings an event of the caller's call until it is taken.
    async fn event(&self, kind: &str, more: Value) -> Result<()> {
        let body = event_body(&Uuid::new_v4().to_string(), kind, &self.web.call_id, &more);
        self.bring(kind, &body).await
    }

    async fn bring(&self, kind: &str, body: &str) -> Result<()> {
        let began = Instant::now();
        for attempt in 1..=TRIES {
            match self.web.event(body).await {
                Ok(()) => return Ok(()),
                Err(why) if attempt == TRIES => return Err(why.context(format!("{kind} was not taken in {:?}", began.elapsed()))),
                Err(_) => {
                    self.line.journal().retried += 1;
                    sleep(TRY_AGAIN).await;
                }
            }
        }
        bail!("no try was made")
    }
}
