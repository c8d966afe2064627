//! The loop of one call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{AgentDefinition, AgentKind, Brain, BrainInput, Exit, FlowBrain, Toolbox};
use audio::playout::Due;
use call::{CallRecord, EndReason};
use conversation::Conversation;
use jiff::tz::TimeZone;
use speech::phrases::Phrases;
use speech::{Domain, SpeechToText};
use store::Records;
use telemetry::{CallRecorder, SessionFact};
use telephony::MediaStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::close::{self, Close};
use crate::floor::Utterance;
use crate::journal::Journal;
use crate::keypad::Keypad;
use crate::listen::{Listener, open_recognition};
use crate::liveness::{Check, Liveness};
use crate::recording::{Recordings, Track};
use crate::reply::{Reply, ToolDone};
use crate::socket::{Incoming, MediaSocket, SocketClosed};
use crate::speak::{SpeakEvent, Speaker};

/// What every call needs; one for the process.
pub struct Services {
    /// The recogniser, when one is installed.
    pub recognizer: Option<Arc<dyn SpeechToText>>,
    /// The voice.
    pub phrases: Phrases,
    /// Tools.
    pub tools: Toolbox,
    /// Call records.
    pub records: Arc<dyn Records>,
    /// Recordings, when they are on.
    pub recordings: Option<Recordings>,
    /// Facts for logs and numbers.
    pub recorder: CallRecorder,
}

/// What one call brings along: everything the server knows once the stream has started.
pub struct SessionSetup<S> {
    /// The socket.
    pub socket: S,
    /// The carrier's machine, past its `Started` event.
    pub stream: Box<dyn MediaStream>,
    /// The call's record.
    pub call: CallRecord,
    /// Who serves it.
    pub agent: Arc<AgentDefinition>,
    /// What may be said in the agent's calls.
    pub domain: Option<Arc<Domain>>,
    /// Picks prompt variants.
    pub seed: u64,
    /// Cancelled when an operator hangs up.
    pub hangup: CancellationToken,
    /// Cancelled when this process stops.
    pub drain: CancellationToken,
    /// Told how the call ended before the socket is closed: the carrier asks how to go on the moment it sees the close.
    pub on_end: OnEnd,
}

/// What is told how a call ended.
pub type OnEnd = Box<dyn FnOnce(&Ending) + Send>;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// For the record.
    pub why: EndReason,
    /// For the carrier: where the call goes on.
    pub exit: Option<Exit>,
    /// For the socket.
    pub close: Close,
}

impl Ending {
    pub(crate) fn new(why: EndReason, close: Close) -> Self {
        Self { why, exit: None, close }
    }

    fn by_exit(exit: Exit) -> Self {
        let why = match exit {
            Exit::Goodbye => EndReason::AgentHungUp,
            Exit::Silence => EndReason::Silence,
            Exit::Transfer { .. } => EndReason::Transferred,
        };
        Self { why, exit: Some(exit), close: close::BY_AGENT }
    }
}

/// A far end that takes no data for this long is gone.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// A mark that is this late is lost.
const MARK_GRACE: Duration = Duration::from_secs(3);
/// At a stop, a call's last sentence may take this long.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);

/// One call at work.
pub struct Session<S> {
    pub(crate) socket: S,
    pub(crate) stream: Box<dyn MediaStream>,
    pub(crate) call: CallRecord,
    pub(crate) services: Arc<Services>,
    pub(crate) conversation: Conversation,
    pub(crate) listener: Listener,
    pub(crate) speaker: Speaker,
    pub(crate) reply: Reply,
    pub(crate) journal: Journal,
    pub(crate) track: Option<Track>,
    pub(crate) tools: JoinSet<ToolDone>,
    pub(crate) utterance: Option<Utterance>,
    pub(crate) keyed: String,
    pub(crate) keyed_from: u64,
    pub(crate) max_keys: u8,
    pub(crate) confidence_floor: f32,
    pub(crate) saying_goodbye: bool,
    pub(crate) goodbye_timed: bool,
    pub(crate) ending: Option<Exit>,
    /// Until when, on the call clock, the far end plays what was sent.
    pub(crate) agent_end_ms: u64,
    brain: Box<dyn Brain>,
    pub(crate) keypad: Keypad,
    pub(crate) liveness: Liveness,
    time_zone: TimeZone,
    origin: Instant,
    hangup: CancellationToken,
    drain: CancellationToken,
    draining_until: Option<Instant>,
    pub(crate) bad_messages: u32,
    pub(crate) lost_frames: u32,
    on_end: OnEnd,
}

