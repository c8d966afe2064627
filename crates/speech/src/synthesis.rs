//! Text to speech, as the rest of the program sees it.

use std::sync::Arc;

use async_trait::async_trait;
use call::Meter;
use tokio::sync::mpsc;

use crate::SpeechError;

/// What to say, and how it shall sound.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpeakRequest {
    /// Plain text, written for the ear (no markup).
    pub text: String,
    /// The voice that is wanted. An engine that does not have it takes [`TextToSpeech::voice_for`].
    pub voice: String,
    /// BCP 47, such as `en-US`.
    pub language: String,
    /// Samples a second of the audio that is wanted: 8000 or 16000.
    pub rate: u32,
}

/// Speech as it is made: mono pieces at the asked rate. Bounded; ends when the channel closes.
pub type SpeechStream = mpsc::Receiver<Result<Arc<[i16]>, SpeechError>>;

/// An engine that speaks.
#[async_trait]
pub trait TextToSpeech: Send + Sync {
    /// The engine's name in logs, on the console and in prices.
    fn name(&self) -> &'static str;

    /// What changes when the same request sounds different: the model. Part of the key of cached phrases.
    fn model(&self) -> &str {
        ""
    }

    /// Its base address; empty for an engine of this machine. Another server of the same vendor may speak otherwise (a simulator does), so it is
    /// part of the key of cached phrases.
    fn address(&self) -> &str {
        ""
    }

    /// The voices it has; empty for an engine that takes any name.
    fn voices(&self) -> Vec<String>;

    /// Its own name for the voice that is wanted, or the voice it speaks this language with; `None`: it cannot speak it.
    fn voice_for(&self, wanted: &str, _language: &str) -> Option<String> {
        let voices = self.voices();
        voices.iter().find(|voice| *voice == wanted).or(voices.first()).cloned()
    }

    /// Starts to speak: pieces come as they are made. Dropping the stream stops the work at once. What it costs is counted into `meter`. The
    /// request's voice is one of this engine's.
    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError>;

    /// Speaks a word and measures that there is sound in it.
    async fn check(&self) -> Result<(), SpeechError>;
}
