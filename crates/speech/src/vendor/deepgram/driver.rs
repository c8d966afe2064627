//! The task that owns a call's socket: sends the utterance's sound, keeps the socket alive between utterances, and puts the results together.

use std::sync::Arc;
use std::time::Duration;

use call::Meter;
use outbound::{Fault, Standby};
use resilience::{Classify, Failure};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::assembly::{Assembly, News};
use super::line::{Coding, Line};
use super::utterance::{Phase, Shared};
use super::wire::{self, Said};
use super::{DeepgramConfig, NAME};
use crate::SpeechError;

/// From so much sound on, an engine that says nothing at all does not listen: interim results come every second.
const TELLING: Duration = Duration::from_secs(1);
/// So many utterances without any answer, however short, and it does not listen either.
const UNANSWERED: u32 = 2;

/// One call's end of the socket.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) lines: Standby<Line>,
    pub(super) config: Arc<DeepgramConfig>,
    pub(super) coding: Coding,
    pub(super) meter: Meter,
    /// `None` after it broke: the next utterance opens another.
    pub(super) line: Option<Line>,
    /// The utterance that is worked on.
    pub(super) now: Work,
    /// Utterances without an answer, in a row.
    pub(super) unanswered: u32,
}

/// What was done about one utterance.
#[derive(Default)]
pub(super) struct Work {
    number: u64,
    assembly: Assembly,
    /// Bytes of its sound that this socket has.
    sent: usize,
    /// Finalize was said, and is waited for until then.
    due: Option<Instant>,
    /// Its sockets so far broke so often.
    breaks: u32,
    lost: bool,
}

/// What is to be done next.
enum Step {
    Leave,
    /// Another utterance is there; the one before may have sound in the engine that is not closed.
    Begin(u64),
    Connect(Option<Instant>),
    Send(Vec<u8>),
    Finalize,
    /// Nothing was said in it.
    Nothing,
    Wait,
}

impl Driver {
    pub(super) async fn run(mut self) {
        loop {
            let done = match self.step() {
                Step::Leave => return self.leave().await,
                Step::Begin(number) => self.begin(number).await,
                Step::Connect(until) => self.connect(until).await,
                Step::Send(bytes) => self.send(bytes).await,
                Step::Finalize => self.finalize().await,
                Step::Nothing => {
                    self.complete();
                    Ok(())
                }
                Step::Wait => self.wait().await,
            };
            if let Err(fault) = done {
                self.broke(fault);
            }
        }
    }

    fn step(&self) -> Step {
        let state = self.shared.lock();
        let over = match state.phase {
            _ if state.gone => return Step::Leave,
            _ if state.number != self.now.number => return Step::Begin(state.number),
            Phase::Idle => return Step::Wait,
            _ if self.now.lost => return Step::Wait,
            Phase::Open => None,
            Phase::Over { since } => Some(since),
        };
        let waiting = state.sound.get(self.now.sent..).unwrap_or_default();
        let message = self.coding.message(waiting.len(), over.is_some());
        match (&self.line, over) {
            (_, Some(_)) if state.sound.is_empty() => Step::Nothing,
            (None, over) => Step::Connect(over.map(|since| since + self.config.rescue)),
            _ if message > 0 => Step::Send(waiting.get(..message).unwrap_or_default().to_vec()),
            (_, Some(_)) if self.now.due.is_none() => Step::Finalize,
            _ => Step::Wait,
        }
    }

    async fn begin(&mut self, number: u64) -> Result<(), Fault> {
        let open = self.now.sent > 0 && self.now.due.is_none();
        self.now = Work { number, assembly: Assembly::new(self.position()), ..Work::default() };
        match &mut self.line {
            // What was given up must not become the beginning of what follows.
            Some(line) if open => line.control(wire::FINALIZE).await,
            _ => Ok(()),
        }
    }