/// What woke the loop.
enum Wake<T> {
    Hangup,
    Drain,
    Message(Option<Incoming<T>>),
    Recognised(speech::RecognitionEvent),
    Brain(agent::BrainOutput),
    Spoken(SpeakEvent),
    Tool(Option<Result<ToolDone, tokio::task::JoinError>>),
    Time,
}

impl<S: MediaSocket> Session<S> {
    /// Serves a call to its end and closes its socket. Everything the call held is free when this returns.
    pub async fn serve(setup: Box<SessionSetup<S>>, services: Arc<Services>) -> Ending {
        let AgentKind::Flow(flow) = &setup.agent.kind else {
            return Box::pin(crate::echo::serve(setup)).await;
        };
        let flow = Arc::clone(flow);
        match Box::pin(Self::open(*setup, services, flow)).await {
            Ok(session) => Box::pin(session.run()).await,
            Err((mut socket, on_end, ending)) => {
                on_end(&ending);
                socket.close(ending.close.0, ending.close.1).await;
                ending
            }
        }
    }

    async fn open(setup: SessionSetup<S>, services: Arc<Services>, flow: Arc<flow::Flow>) -> Result<Self, (S, OnEnd, Ending)> {
        let now = now();
        let rate = setup.stream.format().map_or(8000, |format| format.rate);
        let recognition = open_recognition(services.recognizer.as_ref(), setup.domain.as_ref(), rate).await;
        let keypad_only = recognition.is_none();
        let listener = match Listener::new(rate, recognition) {
            Ok(listener) => listener,
            Err(fault) => {
                error!(error = %fault, rate, "this stream's audio cannot be listened to");
                return Err((setup.socket, setup.on_end, Ending::new(EndReason::Failed, close::BAD_FORMAT)));
            }
        };
        // `anonymous`, `client:...` and the like are not numbers that anybody could be called back on.
        let caller = Some(setup.call.from.expose())
            .filter(|from| from.trim_start_matches('+').chars().all(|sign| sign.is_ascii_digit()) && from.len() > 4);
        let mut brain = FlowBrain::new(Arc::clone(&flow), setup.seed, caller.map(str::to_owned));
        if keypad_only {
            brain.keypad_only();
        }
        let time_zone = TimeZone::get(&setup.agent.time_zone).unwrap_or(TimeZone::UTC);
        let track = services.recordings.as_ref().map(|recordings| recordings.track(setup.call.id, rate));
        Ok(Self {
            conversation: Conversation::new(rules(&flow), now),
            listener,
            speaker: Speaker::new(services.phrases.clone(), setup.agent.voice.clone(), rate),
            reply: Reply::default(),
            journal: Journal::open(Arc::clone(&services.records), setup.call.id),
            track,
            tools: JoinSet::new(),
            utterance: None,
            keyed: String::new(),
            keyed_from: 0,
            max_keys: 1,
            confidence_floor: flow.confidence_floor(),
            saying_goodbye: false,
            goodbye_timed: false,
            ending: None,
            agent_end_ms: 0,
            brain: Box::new(brain),
            keypad: Keypad::default(),
            liveness: Liveness::new(now),
            time_zone,
            origin: now,
            hangup: setup.hangup,
            drain: setup.drain,
            draining_until: None,
            bad_messages: 0,
            lost_frames: 0,
            on_end: setup.on_end,
            socket: setup.socket,
            stream: setup.stream,
            call: setup.call,
            services,
        })
    }

