//! ElevenLabs' voices.
//!
//! Over HTTP, not over their WebSockets: the text of a turn comes whole, sentence by sentence, so there is nothing to stream in. Dropping an HTTP
//! request ends one utterance and, over HTTP/2, keeps the connection warm for the next; a socket has an idle limit of 20 s and at most five
//! contexts to look after, and what it sends of a context that was closed has to be told apart from the next one's.

use async_trait::async_trait;
use call::Meter;
use outbound::{Client, Content, Request, Setup};
use privacy::Secret;
use resilience::Guard;
use serde::Serialize;

use super::sound::{self, Decoder, MAX_TEXT, Road, VoiceLimits};
use super::wording::primary;
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// The name of the engine.
pub const NAME: &str = "elevenlabs";
/// Where it is.
pub const URL: &str = "https://api.elevenlabs.io";
/// Their fastest model: about 75 ms to the first sound by their own documents.
pub const MODEL: &str = "eleven_flash_v2_5";
/// The voice when nobody chose one: "Sarah" of their premade voices.
pub const VOICE: &str = "EXAVITQu4vr4xnSDxMaL";

/// Premade voices by name. The ids are those of their public list; "bella" and "sarah" are the old and the new name of one.
const PREMADE: [(&str, &str); 6] = [
    ("rachel", "21m00Tcm4TlvDq8ikWAM"),
    ("antoni", "ErXwobaYiN019PkySvjV"),
    ("matilda", "XrExE9yKIg1WjnnlVkGX"),
    ("sarah", VOICE),
    ("bella", VOICE),
    ("adam", "pNInz6obpgDQGcFmaJgB"),
];

/// The names of the premade voices.
pub fn voices() -> Vec<String> {
    PREMADE.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// What `eleven_flash_v2_5` and `eleven_turbo_v2_5` speak, by their documents.
const LANGUAGES: [&str; 32] = [
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "fi", "fil", "fr", "hi", "hr", "hu", "id", "it", "ja", "ko", "ms", "nl", "no", "pl",
    "pt", "ro", "ru", "sk", "sv", "ta", "tr", "uk", "vi", "zh",
];

/// Settings.
#[derive(Debug, Clone)]
pub struct ElevenLabsConfig {
    /// Base address; [`URL`].
    pub base_url: String,
    /// The key.
    pub key: Secret,
    /// [`MODEL`].
    pub model: String,
    /// The id of the voice for those who wish none that it has; [`VOICE`].
    pub voice: String,
    /// From 0 (lively) to 1 (even); 0.5.
    pub stability: f32,
    /// How near it stays to the recorded voice, from 0 to 1; 0.75.
    pub similarity: f32,
    /// Deadlines.
    pub limits: VoiceLimits,
}

impl ElevenLabsConfig {
    /// The defaults, with this key.
    pub fn new(key: Secret) -> Self {
        let (base_url, model, voice) = (URL.to_owned(), MODEL.to_owned(), VOICE.to_owned());
        Self { base_url, key, model, voice, stability: 0.5, similarity: 0.75, limits: VoiceLimits::default() }
    }
}

/// The engine.
pub struct ElevenLabs {
    config: ElevenLabsConfig,
    road: Road,
}

#[derive(Serialize)]
struct Wish<'a> {
    text: &'a str,
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<&'a str>,
    voice_settings: VoiceSettings,
}

#[derive(Serialize)]
struct VoiceSettings {
    stability: f32,
    similarity_boost: f32,
}

impl ElevenLabs {
    /// # Errors
    /// [`SpeechError::Outside`] for an address or a key that cannot be used.
    pub fn new(config: ElevenLabsConfig, guard: Guard) -> Result<Self, SpeechError> {
        let setup = Setup::with_key(config.base_url.clone(), "xi-api-key", config.key.clone());
        let client = Client::new(&setup, guard).map_err(SpeechError::outside(NAME))?;
        let road = Road { engine: NAME, client, limits: config.limits };
        Ok(Self { config, road })
    }

    fn speaks(&self, language: &str) -> bool {
        match self.config.model.as_str() {
            "eleven_flash_v2" | "eleven_turbo_v2" => primary(language) == "en",
            "eleven_flash_v2_5" | "eleven_turbo_v2_5" => LANGUAGES.contains(&primary(language)),
            _ => true,
        }
    }
}

/// A voice of one's own is named by its id: twenty letters and digits, as all that are known have \[U\]. The id is part of a path.
fn is_id(voice: &str) -> bool {
    voice.len() == 20 && voice.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[async_trait]
impl TextToSpeech for ElevenLabs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> &str {
        &self.config.model
    }

    fn address(&self) -> &str {
        &self.config.base_url
    }

    fn voices(&self) -> Vec<String> {
        voices()
    }

    /// A premade voice by its name, any other by its id; the configured one for everything else.
    fn voice_for(&self, wanted: &str, language: &str) -> Option<String> {
        if !self.speaks(language) {
            return None;
        }
        let named = PREMADE.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, id)| *id);
        Some(named.or(Some(wanted).filter(|wanted| is_id(wanted))).unwrap_or(&self.config.voice).to_owned())
    }

    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        let text = sound::sayable(&request.text, MAX_TEXT)?;
        let (format, decoder) = match request.rate {
            8000 => ("ulaw_8000", Decoder::Ulaw),
            16_000 => ("pcm_16000", Decoder::linear(16_000, 16_000)?),
            rate => return Err(SpeechError::Rate { rate }),
        };
        let voice = request.voice.as_str();
        if !is_id(voice) {
            return Err(SpeechError::UnknownVoice { voice: voice.to_owned(), known: self.voices().join(", ") });
        }
        // Models of this name guess the language and take no word about it.
        let told = !self.config.model.contains("multilingual_v2");
        let wish = Wish {
            text,
            model_id: &self.config.model,
            language_code: told.then_some(primary(&request.language)),
            voice_settings: VoiceSettings { stability: self.config.stability, similarity_boost: self.config.similarity },
        };
        let content = Content::json(&wish).map_err(SpeechError::outside(NAME))?;
        let asked = Request::post(format!("v1/text-to-speech/{voice}/stream"), content).query("output_format", format);
        sound::counted((meter, NAME, self.config.model.as_str()), text, self.road.speak(&asked, decoder, request.rate)).await
    }

    async fn check(&self) -> Result<(), SpeechError> {
        sound::check(self).await
    }
}
