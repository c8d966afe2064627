//! Settings: defaults, then `voicenoob.toml`, then the environment. Every value remembers where it came from, and unknown keys in the file are errors.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

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
    /// Records calls to disk.
    pub record_calls: bool,
    /// Worker processes of the local recogniser.
    pub speech_workers: usize,
    /// Folder of the recogniser's model: it holds `en-us/` and `cmudict-en-us.dict`.
    pub speech_model_dir: PathBuf,
    /// At a stop, live calls are waited for this long.
    pub drain_timeout: Duration,
    /// Byte order of Telnyx's L16 audio, which their pages do not state.
    pub telnyx_l16_big_endian: bool,
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

/// A value that does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {why}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is no TOML.
    #[error("the settings file {path} is not valid TOML: {why}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// The file has a key that does not exist.
    #[error("the settings file {path} has the unknown key {key:?}{}", hint(.nearest))]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A value is malformed.
    #[error("{name}={value:?} ({source_name}) is not allowed: use {allowed}")]
    Malformed {
        /// The setting.
        name: &'static str,
        /// What was given; empty for secrets.
        value: String,
        /// Where it came from.
        source_name: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

fn hint(name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

const NAMES: [&str; 16] = [
    "HOST",
    "PORT",
    "DATA_DIR",
    "CACHE_DIR",
    "PUBLIC_URL",
    "TRUSTED_PROXIES",
    "TWILIO_AUTH_TOKEN",
    "TELNYX_PUBLIC_KEY",
    "OPERATOR_TOKEN",
    "MAX_CONCURRENT_CALLS",
    "AGENTS_DIR",
    "RECORD_CALLS",
    "SPEECH_WORKERS",
    "SPEECH_MODEL_DIR",
    "SHUTDOWN_DRAIN_TIMEOUT",
    "TELNYX_L16_BIG_ENDIAN",
];

impl Settings {
    /// Reads the settings. `file`: an explicit path must be readable; `environment` looks names up.
    pub fn load(file: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let table = file.map(read_table).transpose()?.unwrap_or_default();
        let mut reader = Reader { table, environment, shown: Vec::new() };
        let mut settings = Self {
            host: reader.get("HOST", "127.0.0.1", "an IP address such as 127.0.0.1 or 0.0.0.0", parse)?,
            port: reader.get("PORT", "8000", "a port from 0 to 65535", parse)?,
            data_dir: reader.get("DATA_DIR", "./data", "a folder", |text| (!text.is_empty()).then(|| PathBuf::from(text)))?,
            cache_dir: reader.get("CACHE_DIR", "", "a folder", |text| Some(PathBuf::from(text)))?,
            public_url: reader.get("PUBLIC_URL", "", "an address such as https://voice.example.com without a path", public_url)?,
            trusted_proxies: reader.get("TRUSTED_PROXIES", "", "IP addresses separated by commas", addresses)?,
            twilio_auth_token: reader.secret("TWILIO_AUTH_TOKEN", "the text from the carrier", |_| true)?,
            telnyx_public_key: reader.get("TELNYX_PUBLIC_KEY", "", "a base64 text", |text| Some(optional(text)))?,
            operator_token: reader.secret(
                "OPERATOR_TOKEN",
                "16 or more letters, digits, and signs without space, quotes, comma, semicolon or backslash",
                token,
            )?,
            max_concurrent_calls: reader
                .get("MAX_CONCURRENT_CALLS", "100", "a number from 1 to 100000", |text| within(text, 1, 100_000))?,
            agents_dir: reader.get("AGENTS_DIR", "", "a folder", |text| Some(optional(text).map(PathBuf::from)))?,
            record_calls: reader.get("RECORD_CALLS", "true", "true or false", flag)?,
            speech_workers: reader.get("SPEECH_WORKERS", "2", "a number from 1 to 64", |text| within(text, 1, 64))?,
            speech_model_dir: reader
                .get("SPEECH_MODEL_DIR", "/usr/share/pocketsphinx/model/en-us", "a folder", |text| Some(PathBuf::from(text)))?,
            drain_timeout: reader
                .get("SHUTDOWN_DRAIN_TIMEOUT", "30", "seconds from 0 to 3600", |text| within(text, 0, 3600).map(seconds))?,
            telnyx_l16_big_endian: reader.get("TELNYX_L16_BIG_ENDIAN", "false", "true or false", flag)?,
            shown: Vec::new(),
        };
        if settings.cache_dir.as_os_str().is_empty() {
            settings.cache_dir = settings.data_dir.join("cache");
        }
        settings.shown = reader.shown;
        Ok(settings)
    }
}

fn read_table(path: &Path) -> Result<toml::Table, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|why| SettingsError::Unreadable { path: path.into(), why: why.to_string() })?;
    let table: toml::Table =
        text.parse().map_err(|why: toml::de::Error| SettingsError::Syntax { path: path.into(), why: why.to_string() })?;
    for key in table.keys() {
        if !NAMES.iter().any(|name| name.to_lowercase() == *key) {
            let close = NAMES.iter().map(|name| name.to_lowercase()).max_by(|a, b| strsim::jaro(a, key).total_cmp(&strsim::jaro(b, key)));
            let nearest = close.filter(|name| strsim::jaro(name, key) > 0.7);
            return Err(SettingsError::UnknownKey { path: path.into(), key: key.clone(), nearest });
        }
    }
    Ok(table)
}

