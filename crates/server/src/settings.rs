//! Settings: defaults, then `voicenoob.toml`, then the environment. Every value remembers where it came from, and unknown keys in the file are errors.

mod call_centre;
mod error;
mod people;
mod reader;
mod values;
mod vendors;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use call_centre::CallCentre;
pub use error::SettingsError;
pub use people::{OpenId, People, Pool, Rates};
pub use privacy::Secret;
use reader::{Reader, read_table};
use values::{addresses, flag, optional, parse, public_url, token, within};
pub(crate) use vendors::{EARS, MODELS, VOICES};
pub use vendors::{Place, Vendors};

/// What `serve` needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Database, recordings, caches and development keys live here.
    pub data_dir: PathBuf,
    /// Language models and rendered phrases, which can be made anew at any time. Not set: `cache` in the data directory.
    pub cache_dir: PathBuf,
    /// The address carriers know us by (`https://voice.example.com`): the base of signed URLs and of media stream URLs.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-Proto` and `X-Forwarded-Host` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Checks Twilio's signatures. Not set: the development key in the data directory.
    pub twilio_auth_token: Option<Secret>,
    /// Checks Telnyx's signatures (base64, 32 bytes). Not set: the development key in the data directory.
    pub telnyx_public_key: Option<String>,
    /// Opens the API and the console from anywhere. Not set: they answer only on loopback.
    pub operator_token: Option<Secret>,
    /// Calls at once; the next one is told that all lines are busy.
    pub max_concurrent_calls: usize,
    /// Folder with agent files (`*.toml`), beside the demo hotel.
    pub agents_dir: Option<PathBuf>,
    /// What agents with a model may look up beside their dialogue's answers: a folder with a folder named by each agent's id.
    pub knowledge_dir: Option<PathBuf>,
    /// Declared tools may have addresses on this machine and in private networks, and http on this machine.
    pub allow_private_tool_addresses: bool,
    /// What services charge. Not set: the prices that come with the program.
    pub prices_file: Option<PathBuf>,
    /// Records calls to disk.
    pub record_calls: bool,
    /// Worker processes of the local recogniser.
    pub speech_workers: usize,
    /// Folder of the recogniser's model: it holds `en-us/` and `cmudict-en-us.dict`.
    pub speech_model_dir: PathBuf,
    /// Registry, queue, limits, drain, and the live state that instances share.
    pub call_centre: CallCentre,
    /// Accounts, sessions, secrets, the API.
    pub people: People,
    /// Records are kept in this PostgreSQL; in a file in the data directory without.
    pub database_url: Option<Secret>,
    /// Telnyx's Call Control REST interface, for calls that are answered by command and not by document.
    pub telnyx_api_key: Option<Secret>,
    /// Where that interface is.
    pub telnyx_api_url: String,
    /// Byte order of Telnyx's L16 audio, which their pages do not state.
    pub telnyx_l16_big_endian: bool,
    /// Who speaks, listens and thinks.
    pub vendors: Vendors,
    /// Every setting with its value for show and its source.
    pub shown: Vec<Shown>,
}

/// One setting as `voicenoob config` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name in the environment; in the file it is written in lower case.
    pub name: &'static str,
    /// The value, masked when it is a secret.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The settings file.
    File,
    /// The environment.
    Environment,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        })
    }
}

/// Telnyx's own address (telnyx.md 2).
const TELNYX_API: &str = "https://api.telnyx.com/v2";

