//! The loop of one call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{AgentKind, Brain, BrainInput, BrainOutput, Exit, WaitTexts};
use audio::playout::Due;
use call::{CallRecord, EndReason};
use conversation::Conversation;
use flow::Flow;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use telemetry::SessionFact;
use telephony::MediaStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::close;
use crate::floor::{Unwritten, Utterance};
use crate::journal::Journal;
use crate::keypad::Keypad;
use crate::listen::Listener;
use crate::liveness::{Check, Liveness};
use crate::order::{self, Order};
use crate::recording::Track;
use crate::reply::Reply;
use crate::setup::{Ending, Interrupted, OnEnd, Services, SessionSetup, end};
use crate::socket::{Incoming, MediaSocket, SocketClosed};
use crate::speak::{Pace, SpeakEvent, Speaker};
use crate::tools::ToolDone;
use crate::traffic::Traffic;

/// A far end that takes no data for this long is gone.
pub(crate) const SEND_LIMIT: Duration = Duration::from_secs(5);
/// A mark that is this late is lost.
const MARK_GRACE: Duration = Duration::from_secs(3);
/// At a stop, a call's last sentence may take this long.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);
/// When a stream breaks, a `stop` that came in before is looked for this long.
pub(crate) const STOP_LIMIT: Duration = Duration::from_millis(500);

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
    /// What can be done in this call.
    pub(crate) toolbox: agent::Toolbox,
    /// What the call uses of outside services.
    pub(crate) meter: call::Meter,
    pub(crate) track: Option<Track>,
    pub(crate) tools: JoinSet<ToolDone>,
    pub(crate) utterance: Option<Utterance>,
    pub(crate) unwritten: Option<Unwritten>,
    /// The ears have not told yet what they heard of an utterance that is answered by its sound.
    pub(crate) ears_owe: bool,
    /// What the brain wants done after the caller's utterance.
    pub(crate) late: VecDeque<BrainOutput>,
    /// BCP 47: how the caller's words are read.
    pub(crate) language: String,
    pub(crate) wait_texts: WaitTexts,
    pub(crate) flow: Arc<Flow>,
    /// What the caller keys or says now is stored nowhere.
    pub(crate) secret: bool,
    pub(crate) keyed: String,
    pub(crate) keyed_from: u64,
    pub(crate) max_keys: u8,
    pub(crate) confidence_floor: f32,
    pub(crate) saying_goodbye: bool,
    pub(crate) goodbye_timed: bool,
    pub(crate) ending: Option<Exit>,
    /// Until when, on the call clock, the far end plays what was sent.
    pub(crate) agent_end_ms: u64,
    pub(crate) brain: Box<dyn Brain>,
    /// What the brain is told first.
    pub(crate) opening: BrainInput,
    /// A reply could not be spoken, and nothing was since.
    pub(crate) voiceless: bool,
    /// The brain owes the caller words, or they are not all heard.
    pub(crate) replying: bool,
    pub(crate) keypad: Keypad,
    pub(crate) liveness: Liveness,
    pub(crate) time_zone: TimeZone,
    /// When this stream began, and the call clock then: more than zero for a resumed call.
    pub(crate) origin: Instant,
    pub(crate) origin_ms: u64,
    pub(crate) hangup: CancellationToken,
    pub(crate) orders: watch::Receiver<Order>,
    /// The last order taken.
    pub(crate) ordered: Order,
    /// A last sentence was ordered; when it is waited for no longer.
    pub(crate) closing: Option<Instant>,
    pub(crate) bad_messages: u32,
    pub(crate) lost_frames: u32,
    pub(crate) traffic: Traffic,
    /// When sound was due at the last look.
    pub(crate) playout_due: Option<Instant>,
    pub(crate) on_end: OnEnd,
}

