//! What may be done, and which role may do it.

use axum::Json;
use people::{Permission, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Caller;

/// Permissions and roles.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Permissions {
    /// Every permission; API keys take their scopes from here.
    permissions: Vec<PermissionInfo>,
    /// From the least to the most; each has all of the one before.
    roles: Vec<RoleInfo>,
}

/// One permission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionInfo {
    #[schema(example = "agent:manage")]
    name: &'static str,
    /// Only system administrators have it, whatever their role.
    system: bool,
    /// The caller has it.
    granted: bool,
}

/// One role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleInfo {
    #[schema(example = "operator")]
    name: &'static str,
    permissions: Vec<&'static str>,
}

/// Permissions and roles
#[utoipa::path(
    get, path = "/api/v1/permissions", operation_id = "listPermissions", tag = "Users",
    responses((status = 200, description = "All there are.", body = Permissions))
)]
pub(super) async fn list(caller: Caller) -> Json<Permissions> {
    let info = |permission: &Permission| PermissionInfo {
        name: permission.as_str(),
        system: permission.is_system(),
        granted: caller.principal.may(*permission),
    };
    let role = |role: Role| RoleInfo { name: role.as_str(), permissions: role.permissions().iter().map(|one| one.as_str()).collect() };
    Json(Permissions { permissions: Permission::ALL.iter().map(info).collect(), roles: Role::ALL.into_iter().map(role).collect() })
}
