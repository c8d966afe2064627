//! Deepgram's live transcription: speech to text over one WebSocket a call.
//!
//! Sound is sent only within utterances; between them the socket is kept alive. Turn taking is ours, so an utterance is ended by us, with Finalize;
//! that Deepgram takes it for complete before is a hint ([`RecognitionEvent::EndOfSpeech`]).

mod assembly;
mod driver;
mod hints;
mod line;
mod utterance;
mod wire;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use outbound::{Client, Fault, Request, Setup, Standby, StandbyPolicy};
use privacy::Secret;
use resilience::Guard;
use tokio::time::{Instant, timeout_at};

use crate::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText};
use driver::{Driver, Work};
use hints::{Hints, KnownHints};
use line::{Coding, Line};
use utterance::{Phase, Shared};
use wire::Said;

/// The engine's name.
pub const NAME: &str = "deepgram";
/// Deepgram's own address.
pub const BASE_URL: &str = "https://api.deepgram.com";
/// The model that its documentation advises for telephone calls (2026).
pub const DEFAULT_MODEL: &str = "nova-3";
/// Models that take key terms.
const TAKES_KEY_TERMS: &str = "nova-3";
/// Kinds of sockets (rate, language, hints) that have some standing by; the one that was not used for longest makes room.
const MAX_KINDS: usize = 8;

/// Where Deepgram is, and its key: for hearing and for speaking.
pub fn setup(base_url: impl Into<String>, key: &Secret) -> Setup {
    Setup::with_key(base_url, "authorization", Secret::from(format!("Token {}", key.expose())))
}

/// Settings of live transcription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeepgramConfig {
    /// The model: [`DEFAULT_MODEL`].
    pub model: String,
    /// So much silence ends what is said, for Deepgram's own hint: 300 ms. Its default of 10 ms ends within words.
    pub endpointing: Duration,
    /// So long without a new word ends it where noise hides the silence: 1 s, the least that Deepgram takes.
    pub utterance_end: Duration,
    /// For a connection: 1.5 s.
    pub connect: Duration,
    /// Finalize is answered within this time, or not at all: 500 ms.
    pub finalize: Duration,
    /// After so long words are not worth waiting for, so a socket that breaks is not replaced for them: 1.5 s after the utterance.
    pub rescue: Duration,
    /// An idle socket is kept alive this often: 4 s. Deepgram closes it after 10 s.
    pub keep_alive: Duration,
    /// An answer to a check: 3 s.
    pub check: Duration,
    /// Sockets that stand by, of each kind: one, for a minute.
    pub standby: StandbyPolicy,
}

impl Default for DeepgramConfig {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            model: DEFAULT_MODEL.to_owned(),
            endpointing: Duration::from_millis(300),
            utterance_end: Duration::from_secs(1),
            connect: Duration::from_millis(1500),
            finalize: Duration::from_millis(500),
            rescue: Duration::from_millis(1500),
            keep_alive: Duration::from_secs(4),
            check: Duration::from_secs(3),
            standby: StandbyPolicy { cap: 1, max_age: minute, idle: minute },
        }
    }
}

/// Speech to text by Deepgram.
pub struct Deepgram {
    client: Client,
    config: Arc<DeepgramConfig>,
    kinds: Mutex<VecDeque<(Kind, Standby<Line>)>>,
    hints: KnownHints,
}

/// What a socket is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    coding: Coding,
    language: String,
    hints: Hints,
}

impl Deepgram {
    /// Ears behind this guard; [`setup`] says where Deepgram is.
    ///
    /// # Errors
    /// [`SpeechError::Outside`]: an address or a key that cannot be used.
    pub fn new(setup: &Setup, guard: Guard, config: DeepgramConfig) -> Result<Self, SpeechError> {
        let client = Client::new(setup, guard).map_err(SpeechError::outside(NAME))?;
        Ok(Self { client, config: Arc::new(config), kinds: Mutex::default(), hints: KnownHints::default() })
    }

    /// Other models than these refuse key terms.
    async fn hints(&self, domain: &Arc<Domain>) -> Result<Hints, SpeechError> {
        if self.config.model.starts_with(TAKES_KEY_TERMS) { self.hints.of(domain).await } else { Ok(Hints::default()) }
    }

