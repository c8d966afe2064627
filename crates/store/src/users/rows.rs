//! Accounts as they lie in the table.

use jiff_sqlx::Timestamp;
use privacy::Secret;
use sqlx::FromRow;
use uuid::Uuid;

use super::{Totp, User};
use crate::{Query, StoreError, Target};

/// The columns of an account, named: one that a later version adds changes no statement of this one.
macro_rules! columns {
    () => {
        "id, email, name, password_hash, password_changed_at, active, system_admin, issuer, subject, totp_secret, totp_confirmed, totp_step, \
         version, created_at, updated_at, last_login_at"
    };
}
pub(crate) use columns;

#[derive(FromRow)]
pub(super) struct UserRow {
    id: Uuid,
    email: String,
    name: String,
    password_hash: Option<String>,
    password_changed_at: Option<Timestamp>,
    active: bool,
    system_admin: bool,
    issuer: Option<String>,
    subject: Option<String>,
    totp_secret: Option<Vec<u8>>,
    totp_confirmed: bool,
    totp_step: Option<i64>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_login_at: Option<Timestamp>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let (confirmed, last_step) = (row.totp_confirmed, row.totp_step);
        Self {
            id: row.id,
            email: row.email.into(),
            name: row.name.into(),
            password_hash: row.password_hash.map(Secret::from),
            password_changed_at: row.password_changed_at.map(Timestamp::to_jiff),
            active: row.active,
            system_admin: row.system_admin,
            identity: row.issuer.zip(row.subject),
            totp: row.totp_secret.map(|sealed_secret| Totp { sealed_secret, confirmed, last_step }),
            version: row.version,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            last_login_at: row.last_login_at.map(Timestamp::to_jiff),
        }
    }
}

/// The account that a query gives.
pub(super) async fn one<'c>(read: Query<'_>, target: impl Into<Target<'c>>) -> Result<Option<User>, StoreError> {
    let row: Result<Option<UserRow>, _> = read.optional(target).await;
    Ok(row.map_err(StoreError::while_doing("read an account"))?.map(User::from))
}
