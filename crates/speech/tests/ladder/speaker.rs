//! An engine that speaks as it is told to, each with a loudness of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use call::{Meter, Unit};
use speech::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// All of it is said, at 14 letters a second.
    Say,
    /// It is refused.
    Refuse,
    /// After so much sound it breaks.
    Break(Duration),
    /// After so much sound nothing comes any more.
    Hang(Duration),
    /// After so much silence it is said.
    Silence(Duration),
    /// Only so much of it is said, as if that were all.
    Cut(Duration),
    /// It takes so long.
    Slow(Duration),
}

/// The engine, and what it was asked.
pub(crate) struct Speaker {
    address: &'static str,
    name: &'static str,
    pub(crate) level: i16,
    languages: &'static str,
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<String>>,
}

impl Speaker {
    /// Speaks all languages whose codes are in `languages`, separated by spaces.
    pub(crate) fn new(name: &'static str, level: i16, languages: &'static str) -> Arc<Self> {
        Self::at("", name, level, languages)
    }

    /// The same at this address.
    pub(crate) fn at(address: &'static str, name: &'static str, level: i16, languages: &'static str) -> Arc<Self> {
        Arc::new(Self { address, name, level, languages, acts: Mutex::default(), asked: Mutex::default() })
    }

    pub(crate) fn will(&self, acts: &[Act]) {
        self.acts.lock().unwrap().extend(acts);
    }

    /// What it was asked since the last look: voice and text.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl TextToSpeech for Speaker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn model(&self) -> &str {
        "one"
    }

    fn address(&self) -> &str {
        self.address
    }

    fn voices(&self) -> Vec<String> {
        vec![format!("{}'s voice", self.name)]
    }

    fn voice_for(&self, _: &str, language: &str) -> Option<String> {
        self.languages.split(' ').any(|known| known == language).then(|| format!("{}'s voice", self.name))
    }

    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        self.asked.lock().unwrap().push(format!("{}: {}", request.voice, request.text));
        let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Say);
        let whole = Duration::from_secs_f64(request.text.chars().count() as f64 / 14.0);
        let (silence, sound) = match act {
            Act::Refuse => return Err(SpeechError::Stopped { engine: self.name }),
            Act::Break(sound) | Act::Hang(sound) | Act::Cut(sound) => (Duration::ZERO, sound),
            Act::Silence(silence) => (silence, whole),
            Act::Say | Act::Slow(_) => (Duration::ZERO, whole),
        };
        meter.add(self.name, "one", Unit::Characters, request.text.chars().count() as u64);
        let (pieces, stream) = mpsc::channel(1);
        let (level, name, rate) = (self.level, self.name, request.rate);
        tokio::spawn(async move {
            if let Act::Slow(time) = act {
                sleep(time).await;
            }
            for (length, level) in [(silence, 0), (sound, level)] {
                let samples = vec![level; (length.as_secs_f64() * f64::from(rate)) as usize];
                for piece in samples.chunks(rate as usize / 10) {
                    if pieces.send(Ok(piece.into())).await.is_err() {
                        return;
                    }
                }
            }
            match act {
                Act::Break(_) => drop(pieces.send(Err(SpeechError::Stopped { engine: name })).await),
                Act::Hang(_) => pieces.closed().await,
                _ => {}
            }
        });
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}