    /// Drives the call to its end. What is decided is decided in the machines; what is awaited is awaited here.
    async fn run(mut self) -> Ending {
        self.services.recorder.fact(SessionFact::Started);
        self.tell(BrainInput::Started);
        let ending = loop {
            match self.step().await {
                Ok(None) => {}
                Ok(Some(ending)) => break ending,
                Err(SocketClosed) => break Ending::new(EndReason::CallerHungUp, close::BY_CALLER),
            }
        };
        self.shut(&ending).await;
        ending
    }

    /// Waits for one thing, handles it, and drains the machines: an output left inside would be an output sent late.
    async fn step(&mut self) -> Result<Option<Ending>, SocketClosed> {
        let wake = self.wake().await;
        let now = now();
        if let Some(ending) = self.handle(wake, now).await? {
            return Ok(Some(ending));
        }
        self.conversation.handle_timeout(now);
        while let Some(action) = self.conversation.poll_action() {
            if let Some(ending) = self.act(action, now).await? {
                return Ok(Some(ending));
            }
        }
        self.pump(now).await?;
        Ok(self.ending.take().map(|exit| self.by_exit(exit)))
    }

    async fn wake(&mut self) -> Wake<S::Text> {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            () = self.hangup.cancelled() => Wake::Hangup,
            () = self.drain.cancelled(), if self.draining_until.is_none() => Wake::Drain,
            output = self.brain.next() => Wake::Brain(output),
            event = self.listener.next() => Wake::Recognised(event),
            event = self.speaker.next() => Wake::Spoken(event),
            done = self.tools.join_next(), if !self.tools.is_empty() => Wake::Tool(done),
            message = self.socket.next() => Wake::Message(message),
            () = tokio::time::sleep_until(deadline.into()) => Wake::Time,
        }
    }

    async fn handle(&mut self, wake: Wake<S::Text>, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        match wake {
            Wake::Hangup => return Ok(Some(Ending::new(EndReason::AgentHungUp, close::BY_OPERATOR))),
            Wake::Drain => {
                self.draining_until = Some(now + DRAIN_LIMIT);
                self.last_words(now).await?;
            }
            Wake::Brain(output) => self.obey(output, now),
            Wake::Recognised(event) => self.recognised(event, now).await?,
            Wake::Spoken(SpeakEvent::Failed(fault)) => {
                error!(error = %fault, "a sentence could not be spoken");
                self.pump(now).await?;
                self.settle(now);
            }
            Wake::Spoken(SpeakEvent::Audio | SpeakEvent::PieceReady) => {}
            Wake::Tool(Some(Ok(done))) => self.tool_done(done),
            Wake::Tool(Some(Err(fault))) => error!(error = %fault, "a tool's task broke down"),
            Wake::Tool(None) => {}
            Wake::Message(message) => return self.message(message, now).await,
            Wake::Time => return self.timers(now).await,
        }
        Ok(None)
    }

    async fn timers(&mut self, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        if self.draining_until.is_some_and(|limit| now >= limit) {
            return Ok(Some(Ending::new(EndReason::Drained, close::GOING_AWAY)));
        }
        if self.stream.deadline().is_some_and(|due| now >= due) {
            self.stream.handle_timeout(now);
            if let Some(ending) = self.stream_events(now).await? {
                return Ok(Some(ending));
            }
        }
        if self.marks_due().is_some_and(|due| now >= due) {
            warn!("the carrier did not return the marks of a reply: taken as heard by our clock");
            self.speaker.ledger.all_played();
            self.settle(now);
        }
        match self.liveness.check(now) {
            Check::Fine => Ok(None),
            Check::Ping => self.socket.ping().await.map(|()| None),
            Check::Lost => Ok(Some(Ending::new(EndReason::ConnectionLost, close::SILENT))),
        }
    }

    /// Sends what is due.
    async fn pump(&mut self, now: Instant) -> Result<(), SocketClosed> {
        loop {
            let mut text = String::new();
            match self.speaker.playout.poll(now) {
                None => break,
                Some(Due::Mark(name)) => text = self.stream.mark(&name),
                Some(Due::Audio(pcm)) => {
                    self.stream.audio(pcm, &mut text);
                    // The far end plays it behind what it has, or now.
                    let now_ms = millis(now.saturating_duration_since(self.origin));
                    let start_ms = now_ms.max(self.agent_end_ms);
                    if let Some(track) = &mut self.track {
                        track.agent(start_ms, pcm);
                    }
                    self.agent_end_ms =
                        start_ms + self.stream.format().map_or(0, |format| pcm.len() as u64 * 1000 / u64::from(format.rate));
                    self.first_audio(now);
                }
            }
            self.send(text).await?;
        }
        if self.reply.exit.is_some() {
            self.settle(now);
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, text: String) -> Result<(), SocketClosed> {
        tokio::time::timeout(SEND_LIMIT, self.socket.send(text)).await.unwrap_or(Err(SocketClosed))
    }

    /// Tells the brain what happened.
    pub(crate) fn tell(&mut self, input: BrainInput) {
        let local = jiff::Timestamp::now().to_zoned(self.time_zone.clone()).datetime();
        self.brain.handle(input, local);
    }

    /// Milliseconds since the stream started.
    pub(crate) fn clock_ms(&self, at: Instant) -> u64 {
        millis(at.saturating_duration_since(self.origin))
    }

    fn deadline(&self) -> Instant {
        let timers =
            [self.conversation.deadline(), self.speaker.playout.deadline(), self.stream.deadline(), self.draining_until, self.marks_due()];
        timers.into_iter().flatten().fold(self.liveness.deadline(), Instant::min)
    }

    /// When a complete reply whose marks did not come back is taken as heard: marks may be lost, and the floor must not be lost with them.
    fn marks_due(&self) -> Option<Instant> {
        let waiting = self.reply.complete && self.reply.exit.is_none() && self.speaker.is_done() && !self.speaker.ledger.all_heard();
        waiting.then(|| self.origin + Duration::from_millis(self.agent_end_ms) + MARK_GRACE)
    }

    fn by_exit(&self, exit: Exit) -> Ending {
        let ending = Ending::by_exit(exit);
        if self.draining_until.is_some() { Ending { why: EndReason::Drained, close: close::GOING_AWAY, ..ending } } else { ending }
    }

    /// Frees everything: the socket first, because a caller may wait behind it.
    async fn shut(mut self, ending: &Ending) {
        let now = now();
        std::mem::replace(&mut self.on_end, Box::new(|_| {}))(ending);
        self.socket.close(ending.close.0, ending.close.1).await;
        self.listener.cancel();
        let heard = self.speaker.cut(now);
        self.finish_turn(Some(heard), now);
        let ms = self.clock_ms(now);
        let line = self.listener.level();
        self.services.recorder.fact(SessionFact::Line { rms_dbfs: line.rms_dbfs, peak_dbfs: line.peak_dbfs, clipped: line.clipped });
        if self.lost_frames > 0 {
            self.services.recorder.fact(SessionFact::FramesLost { n: self.lost_frames });
        }
        if let Some(mut track) = self.track.take() {
            track.cut_agent(ms);
            track.close(ms).await;
        }
        // An effect that is under way is finished and recorded, or the next start would find it pending.
        while let Ok(Some(done)) = tokio::time::timeout(Toolbox::DEADLINE, self.tools.join_next()).await {
            if let Err(fault) = done {
                error!(error = %fault, "a tool's task broke down");
            }
        }
        self.services.recorder.fact(SessionFact::Ended { why: ending.why, turns: self.journal.count(), ms });
        self.journal.close().await;
    }
}

/// The agent's file over our defaults.
fn rules(flow: &flow::Flow) -> conversation::TurnTaking {
    let wanted = flow.turn_taking();
    let defaults = conversation::TurnTaking::default();
    conversation::TurnTaking {
        end_silence: Duration::from_millis(wanted.end_silence_ms),
        barge_in: defaults.barge_in.filter(|_| wanted.barge_in),
        silence: Duration::from_millis(wanted.silence_ms),
        max_duration: Duration::from_secs(wanted.max_duration_secs),
        ..defaults
    }
}

/// The runtime's clock, which tests may pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
