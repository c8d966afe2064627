//! Signing in: the first factor, the second, and the session they open.

use call::TenantId;
use jiff::{SignedDuration, Timestamp};
use privacy::Secret;
use secrets::{digest, random_token};
use serde_json::json;
use store::Transaction;
use store::sessions::{MAX_LIST, Session, SessionKind};
use store::tickets::{Ticket, TicketKind};
use store::users::{User, email_key};
use uuid::Uuid;

use crate::events::Event;
use crate::passwords::Place;
use crate::throttle::{Gate, Guess};
use crate::{Client, People, PeopleError};

/// How long one may take for the code after the password.
pub const SECOND_FACTOR_LIMIT: SignedDuration = SignedDuration::from_mins(5);
/// Wrong codes for one right password.
pub const SECOND_FACTOR_TRIES: u32 = 5;
/// Longest name of a client program that is kept, in characters.
const MAX_USER_AGENT: usize = 200;

/// What signing in came to.
#[derive(Debug)]
pub enum Login {
    /// Signed in.
    Done(Tokens),
    /// The password was right; a code is wanted.
    SecondFactor {
        /// To be given with the code.
        ticket: Secret,
        /// Until then.
        ends_at: Timestamp,
    },
}

/// A session, and what shows that one has it.
#[derive(Debug)]
pub struct Tokens {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
    /// Access token, for a session of a program.
    pub access: Option<Secret>,
    /// What gets the next access token, once.
    pub refresh: Option<Secret>,
    /// The cookie's value, for a session of a browser.
    pub cookie: Option<Secret>,
    /// When the access token ends; for a browser, when the session does at the latest.
    pub access_ends_at: Timestamp,
}

/// Somebody whose first factor was right.
pub(crate) struct Arrival<'a> {
    pub(crate) user: User,
    /// The workspace they asked for.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) kind: SessionKind,
    /// `password`, `openid`.
    pub(crate) how: &'static str,
    pub(crate) client: &'a Client,
    pub(crate) now: Timestamp,
}

impl People {
    /// Signs in with e-mail and password, into this workspace or the first of the person's.
    ///
    /// Unknown, wrong and switched off get the same [`PeopleError::WrongCredentials`] after the same work.
    pub async fn login(
        &self,
        email: &str,
        password: &Secret,
        tenant: Option<TenantId>,
        kind: SessionKind,
        client: &Client,
        now: Timestamp,
    ) -> Result<Login, PeopleError> {
        let place = self.0.passwords.enter()?;
        let gate = Gate::new(Guess::Password, &email_key(email), client.address, now);
        let _turn = self.0.turns.wait(&gate).await?;
        let found = store::users::by_email(&self.0.db, email).await?;
        let user = self.right_password(&place, &gate, found, password, "auth.login", client, now).await?;
        let arrival = Arrival { user, tenant, kind, how: "password", client, now };
        self.arrive(arrival, Some(&gate)).await
    }

    /// The second step: the ticket of the first, and a code of the authenticator or a recovery code.
    pub async fn second_factor(
        &self,
        ticket: &Secret,
        code: &str,
        kind: SessionKind,
        client: &Client,
        now: Timestamp,
    ) -> Result<Tokens, PeopleError> {
        let digest = digest(ticket.expose());
        let over = || PeopleError::Expired { what: "sign-in", remedy: "give your password again" };
        let shown = store::tickets::look(&self.0.db, &digest, TicketKind::SecondFactor, now).await?;
        let user = match shown.as_ref().and_then(|ticket| ticket.user_id) {
            Some(id) => store::users::get(&self.0.db, id).await?.filter(|user| user.active),
            None => None,
        };
        let (Some(shown), Some(user)) = (shown, user) else {
            let event = Event::by_person(None, None, "auth.second_factor").failed("ticket");
            event.commit_alone(&self.0.db, client, now).await?;
            return Err(over());
        };
        let mut tx = self.prove(&user, code, Some(&digest), "auth.second_factor", client, now).await?;
        // Taken by a request beside this one: the code is not used up, the transaction ends here.
        store::tickets::take(&mut tx, &digest, TicketKind::SecondFactor, now).await?.ok_or_else(over)?;
        let gate = Gate::new(Guess::Password, &email_key(user.email.expose()), client.address, now);
        let arrival = Arrival { user, tenant: shown.tenant, kind, how: "second_factor", client, now };
        self.open(tx, arrival, Some(now), Some(&gate), None).await
    }

