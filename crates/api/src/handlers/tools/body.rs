//! What a declared tool looks like from outside.

use agent::Declared;
use call::{TenantId, Timestamp};
use privacy::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Change;
use store::tools::{StoredTool, ToolChange};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{secret, shown};
use crate::handlers::check::{Check, set};
use crate::handlers::patch::{change, changed, is_change};
use crate::problem::Problem;

/// A tool that a workspace declared.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tool {
    id: Uuid,
    /// By this agents name it.
    #[schema(example = "find_order")]
    name: String,
    #[schema(value_type = shown::Definition)]
    definition: Value,
    /// There is a secret, which is not shown.
    has_secret: bool,
    /// False: no agent can use it.
    active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A tool to be declared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTool {
    /// Lower-case letters, digits and `_`; not the name of a built-in tool.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,63}$", example = "find_order")]
    name: String,
    #[schema(value_type = shown::Definition)]
    definition: Declared,
    /// What `auth` of the definition says who we are with: a token, a key or a password. It is not shown again.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 8192, write_only)]
    secret: Option<Secret>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// Changes of a tool: what is left out stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolPatch {
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = String, required = false, pattern = "^[a-z][a-z0-9_]{0,63}$")]
    name: Change<String>,
    /// The whole definition; its kind stays.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = shown::Definition, required = false)]
    definition: Change<Declared>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, format = Password, min_length = 1, max_length = 8192, write_only)]
    pub(super) secret: Change<Secret>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = bool, required = false)]
    active: Change<bool>,
}

impl NewTool {
    /// The tool as it is stored, but for its secret, which is to be sealed. `private` allows addresses of private networks.
    pub(super) fn checked(
        self,
        id: Uuid,
        tenant: TenantId,
        private: bool,
        now: Timestamp,
    ) -> Result<(StoredTool, Option<Secret>), Problem> {
        let mut check = Check::default();
        check_name(&mut check, &self.name);
        check_definition(&mut check, &self.definition, private);
        if let Some(secret) = &self.secret {
            secret::check(&mut check, secret);
        }
        let change = self.secret.clone().map_or(Change::Clear, Change::Set);
        secret::check_use(&mut check, &self.definition, None, &change);
        check.done()?;
        let tool = StoredTool {
            id,
            tenant,
            name: self.name,
            kind: self.definition.kind().to_owned(),
            definition: written(&self.definition)?,
            secret: None,
            active: self.active,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        Ok((tool, self.secret))
    }
}

impl ToolPatch {
    /// The change as the store takes it, but for the secret, which is to be sealed.
    pub(super) fn checked(&self, before: &StoredTool, private: bool) -> Result<ToolChange, Problem> {
        let mut check = Check::default();
        check.stays("/name", &self.name);
        check.stays("/definition", &self.definition);
        check.stays("/active", &self.active);
        if let Some(name) = set(&self.name) {
            check_name(&mut check, name);
        }
        if let Some(secret) = set(&self.secret) {
            secret::check(&mut check, secret);
        }
        let was: Declared = serde_json::from_value(before.definition.clone()).map_err(|fault| Problem::internal_because(&fault))?;
        let wanted = set(&self.definition);
        if let Some(wanted) = wanted {
            check_definition(&mut check, wanted, private);
            if wanted.kind() != was.kind() {
                check.wrong("/definition/kind", format!("is {:?} and stays so; declare another tool", was.kind()));
            }
        }
        let had = before.secret.is_some().then_some(&was);
        secret::check_use(&mut check, wanted.unwrap_or(&was), had, &self.secret);
        check.done()?;
        Ok(ToolChange {
            name: self.name.clone(),
            definition: wanted.map(written).transpose()?.map_or(Change::Keep, Change::Set),
            secret: Change::Keep,
            active: self.active,
        })
    }

    /// The names of what changes.
    pub(super) fn fields(&self) -> Value {
        changed(&[
            ("name", is_change(&self.name)),
            ("definition", is_change(&self.definition)),
            ("secret", is_change(&self.secret)),
            ("active", is_change(&self.active)),
        ])
    }
}

fn check_name(check: &mut Check, name: &str) {
    if !Declared::is_name(name) {
        let built_in = agent::BUILT_IN_TOOLS.join(", ");
        check.wrong("/name", format!("must be a lower-case letter and at most 63 of a-z, 0-9 and _ behind it, and none of: {built_in}"));
    }
}

fn check_definition(check: &mut Check, declared: &Declared, private: bool) {
    for problem in declared.problems(private) {
        check.wrong(format!("/definition{}", problem.field), problem.message);
    }
}

fn written(declared: &Declared) -> Result<Value, Problem> {
    serde_json::to_value(declared).map_err(|fault| Problem::internal_because(&fault))
}

impl From<StoredTool> for Tool {
    fn from(tool: StoredTool) -> Self {
        Self {
            id: tool.id,
            name: tool.name,
            definition: tool.definition,
            has_secret: tool.secret.is_some(),
            active: tool.active,
            created_at: tool.created_at,
            updated_at: tool.updated_at,
        }
    }
}
