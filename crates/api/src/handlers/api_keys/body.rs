//! What an API key looks like from outside.

use std::collections::BTreeSet;

use call::Timestamp;
use people::{NewKey, Permission, Principal};
use privacy::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::api_keys::ApiKey;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use uuid::Uuid;

use crate::handlers::check::Check;
use crate::problem::Problem;

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    id: Uuid,
    #[schema(example = "Reporting")]
    name: String,
    /// The first letters of the key, to tell it from others.
    prefix: String,
    /// Permissions.
    #[schema(schema_with = scopes_schema)]
    scopes: Vec<String>,
    /// The account that made it; `null` when there was none, or it is gone.
    created_by: Option<Uuid>,
    created_at: Timestamp,
    /// `null`: until it is revoked.
    expires_at: Option<Timestamp>,
    /// To within a minute or so.
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

/// A new API key. `key` is shown here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewApiKey {
    /// For `Authorization: Bearer ...`.
    key: String,
    api_key: Key,
}

/// An API key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    #[schema(min_length = 1, max_length = 100, example = "Reporting")]
    name: String,
    /// Permissions of `/api/v1/permissions` that the maker has.
    #[schema(schema_with = scopes_schema)]
    scopes: Vec<String>,
    /// In the future; left out: until it is revoked.
    expires_at: Option<Timestamp>,
}

fn scopes_schema() -> Array {
    let scope = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Permission::ALL.iter().map(|one| one.as_str())));
    let about = "Permissions of `/api/v1/permissions`; of a new key, such as its maker has.";
    ArrayBuilder::new()
        .description(Some(about))
        .items(scope)
        .min_items(Some(1))
        .max_items(Some(Permission::ALL.len()))
        .examples([json!(["call:view"])])
        .build()
}

impl KeyRequest {
    pub(crate) fn checked(self, maker: &Principal, now: Timestamp) -> Result<NewKey, Problem> {
        let mut check = Check::default();
        check.short_name("/name", &self.name);
        let scopes = scopes(&mut check, &self.scopes, maker);
        if self.expires_at.is_some_and(|at| at <= now) {
            check.wrong("/expires_at", "must be in the future");
        }
        check.done()?;
        Ok(NewKey { name: self.name, scopes, expires_at: self.expires_at })
    }
}

fn scopes(check: &mut Check, words: &[String], maker: &Principal) -> BTreeSet<Permission> {
    if words.is_empty() || words.len() > Permission::ALL.len() {
        check.wrong("/scopes", format!("must name 1 to {} permissions", Permission::ALL.len()));
    }
    let mut scopes = BTreeSet::new();
    for (index, word) in words.iter().enumerate().take(Permission::ALL.len()) {
        let field = format!("/scopes/{index}");
        match Permission::parse(word) {
            None => check.wrong(field, "is no permission; /api/v1/permissions has them all"),
            Some(permission) if !maker.may(permission) => check.wrong(field, "you do not have this permission yourself"),
            Some(permission) => {
                scopes.insert(permission);
            }
        }
    }
    scopes
}

impl NewApiKey {
    pub(crate) fn new(key: ApiKey, secret: &Secret) -> Self {
        Self { key: secret.expose().to_owned(), api_key: key.into() }
    }
}

impl From<ApiKey> for Key {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}
