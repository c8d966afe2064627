//! What may be done, and who may do it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One permission for each kind of thing that can be done; every route names the one it needs.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What may be done. The list is closed: scopes of API keys are taken from it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Permission {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in tokens, scopes and documents.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// See calls, turns, who is on the phone, who waits.
    CallView = "call:view",
    /// Place calls.
    CallStart = "call:start",
    /// Hang calls up.
    CallEnd = "call:end",
    /// Take callers out of the queue.
    CallManage = "call:manage",
    /// Listen to recordings.
    RecordingListen = "recording:listen",
    /// See agents and phone numbers.
    AgentView = "agent:view",
    /// Make, change and remove agents and phone numbers.
    AgentManage = "agent:manage",
    /// See the workspace and its settings.
    WorkspaceView = "workspace:view",
    /// Change the workspace, its opening hours and its vendor keys.
    WorkspaceUpdate = "workspace:update",
    /// Remove the workspace.
    WorkspaceDelete = "workspace:delete",
    /// See who works here.
    UserView = "user:view",
    /// Invite people.
    UserCreate = "user:create",
    /// Change roles, end other people's sessions, switch off their second factor.
    UserUpdate = "user:update",
    /// Take people out.
    UserDelete = "user:delete",
    /// See, make and revoke API keys.
    KeyManage = "key:manage",
    /// Read the audit trail.
    AuditView = "audit:view",
    /// Hand out what is kept about one caller.
    PrivacyExport = "privacy:export",
    /// Erase what is kept about one caller.
    PrivacyErase = "privacy:erase",
    /// Make and see all workspaces; nothing of one workspace's data.
    WorkspaceCreate = "workspace:create",
    /// Drain, and see and change what concerns the whole installation.
    SystemConfig = "system:config",
    /// See metrics, instances and detailed health.
    SystemMonitor = "system:monitor",
    /// Administer accounts of all workspaces.
    SystemAdmin = "system:admin",
}

impl Permission {
    /// By its word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == text)
    }

    /// Only system administrators have it, whatever their role in a workspace.
    pub const fn is_system(self) -> bool {
        matches!(self, Self::WorkspaceCreate | Self::SystemConfig | Self::SystemMonitor | Self::SystemAdmin)
    }
}

/// What somebody is in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees.
    Viewer,
    /// Works with calls.
    Operator,
    /// Works with everything but the workspace's existence and its owners.
    Admin,
    /// Everything in the workspace.
    Owner,
}

impl Role {
    /// From the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Admin, Self::Owner];

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// By its word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// What it may do in its workspace. No role has a system permission.
    pub fn permissions(self) -> BTreeSet<Permission> {
        use Permission::*;
        let viewer = [CallView, AgentView, WorkspaceView];
        let operator = [CallStart, CallEnd, CallManage, RecordingListen];
        let mut all: BTreeSet<_> = viewer.into();
        if self >= Self::Operator {
            all.extend(operator);
        }
        if self >= Self::Admin {
            all.extend(Permission::ALL.iter().filter(|permission| !permission.is_system() && **permission != WorkspaceDelete));
        }
        if self == Self::Owner {
            all.insert(WorkspaceDelete);
        }
        all
    }
}

/// The 15 permissions of the program this one replaces, and what each has become.
pub const FORMER: [(&str, &[Permission]); 15] = [
    ("call:start", &[Permission::CallStart]),
    ("call:end", &[Permission::CallEnd]),
    ("call:view", &[Permission::CallView, Permission::RecordingListen]),
    ("call:manage", &[Permission::CallManage]),
    ("hotel:create", &[Permission::WorkspaceCreate]),
    ("hotel:update", &[Permission::WorkspaceUpdate, Permission::AgentManage]),
    ("hotel:delete", &[Permission::WorkspaceDelete]),
    ("hotel:view", &[Permission::WorkspaceView, Permission::AgentView]),
    ("user:create", &[Permission::UserCreate]),
    ("user:update", &[Permission::UserUpdate]),
    ("user:delete", &[Permission::UserDelete]),
    ("user:view", &[Permission::UserView]),
    ("system:config", &[Permission::SystemConfig]),
    ("system:monitor", &[Permission::SystemMonitor]),
    ("system:admin", &[Permission::SystemAdmin]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_all_of_the_one_below_and_none_has_a_system_permission() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].permissions().is_subset(&pair[1].permissions()) && pair[0].permissions() != pair[1].permissions());
        }
        assert!(Role::Owner.permissions().iter().all(|permission| !permission.is_system()));
        let not_owners: Vec<_> = Permission::ALL.iter().filter(|permission| !Role::Owner.permissions().contains(permission)).collect();
        assert!(not_owners.iter().all(|permission| permission.is_system()));
    }

    #[test]
    fn words_are_read_back() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.as_str());
        }
        assert_eq!(Permission::parse("call:*"), None);
    }
}
