//! Text to speech with flite and espeak-ng, sentence by sentence, a bounded number of processes at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audio::level::Level;
use call::Meter;
use tokio::sync::{Semaphore, mpsc};

use super::engine::{Programs, Voice};
use super::sentences::split_sentences;
use super::shape::shape;
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// Characters in one sentence, at most.
pub const MAX_SENTENCE: usize = 1_000;
/// Characters in one request, at most.
pub const MAX_TEXT: usize = 5_000;
/// Sentences made ahead of the listener.
const AHEAD: usize = 2;
/// Requests that may wait for a process.
const MAX_WAITING: usize = 128;
/// The least loudness of a spoken check word, dBFS; shaping brings speech to about -20.
const CHECK_DBFS: f32 = -30.0;
/// The engine's name on the console.
const ENGINE: &str = "local voices";

/// Settings of the local voices.
#[derive(Debug, Clone)]
pub struct LocalSynthesizerConfig {
    /// The flite program.
    pub flite: PathBuf,
    /// The espeak-ng program.
    pub espeak: PathBuf,
    /// Processes at once; a sentence takes some hundredths of a second of one core.
    pub processes: usize,
    /// For one sentence.
    pub deadline: Duration,
}

impl Default for LocalSynthesizerConfig {
    fn default() -> Self {
        Self { flite: "flite".into(), espeak: "espeak-ng".into(), processes: 2, deadline: Duration::from_secs(5) }
    }
}

/// Voices on this machine: `slt`, `rms`, `awb`, `kal`, `kal16` of flite, and `espeak:en-us` and the like.
#[derive(Clone)]
pub struct LocalSynthesizer {
    programs: Arc<Programs>,
    voices: Arc<[String]>,
    slots: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl LocalSynthesizer {
    /// Looks which of the two programs start.
    ///
    /// # Errors
    /// [`SpeechError::NotInstalled`] when neither is there.
    pub async fn start(config: LocalSynthesizerConfig) -> Result<Self, SpeechError> {
        let programs = Programs { flite: config.flite, espeak: config.espeak, deadline: config.deadline };
        let (flite, espeak) = tokio::join!(programs.starts("flite"), programs.starts("espeak-ng"));
        if let (Err(error), Err(_)) = (&flite, &espeak) {
            return Err(error.clone());
        }
        let voices = Voice::names(flite.is_ok(), espeak.is_ok());
        let processes = config.processes.max(1);
        Ok(Self {
            programs: Arc::new(programs),
            voices: voices.into(),
            slots: Arc::new(Semaphore::new(processes)),
            places: Arc::new(Semaphore::new(MAX_WAITING + processes)),
        })
    }

    /// One sentence at the asked rate.
    async fn sentence(&self, voice: &Voice, text: &str, rate: u32) -> Result<Arc<[i16]>, SpeechError> {
        let stopped = |_| SpeechError::Stopped { engine: ENGINE };
        let _slot = self.slots.acquire().await.map_err(stopped)?;
        let wav = self.programs.speak(voice, text).await?;
        // Shaping a long sentence takes milliseconds: not on a thread that moves live audio.
        let shaped =
            tokio::task::spawn_blocking(move || shape(&wav, rate)).await.map_err(|_| SpeechError::Stopped { engine: ENGINE })??;
        shaped.map(Into::into).ok_or_else(|| SpeechError::SilentAudio { engine: voice.engine(), text: text.to_owned() })
    }

    fn voice(&self, name: &str) -> Result<Voice, SpeechError> {
        let known = self.voices.iter().any(|voice| voice == name);
        Voice::parse(name)
            .filter(|_| known)
            .ok_or_else(|| SpeechError::UnknownVoice { voice: name.to_owned(), known: self.voices.join(", ") })
    }
}

#[async_trait]
impl TextToSpeech for LocalSynthesizer {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn voices(&self) -> Vec<String> {
        self.voices.to_vec()
    }

    fn voice_for(&self, wanted: &str, language: &str) -> Option<String> {
        // All of them are English.
        let known = self.voices.iter().find(|voice| *voice == wanted).or(self.voices.first());
        known.filter(|_| language.starts_with("en")).cloned()
    }

    async fn speak(&self, request: SpeakRequest, _: &Meter) -> Result<SpeechStream, SpeechError> {
        let voice = self.voice(&request.voice)?;
        if request.rate != 8_000 && request.rate != 16_000 {
            return Err(SpeechError::Rate { rate: request.rate });
        }
        let sentences = sentences(&request.text)?;
        let place =
            Arc::clone(&self.places).try_acquire_owned().map_err(|_| SpeechError::Overloaded { engine: ENGINE, waiting: MAX_WAITING })?;
        let (pieces, stream) = mpsc::channel(AHEAD);
        let this = self.clone();
        tokio::spawn(async move {
            let _place = place;
            for sentence in sentences {
                // A listener who has gone away stops the engine in the middle of a sentence.
                let spoken = tokio::select! {
                    spoken = this.sentence(&voice, &sentence, request.rate) => spoken,
                    () = pieces.closed() => return,
                };
                let failed = spoken.is_err();
                if pieces.send(spoken).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        let name = self.voices.first().cloned().unwrap_or_default();
        let voice = self.voice(&name)?;
        let spoken = self.sentence(&voice, "Ready.", 8_000).await?;
        let level = Level::of(&spoken).rms_dbfs;
        let seconds = spoken.len() as f32 / 8_000.0;
        if level < CHECK_DBFS || seconds < 0.2 {
            let detail = format!("the word \"ready\" became {seconds:.2} s of sound at {level:.0} dBFS");
            return Err(SpeechError::CheckFailed { engine: voice.engine(), detail });
        }
        Ok(())
    }
}

/// The sentences of a text without what an engine could trip over.
fn sentences(text: &str) -> Result<Vec<String>, SpeechError> {
    let limit = |characters, limit| SpeechError::TextLength { characters, limit };
    let characters = text.chars().count();
    if characters > MAX_TEXT {
        return Err(limit(characters, MAX_TEXT));
    }
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { straight(c) }).collect();
    let sentences = split_sentences(&plain);
    match sentences.iter().map(|sentence| sentence.chars().count()).max() {
        None => Err(limit(0, MAX_TEXT)),
        Some(longest) if longest > MAX_SENTENCE => Err(limit(longest, MAX_SENTENCE)),
        Some(_) => Ok(sentences),
    }
}

/// flite reads typographic quotes and dashes as letters of another language.
fn straight(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2013}' | '\u{2014}' => ',',
        other => other,
    }
}
