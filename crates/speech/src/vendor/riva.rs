//! NVIDIA Riva's streaming recognition, over gRPC: one stream an utterance, on the least busy of some connections.
//!
//! Sound is kept until its words are there (at most 30 s): a stream that breaks is begun again, once, on another connection. Turn taking is ours, so
//! an utterance is ended by us, by ending the sound; that Riva takes it for complete before is a hint ([`RecognitionEvent::EndOfSpeech`]).

mod assembly;
mod driver;
mod models;
mod sound;
mod utterance;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::riva::asr::{RecognitionConfig, SpeechContext, StreamingRecognitionConfig};
pub use ::riva::{Channels, ChannelsConfig, PoolView};
use async_trait::async_trait;
use outbound::Fault;
use resilience::Guard;
use tokio::time::timeout;

use crate::vendor::hints::hints;
use crate::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText};
use driver::Driver;
use models::{Model, Models};
use sound::Encoder;
use utterance::{Running, Utterance};

/// The engine's name.
pub const NAME: &str = "riva";
/// Words that Riva is told to listen for, at most.
const MAX_HINTS: usize = 50;
/// How much they are favoured: NVIDIA advises 20 to 100 for greedy decoders, and 10 is the least that its examples use \[U\].
const BOOST: f32 = 20.0;
/// The sound that a check sends.
const CHECK_SOUND: Duration = Duration::from_millis(300);

/// Settings of the recognition.
#[derive(Debug, Clone, PartialEq)]
pub struct RivaConfig {
    /// The model; `None`: the first one that streams the call's language.
    pub model: Option<String>,
    /// Whether sentences are written with punctuation: off, for a server without that model refuses it \[U\].
    pub punctuation: bool,
    /// From the end of the sound to the last words: 1 s.
    pub finish: Duration,
    /// After so long words are not worth waiting for, so a stream that breaks is not begun again for them: 1.5 s after the utterance.
    pub rescue: Duration,
    /// An answer to a check's sound: 3 s.
    pub check: Duration,
}

impl Default for RivaConfig {
    fn default() -> Self {
        Self {
            model: None,
            punctuation: false,
            finish: Duration::from_secs(1),
            rescue: Duration::from_millis(1500),
            check: Duration::from_secs(3),
        }
    }
}

/// Speech to text by Riva.
pub struct Riva {
    channels: Channels,
    config: Arc<RivaConfig>,
    models: Mutex<Option<Arc<Models>>>,
}

impl Riva {
    /// Ears behind this guard. Needs a Tokio runtime: connections are opened at once.
    ///
    /// # Errors
    /// [`SpeechError::Outside`]: an address or a key that cannot be used.
    pub fn new(channels: ChannelsConfig, guard: Guard, config: RivaConfig) -> Result<Self, SpeechError> {
        let channels = Channels::new(channels, guard).map_err(SpeechError::outside(NAME))?;
        Ok(Self { channels, config: Arc::new(config), models: Mutex::default() })
    }

    /// Its connections: to look at, and to drain.
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// What the server has: asked once, and again by each check.
    async fn models(&self) -> Result<Arc<Models>, Fault> {
        let known = self.models.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(models) => Ok(models),
            None => self.ask_models().await,
        }
    }

    async fn ask_models(&self) -> Result<Arc<Models>, Fault> {
        let models = Arc::new(Models::of(self.channels.models().await?));
        *self.models.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&models));
        Ok(models)
    }

    async fn model(&self, language: &str) -> Result<Model, SpeechError> {
        self.models().await.map_err(SpeechError::outside(NAME))?.choose(self.config.model.as_deref(), language)
    }

    /// What says that it hears: health, its models, and an end to a moment of silence.
    async fn answer(&self) -> Result<(), SpeechError> {
        let outside = SpeechError::outside(NAME);
        self.channels.health().await.map_err(&outside)?;
        let models = self.ask_models().await.map_err(&outside)?;
        let model = models.any(self.config.model.as_deref())?;
        let (mut encoder, mut silence) = (Encoder::new(8000, &model)?, Vec::new());
        encoder.encode(&vec![0; CHECK_SOUND.as_millis() as usize * 8], &mut silence);
        let (sound, mut answers) = self.channels.listen(first(&self.config, &model, &[])).await.map_err(&outside)?;
        sound.send(silence.into()).await;
        drop(sound);
        answers.asked();
        let end = async {
            while answers.next().await?.is_some() {}
            Ok(())
        };
        match timeout(self.config.check, end).await {
            Ok(ended) => ended.map_err(outside),
            Err(_) => {
                answers.timed_out();
                Err(outside(Fault::NoAnswer(self.config.check)))
            }
        }
    }
}

