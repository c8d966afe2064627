//! Settings of vendors: who speaks, listens and thinks, where they are, and our keys there.

use speech::vendor::openai::{LISTEN_MODEL, SPEAK_MODEL};

use super::reader::Reader;
use super::values::{list, optional};
use super::{Secret, SettingsError};

/// The vendors. One without a key is not configured, and is not asked; a workspace may bring a key of its own.
#[derive(Debug, Clone)]
pub struct Vendors {
    /// Live transcription, and Aura voices.
    pub deepgram: Place,
    /// Transcription's model.
    pub deepgram_model: String,
    /// Voices.
    pub elevenlabs: Place,
    /// Its model.
    pub elevenlabs_model: String,
    /// Its voice, where the agent's voice is none of its own.
    pub elevenlabs_voice: Option<String>,
    /// Voices; the address of a region (`https://REGION.tts.speech.microsoft.com`), when it is set.
    pub azure_speech: Place,
    /// Chat completions, transcription, voices, Realtime.
    pub openai: Place,
    /// Its model of words.
    pub openai_model: String,
    /// A server of one's own that transcribes as OpenAI does, when its address is set. It may do without a key.
    pub openai_transcription: Place,
    /// The model that transcribes, there or at OpenAI.
    pub openai_transcription_model: String,
    /// A server of one's own that speaks as OpenAI does, when its address is set. It may do without a key.
    pub openai_speech: Place,
    /// The model that speaks, there or at OpenAI.
    pub openai_speech_model: String,
    /// Its voices, the first for those who wish none of them; empty: OpenAI's own.
    pub openai_speech_voices: Vec<String>,
    /// OpenAI's models of speech: for the tier "premium", and for "premium-mini".
    pub realtime_models: [String; 2],
    /// Azure OpenAI: `https://NAME.openai.azure.com`, when it is set.
    pub azure_openai: Place,
    /// Its deployments: of words, and of speech.
    pub azure_deployments: [Option<String>; 2],
    /// Messages.
    pub anthropic: Place,
    /// Its model.
    pub anthropic_model: String,
    /// Chat completions.
    pub cerebras: Place,
    /// Its model.
    pub cerebras_model: String,
    /// Chat completions.
    pub groq: Place,
    /// Its model.
    pub groq_model: String,
    /// Google's Live sessions.
    pub gemini: Place,
    /// Their model.
    pub gemini_model: String,
    /// A model of one's own that speaks OpenAI's protocol (vLLM, Ollama), when its address is set. It may do without a key.
    pub own_model: Place,
    /// Its name there.
    pub own_model_name: String,
    /// NVIDIA Riva, when its address is set. It may do without a key.
    pub riva: Place,
    /// Who listens, first to last; empty: all that are configured, then this machine.
    pub ears: Vec<String>,
    /// Who speaks, first to last; empty: all that are configured, then this machine.
    pub voices: Vec<String>,
    /// Whose words agents with a model speak, first to last; empty: those of the agent's tier, then all that are configured.
    pub models: Vec<String>,
}

/// Where a vendor is, and our key there.
#[derive(Debug, Clone)]
pub struct Place {
    /// Base address; empty: not configured.
    pub url: String,
    /// Our key.
    pub key: Option<Secret>,
}

/// Engines that may be named in an order of ears.
pub(crate) const EARS: [&str; 4] = ["deepgram", "riva", "openai", "local"];
/// Engines that may be named in an order of voices.
pub(crate) const VOICES: [&str; 5] = ["elevenlabs", "azure_speech", "deepgram", "openai", "local"];
/// Services that may be named in an order of models.
pub(crate) const MODELS: [&str; 6] = ["openai", "azure_openai", "anthropic", "cerebras", "groq", "own_model"];