/// What woke the loop.
enum Wake<T> {
    Hangup,
    Ordered(Order),
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
            return Box::pin(crate::echo::serve(setup, services)).await;
        };
        let flow = Arc::clone(flow);
        match Box::pin(Self::open(*setup, services, flow)).await {
            Ok(session) => Box::pin(session.run()).await,
            Err((mut socket, on_end, ending)) => {
                end(&mut socket, on_end, &ending).await;
                ending
            }
        }
    }

    /// Drives the call to its end. What is decided is decided in the machines; what is awaited is awaited here.
    async fn run(mut self) -> Ending {
        self.services.recorder.fact(SessionFact::Started);
        let opening = self.opening.clone();
        let back = matches!(opening, BrainInput::TransferFailed { .. });
        self.tell(opening);
        if back {
            // Where it stood was at its end: whoever takes it up from there would have the caller put through again.
            self.save(now());
        }
        // Who had the stream before may have left events in it.
        let mut step = self.stream_events(now()).await;
        let ending = loop {
            match step {
                Ok(None) => step = self.step().await,
                Ok(Some(ending)) => break ending,
                Err(SocketClosed) => break self.stream_lost().await,
            }
        };
        self.shut(&ending).await;
        ending
    }

    /// The socket broke. A caller who hung up is told from a line that was cut by the carrier's `stop`, which may still lie unread.
    async fn stream_lost(&mut self) -> Ending {
        match tokio::time::timeout(STOP_LIMIT, stopped(&mut self.socket, self.stream.as_mut())).await {
            Ok(true) => Ending::new(EndReason::CallerHungUp, close::BY_CALLER),
            Ok(false) | Err(_) => Ending::interrupted(Interrupted::StreamLost, close::LOST),
        }
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
        self.playout_due = self.speaker.playout.deadline();
        tokio::select! {
            biased;
            () = self.hangup.cancelled() => Wake::Hangup,
            order = order::changed(&mut self.orders, self.ordered) => Wake::Ordered(order),
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
            Wake::Ordered(order) => return self.obey_order(order, now).await,
            Wake::Brain(output) => self.obey(output, now),
            Wake::Recognised(event) => self.recognised(event, now).await?,
            Wake::Spoken(SpeakEvent::Failed(fault)) => {
                error!(error = %fault, "a sentence could not be spoken");
                self.pump(now).await?;
                self.unspoken(now);
            }
            Wake::Spoken(SpeakEvent::Audio | SpeakEvent::PieceReady) => {}
            Wake::Tool(Some(Ok(done))) => self.tool_done(done),
            Wake::Tool(Some(Err(fault))) => {
                self.conversation.tool_done();
                error!(error = %fault, "a tool's task broke down");
            }
            Wake::Tool(None) => {}
            Wake::Message(message) => return self.message(message, now).await,
            Wake::Time => return self.timers(now).await,
        }
        Ok(None)
    }

    async fn obey_order(&mut self, order: Order, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        self.ordered = order;
        match order {
            Order::GoOn => {} // Last words that were begun cannot be taken back.
            Order::HandOver => return Ok(Some(Ending::interrupted(Interrupted::HandedOver, close::HANDED_OVER))),
            // A call that is saying goodbye ends by itself.
            Order::SayGoodbye if self.saying_goodbye => {}
            Order::SayGoodbye => {
                self.closing = Some(now + DRAIN_LIMIT);
                self.last_words(BrainInput::Closing, now).await?;
            }
        }
        Ok(None)
    }

    async fn timers(&mut self, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        if self.closing.is_some_and(|limit| now >= limit) {
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
        if self.quiet_due().is_some_and(|due| now >= due) {
            self.conversation.agent_quiet(self.speaker.is_making(), now);
        }
        if now >= self.traffic.deadline() {
            let frames = self.traffic.take(self.stream.as_ref(), now);
            self.services.recorder.fact(frames);
        }
        match self.liveness.check(now) {
            Check::Fine => Ok(None),
            Check::Ping => self.socket.ping().await.map(|()| None),
            Check::Lost if self.liveness.had_audio() => Ok(Some(Ending::interrupted(Interrupted::StreamLost, close::SILENT))),
            Check::Lost => Ok(Some(Ending::new(EndReason::ConnectionLost, close::SILENT))),
        }
    }

    /// Sends what is due.
    async fn pump(&mut self, now: Instant) -> Result<(), SocketClosed> {
        // The far end had a lead's worth: later than that, it has run dry.
        let mut late = self.playout_due.take().is_some_and(|due| now > due + Pace::TALK.lead);
        loop {
            let mut text = String::new();
            match self.speaker.playout.poll(now) {
                None => break,
                Some(Due::Mark(name)) => text = self.stream.mark(&name),
                Some(Due::Audio(pcm)) => {
                    let samples = pcm.len();
                    self.stream.audio(pcm, &mut text);
                    self.traffic.sent(samples, std::mem::take(&mut late));
                    // The far end plays it behind what it has, or now.
                    let now_ms = self.origin_ms.saturating_add(millis(now.saturating_duration_since(self.origin)));
                    let start_ms = now_ms.max(self.agent_end_ms);
                    if let Some(track) = &mut self.track {
                        track.agent(start_ms, pcm);
                    }
                    self.agent_end_ms = start_ms + self.stream.format().map_or(0, |format| samples as u64 * 1000 / u64::from(format.rate));
                    if self.speaker.sent(samples) {
                        self.conversation.agent_sounds();
                        self.first_audio(now);
                    }
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
        self.note_owed(&input);
        let local = self.local_time();
        self.brain.handle(input, local);
    }

    pub(crate) fn local_time(&self) -> DateTime {
        jiff::Timestamp::now().to_zoned(self.time_zone.clone()).datetime()
    }

    /// Milliseconds on the call clock: since the first stream started, the time between two streams left out.
    pub(crate) fn clock_ms(&self, at: Instant) -> u64 {
        self.origin_ms.saturating_add(millis(at.saturating_duration_since(self.origin)))
    }

    fn deadline(&self) -> Instant {
        let sound = [self.speaker.playout.deadline(), self.marks_due(), self.quiet_due()];
        let timers = [self.conversation.deadline(), self.stream.deadline(), self.closing];
        timers.into_iter().chain(sound).flatten().fold(self.liveness.deadline().min(self.traffic.deadline()), Instant::min)
    }

    /// When a complete reply whose marks did not come back is taken as heard: marks may be lost, and the floor must not be lost with them.
    fn marks_due(&self) -> Option<Instant> {
        let waiting = self.reply.complete && self.reply.exit.is_none() && self.speaker.is_done() && !self.speaker.ledger.all_heard();
        waiting.then(|| self.origin + Duration::from_millis(self.agent_end_ms.saturating_sub(self.origin_ms)) + MARK_GRACE)
    }

    fn by_exit(&self, exit: Exit) -> Ending {
        // Who was being put through is put through; what else ends now ends because this process stops.
        let closed = self.closing.is_some() && !matches!(exit, Exit::Transfer { .. });
        let ending = Ending::by_exit(exit);
        if closed { Ending { why: EndReason::Drained, close: close::GOING_AWAY, ..ending } } else { ending }
    }
}

/// The runtime's clock, which tests may pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Reads on until the end of the socket. True when the carrier said that the stream is over.
pub(crate) async fn stopped<S: MediaSocket>(socket: &mut S, stream: &mut dyn MediaStream) -> bool {
    while let Some(message) = socket.next().await {
        // What else is unread is of no use any more, and neither is a fault in it.
        if let Incoming::Text(text) = message
            && stream.handle_text(&text, now()).is_ok()
            && std::iter::from_fn(|| stream.poll_event()).any(|event| event == telephony::StreamEvent::Stopped)
        {
            return true;
        }
    }
    false
}
