//! What Riva checks, and what it says when it does not like it.

use audio::{g711, wav};
use riva::asr::RecognitionConfig;
use riva::asr::riva_speech_recognition_config_response::Config;
use riva::base::AudioEncoding;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// Name, language, samples a second, and whether it streams. One for the telephone, which wants what the others refuse.
const MODELS: [(&str, &str, u32, bool); 3] = [
    ("conformer-en-US-asr-streaming", "en-US", 16_000, true),
    ("conformer-en-US-asr-offline", "en-US", 16_000, false),
    ("telephony-de-DE-asr-streaming", "de-DE", 8000, true),
];
/// The key that nobody takes.
const WRONG_KEY: &str = "Bearer wrong-key";
/// The header of a plain WAV file, which the SDK sends along with the sound.
const WAV_HEADER: usize = 44;

/// How a clip or a stream is listened to.
pub(super) struct Listener {
    pub(super) rate: u32,
    pub(super) punctuation: bool,
    pub(super) word_times: bool,
    encoding: AudioEncoding,
}

/// Riva on one's own machine wants no key, and takes any; the gateway of the hosted one checks it.
pub(super) fn key(metadata: &MetadataMap) -> Result<(), Status> {
    let key = metadata.get("authorization").and_then(|key| key.to_str().ok());
    if key == Some(WRONG_KEY) { Err(unauthenticated()) } else { Ok(()) }
}

fn unauthenticated() -> Status {
    Status::unauthenticated("Authentication failed")
}

/// HTTP's words for trouble in gRPC's. When to come again is said as gRPC does (proposal A6).
pub(super) fn refusal(status: u16, retry_after: Option<u64>) -> Status {
    match status {
        401 | 403 => unauthenticated(),
        429 => {
            let mut refused = Status::resource_exhausted("Too many requests");
            if let Some(value) = retry_after.and_then(|seconds| (seconds * 1000).to_string().parse().ok()) {
                refused.metadata_mut().insert("grpc-retry-pushback-ms", value);
            }
            refused
        }
        _ => Status::new(Code::Unavailable, "Service unavailable"),
    }
}

/// All models, or the one of this name.
pub(super) fn models(name: &str) -> Result<Vec<Config>, Status> {
    let named: Vec<Config> = MODELS.iter().filter(|(known, ..)| name.is_empty() || *known == name).map(described).collect();
    if named.is_empty() { Err(Status::invalid_argument(format!("Error: Model {name} is not available on server"))) } else { Ok(named) }
}

fn described((name, language, rate, streams): &(&str, &str, u32, bool)) -> Config {
    let kind = if *streams { "online" } else { "offline" };
    let pairs = [
        ("language_code", (*language).to_owned()),
        ("sample_rate", rate.to_string()),
        ("type", kind.to_owned()),
        ("streaming", if *streams { "True" } else { "False" }.to_owned()),
        ("model_family", "riva".to_owned()),
    ];
    Config { model_name: (*name).to_owned(), parameters: pairs.map(|(name, value)| (name.to_owned(), value)).into() }
}

impl Listener {
    pub(super) fn new(config: Option<RecognitionConfig>, streams: bool) -> Result<Self, Status> {
        let config = config.ok_or_else(|| Status::invalid_argument("Error: no recognition config"))?;
        let (language, rate) = (&config.language_code, config.sample_rate_hertz);
        let fits = |model: &&(&str, &str, u32, bool)| {
            let (name, known, wanted, does) = **model;
            does == streams
                && known == language
                && i64::from(wanted) == i64::from(rate)
                && (config.model.is_empty() || config.model == name)
        };
        let Some((_, _, rate, _)) = MODELS.iter().find(fits) else {
            let kind = if streams { "online" } else { "offline" };
            let wanted = format!("language_code={language}; sample_rate={rate}; type={kind};");
            return Err(Status::invalid_argument(format!("Error: Unavailable model requested given these parameters: {wanted}")));
        };
        if config.audio_channel_count > 1 {
            return Err(Status::invalid_argument("Error: channel count must be 1"));
        }
        let encoding = config.encoding();
        if !matches!(encoding, AudioEncoding::LinearPcm | AudioEncoding::Mulaw | AudioEncoding::Alaw) {
            return Err(Status::invalid_argument("Error: Unsupported audio encoding"));
        }
        let (punctuation, word_times) = (config.enable_automatic_punctuation, config.enable_word_time_offsets);
        Ok(Self { rate: *rate, punctuation, word_times, encoding })
    }

    /// A whole clip: a WAV file, or bare sound.
    pub(super) fn clip(&self, audio: &[u8]) -> Result<Vec<i16>, Status> {
        if !audio.starts_with(b"RIFF") {
            return Ok(self.decode(audio));
        }
        let bad = |_| Status::invalid_argument("Error: the audio cannot be decoded");
        wav::read(audio).map_err(bad)?.mono_at(self.rate).map_err(bad)
    }

    /// A piece of a stream. Pieces are whole samples, as Riva wants them.
    pub(super) fn decode(&self, audio: &[u8]) -> Vec<i16> {
        let audio = if audio.starts_with(b"RIFF") { audio.get(WAV_HEADER..).unwrap_or_default() } else { audio };
        let mut pcm = Vec::new();
        match self.encoding {
            AudioEncoding::Mulaw => g711::decode_ulaw(audio, &mut pcm),
            AudioEncoding::Alaw => g711::decode_alaw(audio, &mut pcm),
            _ => pcm.extend(audio.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]))),
        }
        pcm
    }
}
