//! Accounts and the keys behind them, opened as the settings say. The commands of the program use the same as the server.

use std::sync::Arc;

use call::{TenantId, Timestamp};
use jiff::SignedDuration;
use live::Rate;
use people::{Lifetime, OpenId, OpenIdSettings, People, PeopleSettings, Role};
use privacy::Secret;
use resilience::{Guards, Service};
use secrets::{AccessTokens, KeyFile, Sealer};
use store::{Database, PoolSettings};

use crate::ServerError;
use crate::settings::{self, Settings};

/// The audience of our own access tokens.
const AUDIENCE: &str = "voicenoob-api";
/// Passwords that may wait to be hashed; whoever comes then is told to come again.
const HASH_QUEUE: usize = 64;
/// Where an OpenID provider sends browsers back to.
const OPENID_PATH: &str = "/sign-in/openid";

/// Accounts and the keys behind them.
pub struct Accounts {
    /// Who may sign in.
    pub people: People,
    /// Seals what is stored.
    pub sealer: Arc<dyn Sealer>,
    /// Names that stand for callers in logs of erasures are made with it.
    pub pseudonym_key: [u8; 32],
    /// Sign-in elsewhere, where it is set.
    pub openid: Option<OpenId>,
}

/// Opens them.
pub fn open(settings: &Settings, database: &Database, guards: &Guards) -> Result<Accounts, ServerError> {
    let keys = keys(settings)?;
    let (tokens, pseudonym_key) = (AccessTokens::new(keys.signing_keys(), base(settings), AUDIENCE), keys.pseudonym_key());
    let sealer: Arc<dyn Sealer> = Arc::new(keys);
    let people = People::new(database.clone(), Arc::clone(&sealer), tokens, people_settings(settings));
    let openid = settings.people.openid.as_ref().map(|set| OpenId::new(openid(settings, set), guards.of(Service::OpenId))).transpose()?;
    Ok(Accounts { people, sealer, pseudonym_key, openid })
}

fn keys(settings: &Settings) -> Result<KeyFile, ServerError> {
    Ok(match &settings.people.secret_keys {
        Some(text) => KeyFile::from_text(text)?,
        None => KeyFile::load_or_create(&settings.people.secrets_path(&settings.data_dir), Timestamp::now())?,
    })
}

/// The address people reach this installation at, as far as it is known.
pub fn base(settings: &Settings) -> String {
    settings.public_url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}", settings.port))
}

fn people_settings(settings: &Settings) -> PeopleSettings {
    let set = &settings.people;
    let lifetime = |(idle, absolute)| Lifetime { idle: signed(idle), absolute: signed(absolute) };
    PeopleSettings {
        min_password: set.min_password,
        access_ttl: signed(set.access_token),
        browser: lifetime(set.browser_session),
        token: lifetime(set.token_session),
        hash_concurrency: set.hash_concurrency,
        hash_queue: HASH_QUEUE,
        ..PeopleSettings::default()
    }
}

fn openid(settings: &Settings, set: &settings::OpenId) -> OpenIdSettings {
    OpenIdSettings {
        issuer: set.issuer.clone(),
        client_id: set.client_id.clone(),
        client_secret: set.client_secret.as_ref().map(|secret| Secret::from(secret.expose().to_owned())),
        redirect_url: format!("{}{OPENID_PATH}", base(settings)),
        allowed_domains: set.domains.clone(),
        default_role: Role::parse(&set.role).unwrap_or(Role::Viewer),
        tenant: TenantId::DEFAULT,
        name: set.name.clone(),
    }
}

/// How often who may ask.
pub(crate) fn rates(settings: &Settings) -> api::Rates {
    let set = settings.people.rates;
    api::Rates {
        login: Rate::per_minute(set.login),
        read: Rate::per_minute(set.read),
        write: Rate::per_minute(set.write),
        costly: Rate::per_minute(set.costly),
        address: Rate::per_minute(set.address),
        ..api::Rates::default()
    }
}

/// The pool as it is set.
pub fn pool(settings: &Settings) -> PoolSettings {
    let set = settings.people.pool;
    PoolSettings { max: set.max, min: set.min, acquire_timeout: set.acquire, max_lifetime: set.lifetime, ..PoolSettings::default() }
}

fn signed(span: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}
