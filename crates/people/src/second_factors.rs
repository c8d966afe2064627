//! Setting a second factor up, giving it anew, and taking it off.

use jiff::Timestamp;
use privacy::Secret;
use store::Transaction;
use store::users::{Totp, User, email_key};
use uuid::Uuid;

use crate::administration::Reach;
use crate::events::Event;
use crate::recovery;
use crate::throttle::{Gate, Guess};
use crate::{Client, People, PeopleError, Permission, Principal, Who, totp};

/// What an authenticator program has to be told. Shown once.
#[derive(Debug)]
pub struct TotpSetup {
    /// `otpauth://totp/...`, for a QR code.
    pub url: Secret,
    /// The same secret in base 32, for typing.
    pub secret: Secret,
}

/// What a code turned out to be, before it is used up.
enum Proof {
    Step(i64),
    Recovery([u8; 32]),
    Wrong,
}

const ON_ALREADY: PeopleError = PeopleError::NotAllowed { why: "a second factor is switched on already; switch it off first" };
const NOT_ON: PeopleError = PeopleError::NotAllowed { why: "no second factor is switched on; set one up first" };
const NOT_BEGUN: PeopleError = PeopleError::NotAllowed { why: "no second factor is being set up; begin with that" };

impl People {
    /// Makes a TOTP secret for the caller; it counts once a code of it was given to [`People::totp_confirm`]. Wants the password, where the account
    /// has one: a stolen session must not lock its owner out.
    pub async fn totp_begin(
        &self,
        caller: &Principal,
        password: Option<&Secret>,
        client: &Client,
        now: Timestamp,
    ) -> Result<TotpSetup, PeopleError> {
        let mut user = self.own(caller).await?;
        if user.password_hash.is_some() {
            let place = self.0.passwords.enter()?;
            let gate = Gate::new(Guess::Password, &email_key(user.email.expose()), client.address, now);
            let _turn = self.0.turns.wait(&gate).await?;
            let password = password.ok_or(PeopleError::WrongCredentials)?;
            user = self.right_password(&place, &gate, Some(user), password, "totp.begin", client, now).await?;
        }
        if is_on(&user) {
            return Err(ON_ALREADY);
        }
        let secret = totp::new_secret()?;
        let (url, shown) = totp::told(&secret, &self.0.settings.issuer, user.email.expose())?;
        let sealed = self.0.sealer.seal(&second_factor_sealed_for(user.id), &secret).await?;
        let mut tx = self.0.db.begin().await?;
        store::users::set_totp(&mut tx, user.id, Some(&sealed), false, now).await?;
        Event::by(caller, "totp.begin", "user", Some(user.id)).commit(tx, client, now).await?;
        Ok(TotpSetup { url, secret: shown })
    }

    /// Switches the second factor on with a first code, and hands out the recovery codes.
    pub async fn totp_confirm(&self, caller: &Principal, code: &str, client: &Client, now: Timestamp) -> Result<Vec<Secret>, PeopleError> {
        let user = self.own(caller).await?;
        let begun = user.totp.as_ref().ok_or(NOT_BEGUN)?;
        if begun.confirmed {
            return Err(ON_ALREADY);
        }
        let sealed = begun.sealed_secret.clone();
        let codes = recovery::new_codes()?;
        let mut tx = self.prove(&user, code, None, "totp.confirm", client, now).await?;
        store::users::set_totp(&mut tx, user.id, Some(&sealed), true, now).await?;
        keep_codes(&mut tx, user.id, &codes).await?;
        if let Some(session) = caller.session() {
            store::sessions::verified(&mut tx, session, now).await?;
        }
        Event::by(caller, "totp.confirm", "user", Some(user.id)).commit(tx, client, now).await?;
        self.forget();
        Ok(codes)
    }

    /// Switches the caller's own second factor off; wants a code.
    pub async fn totp_disable(&self, caller: &Principal, code: &str, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        let user = self.own(caller).await?;
        let mut tx = self.prove_on(&user, code, "totp.disable", client, now).await?;
        switch_off(&mut tx, user.id, now).await?;
        Event::by(caller, "totp.disable", "user", Some(user.id)).commit(tx, client, now).await
    }

    /// Switches off the second factor of somebody the caller administers, who lost it. Ends their sessions.
    pub async fn totp_remove(&self, caller: &Principal, user: Uuid, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        let user = self.subject(caller, user, Permission::UserUpdate, Reach::Account).await?.user;
        let mut tx = self.0.db.begin().await?;
        switch_off(&mut tx, user.id, now).await?;
        store::sessions::revoke_all(&mut tx, user.id, None, "second factor removed", now).await?;
        Event::by(caller, "totp.remove", "user", Some(user.id)).commit(tx, client, now).await?;
        self.forget();
        Ok(())
    }

