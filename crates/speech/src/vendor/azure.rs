//! Azure Speech's voices, over their REST interface.

mod ssml;

use async_trait::async_trait;
use call::Meter;
use outbound::{Client, Content, Fault, Request, Setup};
use privacy::Secret;
use resilience::Guard;

use super::sound::{self, Decoder, MAX_TEXT, Road, VoiceLimits};
use super::wording::primary;
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// The name of the engine.
pub const NAME: &str = "azure_speech";
/// Prices are per letter of any neural voice.
pub const MODEL: &str = "neural";

/// The voices when nobody chose others; the first of a language is the one for those who wish none that it has.
pub const VOICES: [&str; 18] = [
    "en-US-JennyNeural",
    "en-US-AriaNeural",
    "en-US-GuyNeural",
    "en-US-DavisNeural",
    "en-GB-SoniaNeural",
    "en-GB-RyanNeural",
    "de-DE-KatjaNeural",
    "de-DE-ConradNeural",
    "de-DE-AmalaNeural",
    "es-ES-ElviraNeural",
    "es-ES-AlvaroNeural",
    "es-MX-DaliaNeural",
    "fr-FR-DeniseNeural",
    "fr-FR-HenriNeural",
    "fr-FR-BrigitteNeural",
    "it-IT-ElsaNeural",
    "it-IT-IsabellaNeural",
    "it-IT-DiegoNeural",
];

/// Where the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzurePlace {
    /// A region, such as `westeurope`.
    Region(String),
    /// A full base address, below which `cognitiveservices/v1` is: `https://{resource}.cognitiveservices.azure.com/tts` for one of one's own.
    Address(String),
}

impl AzurePlace {
    fn base_url(&self) -> Result<String, Fault> {
        match self {
            Self::Address(address) => Ok(address.clone()),
            // The region becomes part of a host's name, and our key goes there.
            Self::Region(region) if !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Ok(format!("https://{region}.tts.speech.microsoft.com"))
            }
            Self::Region(_) => Err(Fault::Address("a region is letters and digits, such as westeurope".to_owned())),
        }
    }
}

/// Settings.
#[derive(Debug, Clone)]
pub struct AzureSpeechConfig {
    /// Where it is.
    pub place: AzurePlace,
    /// The key.
    pub key: Secret,
    /// Full names of voices; [`VOICES`].
    pub voices: Vec<String>,
    /// Deadlines.
    pub limits: VoiceLimits,
}

impl AzureSpeechConfig {
    /// The defaults, with this key at this place.
    pub fn new(place: AzurePlace, key: Secret) -> Self {
        Self { place, key, voices: VOICES.map(str::to_owned).to_vec(), limits: VoiceLimits::default() }
    }
}

/// The engine.
pub struct AzureSpeech {
    address: String,
    voices: Vec<String>,
    road: Road,
}

impl AzureSpeech {
    /// # Errors
    /// [`SpeechError::Outside`] for a place or a key that cannot be used.
    pub fn new(config: AzureSpeechConfig, guard: Guard) -> Result<Self, SpeechError> {
        let outside = SpeechError::outside(NAME);
        let base_url = config.place.base_url().map_err(&outside)?;
        // The User-Agent that the service demands is the client's own.
        let setup = Setup::with_key(&base_url, "ocp-apim-subscription-key", config.key);
        let client = Client::new(&setup, guard).map_err(outside)?;
        Ok(Self { address: base_url, voices: config.voices, road: Road { engine: NAME, client, limits: config.limits } })
    }
}

/// `Jenny` of `en-US-JennyNeural`.
fn short(voice: &str) -> &str {
    voice.rsplit('-').next().unwrap_or(voice).trim_end_matches("Neural")
}

/// `en-US` of `en-US-JennyNeural`.
fn locale(voice: &str) -> &str {
    voice.rsplit_once('-').map_or("", |(locale, _)| locale)
}

#[async_trait]
impl TextToSpeech for AzureSpeech {
    fn name(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> &str {
        MODEL
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn voices(&self) -> Vec<String> {
        self.voices.clone()
    }

    /// The voice of that name (in full, or the first name alone) if it speaks the language; else the first that does, of the same country if there
    /// is one. A voice speaks its own language only.
    fn voice_for(&self, wanted: &str, language: &str) -> Option<String> {
        let speaks = |voice: &&String| primary(locale(voice)).eq_ignore_ascii_case(primary(language));
        let named = |voice: &&String| voice.eq_ignore_ascii_case(wanted) || short(voice).eq_ignore_ascii_case(wanted);
        let at_home = |voice: &&String| locale(voice).eq_ignore_ascii_case(language);
        let able = || self.voices.iter().filter(speaks);
        able().find(named).or_else(|| able().find(at_home)).or_else(|| able().next()).cloned()
    }

    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        let text = sound::sayable(&request.text, MAX_TEXT)?;
        let (format, decoder) = match request.rate {
            8000 => ("raw-8khz-8bit-mono-mulaw", Decoder::Ulaw),
            16_000 => ("raw-16khz-16bit-mono-pcm", Decoder::linear(16_000, 16_000)?),
            rate => return Err(SpeechError::Rate { rate }),
        };
        let document = ssml::document(text, &request.voice, &request.language);
        let content = Content::Bytes { kind: "application/ssml+xml", bytes: document.into() };
        let asked = Request::post("cognitiveservices/v1", content).header("x-microsoft-outputformat", format);
        sound::counted((meter, NAME, MODEL), text, self.road.speak(&asked, decoder, request.rate)).await
    }

    async fn check(&self) -> Result<(), SpeechError> {
        sound::check(self).await
    }
}
