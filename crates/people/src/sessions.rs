//! Staying signed in.

use std::sync::Arc;

use call::TenantId;
use jiff::{SignedDuration, Timestamp};
use privacy::Secret;
use secrets::{digest, random_token};
use store::StoreError;
use store::sessions::{Rotation, Session, SessionKind};
use uuid::Uuid;

use crate::administration::{Reach, is_own};
use crate::events::Event;
use crate::principal::granted;
use crate::{Client, People, PeopleError, Permission, Principal, Role, Tokens, Who};

/// That a session was used is written at most so often.
const TOUCH_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Longest cookie or token that is looked at, in bytes.
const MAX_TOKEN: usize = 128;

/// A session that goes on, and what its owner may do.
pub(crate) struct Live {
    session: Session,
    role: Option<Role>,
    system_admin: bool,
}

impl Live {
    fn principal(&self) -> Principal {
        Principal {
            who: Who::User { id: self.session.user_id, session: self.session.id },
            // Taken out of the workspace: the session goes on without one.
            tenant: self.role.and(self.session.tenant),
            role: self.role,
            permissions: granted(self.role, self.system_admin),
            system_admin: self.system_admin,
            second_factor: self.session.verified_at,
        }
    }
}

impl People {
    /// A new access and refresh token for the refresh token. One that was used before ends the session: it was stolen, or its owner's was.
    pub async fn refresh(&self, refresh: &Secret, client: &Client, now: Timestamp) -> Result<Tokens, PeopleError> {
        let db = &self.0.db;
        let given = digest(refresh.expose());
        // A cookie is no refresh token, and who was switched off gets nothing new.
        if let Some(session) = store::sessions::by_secret(db, &given).await? {
            let user = store::users::get(db, session.user_id).await?;
            if session.kind != SessionKind::Token || !user.is_some_and(|user| user.active) {
                let event = Event::by_person(Some(session.user_id), session.tenant, "auth.refresh").refused("not usable");
                event.commit_alone(db, client, now).await?;
                return Err(PeopleError::SESSION);
            }
        }
        let new = random_token()?;
        let mut tx = db.begin().await?;
        match store::sessions::rotate(&mut tx, &given, &digest(new.expose()), now, self.0.settings.token.idle).await? {
            Rotation::Rotated(session) => {
                tx.commit().await.map_err(StoreError::while_doing("exchange a refresh token"))?;
                let user = store::users::get(db, session.user_id).await?.ok_or(PeopleError::SESSION)?;
                self.tokens(session, user, new, now)
            }
            Rotation::Reused(session) => {
                let event = Event::by_person(Some(session.user_id), session.tenant, "auth.refresh").refused("used before");
                event.with("session", session.id.to_string()).commit(tx, client, now).await?;
                self.forget();
                Err(PeopleError::SESSION)
            }
            Rotation::Unknown => {
                Event::by_person(None, None, "auth.refresh").failed("unknown or over").commit(tx, client, now).await?;
                Err(PeopleError::SESSION)
            }
        }
    }

    /// Ends the caller's own session.
    pub async fn logout(&self, caller: &Principal, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        let Who::User { id, session } = caller.who else { return Err(NO_SESSION) };
        let mut tx = self.0.db.begin().await?;
        store::sessions::revoke(&mut tx, session, Some(id), "signed out", now).await?;
        Event::by(caller, "auth.logout", "session", Some(session)).commit(tx, client, now).await?;
        self.forget();
        Ok(())
    }

    /// Lets the caller's session act in another of their workspaces.
    pub async fn switch_workspace(
        &self,
        caller: &Principal,
        tenant: TenantId,
        client: &Client,
        now: Timestamp,
    ) -> Result<Principal, PeopleError> {
        let Who::User { id, session } = caller.who else { return Err(NO_SESSION) };
        let of = store::users::memberships(&self.0.db, id).await?;
        if !of.iter().any(|one| one.tenant == tenant) {
            Event::by(caller, "auth.workspace", "session", Some(session))
                .refused("not a member")
                .commit_alone(&self.0.db, client, now)
                .await?;
            return Err(PeopleError::Missing { what: "workspace" });
        }
        let mut tx = self.0.db.begin().await?;
        store::sessions::set_tenant(&mut tx, session, Some(tenant)).await?;
        Event::by(caller, "auth.workspace", "session", Some(session)).with("to", tenant.to_string()).commit(tx, client, now).await?;
        self.forget();
        self.again(session, now).await
    }

    /// Who has this access token.
    pub async fn authenticate_token(&self, access: &str, now: Timestamp) -> Result<Principal, PeopleError> {
        let claims = self.0.tokens.verify(access, now).map_err(|why| {
            tracing::info!(%why, "an access token was refused");
            PeopleError::SESSION
        })?;
        let caller = self.of_session(claims.sid, SessionKind::Token, now).await?;
        if caller.user() == Some(claims.sub) { Ok(caller) } else { Err(PeopleError::SESSION) }
    }