    async fn connect(&mut self, until: Option<Instant>) -> Result<(), Fault> {
        let limit = until.map_or(self.config.connect, |until| until.saturating_duration_since(Instant::now()).min(self.config.connect));
        let mut line = timeout(limit, self.lines.take()).await.unwrap_or(Err(Fault::NoAnswer(limit)))?;
        line.alive();
        self.now.assembly = Assembly::new(line.position());
        (self.now.sent, self.now.due) = (0, None);
        self.line = Some(line);
        Ok(())
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Fault> {
        let Some(line) = &mut self.line else { return Ok(()) };
        self.now.sent += bytes.len();
        // After a break all of it goes out at once. Deepgram speaks of 1.25 times real time at most [unverified]; the caller does not wait so long.
        let sent = line.sound(bytes).await;
        line.count(&self.meter, &self.config.model);
        sent
    }

    async fn finalize(&mut self) -> Result<(), Fault> {
        self.now.due = Some(Instant::now() + self.config.finalize);
        let all = self.now.assembly.is_all(self.position());
        let asked = match &mut self.line {
            Some(line) => line.control(wire::FINALIZE).await,
            None => Ok(()),
        };
        // The slice is closed for the next utterance; this one needs no answer, and does not wait for the way there and back.
        if all {
            self.complete();
        }
        asked
    }

    async fn wait(&mut self) -> Result<(), Fault> {
        let due = self.now.due.filter(|_| !self.now.lost && self.waits());
        let said = {
            let (line, shared) = (&mut self.line, &self.shared);
            let next = async {
                match line {
                    Some(line) => line.next().await,
                    None => std::future::pending().await,
                }
            };
            let late = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                said = next => Some(said?),
                () = shared.work.notified() => return Ok(()),
                () = late => None,
            }
        };
        match said {
            Some(said) => self.said(said),
            None => return self.late(),
        }
        Ok(())
    }

    fn said(&mut self, said: Said) {
        let news = match said {
            Said::Results(results) => self.now.assembly.results(results, self.now.due.is_some()),
            Said::UtteranceEnd { last_word_end } => self.now.assembly.utterance_end(last_word_end),
            _ => return,
        };
        let News { words, end, complete } = news;
        if complete {
            return self.complete();
        }
        if words {
            self.shared.partial(self.now.number, self.now.assembly.transcript());
        }
        if end {
            self.shared.end(self.now.number);
        }
    }

    /// Finalize was not answered. It need not be, where little was said: what came so far is all there is.
    fn late(&mut self) -> Result<(), Fault> {
        if self.now.assembly.answered() {
            self.complete();
            return Ok(());
        }
        self.unanswered += 1;
        if self.now.sent < self.coding.bytes(TELLING) && self.unanswered < UNANSWERED {
            self.complete();
            return Ok(());
        }
        let fault = Fault::Stalled(self.config.finalize);
        if let Some(line) = &mut self.line {
            line.failed(&fault);
        }
        Err(fault)
    }

    fn complete(&mut self) {
        if self.now.assembly.answered() {
            self.unanswered = 0;
        }
        self.shared.complete(self.now.number, self.now.assembly.transcript());
    }

    /// The socket is no more, or there is none. The utterance is said again over another one, once, if there is time and it may help.
    fn broke(&mut self, fault: Fault) {
        debug!(engine = NAME, error = %fault, "the socket broke");
        self.line = None;
        self.now.breaks += 1;
        let again = self.now.breaks < 2 && matches!(fault.failure(), Failure::Transient | Failure::Broken) && self.in_time();
        if !again {
            self.now.lost = true;
            self.shared.lose(self.now.number, SpeechError::outside(NAME)(fault));
        }
    }

    fn in_time(&self) -> bool {
        match self.shared.lock().phase {
            Phase::Over { since } => since.elapsed() < self.config.rescue,
            Phase::Open | Phase::Idle => true,
        }
    }

    /// True while the words of the utterance that is worked on are waited for.
    fn waits(&self) -> bool {
        let state = self.shared.lock();
        state.number == self.now.number && matches!(state.phase, Phase::Over { .. })
    }

    fn position(&self) -> f64 {
        self.line.as_ref().map_or(0.0, Line::position)
    }

    async fn leave(self) {
        if let Some(line) = self.line {
            line.goodbye().await;
        }
    }
}
