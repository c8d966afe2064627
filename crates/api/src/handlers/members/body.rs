//! What somebody who works in a workspace looks like from outside.

use call::Timestamp;
use people::Link;
use privacy::Pii;
use serde::{Deserialize, Serialize};
use store::Change;
use store::users;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::check::{Check, set};
use crate::handlers::patch::{change, is_change};
use crate::problem::Problem;
use crate::settings::ApiSettings;

/// What somebody is in a workspace; each may do all that the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleName {
    Viewer,
    Operator,
    Admin,
    Owner,
}

impl From<RoleName> for people::Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
            RoleName::Owner => Self::Owner,
        }
    }
}

/// Somebody who works here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    id: Uuid,
    #[schema(example = "ann@example.com")]
    email: String,
    name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    role: String,
    /// False: cannot sign in.
    active: bool,
    /// True when a code is asked for at sign-in.
    second_factor: bool,
    /// In the workspace since.
    since: Timestamp,
    last_login_at: Option<Timestamp>,
}

/// Somebody to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    #[schema(min_length = 3, max_length = 254, example = "bob@example.com")]
    pub(crate) email: String,
    /// At most your own; only owners make owners.
    pub(crate) role: RoleName,
    /// Unless they say another.
    #[schema(min_length = 1, max_length = 100, example = "Bob Smith")]
    pub(crate) name: Option<String>,
}

/// A link that works once. It is shown here and nowhere else: hand it to the person by a way that only they read.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// The secret part, for `/api/v1/auth/invitations/accept` or `/api/v1/auth/password-reset`.
    ticket: String,
    /// The console's page for it; `null` when the installation does not know its public address.
    link: Option<String>,
    /// It works until then.
    ends_at: Timestamp,
}

/// Changes of somebody's place here: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberPatch {
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = RoleName, required = false)]
    pub(crate) role: Change<RoleName>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    pub(crate) name: Change<String>,
    /// False: cannot sign in, and all sessions end.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = bool, required = false)]
    pub(crate) active: Change<bool>,
}

impl NewMember {
    pub(crate) fn checked(self) -> Result<people::Invitation, Problem> {
        let mut check = Check::default();
        check.email("/email", &self.email);
        if let Some(name) = &self.name {
            check.short_name("/name", name);
        }
        check.done()?;
        Ok(people::Invitation { email: Pii::new(self.email), name: self.name.map(Pii::new), role: self.role.into() })
    }
}

impl Invitation {
    /// `page` is the console's.
    pub(crate) fn new(settings: &ApiSettings, page: &str, link: Link) -> Self {
        let ticket = link.token.expose().to_owned();
        let link_to = settings.public_url.as_deref().map(|url| format!("{}/{page}#{ticket}", url.trim_end_matches('/')));
        Self { ticket, link: link_to, ends_at: link.ends_at }
    }
}

impl MemberPatch {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        check.stays("/role", &self.role);
        check.stays("/name", &self.name);
        check.stays("/active", &self.active);
        if let Some(name) = set(&self.name) {
            check.short_name("/name", name);
        }
        check.done()
    }

    /// True when the account itself changes, not only its place in this workspace.
    pub(crate) fn touches_account(&self) -> bool {
        is_change(&self.name) || is_change(&self.active)
    }
}

impl From<users::Member> for Member {
    fn from(member: users::Member) -> Self {
        let user = member.user;
        Self {
            id: user.id,
            second_factor: user.totp.is_some_and(|totp| totp.confirmed),
            email: user.email.into_inner(),
            name: user.name.into_inner(),
            role: member.role,
            active: user.active,
            since: member.since,
            last_login_at: user.last_login_at,
        }
    }
}