struct Reader<E> {
    table: toml::Table,
    environment: E,
    shown: Vec<Shown>,
}

impl<E: Fn(&str) -> Option<String>> Reader<E> {
    fn find(&self, name: &str, default: &str) -> (String, Source) {
        if let Some(value) = (self.environment)(name) {
            return (value, Source::Environment);
        }
        match self.table.get(&name.to_lowercase()) {
            Some(toml::Value::String(text)) => (text.clone(), Source::File),
            Some(toml::Value::Array(items)) => (items.iter().map(bare).collect::<Vec<_>>().join(","), Source::File),
            Some(other) => (other.to_string(), Source::File),
            None => (default.to_owned(), Source::Default),
        }
    }

    fn get<T>(
        &mut self,
        name: &'static str,
        default: &str,
        allowed: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingsError> {
        let (text, source) = self.find(name, default);
        let value = parse(text.trim()).ok_or_else(|| SettingsError::Malformed {
            name,
            value: text.clone(),
            source_name: source.to_string(),
            allowed,
        })?;
        let shown = if text.is_empty() { "not set".to_owned() } else { text };
        self.shown.push(Shown { name, value: shown, source });
        Ok(value)
    }

    fn secret(&mut self, name: &'static str, allowed: &'static str, fits: impl Fn(&str) -> bool) -> Result<Option<Secret>, SettingsError> {
        let (text, source) = self.find(name, "");
        if !text.is_empty() && !fits(&text) {
            return Err(SettingsError::Malformed { name, value: "********".into(), source_name: source.to_string(), allowed });
        }
        let value = if text.is_empty() { "not set" } else { "********" };
        self.shown.push(Shown { name, value: value.into(), source });
        Ok(optional(&text).map(Secret))
    }
}

fn bare(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn parse<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn optional(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn within<T: FromStr + PartialOrd>(text: &str, low: T, high: T) -> Option<T> {
    text.parse().ok().filter(|value| *value >= low && *value <= high)
}

fn seconds(value: u64) -> Duration {
    Duration::from_secs(value)
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A token that fits into a cookie and is long enough not to be guessed.
fn token(text: &str) -> bool {
    text.len() >= 16 && text.chars().all(|sign| sign.is_ascii_graphic() && !"\"',;\\".contains(sign))
}

fn addresses(text: &str) -> Option<Vec<IpAddr>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

fn public_url(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let fine = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
    fine.then(|| Some(text.to_owned()))
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
        assert_eq!(shown, NAMES);
    }
}