const NAMES: [&str; 114] = [
    "HOST",
    "PORT",
    "DATA_DIR",
    "CACHE_DIR",
    "PUBLIC_URL",
    "TRUSTED_PROXIES",
    "TWILIO_AUTH_TOKEN",
    "TELNYX_PUBLIC_KEY",
    "TELNYX_API_KEY",
    "TELNYX_API_URL",
    "OPERATOR_TOKEN",
    "MAX_CONCURRENT_CALLS",
    "AGENTS_DIR",
    "KNOWLEDGE_DIR",
    "ALLOW_PRIVATE_TOOL_ADDRESSES",
    "PRICES_FILE",
    "RECORD_CALLS",
    "SPEECH_WORKERS",
    "SPEECH_MODEL_DIR",
    "TELNYX_L16_BIG_ENDIAN",
    "DATABASE_URL",
    "REDIS_URL",
    "REDIS_KEY_PREFIX",
    "INSTANCE_NAME",
    "ENABLE_CALL_REGISTRY",
    "ENABLE_PROMETHEUS_METRICS",
    "ENABLE_CONNECTION_DRAINING",
    "ENABLE_CALL_QUEUE",
    "INSTANCE_URL",
    "HEARTBEAT_INTERVAL",
    "INSTANCE_LEASE",
    "CALL_REGISTRY_TTL",
    "CALLS_PER_MINUTE_PER_CALLER",
    "CALLS_PER_MINUTE_PER_TENANT",
    "RESUME_WINDOW",
    "MAX_CALL_QUEUE_SIZE",
    "QUEUE_AGEING",
    "QUEUE_GRANT_LEASE",
    "QUEUE_SERVICE_LEVEL",
    "DRAIN_SETTLE_TIME",
    "SHUTDOWN_DRAIN_TIMEOUT",
    "MAX_CONCURRENT_CALLS_PER_AGENT",
    "MAX_CONCURRENT_CALLS_PER_TENANT",
    "SECRETS_FILE",
    "SECRET_KEYS",
    "PASSWORD_MIN_LENGTH",
    "PASSWORD_HASH_CONCURRENCY",
    "SESSION_IDLE_TIMEOUT",
    "SESSION_LIFETIME",
    "REFRESH_TOKEN_IDLE_TIMEOUT",
    "REFRESH_TOKEN_LIFETIME",
    "ACCESS_TOKEN_LIFETIME",
    "RETENTION_INTERVAL",
    "CORS_ORIGINS",
    "RATE_LIMIT_LOGIN",
    "RATE_LIMIT_READ",
    "RATE_LIMIT_WRITE",
    "RATE_LIMIT_COSTLY",
    "RATE_LIMIT_ADDRESS",
    "OPENID_ISSUER",
    "OPENID_CLIENT_ID",
    "OPENID_CLIENT_SECRET",
    "OPENID_DOMAINS",
    "OPENID_ROLE",
    "OPENID_NAME",
    "DATABASE_MAX_CONNECTIONS",
    "DATABASE_MIN_CONNECTIONS",
    "DATABASE_ACQUIRE_TIMEOUT",
    "DATABASE_CONNECTION_LIFETIME",
    "DEEPGRAM_API_URL",
    "DEEPGRAM_API_KEY",
    "ELEVENLABS_API_URL",
    "ELEVENLABS_API_KEY",
    "AZURE_SPEECH_URL",
    "AZURE_SPEECH_KEY",
    "OPENAI_API_URL",
    "OPENAI_API_KEY",
    "OPENAI_TRANSCRIPTION_URL",
    "OPENAI_TRANSCRIPTION_API_KEY",
    "OPENAI_SPEECH_URL",
    "OPENAI_SPEECH_API_KEY",
    "AZURE_OPENAI_URL",
    "AZURE_OPENAI_API_KEY",
    "ANTHROPIC_API_URL",
    "ANTHROPIC_API_KEY",
    "CEREBRAS_API_URL",
    "CEREBRAS_API_KEY",
    "GROQ_API_URL",
    "GROQ_API_KEY",
    "GEMINI_API_URL",
    "GEMINI_API_KEY",
    "OWN_MODEL_URL",
    "OWN_MODEL_API_KEY",
    "RIVA_URL",
    "RIVA_API_KEY",
    "DEEPGRAM_MODEL",
    "ELEVENLABS_MODEL",
    "ELEVENLABS_VOICE",
    "OPENAI_MODEL",
    "OPENAI_TRANSCRIPTION_MODEL",
    "OPENAI_SPEECH_MODEL",
    "OPENAI_SPEECH_VOICES",
    "OPENAI_REALTIME_MODEL",
    "OPENAI_REALTIME_MINI_MODEL",
    "AZURE_OPENAI_DEPLOYMENT",
    "AZURE_OPENAI_REALTIME_DEPLOYMENT",
    "ANTHROPIC_MODEL",
    "CEREBRAS_MODEL",
    "GROQ_MODEL",
    "GEMINI_LIVE_MODEL",
    "OWN_MODEL_NAME",
    "STT_ENGINES",
    "TTS_ENGINES",
    "LLM_ENGINES",
];

impl Settings {
    /// Reads the settings. `file`: an explicit path must be readable; `environment` looks names up.
    pub fn load(file: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let table = file.map(read_table).transpose()?.unwrap_or_default();
        let mut reader = Reader { table, environment, shown: Vec::new() };
        let mut settings = Self::read(&mut reader)?;
        if settings.cache_dir.as_os_str().is_empty() {
            settings.cache_dir = settings.data_dir.join("cache");
        }
        settings.shown = reader.shown;
        Ok(settings)
    }

    fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>) -> Result<Self, SettingsError> {
        let port = reader.get("PORT", "8000", "a port from 0 to 65535", parse)?;
        Ok(Self {
            port,
            host: reader.get("HOST", "127.0.0.1", "an IP address such as 127.0.0.1 or 0.0.0.0", parse)?,
            data_dir: reader.get("DATA_DIR", "./data", "a folder", |text| (!text.is_empty()).then(|| PathBuf::from(text)))?,
            cache_dir: reader.get("CACHE_DIR", "", "a folder", |text| Some(PathBuf::from(text)))?,
            public_url: reader.get("PUBLIC_URL", "", "an address such as https://voice.example.com without a path", public_url)?,
            trusted_proxies: reader.get("TRUSTED_PROXIES", "", "IP addresses separated by commas", addresses)?,
            twilio_auth_token: reader.secret("TWILIO_AUTH_TOKEN", "the text from the carrier", |_| true)?,
            telnyx_public_key: reader.get("TELNYX_PUBLIC_KEY", "", "a base64 text", |text| Some(optional(text)))?,
            telnyx_api_key: reader.secret("TELNYX_API_KEY", "the text from the carrier", |_| true)?,
            telnyx_api_url: reader.get("TELNYX_API_URL", TELNYX_API, "an address such as https://api.telnyx.com/v2", |text| {
                (text.starts_with("https://") || text.starts_with("http://")).then(|| text.trim_end_matches('/').to_owned())
            })?,
            operator_token: reader.secret(
                "OPERATOR_TOKEN",
                "16 or more letters, digits, and signs without space, quotes, comma, semicolon or backslash",
                token,
            )?,
            max_concurrent_calls: reader
                .get("MAX_CONCURRENT_CALLS", "100", "a number from 1 to 100000", |text| within(text, 1, 100_000))?,
            knowledge_dir: reader.get("KNOWLEDGE_DIR", "", "a folder", |text| Some(optional(text).map(PathBuf::from)))?,
            agents_dir: reader.get("AGENTS_DIR", "", "a folder", |text| Some(optional(text).map(PathBuf::from)))?,
            allow_private_tool_addresses: reader.get("ALLOW_PRIVATE_TOOL_ADDRESSES", "false", "true or false", flag)?,
            prices_file: reader.get("PRICES_FILE", "", "a file", |text| Some(optional(text).map(PathBuf::from)))?,
            record_calls: reader.get("RECORD_CALLS", "true", "true or false", flag)?,
            speech_workers: reader.get("SPEECH_WORKERS", "2", "a number from 1 to 64", |text| within(text, 1, 64))?,
            speech_model_dir: reader
                .get("SPEECH_MODEL_DIR", "/usr/share/pocketsphinx/model/en-us", "a folder", |text| Some(PathBuf::from(text)))?,
            telnyx_l16_big_endian: reader.get("TELNYX_L16_BIG_ENDIAN", "false", "true or false", flag)?,
            database_url: reader.address("DATABASE_URL", "postgres://user:password@host:port/name", |text| {
                text.starts_with("postgres://") || text.starts_with("postgresql://")
            })?,
            vendors: Vendors::read(reader)?,
            people: People::read(reader)?,
            call_centre: CallCentre::read(reader, port)?,
            shown: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("voicenoob.toml");
        std::fs::write(&path, file).unwrap();
        Settings::load(Some(&path), |name| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
        let settings = load("port = 9000\nhost = \"0.0.0.0\"\n", &[("PORT", "9001")]).unwrap();
        assert_eq!((settings.port, settings.host.to_string()), (9001, "0.0.0.0".into()));
        let source = |name| settings.shown.iter().find(|shown| shown.name == name).unwrap().source;
        assert_eq!((source("PORT"), source("HOST"), source("DATA_DIR")), (Source::Environment, Source::File, Source::Default));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_helps() {
        let error = load("prot = 1\n", &[]).unwrap_err().to_string();
        assert!(error.contains("did you mean \"port\"?"), "{error}");
    }

    #[test]
    fn a_malformed_value_names_the_setting_the_value_and_what_is_allowed() {
        let error = load("", &[("MAX_CONCURRENT_CALLS", "many")]).unwrap_err().to_string();
        assert_eq!(error, "MAX_CONCURRENT_CALLS=\"many\" (environment) is not allowed: use a number from 1 to 100000");
    }

    #[test]
    fn a_secret_does_not_print() {
        let settings = load("", &[("TWILIO_AUTH_TOKEN", "hush-canary")]).unwrap();
        assert!(!format!("{settings:?}").contains("hush-canary"));
    }

    #[test]
    fn every_setting_is_a_known_key_of_the_file() {
        let settings = load("", &[]).unwrap();
        let shown: Vec<_> = settings.shown.iter().map(|shown| shown.name).collect();
        for name in NAMES {
            assert!(shown.contains(&name), "{name} is a key of the file and is not read");
        }
        assert_eq!(shown.len(), NAMES.len());
    }

    #[test]
    fn addresses_are_shown_without_their_passwords() {
        let settings = load("", &[("REDIS_URL", "redis://user:hush-canary@cache.example:6379/1")]).unwrap();
        let shown = settings.shown.iter().find(|shown| shown.name == "REDIS_URL").unwrap();
        assert_eq!(shown.value, "redis://********@cache.example:6379/1");
        assert!(!format!("{settings:?}").contains("hush-canary"));
        let error = load("", &[("REDIS_URL", "http://user:hush-canary@cache.example")]).unwrap_err().to_string();
        assert!(error.starts_with("REDIS_URL=") && !error.contains("hush-canary"), "{error}");
    }

    #[test]
    fn the_call_centre_has_the_defaults_of_its_reference() {
        let centre = load("", &[]).unwrap().call_centre;
        assert_eq!((centre.registry, centre.metrics, centre.draining, centre.queue), (true, true, true, false));
        assert_eq!((centre.drain.timeout.as_secs(), centre.rules.registry_ttl.as_secs(), centre.rules.queue_capacity), (120, 1800, 1000));
        assert_eq!(centre.drain.settle.as_secs(), 0, "alone there is nobody to wait for");
        let shared = load("", &[("REDIS_URL", "redis://localhost:6379")]).unwrap().call_centre;
        assert_eq!(shared.drain.settle.as_secs(), 5);
    }
}
