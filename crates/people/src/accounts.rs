//! Passwords and the data of accounts.

use jiff::Timestamp;
use privacy::Secret;
use serde_json::json;
use store::tickets::TicketKind;
use store::users::{User, UserChange, email_key};
use store::{Change, Transaction};
use uuid::Uuid;

use crate::administration::{Reach, is_own, needs, still_owned};
use crate::events::Event;
use crate::passwords::Place;
use crate::policy::{Context, LEAST_MIN_PASSWORD, PasswordProblem, problems};
use crate::throttle::{Gate, Guess};
use crate::{Client, People, PeopleError, Permission, Principal};

/// Longest name of a person, in characters.
pub const MAX_NAME: usize = 100;
/// Longest e-mail address (RFC 5321, 4.5.3.1.3, without the angle brackets).
pub const MAX_EMAIL: usize = 254;

impl People {
    /// Changes the caller's own password. Ends their other sessions.
    pub async fn change_password(
        &self,
        caller: &Principal,
        old: &Secret,
        new: &Secret,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), PeopleError> {
        let user = self.own(caller).await?;
        let place = self.0.passwords.enter()?;
        let gate = Gate::new(Guess::Password, &email_key(user.email.expose()), client.address, now);
        let _turn = self.0.turns.wait(&gate).await?;
        let user = self.right_password(&place, &gate, Some(user), old, "password.change", client, now).await?;
        let mut found = self.judged(new, &user).await?;
        if old == new {
            found.push(PasswordProblem::Same);
        }
        let hash = self.hashed(&place, new, found).await?;
        let mut tx = self.0.db.begin().await?;
        take_over(&mut tx, user.id, &hash, caller.session(), now).await?;
        gate.succeeded(&mut tx).await?;
        Event::by(caller, "password.change", "user", Some(user.id)).commit(tx, client, now).await?;
        self.forget();
        Ok(())
    }

    /// Changes name, e-mail, being switched on, or being system administrator: of the caller (name only), or of somebody the caller administers.
    /// Before and after.
    pub async fn change_person(
        &self,
        caller: &Principal,
        user: Uuid,
        change: &UserChange,
        expected: Option<i64>,
        client: &Client,
        now: Timestamp,
    ) -> Result<(User, User), PeopleError> {
        self.may_change(caller, user, change).await?;
        if let Change::Set(name) = &change.name {
            check_name(name)?;
        }
        if let Change::Set(email) = &change.email {
            check_email(email)?;
        }
        let ends = change.active == Change::Set(false);
        let owned = if ends { self.owned_by(user).await? } else { Vec::new() };
        let mut tx = self.0.db.begin().await?;
        let (before, after) = store::users::change(&mut tx, user, change, expected, now).await?;
        if ends {
            store::sessions::revoke_all(&mut tx, user, None, "switched off", now).await?;
            still_owned(&mut tx, &owned).await?;
        }
        if ends || !change.email.is_keep() {
            store::tickets::remove_kind(&mut tx, TicketKind::PasswordReset, Some(user)).await?;
        }
        let event = Event::by(caller, "user.update", "user", Some(user)).change(&seen(&before), &seen(&after));
        event.with("fields", fields(change)).commit(tx, client, now).await?;
        self.forget();
        Ok((before, after))
    }

    async fn may_change(&self, caller: &Principal, user: Uuid, change: &UserChange) -> Result<(), PeopleError> {
        let name_only = change.email.is_keep() && change.active.is_keep() && change.system_admin.is_keep();
        if is_own(caller, user) {
            let why = "of their own account people change the name; an administrator can change the rest";
            return if name_only { Ok(()) } else { Err(PeopleError::NotAllowed { why }) };
        }
        if !change.system_admin.is_keep() {
            needs(caller, Permission::SystemAdmin)?;
        }
        self.subject(caller, user, Permission::UserUpdate, Reach::Account).await.map(drop)
    }

    /// The rules a new password breaks for this account.
    pub(crate) async fn judged(&self, password: &Secret, user: &User) -> Result<Vec<PasswordProblem>, PeopleError> {
        let of = store::users::memberships(&self.0.db, user.id).await?;
        let mut words = vec![user.email.expose().as_str(), user.name.expose().as_str()];
        words.extend(of.iter().map(|one| one.tenant_name.as_str()));
        Ok(self.judged_by(password, words))
    }

    /// The rules a new password breaks for somebody with these words about them.
    pub(crate) fn judged_by<'a>(&'a self, password: &Secret, words: Vec<&'a str>) -> Vec<PasswordProblem> {
        let settings = &self.0.settings;
        let context = Context::of(settings.product_words.iter().map(String::as_str).chain(words));
        problems(password.expose(), settings.min_password.max(LEAST_MIN_PASSWORD), &context)
    }

    /// The hash of a new password without problems.
    pub(crate) async fn hashed(&self, place: &Place, password: &Secret, problems: Vec<PasswordProblem>) -> Result<Secret, PeopleError> {
        if !problems.is_empty() {
            return Err(PeopleError::Weak(problems));
        }
        self.0.passwords.hash(place, password).await
    }
}

/// Sets a password, and ends what was begun with the old one.
pub(crate) async fn take_over(
    tx: &mut Transaction,
    user: Uuid,
    hash: &Secret,
    except: Option<Uuid>,
    now: Timestamp,
) -> Result<(), PeopleError> {
    store::users::set_password(tx, user, hash, now).await?;
    store::sessions::revoke_all(tx, user, except, "password changed", now).await?;
    store::tickets::remove_kind(tx, TicketKind::PasswordReset, Some(user)).await?;
    store::tickets::remove_kind(tx, TicketKind::SecondFactor, Some(user)).await?;
    Ok(())
}

/// Ok for something that can be an e-mail address. Whether it is one only a mail would show.
pub(crate) fn check_email(email: &str) -> Result<(), PeopleError> {
    let wrong = |why| Err(PeopleError::Invalid { field: "email", why });
    if email.chars().count() > MAX_EMAIL {
        return wrong("it is longer than any e-mail address can be (254 characters)");
    }
    let trimmed = email.trim();
    match trimmed.rsplit_once('@') {
        Some((before, after)) if !before.is_empty() && !after.is_empty() => {}
        _ => return wrong("it is no e-mail address; write one like name@example.com"),
    }
    if trimmed.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return wrong("an e-mail address has no blanks");
    }
    Ok(())
}

/// Ok for a name of a person.
pub(crate) fn check_name(name: &str) -> Result<(), PeopleError> {
    let length = name.trim().chars().count();
    if !(1..=MAX_NAME).contains(&length) || name.chars().any(char::is_control) {
        return Err(PeopleError::Invalid { field: "name", why: "write 1 to 100 characters, in one line" });
    }
    Ok(())
}

/// What the audit trail's digests cover.
fn seen(user: &User) -> serde_json::Value {
    json!({ "name": user.name, "email": user.email, "active": user.active, "system_admin": user.system_admin })
}

fn fields(change: &UserChange) -> Vec<&'static str> {
    let kept = [
        ("name", change.name.is_keep()),
        ("email", change.email.is_keep()),
        ("active", change.active.is_keep()),
        ("system_admin", change.system_admin.is_keep()),
    ];
    kept.into_iter().filter(|(_, keep)| !keep).map(|(name, _)| name).collect()
}
