//! Who asks, and what they may do.

use std::collections::BTreeSet;

use call::TenantId;
use jiff::Timestamp;
use store::audit::{Actor, ActorKind};
use uuid::Uuid;

use crate::{Permission, Role};

/// Somebody who has shown who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub who: Who,
    /// The workspace they act in. None: they have none, or left the one of their session.
    pub tenant: Option<TenantId>,
    /// What they are there; API keys and operators have no role.
    pub role: Option<Role>,
    /// All they may do in that workspace, and system permissions.
    pub permissions: BTreeSet<Permission>,
    /// True for system administrators and the operator.
    pub system_admin: bool,
    /// When this session last gave a second factor.
    pub second_factor: Option<Timestamp>,
}

/// How somebody has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// A person, signed in.
    User {
        /// Their account.
        id: Uuid,
        /// The session.
        session: Uuid,
    },
    /// A program with an API key.
    ApiKey {
        /// The key's id.
        id: Uuid,
    },
    /// Who runs the program: the operator token, or this machine before there is an account.
    Operator,
}

impl Principal {
    /// The operator: owner of the first workspace, and every system permission.
    pub fn operator() -> Self {
        Self {
            who: Who::Operator,
            tenant: Some(TenantId::DEFAULT),
            role: Some(Role::Owner),
            permissions: granted(Some(Role::Owner), true),
            system_admin: true,
            second_factor: None,
        }
    }

    /// True when they have the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// The account, for a person.
    pub fn user(&self) -> Option<Uuid> {
        match self.who {
            Who::User { id, .. } => Some(id),
            Who::ApiKey { .. } | Who::Operator => None,
        }
    }

    /// The session, for a person.
    pub fn session(&self) -> Option<Uuid> {
        match self.who {
            Who::User { session, .. } => Some(session),
            Who::ApiKey { .. } | Who::Operator => None,
        }
    }

    /// As the audit trail names them.
    pub fn actor(&self) -> Actor {
        match self.who {
            Who::User { id, .. } => Actor { kind: ActorKind::User, id: Some(id.to_string()) },
            Who::ApiKey { id } => Actor { kind: ActorKind::ApiKey, id: Some(id.to_string()) },
            Who::Operator => Actor { kind: ActorKind::Operator, id: None },
        }
    }
}

/// What a role in a workspace and being system administrator give together.
pub(crate) fn granted(role: Option<Role>, system_admin: bool) -> BTreeSet<Permission> {
    let mut all = role.map(Role::permissions).unwrap_or_default();
    if system_admin {
        all.extend(Permission::ALL.iter().copied().filter(|permission| permission.is_system()));
    }
    all
}