    /// The account this password is of. Anything else has cost as much time, is counted and noted.
    #[expect(clippy::too_many_arguments, reason = "one call, from three places")]
    pub(crate) async fn right_password(
        &self,
        place: &Place,
        gate: &Gate,
        found: Option<User>,
        password: &Secret,
        action: &'static str,
        client: &Client,
        now: Timestamp,
    ) -> Result<User, PeopleError> {
        self.pass(gate, found.as_ref().map(|user| user.id), action, client, now).await?;
        let stored = found.as_ref().and_then(|user| user.password_hash.as_ref());
        let verdict = self.0.passwords.verify(place, stored, password).await?;
        let id = found.as_ref().map(|user| user.id);
        let why = match found {
            Some(user) if verdict.right && user.active => {
                if verdict.weak {
                    self.rehash(place, &user, password).await;
                }
                return Ok(user);
            }
            Some(_) if verdict.right => "inactive",
            Some(_) => "wrong",
            None => "unknown",
        };
        let mut tx = self.0.db.begin().await?;
        gate.failed(&mut tx, now).await?;
        Event::by_person(id, None, action).failed(why).commit(tx, client, now).await?;
        Err(PeopleError::WrongCredentials)
    }

    /// Ok when no wait is in the way of a try. Failures from elsewhere do not hold for networks the owner is signed in from.
    pub(crate) async fn pass(
        &self,
        gate: &Gate,
        user: Option<Uuid>,
        action: &'static str,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), PeopleError> {
        let mut waits = gate.waits(&self.0.db, now).await?;
        if waits.only_elsewhere() && self.is_known(user, client, now).await? {
            waits.everywhere = SignedDuration::ZERO;
        }
        if let Err(wait) = waits.over() {
            Event::by_person(user, None, action).refused("throttled").commit_alone(&self.0.db, client, now).await?;
            return Err(wait);
        }
        Ok(())
    }

    /// Asks the same of an account that is not there.
    async fn is_known(&self, user: Option<Uuid>, client: &Client, now: Timestamp) -> Result<bool, PeopleError> {
        let sessions = store::sessions::of_user(&self.0.db, user.unwrap_or_default(), now).await?;
        let here = crate::throttle::network(client.address);
        let near = |session: &Session| session.address.expose().parse().is_ok_and(|address| crate::throttle::network(address) == here);
        Ok(sessions.iter().any(near))
    }

    /// The password is right all the same when its hash cannot be made better now; the next sign-in tries again.
    async fn rehash(&self, place: &Place, user: &User, password: &Secret) {
        let Some(old) = &user.password_hash else { return };
        let better = async {
            let new = self.0.passwords.hash(place, password).await?;
            Ok::<_, PeopleError>(store::users::rehash(&self.0.db, user.id, old, &new).await?)
        };
        if let Err(error) = better.await {
            tracing::warn!(%error, "a password could not be hashed anew with higher parameters");
        }
    }

