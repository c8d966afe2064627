//! The service, its settings, and who asks it.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrets::{AccessTokens, Sealer};
use store::idempotency::Held;
use store::sessions::SessionKind;
use store::{Database, StoreError};
use uuid::Uuid;

use crate::cache::Recent;
use crate::keys::FoundKey;
use crate::passwords::Passwords;
use crate::sessions::Live;
use crate::throttle::FORGOTTEN_AFTER;
use crate::turns::Turns;
use crate::{HashingState, PeopleError};

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Without being used.
    pub idle: SignedDuration,
    /// In all.
    pub absolute: SignedDuration,
}

/// What can be set about people.
#[derive(Debug, Clone)]
pub struct PeopleSettings {
    /// Fewest characters of a new password; less than [`crate::LEAST_MIN_PASSWORD`] is taken as that.
    pub min_password: usize,
    /// Life of an access token, at most [`secrets::MAX_TOKEN_LIFE_SECS`].
    pub access_ttl: SignedDuration,
    /// Sessions of browsers, by cookie.
    pub browser: Lifetime,
    /// Sessions of programs, by access and refresh token.
    pub token: Lifetime,
    /// Passwords hashed at once; each takes 19 MiB and a core for some 30 ms.
    pub hash_concurrency: usize,
    /// Passwords that may wait for that.
    pub hash_queue: usize,
    /// Words about this installation that make a password weak.
    pub product_words: Vec<String>,
    /// The name authenticator programs show.
    pub issuer: String,
}

impl Default for PeopleSettings {
    /// The numbers of OWASP ASVS 5.0 and the proposals beside it: 12 characters, 10 min, 30 min and 12 h, 7 and 30 days.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            min_password: 12,
            access_ttl: SignedDuration::from_mins(10),
            browser: Lifetime { idle: SignedDuration::from_mins(30), absolute: SignedDuration::from_hours(12) },
            token: Lifetime { idle: SignedDuration::from_hours(24 * 7), absolute: SignedDuration::from_hours(24 * 30) },
            hash_concurrency: (cores / 2).max(1),
            hash_queue: 64,
            product_words: vec!["voicenoob".into()],
            issuer: "voicenoob".into(),
        }
    }
}

impl PeopleSettings {
    pub(crate) fn lifetime(&self, kind: SessionKind) -> Lifetime {
        match kind {
            SessionKind::Browser => self.browser,
            SessionKind::Token => self.token,
        }
    }
}

/// Where a request comes from.
#[derive(Clone)]
pub struct Client {
    /// The caller's address, behind trusted proxies the one they name.
    pub address: IpAddr,
    /// The program, as it calls itself.
    pub user_agent: String,
    /// The request's id.
    pub request_id: String,
    /// The claim of a request that may be repeated: what is done for it is noted together with it.
    pub claim: Option<Held>,
}

impl Client {
    /// Somebody at this machine, with this command.
    pub fn here(command: &str) -> Self {
        Self { address: Ipv4Addr::LOCALHOST.into(), user_agent: command.to_owned(), request_id: Uuid::now_v7().to_string(), claim: None }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Signing in and staying signed in, API keys, links, and changes of accounts. Clones share it.
#[derive(Clone)]
pub struct People(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Database,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) tokens: AccessTokens,
    pub(crate) settings: PeopleSettings,
    pub(crate) passwords: Passwords,
    pub(crate) turns: Turns,
    pub(crate) sessions: Recent<Uuid, Option<Arc<Live>>>,
    /// Which session a cookie is of.
    pub(crate) cookies: Recent<[u8; 32], Option<Uuid>>,
    pub(crate) keys: Recent<[u8; 32], FoundKey>,
    /// When keys were last used, until that is written.
    pub(crate) uses: Mutex<HashMap<Uuid, Timestamp>>,
}

impl People {
    /// How often [`People::upkeep`] should be called.
    pub const UPKEEP: Duration = Duration::from_secs(60);
    /// Most keys whose use is remembered until it is written.
    pub const MAX_KEY_USES: usize = 10_000;

    /// The service on this database.
    pub fn new(db: Database, sealer: Arc<dyn Sealer>, tokens: AccessTokens, settings: PeopleSettings) -> Self {
        let passwords = Passwords::new(settings.hash_concurrency, settings.hash_queue);
        let turns = Turns::new();
        let (sessions, cookies, keys) = (Recent::new(), Recent::new(), Recent::new());
        Self(Arc::new(Inner { db, sealer, tokens, settings, passwords, turns, sessions, cookies, keys, uses: Mutex::default() }))
    }

    /// How busy the hashing of passwords is, for the metrics.
    pub fn hashing(&self) -> HashingState {
        self.0.passwords.state()
    }

    /// What has to be done every [`People::UPKEEP`]: writes when API keys were last used, and removes what is long over.
    pub async fn upkeep(&self, now: Timestamp) -> Result<(), PeopleError> {
        self.write_key_uses().await?;
        let mut tx = self.0.db.begin().await?;
        let sessions = store::sessions::sweep(&mut tx, now).await?;
        let tickets = store::tickets::sweep(&mut tx, now).await?;
        let throttles = store::throttle::sweep(&mut tx, now - FORGOTTEN_AFTER).await?;
        tx.commit().await.map_err(StoreError::while_doing("remove sessions, links and waits that are over"))?;
        tracing::debug!(sessions, tickets, throttles, "removed what is over");
        Ok(())
    }

    /// Drops what is remembered of sessions and keys, after accounts, roles or keys were changed by other means than this service. Other instances
    /// see such a change within 3 s.
    pub fn forget(&self) {
        self.0.sessions.forget();
        self.0.cookies.forget();
        self.0.keys.forget();
    }

    async fn write_key_uses(&self) -> Result<(), PeopleError> {
        let uses: Vec<(Uuid, Timestamp)> = self.0.uses().drain().collect();
        if uses.is_empty() {
            return Ok(());
        }
        let written = store::api_keys::used(&self.0.db, &uses).await;
        if written.is_err() {
            // Next time; what came meanwhile is newer.
            let mut waiting = self.0.uses();
            for (id, at) in uses {
                waiting.entry(id).or_insert(at);
            }
        }
        Ok(written?)
    }
}

impl Inner {
    pub(crate) fn uses(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Timestamp>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
