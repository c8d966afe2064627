//! Text to speech, as the rest of the program sees it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::SpeechError;

/// What to say, and how it shall sound.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpeakRequest {
    /// Plain text, written for the ear (no markup).
    pub text: String,
    /// The engine's name of the voice.
    pub voice: String,
    /// Samples a second of the audio that is wanted: 8000 or 16000.
    pub rate: u32,
}

/// Speech as it is made: mono pieces at the asked rate. Bounded; ends when the channel closes.
pub type SpeechStream = mpsc::Receiver<Result<Arc<[i16]>, SpeechError>>;

/// An engine that speaks.
#[async_trait]
pub trait TextToSpeech: Send + Sync {
    /// The engine's name in logs and on the console.
    fn name(&self) -> &'static str;

    /// The voices it has.
    fn voices(&self) -> Vec<String>;

    /// Starts to speak: pieces come sentence by sentence. Dropping the stream stops the work.
    async fn speak(&self, request: SpeakRequest) -> Result<SpeechStream, SpeechError>;

    /// Speaks a word and measures that there is sound in it.
    async fn check(&self) -> Result<(), SpeechError>;
}