    /// After the first factor: a ticket for the second, where there is one, or the session.
    pub(crate) async fn arrive(&self, arrival: Arrival<'_>, gate: Option<&Gate>) -> Result<Login, PeopleError> {
        let Arrival { ref user, how, client, now, .. } = arrival;
        let (id, tenant) = (user.id, self.workspace(&arrival).await?);
        if user.totp.as_ref().is_some_and(|totp| totp.confirmed) {
            let token = random_token()?;
            let ends_at = now + SECOND_FACTOR_LIMIT;
            let (kind, carries) = (TicketKind::SecondFactor, json!({}));
            let ticket = Ticket { kind, user_id: Some(id), tenant, carries, tries_left: SECOND_FACTOR_TRIES, created_at: now, ends_at };
            let mut tx = self.0.db.begin().await?;
            store::tickets::put(&mut tx, &digest(token.expose()), &ticket).await?;
            let event = Event::by_person(Some(id), tenant, "auth.first_factor").with("how", how);
            event.commit(tx, client, now).await?;
            return Ok(Login::SecondFactor { ticket: token, ends_at });
        }
        let most = usize::try_from(MAX_LIST).unwrap_or(usize::MAX);
        let live = store::sessions::of_user(&self.0.db, id, now).await?;
        let oldest = live.get(most - 1).map(|session| session.id);
        let tx = self.0.db.begin().await?;
        self.open(tx, Arrival { tenant, ..arrival }, None, gate, oldest).await.map(Login::Done)
    }

    /// The workspace they asked for, if it is theirs, or their first.
    async fn workspace(&self, arrival: &Arrival<'_>) -> Result<Option<TenantId>, PeopleError> {
        let of = store::users::memberships(&self.0.db, arrival.user.id).await?;
        match arrival.tenant {
            None => Ok(of.first().map(|first| first.tenant)),
            Some(wanted) if of.iter().any(|one| one.tenant == wanted) => Ok(Some(wanted)),
            Some(_) => {
                let event = Event::by_person(Some(arrival.user.id), None, "auth.login").refused("not a member");
                event.commit_alone(&self.0.db, arrival.client, arrival.now).await?;
                Err(PeopleError::NotAllowed { why: "you do not belong to this workspace; leave it out, or ask to be invited" })
            }
        }
    }

    /// Opens the session and commits. `instead_of` ends: nobody has more sessions than a list shows.
    async fn open(
        &self,
        mut tx: Transaction,
        arrival: Arrival<'_>,
        verified_at: Option<Timestamp>,
        gate: Option<&Gate>,
        instead_of: Option<Uuid>,
    ) -> Result<Tokens, PeopleError> {
        let Arrival { user, tenant, kind, how, client, now } = arrival;
        let secret = random_token()?;
        let life = self.0.settings.lifetime(kind);
        let ends_at = now + life.absolute;
        let session = Session {
            id: Uuid::now_v7(),
            user_id: user.id,
            tenant,
            kind,
            verified_at,
            address: client.address.to_canonical().to_string().into(),
            user_agent: client.user_agent.chars().filter(|letter| !letter.is_control()).take(MAX_USER_AGENT).collect(),
            created_at: now,
            used_at: now,
            idle_ends_at: (now + life.idle).min(ends_at),
            ends_at,
            revoked_at: None,
            revoked_because: None,
        };
        store::users::logged_in(&mut tx, user.id, now).await?;
        store::sessions::create(&mut tx, &session, &digest(secret.expose())).await?;
        if let Some(id) = instead_of {
            store::sessions::revoke(&mut tx, id, Some(user.id), "too many sessions", now).await?;
        }
        if let Some(gate) = gate {
            gate.succeeded(&mut tx).await?;
        }
        let tokens = self.tokens(session, user, secret, now)?;
        let event = Event::by_person(Some(tokens.user.id), tenant, "auth.login").with("how", how);
        event.with("session", tokens.session.id.to_string()).with("kind", kind.as_str()).commit(tx, client, now).await?;
        Ok(tokens)
    }

    /// What the holder of a session is given.
    pub(crate) fn tokens(&self, session: Session, user: User, secret: Secret, now: Timestamp) -> Result<Tokens, PeopleError> {
        match session.kind {
            SessionKind::Browser => {
                let access_ends_at = session.ends_at;
                Ok(Tokens { session, user, access: None, refresh: None, cookie: Some(secret), access_ends_at })
            }
            SessionKind::Token => {
                let life = self.0.settings.access_ttl;
                let access = self.0.tokens.issue(&self.0.tokens.claims(user.id, session.id, life, now), now)?;
                let access_ends_at = (now + life).min(session.ends_at);
                Ok(Tokens { session, user, access: Some(access), refresh: Some(secret), cookie: None, access_ends_at })
            }
        }
    }
}
