//! What signing in takes.

use people::NewPerson;
use privacy::{Pii, Secret};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::check::Check;
use crate::problem::Problem;

/// Longest password that is looked at, characters: hashing takes time for each.
const PASSWORD_MAX: usize = 1_024;
/// Longest ticket or token that is looked at, characters.
const TICKET_MAX: usize = 512;
/// Longest code of a second factor, characters: recovery codes with their dashes.
const CODE_MAX: usize = 64;

/// Mail address and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    #[schema(min_length = 1, max_length = 254, example = "ann@example.com")]
    pub(crate) email: String,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    pub(crate) password: Secret,
    /// The workspace to work in. Left out: the first of the person's.
    pub(crate) workspace_id: Option<Uuid>,
    /// True for a browser: the session is a cookie, and the answer holds no token.
    #[serde(default)]
    pub(crate) cookie: bool,
}

/// The ticket of the first step, and a code of the second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondFactorRequest {
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    pub(crate) ticket: Secret,
    /// Six digits of the app, or a recovery code.
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "123456")]
    pub(crate) code: Secret,
    /// True for a browser, as at the first step.
    #[serde(default)]
    pub(crate) cookie: bool,
}

/// The refresh token of the last answer; each works once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    pub(crate) refresh_token: Secret,
}

/// A workspace to work in from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkspaceChoice {
    pub(crate) workspace_id: Uuid,
}

/// The former password and the new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    pub(crate) current: Secret,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    pub(crate) new: Secret,
}

/// A link's ticket and the password to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordReset {
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    pub(crate) ticket: Secret,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    pub(crate) password: Secret,
}

/// An invitation's ticket, and who accepts it. Somebody who has an account gives its password, and no name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    pub(crate) ticket: Secret,
    #[schema(min_length = 1, max_length = 100, example = "Ann Miller")]
    name: Option<String>,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    pub(crate) password: Secret,
}

/// An invitation's ticket, for somebody who is signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joining {
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    pub(crate) ticket: Secret,
}

/// A code of the second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    /// Six digits of the app, or a recovery code.
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "123456")]
    pub(crate) code: Secret,
}

/// The account's password; left out by somebody who has none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordAgain {
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 1024)]
    pub(crate) password: Option<Secret>,
}

/// The first administrator's ticket, as printed at the first start, and the account to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstAdmin {
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    ticket: Secret,
    #[schema(min_length = 3, max_length = 254, example = "ann@example.com")]
    email: String,
    #[schema(min_length = 1, max_length = 100, example = "Ann Miller")]
    name: String,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    password: Secret,
}

impl LoginRequest {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        check.text("/email", &self.email, 1, 254);
        password(&mut check, "/password", &self.password);
        check.done()
    }
}

impl SecondFactorRequest {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        short(&mut check, "/ticket", &self.ticket, TICKET_MAX);
        short(&mut check, "/code", &self.code, CODE_MAX);
        check.done()
    }
}

impl RefreshRequest {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        short(&mut check, "/refresh_token", &self.refresh_token, TICKET_MAX);
        check.done()
    }
}

impl PasswordChange {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        password(&mut check, "/current", &self.current);
        password(&mut check, "/new", &self.new);
        check.done()
    }
}

impl PasswordReset {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        short(&mut check, "/ticket", &self.ticket, TICKET_MAX);
        password(&mut check, "/password", &self.password);
        check.done()
    }
}

impl Acceptance {
    /// The name that is given, if any.
    pub(crate) fn checked(&self) -> Result<Option<Pii<String>>, Problem> {
        let mut check = Check::default();
        short(&mut check, "/ticket", &self.ticket, TICKET_MAX);
        if let Some(name) = &self.name {
            check.short_name("/name", name);
        }
        password(&mut check, "/password", &self.password);
        check.done()?;
        Ok(self.name.clone().map(Pii::new))
    }
}

impl Joining {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        short(&mut check, "/ticket", &self.ticket, TICKET_MAX);
        check.done()
    }
}

impl CodeRequest {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        short(&mut check, "/code", &self.code, CODE_MAX);
        check.done()
    }
}

impl PasswordAgain {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        if let Some(given) = &self.password {
            password(&mut check, "/password", given);
        }
        check.done()
    }
}

impl FirstAdmin {
    /// The ticket, and the account to be made.
    pub(crate) fn checked(self) -> Result<(Secret, NewPerson), Problem> {
        let mut check = Check::default();
        short(&mut check, "/ticket", &self.ticket, TICKET_MAX);
        check.email("/email", &self.email);
        check.short_name("/name", &self.name);
        password(&mut check, "/password", &self.password);
        check.done()?;
        Ok((self.ticket, NewPerson { email: Pii::new(self.email), name: Pii::new(self.name), password: self.password }))
    }
}

/// What a password may be is said by `people`; here only that it can be looked at.
fn password(check: &mut Check, field: &str, password: &Secret) {
    short(check, field, password, PASSWORD_MAX);
}

/// A code, ticket or token that can be looked at.
fn short(check: &mut Check, field: &str, text: &Secret, most: usize) {
    let length = text.expose().chars().count();
    if length == 0 || length > most {
        check.wrong(field, format!("must have 1 to {most} characters"));
    }
}