    /// Sockets that stand by now, of all kinds.
    pub fn standing_by(&self) -> usize {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, lines)| lines.ready()).sum()
    }

    /// The sockets of a kind.
    fn lines(&self, kind: Kind) -> Standby<Line> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kinds.iter().position(|(known, _)| *known == kind).and_then(|place| kinds.remove(place));
        let (kind, lines) = known.unwrap_or_else(|| {
            let lines = self.standby(&kind);
            (kind, lines)
        });
        kinds.truncate(MAX_KINDS - 1);
        kinds.push_front((kind, lines.clone()));
        lines
    }

    fn standby(&self, kind: &Kind) -> Standby<Line> {
        let (client, config, coding, request) = (self.client.clone(), Arc::clone(&self.config), kind.coding, request(&self.config, kind));
        Standby::new(config.standby, move || {
            let (client, config, request) = (client.clone(), Arc::clone(&config), request.clone());
            Box::pin(async move { Line::open(&client, &request, coding, config.connect, config.keep_alive).await })
        })
    }

    /// What says that it hears: an answer to a moment of silence.
    async fn answer(&self) -> Result<(), Fault> {
        let kind = Kind { coding: Coding::Mulaw, language: "en-US".to_owned(), hints: Hints::default() };
        let mut line =
            Line::open(&self.client, &request(&self.config, &kind), kind.coding, self.config.connect, self.config.keep_alive).await?;
        let until = Instant::now() + self.config.check;
        for control in [wire::FINALIZE, wire::CLOSE_STREAM] {
            line.control(control).await?;
        }
        loop {
            match timeout_at(until, line.next()).await {
                Ok(Ok(Said::Results(_) | Said::Metadata {})) => {
                    line.alive();
                    return Ok(());
                }
                Ok(said) => drop(said?),
                Err(_) => {
                    let fault = Fault::NoAnswer(self.config.check);
                    line.failed(&fault);
                    return Err(fault);
                }
            }
        }
    }
}

/// The telephone profile. Punctuation, but no other formatting: flows understand "two nights" and "June third", and not each way to write them.
fn request(config: &DeepgramConfig, kind: &Kind) -> Request {
    let (encoding, rate) = kind.coding.query();
    let request = Request::get("v1/listen")
        .query("model", &config.model)
        .query("language", &kind.language)
        .query("encoding", encoding)
        .query("sample_rate", rate)
        .query("channels", "1")
        .query("interim_results", "true")
        .query("punctuate", "true")
        .query("endpointing", config.endpointing.as_millis().to_string())
        .query("utterance_end_ms", config.utterance_end.as_millis().to_string());
    kind.hints.iter().fold(request, |request, hint| request.query("keyterm", hint.as_str()))
}

#[async_trait]
impl SpeechToText for Deepgram {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Nothing is trained: a domain's rarer words go along when a socket is opened.
    async fn prepare(&self, domain: &Arc<Domain>) -> Result<(), SpeechError> {
        self.hints(domain).await.map(drop)
    }

    async fn open(&self, listening: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        let Listening { domain, rate, language, meter } = listening;
        let coding = Coding::of(rate).ok_or(SpeechError::Rate { rate })?;
        let hints = self.hints(&domain).await?;
        let lines = self.lines(Kind { coding, language, hints });
        let mut line = lines.take().await.map_err(SpeechError::outside(NAME))?;
        line.alive();
        let shared = Arc::new(Shared::default());
        let driver = Driver {
            shared: Arc::clone(&shared),
            lines,
            config: Arc::clone(&self.config),
            coding,
            meter,
            line: Some(line),
            now: Work::default(),
            unanswered: 0,
        };
        tokio::spawn(driver.run());
        Ok(Box::new(DeepgramRecognition { shared, coding }))
    }

    /// Opens a socket, sends a moment of silence, and wants to be answered: that proves key, road and format.
    async fn check(&self) -> Result<(), SpeechError> {
        self.answer().await.map_err(SpeechError::outside(NAME))
    }
}

/// One call's recognition. The socket is in a task of its own, which ends with it.
struct DeepgramRecognition {
    shared: Arc<Shared>,
    coding: Coding,
}

#[async_trait]
impl Recognition for DeepgramRecognition {
    /// Hints are those of the whole call.
    fn expect(&mut self, _: &str) {}

    fn start(&mut self) {
        self.shared.renew(Phase::Open);
    }

    fn push(&mut self, pcm: &[i16]) {
        self.shared.push(self.coding, pcm);
    }

    /// Partial words come without being asked for.
    fn pause(&mut self) {}

    fn finish(&mut self) {
        self.shared.finish();
    }

    fn cancel(&mut self) {
        self.shared.renew(Phase::Idle);
    }

    async fn next(&mut self) -> RecognitionEvent {
        self.shared.next().await
    }
}

impl Drop for DeepgramRecognition {
    fn drop(&mut self) {
        self.shared.leave();
    }
}
