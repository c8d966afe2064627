//! Voices: `POST audio/speech`.

use async_trait::async_trait;
use call::Meter;
use outbound::{Content, Request};
use resilience::Guard;
use serde::Serialize;

use super::OpenAiPlace;
use crate::vendor::sound::{self, Decoder, Road, VoiceLimits};
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// The name of the engine.
pub const SPEAK_NAME: &str = "openai_speak";
/// Their fastest voice with a streamed answer. Their SDK of 2026 announces that it is shut down on 2027-01-06: set another by then.
pub const SPEAK_MODEL: &str = "gpt-4o-mini-tts";
/// The voice when nobody chose one.
pub const VOICE: &str = "alloy";

/// Their built-in voices; all of them speak every language of the model.
pub const VOICES: [&str; 13] =
    ["alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar"];
/// Characters in one request, at most, by their reference.
const MAX_TEXT: usize = 4096;
/// What the format `pcm` is: 16 bits, mono, at this rate.
const RATE: u32 = 24_000;

/// Settings.
#[derive(Debug, Clone)]
pub struct OpenAiSpeakConfig {
    /// Where it is.
    pub place: OpenAiPlace,
    /// [`SPEAK_MODEL`].
    pub model: String,
    /// The voices there are; the built-in ones. Empty for a server that takes any name.
    pub voices: Vec<String>,
    /// The one for those who wish none that it has; [`VOICE`].
    pub voice: String,
    /// Deadlines.
    pub limits: VoiceLimits,
}

impl OpenAiSpeakConfig {
    /// The defaults, at this place.
    pub fn new(place: OpenAiPlace) -> Self {
        let voices = VOICES.map(str::to_owned).to_vec();
        Self { place, model: SPEAK_MODEL.to_owned(), voices, voice: VOICE.to_owned(), limits: VoiceLimits::default() }
    }
}

/// The engine.
pub struct OpenAiSpeak {
    config: OpenAiSpeakConfig,
    road: Road,
}

#[derive(Serialize)]
struct Wish<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'a str,
}

impl OpenAiSpeak {
    /// # Errors
    /// [`SpeechError::Outside`] for an address or a key that cannot be used.
    pub fn new(config: OpenAiSpeakConfig, guard: Guard) -> Result<Self, SpeechError> {
        let client = config.place.client(guard).map_err(SpeechError::outside(SPEAK_NAME))?;
        let road = Road { engine: SPEAK_NAME, client, limits: config.limits };
        Ok(Self { config, road })
    }
}

#[async_trait]
impl TextToSpeech for OpenAiSpeak {
    fn name(&self) -> &'static str {
        SPEAK_NAME
    }

    fn model(&self) -> &str {
        &self.config.model
    }

    fn address(&self) -> &str {
        &self.config.place.base_url
    }

    fn voices(&self) -> Vec<String> {
        self.config.voices.clone()
    }

    fn voice_for(&self, wanted: &str, _: &str) -> Option<String> {
        let voices = &self.config.voices;
        let known = voices.iter().find(|voice| voice.eq_ignore_ascii_case(wanted)).map(String::as_str);
        // A server that did not name its voices takes the wish as it is.
        let free = Some(wanted).filter(|wanted| voices.is_empty() && !wanted.is_empty());
        Some(known.or(free).unwrap_or(&self.config.voice).to_owned())
    }

    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        let text = sound::sayable(&request.text, MAX_TEXT)?;
        if request.rate != 8000 && request.rate != 16_000 {
            return Err(SpeechError::Rate { rate: request.rate });
        }
        let wish = Wish { model: &self.config.model, input: text, voice: &request.voice, response_format: "pcm" };
        let content = Content::json(&wish).map_err(SpeechError::outside(SPEAK_NAME))?;
        let decoder = Decoder::linear(RATE, request.rate)?;
        let asked = Request::post("audio/speech", content);
        sound::counted((meter, SPEAK_NAME, self.config.model.as_str()), text, self.road.speak(&asked, decoder, request.rate)).await
    }

    async fn check(&self) -> Result<(), SpeechError> {
        sound::check(self).await
    }
}