/// The first message of a stream. Numbers are written as they were spoken, for flows understand "two nights", and not each way to write it.
fn first(config: &RivaConfig, model: &Model, hints: &[String]) -> StreamingRecognitionConfig {
    let context = SpeechContext { phrases: hints.to_vec(), boost: BOOST };
    let config = RecognitionConfig {
        encoding: model.encoding().into(),
        sample_rate_hertz: i32::try_from(model.rate).unwrap_or(i32::MAX),
        language_code: model.language.clone(),
        max_alternatives: 1,
        speech_contexts: if hints.is_empty() { Vec::new() } else { vec![context] },
        audio_channel_count: 1,
        enable_word_time_offsets: true,
        enable_automatic_punctuation: config.punctuation,
        model: model.name.clone(),
        verbatim_transcripts: true,
        ..RecognitionConfig::default()
    };
    StreamingRecognitionConfig { config: Some(config), interim_results: true }
}

#[async_trait]
impl SpeechToText for Riva {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Nothing is trained: a domain's rarer words go along with each stream.
    async fn prepare(&self, _: &Arc<Domain>) -> Result<(), SpeechError> {
        self.models().await.map(drop).map_err(SpeechError::outside(NAME))
    }

    async fn open(&self, listening: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        let Listening { domain, rate, language, meter } = listening;
        let model = self.model(&language).await?;
        let encoder = Encoder::new(rate, &model)?;
        // To count a domain's words takes too long for a thread that moves live audio.
        let hints = tokio::task::spawn_blocking(move || hints(&domain, MAX_HINTS)).await;
        let hints = hints.map_err(|_| SpeechError::Stopped { engine: NAME })?;
        let first = first(&self.config, &model, &hints);
        let driver = Driver { channels: self.channels.clone(), config: Arc::clone(&self.config), first, model, meter };
        Ok(Box::new(RivaRecognition { driver: Arc::new(driver), encoder, running: None }))
    }

    async fn check(&self) -> Result<(), SpeechError> {
        self.answer().await
    }
}

/// One call's recognition. Each utterance is in a task of its own, which ends with it.
struct RivaRecognition {
    driver: Arc<Driver>,
    encoder: Encoder,
    running: Option<Running>,
}

#[async_trait]
impl Recognition for RivaRecognition {
    /// Hints are those of the whole call.
    fn expect(&mut self, _: &str) {}

    fn start(&mut self) {
        let utterance = Arc::new(Utterance::new(self.driver.model.bytes_a_second()));
        let work = tokio::spawn(Arc::clone(&self.driver).run(Arc::clone(&utterance)));
        self.encoder.renew();
        self.running = Some(Running::new(utterance, work));
    }

    fn push(&mut self, pcm: &[i16]) {
        if let Some(running) = &self.running {
            running.utterance.push(|sound| self.encoder.encode(pcm, sound));
        }
    }

    /// Partial words come without being asked for.
    fn pause(&mut self) {}

    fn finish(&mut self) {
        if let Some(running) = &self.running {
            running.utterance.push(|sound| self.encoder.flush(sound));
            running.utterance.finish();
        }
    }

    fn cancel(&mut self) {
        self.running = None;
    }

    async fn next(&mut self) -> RecognitionEvent {
        let Some(running) = &self.running else { return std::future::pending().await };
        running.utterance.next().await
    }
}
