//! Transcription: `POST audio/transcriptions`, an utterance at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use call::Unit;
use outbound::{Client, Content, Fault, Part, Request, Watch};
use resilience::Guard;
use tokio::time::Instant;

use super::recognition::UtteranceRecognition;
use super::{OpenAiPlace, answer};
use crate::vendor::hints::hints;
use crate::vendor::wording::primary;
use crate::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText, Transcript};

/// The name of the engine.
pub const LISTEN_NAME: &str = "openai_listen";
/// Their smallest model that tells how sure it is. Their SDK of 2026 announces that it is shut down on 2027-02-26; `gpt-transcribe` stays.
pub const LISTEN_MODEL: &str = "gpt-4o-mini-transcribe";

/// Words of the agent's domain that are told to the model, at most: a long prompt is paid for with every utterance, and 224 tokens are all that
/// Whisper reads.
const MOST_HINTS: usize = 40;
/// Largest answer: 30 s of speech are some hundred words.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// "please book a room for two nights", spoken by a synthetic voice, 8 kHz mu-law WAV.
const CLIP: &[u8] = include_bytes!("../../../data/check.wav");

/// Settings.
#[derive(Debug, Clone)]
pub struct OpenAiListenConfig {
    /// Where it is.
    pub place: OpenAiPlace,
    /// [`LISTEN_MODEL`].
    pub model: String,
    /// Asks how sure the model is of each word; true. Only `gpt-4o-transcribe` and `gpt-4o-mini-transcribe` can tell; others refuse the question,
    /// and are not asked.
    pub sureness: bool,
    /// Asks at each pause already, so that the words are there when the caller stays silent; false, for each such request is paid for.
    pub at_pauses: bool,
    /// From the request to the transcript; 4 s.
    pub answer: Duration,
}

impl OpenAiListenConfig {
    /// The defaults, at this place.
    pub fn new(place: OpenAiPlace) -> Self {
        Self { place, model: LISTEN_MODEL.to_owned(), sureness: true, at_pauses: false, answer: Duration::from_secs(4) }
    }
}

/// The engine.
pub struct OpenAiListen {
    config: Arc<OpenAiListenConfig>,
    client: Client,
}

/// What one call's requests have in common.
#[derive(Clone)]
pub(super) struct Ask {
    config: Arc<OpenAiListenConfig>,
    client: Client,
    listening: Listening,
    hints: Arc<[String]>,
}

impl OpenAiListen {
    /// # Errors
    /// [`SpeechError::Outside`] for an address or a key that cannot be used.
    pub fn new(config: OpenAiListenConfig, guard: Guard) -> Result<Self, SpeechError> {
        let client = config.place.client(guard).map_err(SpeechError::outside(LISTEN_NAME))?;
        Ok(Self { config: Arc::new(config), client })
    }
}

impl Ask {
    /// The words of an utterance.
    pub(super) async fn transcribe(&self, pcm: Arc<[i16]>) -> Result<Transcript, SpeechError> {
        let began = Instant::now();
        let outside = SpeechError::outside(LISTEN_NAME);
        let watch = Watch { first: self.config.answer, stall: self.config.answer, max_bytes: MAX_ANSWER_BYTES };
        let request = Request::post("audio/transcriptions", Content::Form(self.form(&pcm)));
        let mut body = self.client.stream(&request, watch).await.map_err(&outside)?;
        let millis = pcm.len() as u64 * 1000 / u64::from(self.listening.rate);
        self.listening.meter.add(LISTEN_NAME, &self.config.model, Unit::AudioMillis, millis);
        let mut whole = Vec::new();
        while let Some(piece) = body.next().await {
            whole.extend_from_slice(&piece.map_err(&outside)?);
        }
        answer::read(&whole, began.elapsed()).ok_or_else(|| {
            let fault = Fault::Malformed("no transcript");
            body.failed(&fault);
            outside(fault)
        })
    }

