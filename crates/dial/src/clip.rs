//! The caller's voice, made before the call starts: pacing must never wait for a speech engine.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audio::{resample, wav};
use speech::{SpeakRequest, TextToSpeech};

use crate::DialError;
use crate::ear::is_voice;
use crate::script::Speech;

/// Longest that one step may speak.
pub const MAX_CLIP_SECONDS: u32 = 120;
/// Longest that the engine may take for one step.
pub const SPEAK_LIMIT: Duration = Duration::from_secs(30);
/// Most clips a cache keeps; more are made each time.
pub const MAX_CACHED_CLIPS: usize = 512;
/// Longest WAV file that is read.
const MAX_WAV_BYTES: u64 = 64 << 20;

/// Something to say, as samples of the line's rate.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) label: String,
    pub(crate) samples: Arc<[i16]>,
}

/// Words that were spoken before, by text, voice and rate. Clones share one cache: a load test speaks each sentence once.
#[derive(Clone, Default)]
pub struct ClipCache(Arc<Mutex<HashMap<SpeakRequest, Arc<[i16]>>>>);

impl std::fmt::Debug for ClipCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipCache").finish_non_exhaustive()
    }
}

/// Makes the audio of what a script says.
pub(crate) struct Voice<'a> {
    pub(crate) engine: Option<&'a dyn TextToSpeech>,
    pub(crate) cache: &'a ClipCache,
    pub(crate) name: &'a str,
    pub(crate) rate: u32,
}

impl Voice<'_> {
    /// The speech as samples.
    pub(crate) async fn clip(&self, speech: &Speech) -> Result<Clip, DialError> {
        match speech {
            Speech::Words { text, voice } => self.words(text, voice.as_deref().unwrap_or(self.name)).await,
            Speech::Wav(path) => self.file(path),
            Speech::Pcm { samples, rate } => {
                let label = "recorded speech".to_owned();
                let samples = resample::resample(samples, *rate, self.rate)?;
                self.checked(label, samples)
            }
        }
    }

    async fn words(&self, text: &str, voice: &str) -> Result<Clip, DialError> {
        let engine = self.engine.ok_or(DialError::NoVoiceEngine)?;
        let voices = engine.voices();
        if !voices.iter().any(|known| known == voice) {
            return Err(DialError::NoSuchVoice { voice: voice.to_owned(), engine: engine.name(), voices: voices.join(", ") });
        }
        let request = SpeakRequest { text: text.to_owned(), voice: voice.to_owned(), language: "en-US".to_owned(), rate: self.rate };
        if let Some(samples) = self.cache.get(&request) {
            return Ok(Clip { label: text.to_owned(), samples });
        }
        let late =
            |_| DialError::SpeechLimit { text: text.to_owned(), why: format!("the engine took longer than {} s", SPEAK_LIMIT.as_secs()) };
        let samples = tokio::time::timeout(SPEAK_LIMIT, self.speak(engine, request.clone())).await.map_err(late)??;
        if !samples.chunks(160).any(is_voice) {
            return Err(DialError::SpeechLimit { text: text.to_owned(), why: "the engine made no sound".to_owned() });
        }
        let clip = self.checked(text.to_owned(), samples)?;
        self.cache.put(request, &clip.samples);
        Ok(clip)
    }

    async fn speak(&self, engine: &dyn TextToSpeech, request: SpeakRequest) -> Result<Vec<i16>, DialError> {
        let failed = |source| DialError::Speech { text: request.text.clone(), source };
        let mut pieces = engine.speak(request.clone(), &Default::default()).await.map_err(failed)?;
        let mut samples = Vec::new();
        while let Some(piece) = pieces.recv().await {
            samples.extend_from_slice(&piece.map_err(failed)?);
            if samples.len() > self.limit() {
                break; // `checked` names the limit.
            }
        }
        Ok(samples)
    }

    fn file(&self, path: &Path) -> Result<Clip, DialError> {
        let unreadable = |source| DialError::File { path: path.to_owned(), source };
        let label = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_WAV_BYTES {
            return Err(DialError::ClipTooLong { name: label, limit_seconds: MAX_CLIP_SECONDS });
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let wrong = |source| DialError::Wav { path: path.to_owned(), source };
        let samples = wav::read(&bytes).and_then(|clip| clip.mono_at(self.rate)).map_err(wrong)?;
        self.checked(label, samples)
    }

    fn checked(&self, label: String, samples: Vec<i16>) -> Result<Clip, DialError> {
        if samples.len() > self.limit() {
            return Err(DialError::ClipTooLong { name: label, limit_seconds: MAX_CLIP_SECONDS });
        }
        Ok(Clip { label, samples: samples.into() })
    }

    const fn limit(&self) -> usize {
        (MAX_CLIP_SECONDS * self.rate) as usize
    }
}

impl ClipCache {
    fn get(&self, request: &SpeakRequest) -> Option<Arc<[i16]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(request).cloned()
    }

    fn put(&self, request: SpeakRequest, samples: &Arc<[i16]>) {
        let mut clips = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clips.len() < MAX_CACHED_CLIPS {
            clips.insert(request, Arc::clone(samples));
        }
    }
}
