//! A tool's secret on its way into the database.

use agent::{Auth, Declared};
use call::TenantId;
use privacy::Secret;
use store::Change;
use uuid::Uuid;

use super::tool_sealed_for;
use crate::handlers::check::{Check, set};
use crate::problem::Problem;
use crate::state::ApiState;

/// Longest secret, characters: tokens with claims in them have some 2,000.
const MAX: usize = 8_192;
/// Where it is in a body.
const FIELD: &str = "/secret";

/// Whether it can be said in a header.
pub(super) fn check(check: &mut Check, secret: &Secret) {
    let text = secret.expose();
    if text.is_empty() || text.chars().count() > MAX {
        check.wrong(FIELD, format!("must have 1 to {MAX} characters"));
    } else if text.trim() != text || text.chars().any(char::is_control) {
        check.wrong(FIELD, "must not begin or end with spaces, nor hold line breaks or control characters");
    }
}

/// Whether it goes with the definition. `before` is what was declared until now, with a secret.
pub(super) fn check_use(check: &mut Check, declared: &Declared, before: Option<&Declared>, secret: &Change<Secret>) {
    let has = set(secret).is_some() || (before.is_some() && matches!(secret, Change::Keep));
    match declared.auth() {
        Auth::None if has => check.wrong(FIELD, "must not be there, or be cleared with null: definition/auth says that none is used"),
        Auth::Bearer | Auth::Header { .. } | Auth::Basic { .. } | Auth::Signed if !has => {
            check.wrong(FIELD, "is missing: definition/auth needs it")
        }
        Auth::Bearer | Auth::Header { .. } if set(secret).is_some_and(|secret| !secret.expose().is_ascii()) => {
            check.wrong(FIELD, "must be of ASCII letters, digits and signs: it stands in a header");
        }
        Auth::None | Auth::Bearer | Auth::Header { .. } | Auth::Basic { .. } | Auth::Signed => {}
    }
    // Who may change a tool may not thereby read its secret, by having it sent to a host of their own.
    let moved = before.is_some_and(|before| !before.origin().eq_ignore_ascii_case(declared.origin()));
    if moved && matches!(secret, Change::Keep) {
        check.wrong(FIELD, "must be given again: the address is another host's");
    }
}

/// Sealed for this tool of this workspace.
pub(super) async fn sealed(api: &ApiState, tenant: TenantId, tool: Uuid, secret: &Secret) -> Result<Vec<u8>, Problem> {
    let sealed = api.sealer.seal(&tool_sealed_for(tenant, tool), secret.expose().as_bytes()).await;
    sealed.map_err(|fault| Problem::internal_because(&fault))
}

/// The same change, sealed.
pub(super) async fn change(api: &ApiState, tenant: TenantId, tool: Uuid, wanted: &Change<Secret>) -> Result<Change<Vec<u8>>, Problem> {
    Ok(match wanted {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(secret) => Change::Set(sealed(api, tenant, tool, secret).await?),
    })
}