    pub(super) fn rate(&self) -> u32 {
        self.listening.rate
    }

    pub(super) fn at_pauses(&self) -> bool {
        self.config.at_pauses
    }

    fn form(&self, pcm: &[i16]) -> Vec<Part> {
        let field = |name, text: &str| Part { name, file: None, kind: None, bytes: text.to_owned().into() };
        let language = primary(&self.listening.language);
        let mut parts = vec![
            // The name's end tells the format.
            Part { name: "file", file: Some("utterance.wav"), kind: Some("audio/wav"), bytes: wav(pcm, self.listening.rate).into() },
            field("model", &self.config.model),
            field("response_format", "json"),
        ];
        // Their newest model takes lists where the others take one text (openai SDK 3.52).
        if self.config.model.starts_with("gpt-transcribe") {
            parts.push(field("languages[]", language));
            parts.extend(self.hints.iter().map(|hint| field("keywords[]", hint)));
            return parts;
        }
        parts.push(field("language", language));
        if !self.hints.is_empty() {
            parts.push(field("prompt", &self.hints.join(", ")));
        }
        if self.config.sureness && tells_sureness(&self.config.model) {
            parts.push(field("include[]", "logprobs"));
        }
        parts
    }
}

/// True for a model that is known to tell how sure it is, with or without a date. The one that tells speakers apart does not.
fn tells_sureness(model: &str) -> bool {
    let known = ["gpt-4o-transcribe", "gpt-4o-mini-transcribe"].iter().any(|known| model.starts_with(known));
    known && !model.ends_with("-diarize")
}

fn wav(pcm: &[i16], rate: u32) -> Vec<u8> {
    let bytes = u32::try_from(pcm.len() * 2).unwrap_or(u32::MAX);
    let mut wav = audio::wav::header(1, rate, bytes).to_vec();
    wav.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

#[async_trait]
impl SpeechToText for OpenAiListen {
    fn name(&self) -> &'static str {
        LISTEN_NAME
    }

    /// There is nothing to prepare: the model is theirs.
    async fn prepare(&self, _: &Arc<Domain>) -> Result<(), SpeechError> {
        Ok(())
    }

    async fn open(&self, listening: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        if listening.rate != 8000 && listening.rate != 16_000 {
            return Err(SpeechError::Rate { rate: listening.rate });
        }
        let hints = hints(&listening.domain, MOST_HINTS).into();
        let ask = Ask { config: Arc::clone(&self.config), client: self.client.clone(), listening, hints };
        Ok(Box::new(UtteranceRecognition::new(ask)))
    }

    /// That words are made out proves key, road and format; which words a model writes is not ours to check.
    async fn check(&self) -> Result<(), SpeechError> {
        let bad = |error: audio::AudioError| SpeechError::BadAudio { detail: error.to_string() };
        let clip = audio::wav::read(CLIP).and_then(|clip| clip.mono_at(8000)).map_err(bad)?;
        let domain = Arc::new(Domain { name: "check".into(), states: BTreeMap::new(), background: Vec::new() });
        let mut recognition = self.open(Listening::plain(domain, 8000)).await?;
        recognition.start();
        recognition.push(&clip);
        recognition.finish();
        match recognition.next().await {
            RecognitionEvent::Failed(error) => Err(error),
            RecognitionEvent::Final(heard) if !heard.text.is_empty() => Ok(()),
            _ => Err(SpeechError::CheckFailed { engine: LISTEN_NAME, detail: "it heard no words in a clip of seven".to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_that_can_tell_are_asked_how_sure_they_are() {
        assert!([LISTEN_MODEL, "gpt-4o-transcribe", "gpt-4o-mini-transcribe-2025-12-15"].into_iter().all(tells_sureness));
        let others = ["whisper-1", "gpt-transcribe", "gpt-4o-transcribe-diarize", "Systran/faster-whisper-small", ""];
        assert!(!others.into_iter().any(tells_sureness));
    }
}
