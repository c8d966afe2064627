//! People, the workspaces they belong to, and their second factors.

mod members;
mod rows;
mod second_factor;

use call::Timestamp;
pub use members::{MAX_MEMBERSHIPS, Member, Membership, leave, member, members, memberships, owners, set_role};
use privacy::{Pii, Secret};
pub(crate) use rows::columns;
use rows::{UserRow, one};
pub use second_factor::{MAX_RECOVERY_CODES, accept_totp_step, recovery_codes_left, set_recovery_codes, set_totp, use_recovery_code};
use uuid::Uuid;

use crate::times::kept;
use crate::{Change, Database, StoreError, Transaction, query};

crate::statements! {
    INSERT = "INSERT INTO users (id, email, email_key, name, password_hash, password_changed_at, active, system_admin, issuer, subject, totp_secret, \
        totp_confirmed, totp_step, version, created_at, updated_at, last_login_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    ANY = "SELECT COUNT(*) FROM (SELECT id FROM users LIMIT 1) AS found";
    BY_ID = concat!("SELECT ", columns!(), " FROM users WHERE id = $1");
    BY_EMAIL = concat!("SELECT ", columns!(), " FROM users WHERE email_key = $1");
    BY_IDENTITY = concat!("SELECT ", columns!(), " FROM users WHERE issuer = $1 AND subject = $2");
    /// Changes nothing; whoever else wants to write this account waits until our transaction is over.
    HOLD = "UPDATE users SET version = version WHERE id = $1";
    UPDATE = "UPDATE users SET name = $1, email = $2, email_key = $3, active = $4, system_admin = $5, version = $6, updated_at = $7 WHERE id = $8";
    SET_IDENTITY = "UPDATE users SET issuer = $1, subject = $2, version = version + 1, updated_at = $3 WHERE id = $4";
    SET_PASSWORD = "UPDATE users SET password_hash = $1, password_changed_at = $2, version = version + 1, updated_at = $2 WHERE id = $3";
    REHASH = "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3";
    LOGGED_IN = "UPDATE users SET last_login_at = $1 WHERE id = $2";
    REMOVE = concat!("DELETE FROM users WHERE id = $1 RETURNING ", columns!());
}

/// An account.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// The address as it was typed; see [`email_key`] for how it is looked up.
    pub email: Pii<String>,
    /// The person's name.
    pub name: Pii<String>,
    /// PHC string; none while the person signs in elsewhere, or has not chosen a password yet.
    pub password_hash: Option<Secret>,
    /// When the password was chosen.
    pub password_changed_at: Option<Timestamp>,
    /// Whether it may sign in.
    pub active: bool,
    /// Whether it administers the installation.
    pub system_admin: bool,
    /// Issuer and subject at an OpenID provider.
    pub identity: Option<(String, String)>,
    /// The second factor.
    pub totp: Option<Totp>,
    /// Counts its changes from 1; signing in is none.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// When it last signed in.
    pub last_login_at: Option<Timestamp>,
}

/// A second factor by time-based codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// The secret, sealed.
    pub sealed_secret: Vec<u8>,
    /// False while it is being set up.
    pub confirmed: bool,
    /// The last time step whose code was accepted.
    pub last_step: Option<i64>,
}

/// A change of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserChange {
    /// See [`User::name`]; no field can be cleared.
    pub name: Change<String>,
    /// See [`User::email`].
    pub email: Change<String>,
    /// See [`User::active`].
    pub active: Change<bool>,
    /// See [`User::system_admin`].
    pub system_admin: Change<bool>,
}

/// The form in which addresses are compared: without blanks at the ends, in lower case.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Stores a new account.
///
/// Errors: [`StoreError::Taken`] with "email", "identity" or "user".
pub async fn create(tx: &mut Transaction, user: &User) -> Result<(), StoreError> {
    let (issuer, subject) = user.identity.as_ref().map_or((None, None), |(issuer, subject)| (Some(issuer), Some(subject)));
    let totp = user.totp.as_ref();
    let insert = query(INSERT)
        .bind(user.id)
        .bind(user.email.expose())
        .bind(email_key(user.email.expose()))
        .bind(user.name.expose())
        .bind(user.password_hash.as_ref().map(Secret::expose))
        .bind(user.password_changed_at)
        .bind(user.active)
        .bind(user.system_admin)
        .bind(issuer)
        .bind(subject)
        .bind(totp.map(|totp| &totp.sealed_secret))
        .bind(totp.is_some_and(|totp| totp.confirmed))
        .bind(totp.and_then(|totp| totp.last_step))
        .bind(user.version)
        .bind(user.created_at)
        .bind(user.updated_at)
        .bind(user.last_login_at);
    insert.execute(&mut **tx).await.map(drop).map_err(taken("store an account"))
}

/// Which unique value it was: both databases name it in their message.
fn taken(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| {
        let message = error.as_database_error().map_or("", |error| error.message());
        let what = if message.contains("email_key") {
            "email"
        } else if message.contains("issuer") {
            "identity"
        } else {
            "user"
        };
        StoreError::while_storing(doing, what)(error)
    }
}