impl Vendors {
    pub(super) fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>) -> Result<Self, SettingsError> {
        let mut place = |url, default: &str, key| {
            Ok::<_, SettingsError>(Place {
                url: reader.get(url, default, "an address such as https://api.example.com", address)?,
                key: reader.secret(key, "the key from the vendor's console", |_| true)?,
            })
        };
        let deepgram = place("DEEPGRAM_API_URL", "https://api.deepgram.com", "DEEPGRAM_API_KEY")?;
        let elevenlabs = place("ELEVENLABS_API_URL", "https://api.elevenlabs.io", "ELEVENLABS_API_KEY")?;
        let azure_speech = place("AZURE_SPEECH_URL", "", "AZURE_SPEECH_KEY")?;
        let openai = place("OPENAI_API_URL", "https://api.openai.com/v1", "OPENAI_API_KEY")?;
        let openai_transcription = place("OPENAI_TRANSCRIPTION_URL", "", "OPENAI_TRANSCRIPTION_API_KEY")?;
        let openai_speech = place("OPENAI_SPEECH_URL", "", "OPENAI_SPEECH_API_KEY")?;
        let azure_openai = place("AZURE_OPENAI_URL", "", "AZURE_OPENAI_API_KEY")?;
        let anthropic = place("ANTHROPIC_API_URL", "https://api.anthropic.com", "ANTHROPIC_API_KEY")?;
        let cerebras = place("CEREBRAS_API_URL", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY")?;
        let groq = place("GROQ_API_URL", "https://api.groq.com/openai/v1", "GROQ_API_KEY")?;
        let gemini = place("GEMINI_API_URL", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY")?;
        let own_model = place("OWN_MODEL_URL", "", "OWN_MODEL_API_KEY")?;
        let riva = place("RIVA_URL", "", "RIVA_API_KEY")?;
        let mut name = |setting, default: &str| reader.get(setting, default, "a name", |text| Some(text.to_owned()));
        // Defaults are what the tiers name (the vendors' current names, which change: each may be set).
        let deepgram_model = name("DEEPGRAM_MODEL", "nova-3")?;
        let elevenlabs_model = name("ELEVENLABS_MODEL", "eleven_flash_v2_5")?;
        let elevenlabs_voice = optional(&name("ELEVENLABS_VOICE", "")?);
        let openai_model = name("OPENAI_MODEL", "gpt-4o-mini")?;
        let openai_transcription_model = name("OPENAI_TRANSCRIPTION_MODEL", LISTEN_MODEL)?;
        let openai_speech_model = name("OPENAI_SPEECH_MODEL", SPEAK_MODEL)?;
        let realtime_models = [name("OPENAI_REALTIME_MODEL", "gpt-realtime")?, name("OPENAI_REALTIME_MINI_MODEL", "gpt-realtime-mini")?];
        let azure_deployments = [optional(&name("AZURE_OPENAI_DEPLOYMENT", "")?), optional(&name("AZURE_OPENAI_REALTIME_DEPLOYMENT", "")?)];
        let anthropic_model = name("ANTHROPIC_MODEL", "claude-haiku-5-5")?;
        let cerebras_model = name("CEREBRAS_MODEL", "llama-3.3-70b")?;
        let groq_model = name("GROQ_MODEL", "llama-3.3-70b-versatile")?;
        let gemini_model = name("GEMINI_LIVE_MODEL", "gemini-2.5-flash-native-audio")?;
        let own_model_name = name("OWN_MODEL_NAME", "default")?;
        let openai_speech_voices =
            reader.get("OPENAI_SPEECH_VOICES", "", "names of voices, separated by commas", |text| Some(list(text)))?;
        let mut order = |setting, allowed, known: &'static [&'static str]| {
            reader
                .get(setting, "", allowed, |text| Some(list(text)).filter(|names| names.iter().all(|name| known.contains(&name.as_str()))))
        };
        Ok(Self {
            ears: order("STT_ENGINES", "deepgram, riva, openai, local, separated by commas", &EARS)?,
            voices: order("TTS_ENGINES", "elevenlabs, azure_speech, deepgram, openai, local, separated by commas", &VOICES)?,
            models: order("LLM_ENGINES", "openai, azure_openai, anthropic, cerebras, groq, own_model, separated by commas", &MODELS)?,
            deepgram,
            deepgram_model,
            elevenlabs,
            elevenlabs_model,
            elevenlabs_voice,
            azure_speech,
            openai,
            openai_model,
            openai_transcription,
            openai_transcription_model,
            openai_speech,
            openai_speech_model,
            openai_speech_voices,
            realtime_models,
            azure_openai,
            azure_deployments,
            anthropic,
            anthropic_model,
            cerebras,
            cerebras_model,
            groq,
            groq_model,
            gemini,
            gemini_model,
            own_model,
            own_model_name,
            riva,
        })
    }
}

fn address(text: &str) -> Option<String> {
    let fits = text.is_empty() || text.starts_with("https://") || text.starts_with("http://");
    fits.then(|| text.trim_end_matches('/').to_owned())
}