    /// Who has this cookie.
    pub async fn authenticate_cookie(&self, cookie: &str, now: Timestamp) -> Result<Principal, PeopleError> {
        if cookie.len() > MAX_TOKEN {
            return Err(PeopleError::SESSION);
        }
        let secret = digest(cookie);
        let look = async { Ok::<_, PeopleError>(store::sessions::by_secret(&self.0.db, &secret).await?.map(|session| session.id)) };
        let id = self.0.cookies.get(secret, now, look).await?.ok_or(PeopleError::SESSION)?;
        self.of_session(id, SessionKind::Browser, now).await
    }

    /// The live sessions of the caller, or of somebody the caller administers; newest first, at most 100.
    pub async fn sessions_of(&self, caller: &Principal, user: Uuid, now: Timestamp) -> Result<Vec<Session>, PeopleError> {
        let mut sessions = store::sessions::of_user(&self.0.db, user, now).await?;
        if !is_own(caller, user) {
            self.subject(caller, user, Permission::UserUpdate, Reach::Workspace).await?;
            // What somebody does in other workspaces is not this one's business.
            sessions.retain(|session| caller.may(Permission::SystemAdmin) || session.tenant == caller.tenant);
        }
        Ok(sessions)
    }

    /// Ends one session of the caller, or of somebody the caller administers. False when there is none.
    pub async fn end_session(
        &self,
        caller: &Principal,
        user: Uuid,
        session: Uuid,
        client: &Client,
        now: Timestamp,
    ) -> Result<bool, PeopleError> {
        let ended = self.end(caller, user, |one| one.id == session, client, now).await?;
        Ok(ended > 0)
    }

    /// Ends all sessions of the caller (but this one, when `keep_own`), or of somebody the caller administers. How many there were.
    pub async fn end_sessions(
        &self,
        caller: &Principal,
        user: Uuid,
        keep_own: bool,
        client: &Client,
        now: Timestamp,
    ) -> Result<u64, PeopleError> {
        let kept = caller.session().filter(|_| keep_own);
        self.end(caller, user, |one| Some(one.id) != kept, client, now).await
    }

    async fn end(
        &self,
        caller: &Principal,
        user: Uuid,
        which: impl Fn(&Session) -> bool,
        client: &Client,
        now: Timestamp,
    ) -> Result<u64, PeopleError> {
        let sessions = self.sessions_of(caller, user, now).await?;
        let mut tx = self.0.db.begin().await?;
        let mut ended = 0;
        for session in sessions.iter().filter(|session| which(session)) {
            ended += u64::from(store::sessions::revoke(&mut tx, session.id, Some(user), "ended", now).await?);
        }
        Event::by(caller, "session.end", "user", Some(user)).with("ended", ended).commit(tx, client, now).await?;
        self.forget();
        Ok(ended)
    }

    async fn of_session(&self, id: Uuid, kind: SessionKind, now: Timestamp) -> Result<Principal, PeopleError> {
        let live = self.0.sessions.get(id, now, self.look_up(id, now)).await?;
        // Fresh as it is, its time may be over now.
        live.filter(|live| live.session.kind == kind && live.session.is_live(now)).map(|live| live.principal()).ok_or(PeopleError::SESSION)
    }

    /// The caller as they are after a change of their session.
    pub(crate) async fn again(&self, session: Uuid, now: Timestamp) -> Result<Principal, PeopleError> {
        self.look_up(session, now).await?.map(|live| live.principal()).ok_or(PeopleError::SESSION)
    }

    /// A session that goes on, of somebody who is switched on; notes that it is used.
    async fn look_up(&self, id: Uuid, now: Timestamp) -> Result<Option<Arc<Live>>, PeopleError> {
        let db = &self.0.db;
        let Some(mut session) = store::sessions::get(db, id).await?.filter(|session| session.is_live(now)) else { return Ok(None) };
        let member = match session.tenant {
            Some(tenant) => store::users::member(db, tenant, session.user_id).await?,
            None => None,
        };
        let (user, role) = match member {
            Some(member) => (Some(member.user), Some(role_of(&member.role)?)),
            None => (store::users::get(db, session.user_id).await?, None),
        };
        let Some(user) = user.filter(|user| user.active) else { return Ok(None) };
        if now.duration_since(session.used_at) >= TOUCH_EVERY {
            let idle_ends_at = (now + self.0.settings.lifetime(session.kind).idle).min(session.ends_at);
            store::sessions::touch(db, id, now, idle_ends_at).await?;
            session.idle_ends_at = idle_ends_at;
        }
        Ok(Some(Arc::new(Live { session, role, system_admin: user.system_admin })))
    }
}

/// API keys and the operator have no session.
const NO_SESSION: PeopleError = PeopleError::NotAllowed { why: "only people who are signed in have a session; sign in first" };

/// A role as it stands in records.
pub(crate) fn role_of(word: &str) -> Result<Role, PeopleError> {
    Role::parse(word).ok_or_else(|| PeopleError::Store(StoreError::corrupt("role", word)))
}