/// Whether there is any account.
pub async fn any(db: &Database) -> Result<bool, StoreError> {
    let found: Result<(i64,), _> = query(ANY).one(db.readers()).await;
    found.map(|(found,)| found > 0).map_err(StoreError::while_doing("look for accounts"))
}

/// One account.
pub async fn get(db: &Database, id: Uuid) -> Result<Option<User>, StoreError> {
    one(query(BY_ID).bind(id), db.readers()).await
}

/// The account with this address, however it is written.
pub async fn by_email(db: &Database, email: &str) -> Result<Option<User>, StoreError> {
    one(query(BY_EMAIL).bind(email_key(email)), db.readers()).await
}

/// The account of somebody an OpenID provider vouches for.
pub async fn by_identity(db: &Database, issuer: &str, subject: &str) -> Result<Option<User>, StoreError> {
    one(query(BY_IDENTITY).bind(issuer).bind(subject), db.readers()).await
}

/// Changes an account, and gives it as it was and as it is.
///
/// Errors: [`StoreError::Missing`] when it is not there; [`StoreError::Changed`] when its version is not `expected`; [`StoreError::Taken`] for
/// the address; [`StoreError::Needed`].
pub async fn change(
    tx: &mut Transaction,
    id: Uuid,
    change: &UserChange,
    expected: Option<i64>,
    now: Timestamp,
) -> Result<(User, User), StoreError> {
    let before = held(tx, id).await?;
    if expected.is_some_and(|expected| expected != before.version) {
        return Err(StoreError::Changed { what: "user" });
    }
    let after = User {
        name: change.name.clone().needed(before.name.expose().clone(), "name")?.into(),
        email: change.email.clone().needed(before.email.expose().clone(), "email")?.into(),
        active: change.active.needed(before.active, "active")?,
        system_admin: change.system_admin.needed(before.system_admin, "system_admin")?,
        version: before.version + 1,
        updated_at: kept(now),
        ..before.clone()
    };
    let update = query(UPDATE)
        .bind(after.name.expose())
        .bind(after.email.expose())
        .bind(email_key(after.email.expose()))
        .bind(after.active)
        .bind(after.system_admin)
        .bind(after.version)
        .bind(after.updated_at)
        .bind(id);
    update.execute(&mut **tx).await.map_err(taken("change an account"))?;
    Ok((before, after))
}

/// The account, which nobody else changes until the transaction is over.
async fn held(tx: &mut Transaction, id: Uuid) -> Result<User, StoreError> {
    let hold = query(HOLD).bind(id).execute(&mut **tx).await;
    hold.map_err(StoreError::while_doing("hold an account"))?;
    one(query(BY_ID).bind(id), &mut **tx).await?.ok_or(MISSING)
}

const MISSING: StoreError = StoreError::Missing { what: "user" };

/// Ok when one row was changed.
fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(MISSING) } else { Ok(()) }
}

/// Ties an account to its identity at an OpenID provider, or unties it.
///
/// Errors: [`StoreError::Missing`]; [`StoreError::Taken`] when another account has the identity.
pub async fn set_identity(tx: &mut Transaction, id: Uuid, identity: Option<(&str, &str)>, now: Timestamp) -> Result<(), StoreError> {
    let update = query(SET_IDENTITY).bind(identity.map(|(issuer, _)| issuer)).bind(identity.map(|(_, subject)| subject)).bind(now).bind(id);
    found(update.execute(&mut **tx).await.map_err(taken("store an identity"))?)
}

/// Stores a new password.
///
/// Errors: [`StoreError::Missing`] when the account is not there.
pub async fn set_password(tx: &mut Transaction, id: Uuid, hash: &Secret, now: Timestamp) -> Result<(), StoreError> {
    let update = query(SET_PASSWORD).bind(hash.expose()).bind(now).bind(id);
    found(update.execute(&mut **tx).await.map_err(StoreError::while_doing("store a password"))?)
}

/// Replaces the hash of the same password by a better one, unless the password was changed since it was read. Says whether it did.
pub async fn rehash(db: &Database, id: Uuid, old: &Secret, new: &Secret) -> Result<bool, StoreError> {
    let update = query(REHASH).bind(new.expose()).bind(id).bind(old.expose());
    Ok(update.execute(db.writer()).await.map_err(StoreError::while_doing("store a better hash of a password"))? > 0)
}

/// Notes that the person signed in.
///
/// Errors: [`StoreError::Missing`] when the account is not there.
pub async fn logged_in(tx: &mut Transaction, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let update = query(LOGGED_IN).bind(now).bind(id);
    found(update.execute(&mut **tx).await.map_err(StoreError::while_doing("note a sign-in"))?)
}

/// Removes an account with its memberships, sessions and tickets, and gives it as it was.
pub async fn remove(tx: &mut Transaction, id: Uuid) -> Result<Option<User>, StoreError> {
    one(query(REMOVE).bind(id), &mut **tx).await
}

/// Every statement, for the tests.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&[(&str, &str)]] = &[ALL, members::ALL, second_factor::ALL];
