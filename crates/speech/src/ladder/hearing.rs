//! The hearing of one call over a ladder of engines. What the caller says is kept until it is understood, so the next engine hears all of it.

use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::ears::{Engines, Opened, open, open_from, report};
use super::{OnChange, Why};
use crate::{Listening, Recognition, RecognitionEvent, SpeechError};

/// Sound of one utterance that is kept, seconds; engines keep no more either.
const KEPT_SECONDS: usize = 30;
/// After [`super::ears::UP_AFTER`], a guard that does not let through yet is asked again so often.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Where the utterance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is none.
    Idle,
    /// The caller speaks.
    Open,
    /// It is over, and its words have been waited for since then.
    Finished(Instant),
}

/// An engine being opened.
struct Opening {
    work: BoxFuture<'static, Result<Opened, SpeechError>>,
    /// Why the call goes down, and what is told when it cannot; `None`: it goes up.
    down: Option<(Why, SpeechError)>,
}

enum Step {
    Event(RecognitionEvent),
    Opened(Result<Opened, SpeechError>),
    Deadline,
}

pub(super) struct Hearing {
    engines: Engines,
    up_after: Duration,
    on_change: OnChange,
    listening: Listening,
    /// Which engine hears. While the next one is opened for an utterance, this one gets nothing and what it says is not heard.
    at: usize,
    recognition: Box<dyn Recognition>,
    opening: Option<Opening>,
    /// A better engine that is open and waits for the end of the utterance.
    better: Option<Opened>,
    /// When the better engine is looked at.
    up_at: Instant,
    state: Option<String>,
    audio: Vec<i16>,
    phase: Phase,
    paused: bool,
}

impl Hearing {
    pub(super) fn new(
        (engines, up_after, on_change): (Engines, Duration, OnChange),
        listening: Listening,
        at: usize,
        recognition: Box<dyn Recognition>,
    ) -> Self {
        let up_at = Instant::now() + up_after;
        let (state, audio) = (None, Vec::new());
        let (opening, better) = (None, None);
        let (phase, paused) = (Phase::Idle, false);
        Self { engines, up_after, on_change, listening, at, recognition, opening, better, up_at, state, audio, phase, paused }
    }

