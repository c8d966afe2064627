//! API keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use call::TenantId;
use jiff::Timestamp;
use privacy::Secret;
use secrets::{digest, random_token};
use store::api_keys::ApiKey;
use store::audit::{Actor, ActorKind};
use uuid::Uuid;

use crate::administration::{needs, workspace};
use crate::events::Event;
use crate::principal::granted;
use crate::sessions::role_of;
use crate::{Client, People, PeopleError, Permission, Principal, Who};

/// What every key begins with, so that a leaked one is recognised.
pub const KEY_START: &str = "vnk_";
/// Characters of a key's prefix.
const PREFIX: usize = 8;
/// Longest text that is looked at as a key, in bytes.
const MAX_KEY: usize = 128;
/// Longest name of a key, in characters.
const MAX_NAME: usize = 100;

/// An API key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// What it may do: nothing its maker may not.
    pub scopes: BTreeSet<Permission>,
    /// None: until it is revoked.
    pub expires_at: Option<Timestamp>,
}

/// What a look for a key found.
#[derive(Clone)]
pub(crate) enum FoundKey {
    Unknown,
    Refused,
    Live(Arc<LiveKey>),
}

pub(crate) struct LiveKey {
    key: ApiKey,
    permissions: BTreeSet<Permission>,
}

impl People {
    /// Makes a key for the caller's workspace. The text, `vnk_<prefix>_<secret>`, is shown once.
    pub async fn create_key(
        &self,
        caller: &Principal,
        new: &NewKey,
        client: &Client,
        now: Timestamp,
    ) -> Result<(ApiKey, Secret), PeopleError> {
        let tenant = self.may_make(caller, new, now)?;
        let prefix = random_prefix()?;
        let text = Secret::from(format!("{KEY_START}{prefix}_{}", random_token()?.expose()));
        let key = ApiKey {
            id: Uuid::now_v7(),
            tenant,
            name: new.name.trim().to_owned(),
            prefix,
            scopes: new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_by: caller.user(),
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.0.db.begin().await?;
        store::api_keys::create(&mut tx, &key, &digest(text.expose())).await?;
        let event = Event::by(caller, "key.create", "api_key", Some(key.id)).with("scopes", key.scopes.clone());
        event.commit(tx, client, now).await?;
        self.forget();
        Ok((key, text))
    }

    fn may_make(&self, caller: &Principal, new: &NewKey, now: Timestamp) -> Result<TenantId, PeopleError> {
        needs(caller, Permission::KeyManage)?;
        if matches!(caller.who, Who::ApiKey { .. }) {
            return Err(PeopleError::NotAllowed { why: "a key makes no keys: what it leaves behind would outlive it; sign in" });
        }
        if !(1..=MAX_NAME).contains(&new.name.trim().chars().count()) || new.name.chars().any(char::is_control) {
            return Err(PeopleError::Invalid { field: "name", why: "write 1 to 100 characters, in one line" });
        }
        if new.scopes.is_empty() {
            return Err(PeopleError::Invalid {
                field: "scopes",
                why: "a key that may do nothing is of no use; name at least one permission",
            });
        }
        if new.expires_at.is_some_and(|at| at <= now) {
            return Err(PeopleError::Invalid { field: "expires_at", why: "it lies in the past" });
        }
        let beyond: Vec<_> = new.scopes.difference(&caller.permissions).copied().collect();
        if beyond.is_empty() { workspace(caller) } else { Err(PeopleError::Scopes(beyond)) }
    }

    /// Revokes a key of the caller's workspace. False when there is none that could still be used.
    pub async fn revoke_key(&self, caller: &Principal, id: Uuid, client: &Client, now: Timestamp) -> Result<bool, PeopleError> {
        needs(caller, Permission::KeyManage)?;
        let tenant = workspace(caller)?;
        let mut tx = self.0.db.begin().await?;
        if !store::api_keys::revoke(&mut tx, tenant, id, now).await? {
            return Ok(false);
        }
        Event::by(caller, "key.revoke", "api_key", Some(id)).commit(tx, client, now).await?;
        self.forget();
        Ok(true)
    }

    /// Who has this key. It may do what both its scopes and its maker's permissions of today allow.
    pub async fn authenticate_key(&self, key: &str, client: &Client, now: Timestamp) -> Result<Principal, PeopleError> {
        if !key.starts_with(KEY_START) || key.len() > MAX_KEY {
            return Err(PeopleError::KEY);
        }
        let secret = digest(key);
        let found = self.0.keys.get(secret, now, self.look_for_key(&secret, client, now)).await?;
        let FoundKey::Live(live) = found else { return Err(PeopleError::KEY) };
        if !live.key.is_live(now) {
            return Err(PeopleError::KEY);
        }
        self.note_use(live.key.id, now);
        Ok(Principal {
            who: Who::ApiKey { id: live.key.id },
            tenant: Some(live.key.tenant),
            role: None,
            permissions: live.permissions.clone(),
            system_admin: false,
            second_factor: None,
        })
    }

    /// A key that is known and refused is noted, once for as long as that is remembered. One that is unknown says nothing about anybody.
    async fn look_for_key(&self, secret: &[u8; 32], client: &Client, now: Timestamp) -> Result<FoundKey, PeopleError> {
        let Some(key) = store::api_keys::by_digest(&self.0.db, secret).await? else {
            tracing::info!("an unknown API key was refused");
            return Ok(FoundKey::Unknown);
        };
        let permissions = self.permissions_of(&key).await?;
        let why = match permissions {
            _ if key.revoked_at.is_some() => "revoked",
            _ if !key.is_live(now) => "expired",
            None => "its maker is gone",
            Some(permissions) => return Ok(FoundKey::Live(Arc::new(LiveKey { key, permissions }))),
        };
        let actor = Actor { kind: ActorKind::ApiKey, id: Some(key.id.to_string()) };
        let event = Event::of(actor, Some(key.tenant), "key.use", "api_key", Some(key.id)).refused(why);
        event.commit_alone(&self.0.db, client, now).await?;
        Ok(FoundKey::Refused)
    }

    /// None: whoever made it does not belong to the workspace any more, or is switched off.
    async fn permissions_of(&self, key: &ApiKey) -> Result<Option<BTreeSet<Permission>>, PeopleError> {
        let scopes: BTreeSet<_> = key.scopes.iter().filter_map(|scope| Permission::parse(scope)).collect();
        let Some(maker) = key.created_by else { return Ok(Some(scopes)) };
        let Some(member) = store::users::member(&self.0.db, key.tenant, maker).await?.filter(|member| member.user.active) else {
            return Ok(None);
        };
        let of_maker = granted(Some(role_of(&member.role)?), member.user.system_admin);
        Ok(Some(scopes.intersection(&of_maker).copied().collect()))
    }

    fn note_use(&self, id: Uuid, now: Timestamp) {
        let mut uses = self.0.uses();
        if uses.len() < Self::MAX_KEY_USES || uses.contains_key(&id) {
            uses.insert(id, now);
        }
    }
}

/// Lower-case letters and digits: a person reads it out.
fn random_prefix() -> Result<String, PeopleError> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bytes = [0; PREFIX];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}
