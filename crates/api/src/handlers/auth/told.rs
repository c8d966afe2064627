//! What is told about accounts, and to who signs in.

use call::Timestamp;
use people::{Permission, Role, Tokens};
use serde::Serialize;
use store::users::User;
use utoipa::ToSchema;
use uuid::Uuid;

/// A new session. Programs get tokens, browsers the cookie that comes with the answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    pub(crate) session_id: Uuid,
    pub(crate) account: Account,
    /// The workspace the session works in; `null`: choose one at `/api/v1/auth/workspace`.
    pub(crate) workspace_id: Option<Uuid>,
    /// For `Authorization: Bearer ...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_ends_at: Option<Timestamp>,
    /// Works once, for the next two tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// The session ends then, however much it is used.
    pub(crate) ends_at: Timestamp,
}

/// The password was right; now the second factor.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactorNeeded {
    /// For `/api/v1/auth/second-factor`.
    pub(crate) ticket: String,
    pub(crate) ends_at: Timestamp,
}

/// An account, as its owner and system administrators see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    id: Uuid,
    #[schema(example = "ann@example.com")]
    email: String,
    name: String,
    /// False: cannot sign in.
    active: bool,
    system_admin: bool,
    /// True when a code is asked for at sign-in.
    second_factor: bool,
    /// False for somebody who signs in elsewhere only.
    has_password: bool,
    created_at: Timestamp,
    last_login_at: Option<Timestamp>,
}

/// Who asks, and what they may do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    pub(crate) kind: CallerKind,
    /// For people.
    pub(crate) account: Option<Account>,
    /// For people: this session.
    pub(crate) session_id: Option<Uuid>,
    /// For API keys: this key.
    pub(crate) api_key_id: Option<Uuid>,
    /// The workspace that requests act in.
    pub(crate) workspace_id: Option<Uuid>,
    #[schema(value_type = Option<String>)]
    pub(crate) role: Option<Role>,
    #[schema(value_type = Vec<String>)]
    pub(crate) permissions: Vec<Permission>,
    /// When the second factor was given in this session.
    pub(crate) second_factor_at: Option<Timestamp>,
    /// For people: every workspace they belong to.
    pub(crate) workspaces: Vec<MyWorkspace>,
}

/// What a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallerKind {
    User,
    ApiKey,
    Operator,
}

/// A workspace somebody belongs to.
#[derive(Serialize, ToSchema)]
pub(crate) struct MyWorkspace {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) role: String,
}

impl From<Tokens> for SignedIn {
    fn from(tokens: Tokens) -> Self {
        let access = tokens.access.map(|token| token.expose().to_owned());
        Self {
            session_id: tokens.session.id,
            account: tokens.user.into(),
            workspace_id: tokens.session.tenant.map(|tenant| tenant.0),
            access_ends_at: access.as_ref().map(|_| tokens.access_ends_at),
            access_token: access,
            refresh_token: tokens.refresh.map(|token| token.expose().to_owned()),
            ends_at: tokens.session.ends_at,
        }
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            second_factor: user.totp.is_some_and(|totp| totp.confirmed),
            has_password: user.password_hash.is_some(),
            email: user.email.into_inner(),
            name: user.name.into_inner(),
            active: user.active,
            system_admin: user.system_admin,
            created_at: user.created_at,
            last_login_at: user.last_login_at,
        }
    }
}