    /// New recovery codes instead of the old ones; wants a code.
    pub async fn recovery_codes_new(
        &self,
        caller: &Principal,
        code: &str,
        client: &Client,
        now: Timestamp,
    ) -> Result<Vec<Secret>, PeopleError> {
        let user = self.own(caller).await?;
        let codes = recovery::new_codes()?;
        let mut tx = self.prove_on(&user, code, "recovery_codes.new", client, now).await?;
        keep_codes(&mut tx, user.id, &codes).await?;
        Event::by(caller, "recovery_codes.new", "user", Some(user.id)).commit(tx, client, now).await?;
        Ok(codes)
    }

    /// Gives the second factor anew, for what wants a fresh one.
    pub async fn verify_again(&self, caller: &Principal, code: &str, client: &Client, now: Timestamp) -> Result<Principal, PeopleError> {
        let user = self.own(caller).await?;
        let Who::User { session, .. } = caller.who else { return Err(PeopleError::SESSION) };
        let mut tx = self.prove_on(&user, code, "auth.verify", client, now).await?;
        store::sessions::verified(&mut tx, session, now).await?;
        Event::by(caller, "auth.verify", "session", Some(session)).commit(tx, client, now).await?;
        self.forget();
        self.again(session, now).await
    }

    /// Uses a code up, and gives the transaction in which that was done: it counts when the caller commits it. A wrong code is counted, also on the
    /// ticket it was given for, and noted.
    pub(crate) async fn prove(
        &self,
        user: &User,
        code: &str,
        ticket: Option<&[u8; 32]>,
        action: &'static str,
        client: &Client,
        now: Timestamp,
    ) -> Result<Transaction, PeopleError> {
        let _place = self.0.passwords.enter()?;
        let gate = Gate::new(Guess::Factor, &user.id.to_string(), client.address, now);
        let _turn = self.0.turns.wait(&gate).await?;
        self.pass(&gate, Some(user.id), action, client, now).await?;
        let proof = self.proof(user, code, now).await?;
        let mut tx = self.0.db.begin().await?;
        let accepted = match &proof {
            Proof::Step(step) => store::users::accept_totp_step(&mut tx, user.id, *step).await?,
            Proof::Recovery(digest) => store::users::use_recovery_code(&mut tx, user.id, digest, now).await?,
            Proof::Wrong => false,
        };
        if accepted {
            gate.succeeded(&mut tx).await?;
            return Ok(tx);
        }
        if let Some(ticket) = ticket {
            store::tickets::failed(&mut tx, ticket).await?;
        }
        gate.failed(&mut tx, now).await?;
        let why = if matches!(proof, Proof::Wrong) { "wrong code" } else { "used before" };
        Event::by_person(Some(user.id), None, action).failed(why).commit(tx, client, now).await?;
        Err(PeopleError::BadCode)
    }

    async fn prove_on(
        &self,
        user: &User,
        code: &str,
        action: &'static str,
        client: &Client,
        now: Timestamp,
    ) -> Result<Transaction, PeopleError> {
        if !is_on(user) {
            return Err(NOT_ON);
        }
        self.prove(user, code, None, action, client, now).await
    }

    /// A code of the authenticator works while it is set up too, a recovery code only when it is on.
    async fn proof(&self, user: &User, code: &str, now: Timestamp) -> Result<Proof, PeopleError> {
        let Some(Totp { sealed_secret, confirmed, .. }) = &user.totp else { return Ok(Proof::Wrong) };
        if recovery::looks_like_one(code) {
            return Ok(if *confirmed { Proof::Recovery(recovery::kept(user.id, code)) } else { Proof::Wrong });
        }
        let secret = self.0.sealer.open(&second_factor_sealed_for(user.id), sealed_secret).await?;
        let typed: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        Ok(totp::step_of(&secret, &typed, now)?.map_or(Proof::Wrong, Proof::Step))
    }

    /// The caller's own account.
    pub(crate) async fn own(&self, caller: &Principal) -> Result<User, PeopleError> {
        let id = caller.user().ok_or(PeopleError::NotAllowed { why: "only people have an account; sign in as one" })?;
        store::users::get(&self.0.db, id).await?.filter(|user| user.active).ok_or(PeopleError::SESSION)
    }
}

fn is_on(user: &User) -> bool {
    user.totp.as_ref().is_some_and(|totp| totp.confirmed)
}

/// For what, and for whom, a second factor's secret is sealed: it opens for its own account only.
pub fn second_factor_sealed_for(user: Uuid) -> String {
    format!("totp of {user}")
}

async fn keep_codes(tx: &mut Transaction, user: Uuid, codes: &[Secret]) -> Result<(), PeopleError> {
    let kept: Vec<_> = codes.iter().map(|code| recovery::kept(user, code.expose())).collect();
    Ok(store::users::set_recovery_codes(tx, user, &kept).await?)
}

async fn switch_off(tx: &mut Transaction, user: Uuid, now: Timestamp) -> Result<(), PeopleError> {
    store::users::set_totp(tx, user, None, false, now).await?;
    store::users::set_recovery_codes(tx, user, &[]).await?;
    Ok(store::tickets::remove_kind(tx, store::tickets::TicketKind::SecondFactor, Some(user)).await.map(drop)?)
}