    /// True while the engine that failed is still the last one we had.
    fn is_between(&self) -> bool {
        self.opening.as_ref().is_some_and(|opening| opening.down.is_some())
    }

    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Finished(at) => self.engines.get(self.at).map(|rung| at + rung.patience.go_on),
            Phase::Idle if self.at > 0 && self.opening.is_none() => Some(self.up_at),
            Phase::Idle | Phase::Open => None,
        }
    }

    async fn step(&mut self) -> Step {
        let deadline = self.deadline();
        let (recognition, opening) = (&mut self.recognition, &mut self.opening);
        match opening {
            Some(Opening { work, down: Some(_) }) => Step::Opened(work.await),
            up => tokio::select! {
                event = recognition.next() => Step::Event(event),
                opened = async { match up { Some(opening) => (&mut opening.work).await, None => pending().await } } => Step::Opened(opened),
                () = async { match deadline { Some(at) => sleep_until(at).await, None => pending().await } } => Step::Deadline,
            },
        }
    }

    /// An event for the call, if it is one.
    fn heard(&mut self, event: RecognitionEvent) -> Option<RecognitionEvent> {
        match event {
            RecognitionEvent::Failed(fault) => self.lost(fault),
            _ if self.phase == Phase::Idle => None,
            RecognitionEvent::Final(transcript) => {
                self.rest();
                Some(RecognitionEvent::Final(transcript))
            }
            other => Some(other),
        }
    }

    /// The engine failed: a better one that is open already takes over, or the next one is opened, or the utterance is lost.
    fn lost(&mut self, fault: SpeechError) -> Option<RecognitionEvent> {
        let why = Why::of(&fault);
        if let Some(better) = self.better.take() {
            self.take(better, why);
            return None;
        }
        self.recognition.cancel();
        if self.at + 1 < self.engines.len() {
            let work = Box::pin(open_from(self.engines.clone(), self.at + 1, self.listening.clone()));
            self.opening = Some(Opening { work, down: Some((why, fault)) });
            return None;
        }
        self.gave_up(fault)
    }

    fn gave_up(&mut self, fault: SpeechError) -> Option<RecognitionEvent> {
        let lost = self.phase != Phase::Idle;
        self.rest();
        lost.then_some(RecognitionEvent::Failed(fault))
    }

    fn opened(&mut self, opened: Result<Opened, SpeechError>) -> Option<RecognitionEvent> {
        let down = self.opening.take().and_then(|opening| opening.down);
        match (opened, down) {
            (Ok(next), Some((why, _))) => self.take(next, why),
            (Ok(better), None) if self.phase == Phase::Idle => self.take(better, Why::Recovered),
            (Ok(better), None) => self.better = Some(better),
            // The old one stays: it may hear the next utterance.
            (Err(_), Some((_, fault))) => return self.gave_up(fault),
            (Err(_), None) => self.up_at = Instant::now() + self.up_after,
        }
        None
    }

    /// Another engine hears from now on, and hears again what the caller has said of this utterance.
    fn take(&mut self, (at, _, recognition): Opened, why: Why) {
        report(&self.engines, &self.on_change, (self.at, at), why);
        (self.at, self.recognition) = (at, recognition);
        self.up_at = Instant::now() + self.up_after;
        if let Some(state) = &self.state {
            self.recognition.expect(state);
        }
        if self.phase == Phase::Idle {
            return;
        }
        self.recognition.start();
        // A second at a time: engines send what they are given as one message.
        for second in self.audio.chunks(self.listening.rate as usize) {
            self.recognition.push(second);
        }
        match self.phase {
            Phase::Finished(_) => {
                self.recognition.finish();
                self.phase = Phase::Finished(Instant::now());
            }
            _ if self.paused => self.recognition.pause(),
            _ => {}
        }
    }

    /// The utterance is over. This is the moment to go up.
    fn rest(&mut self) {
        self.phase = Phase::Idle;
        self.audio = Vec::new();
        if let Some(better) = self.better.take() {
            self.take(better, Why::Recovered);
        }
    }

    /// Looks for a better engine that is let through.
    fn look_up(&mut self) {
        let above = self.engines.iter().enumerate().take(self.at);
        let Some((at, rung)) = above.into_iter().find(|(_, rung)| rung.lets_through()) else {
            self.up_at = Instant::now() + ASK_AGAIN;
            return;
        };
        let (rung, listening) = (rung.clone(), self.listening.clone());
        let work = Box::pin(async move { open(&rung, listening).await.map(|recognition| (at, None, recognition)) });
        self.opening = Some(Opening { work, down: None });
    }

    fn late(&mut self) -> Option<RecognitionEvent> {
        let rung = self.engines.get(self.at)?;
        self.lost(SpeechError::Timeout { engine: rung.engine.name(), after: rung.patience.go_on })
    }
}

#[async_trait]
impl Recognition for Hearing {
    fn expect(&mut self, state: &str) {
        self.state = Some(state.to_owned());
        self.recognition.expect(state);
    }

    fn start(&mut self) {
        self.rest();
        (self.phase, self.paused) = (Phase::Open, false);
        if !self.is_between() {
            self.recognition.start();
        }
    }

    fn push(&mut self, pcm: &[i16]) {
        if self.phase != Phase::Open {
            return;
        }
        self.paused = false;
        // A ladder of one has nobody to play it to.
        if self.engines.len() > 1 {
            let room = (self.listening.rate as usize * KEPT_SECONDS).saturating_sub(self.audio.len());
            self.audio.extend_from_slice(&pcm[..pcm.len().min(room)]);
        }
        if !self.is_between() {
            self.recognition.push(pcm);
        }
    }

    fn pause(&mut self) {
        self.paused = self.phase == Phase::Open;
        if self.paused && !self.is_between() {
            self.recognition.pause();
        }
    }

    fn finish(&mut self) {
        if self.phase != Phase::Open {
            return;
        }
        self.phase = Phase::Finished(Instant::now());
        if !self.is_between() {
            self.recognition.finish();
        }
    }

    fn cancel(&mut self) {
        self.recognition.cancel();
        self.rest();
    }

    async fn next(&mut self) -> RecognitionEvent {
        loop {
            let news = match self.step().await {
                Step::Event(event) => self.heard(event),
                Step::Opened(opened) => self.opened(opened),
                Step::Deadline if self.phase == Phase::Idle => {
                    self.look_up();
                    None
                }
                Step::Deadline => self.late(),
            };
            if let Some(event) = news {
                return event;
            }
        }
    }
}
