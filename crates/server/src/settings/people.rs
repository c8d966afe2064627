//! Settings of people and access: accounts, sessions, secrets, the API, sign-in elsewhere, and the database's pool.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reader::Reader;
use super::values::{list, optional, seconds, within};
use super::{Secret, SettingsError};

/// Who may sign in, for how long, and what the API lets through.
#[derive(Debug, Clone)]
pub struct People {
    /// File with the keys that seal secrets and sign tokens, mode 0600; made at the first start. Instances of one installation share it.
    pub secrets_file: Option<PathBuf>,
    /// The same keys as text, where there is no file to share.
    pub secret_keys: Option<Secret>,
    /// Shortest password that is accepted.
    pub min_password: usize,
    /// Passwords hashed at the same time; each takes 19 MiB and a core.
    pub hash_concurrency: usize,
    /// A browser's session ends after this long without use, and after the second in any case.
    pub browser_session: (Duration, Duration),
    /// The same for sessions of programs, which hold an access and a refresh token.
    pub token_session: (Duration, Duration),
    /// An access token is good for this long.
    pub access_token: Duration,
    /// Web pages of other origins that may use the API.
    pub cors_origins: Vec<String>,
    /// Requests per minute.
    pub rates: Rates,
    /// Sign-in with an OpenID provider.
    pub openid: Option<OpenId>,
    /// The database's pool.
    pub pool: Pool,
    /// Old data is removed this often, where a workspace says that there is any.
    pub retention_interval: Duration,
}

/// Requests per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Attempts to sign in, by address.
    pub login: u32,
    /// Reading.
    pub read: u32,
    /// Changing.
    pub write: u32,
    /// What costs: exports, invitations, recordings.
    pub costly: u32,
    /// Everything, by address.
    pub address: u32,
}

/// Sign-in elsewhere.
#[derive(Debug, Clone)]
pub struct OpenId {
    /// The provider's address, as in its `iss`.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; public clients have none.
    pub client_secret: Option<Secret>,
    /// People of these mail domains get an account when they come; nobody else does.
    pub domains: Vec<String>,
    /// What such people are at first.
    pub role: String,
    /// On the button.
    pub name: String,
}

/// The pool of connections to PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Most connections.
    pub max: u32,
    /// Kept open.
    pub min: u32,
    /// Longest wait for one.
    pub acquire: Duration,
    /// A connection is replaced after about this long.
    pub lifetime: Duration,
}

const DAY: u64 = 24 * 3600;

impl People {
    pub(super) fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>) -> Result<Self, SettingsError> {
        let mut span = |name, default: &str, allowed, low: u64, high: u64| {
            reader.get(name, default, allowed, move |text| within(text, low, high).map(seconds))
        };
        let browser_session = (
            span("SESSION_IDLE_TIMEOUT", "1800", "seconds from 60 to 86400", 60, DAY)?,
            span("SESSION_LIFETIME", "43200", "seconds from 300 to 2592000", 300, 30 * DAY)?,
        );
        let token_session = (
            span("REFRESH_TOKEN_IDLE_TIMEOUT", "604800", "seconds from 300 to 7776000", 300, 90 * DAY)?,
            span("REFRESH_TOKEN_LIFETIME", "2592000", "seconds from 300 to 31536000", 300, 365 * DAY)?,
        );
        let access_token = span("ACCESS_TOKEN_LIFETIME", "600", "seconds from 60 to 900", 60, 900)?;
        let retention_interval = span("RETENTION_INTERVAL", "3600", "seconds from 10 to 86400", 10, DAY)?;
        Ok(Self {
            secrets_file: reader.get("SECRETS_FILE", "", "a file", |text| Some(optional(text).map(PathBuf::from)))?,
            secret_keys: reader.secret("SECRET_KEYS", "the text of a secrets file", |_| true)?,
            min_password: reader.get("PASSWORD_MIN_LENGTH", "12", "a number from 8 to 64", |text| within(text, 8, 64))?,
            hash_concurrency: reader.get("PASSWORD_HASH_CONCURRENCY", "1", "a number from 1 to 64", |text| within(text, 1, 64))?,
            browser_session,
            token_session,
            access_token,
            cors_origins: reader.get("CORS_ORIGINS", "", "addresses such as https://app.example.com separated by commas", origins)?,
            rates: Rates::read(reader)?,
            openid: OpenId::read(reader)?,
            pool: Pool::read(reader)?,
            retention_interval,
        })
    }

    /// Where the keys are, when they are in a file.
    pub fn secrets_path(&self, data_dir: &Path) -> PathBuf {
        self.secrets_file.clone().unwrap_or_else(|| data_dir.join("secrets.toml"))
    }
}

impl Rates {
    fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>) -> Result<Self, SettingsError> {
        let mut rate =
            |name, default: &str| reader.get(name, default, "requests per minute from 1 to 1000000", |text| within(text, 1, 1_000_000));
        Ok(Self {
            login: rate("RATE_LIMIT_LOGIN", "10")?,
            read: rate("RATE_LIMIT_READ", "600")?,
            write: rate("RATE_LIMIT_WRITE", "120")?,
            costly: rate("RATE_LIMIT_COSTLY", "20")?,
            address: rate("RATE_LIMIT_ADDRESS", "3000")?,
        })
    }
}

impl OpenId {
    fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>) -> Result<Option<Self>, SettingsError> {
        let text = |text: &str| Some(optional(text));
        let issuer = reader.get("OPENID_ISSUER", "", "an address such as https://login.example.com", |text| {
            (text.is_empty() || text.starts_with("https://") || text.starts_with("http://")).then(|| optional(text))
        })?;
        let client_id = reader.get("OPENID_CLIENT_ID", "", "the provider's name for this program", text)?;
        let client_secret = reader.secret("OPENID_CLIENT_SECRET", "the provider's secret for this program", |_| true)?;
        let domains = reader.get("OPENID_DOMAINS", "", "mail domains separated by commas", |text| Some(list(text)))?;
        let role = reader.get("OPENID_ROLE", "viewer", "viewer, operator or admin", |text| {
            ["viewer", "operator", "admin"].contains(&text).then(|| text.to_owned())
        })?;
        let name = reader.get("OPENID_NAME", "single sign-on", "1 to 60 letters", |text| {
            (1..=60).contains(&text.chars().count()).then(|| text.to_owned())
        })?;
        Ok(issuer.zip(client_id).map(|(issuer, client_id)| Self { issuer, client_id, client_secret, domains, role, name }))
    }
}

impl Pool {
    fn read<E: Fn(&str) -> Option<String>>(reader: &mut Reader<E>) -> Result<Self, SettingsError> {
        Ok(Self {
            max: reader.get("DATABASE_MAX_CONNECTIONS", "20", "a number from 2 to 1000", |text| within(text, 2, 1000))?,
            min: reader.get("DATABASE_MIN_CONNECTIONS", "2", "a number from 0 to 100", |text| within(text, 0, 100))?,
            acquire: reader.get("DATABASE_ACQUIRE_TIMEOUT", "5", "seconds from 1 to 60", |text| within(text, 1, 60).map(seconds))?,
            lifetime: reader
                .get("DATABASE_CONNECTION_LIFETIME", "1800", "seconds from 60 to 86400", |text| within(text, 60, 86_400).map(seconds))?,
        })
    }
}

fn origins(text: &str) -> Option<Vec<String>> {
    let origins = list(text);
    let fine =
        |origin: &String| (origin.starts_with("https://") || origin.starts_with("http://")) && !origin.ends_with('/') && origin != "*";
    origins.iter().all(fine).then_some(origins)
}
