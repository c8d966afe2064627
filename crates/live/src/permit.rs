//! Permits: a call holds one before an agent talks to it.

use crate::InstanceName;

/// Limits that are shared by all instances. `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls of this agent at once, over all instances.
    pub agent: Option<u32>,
    /// Calls of this tenant at once, over all instances.
    pub tenant: Option<u32>,
}

/// A call that asks to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermitRequest {
    /// The carrier's id of the call.
    pub call_id: String,
    /// Where it would be served. The instance's own limit is the one of its last [`crate::Beat`].
    pub instance: InstanceName,
    /// By whom.
    pub agent_id: String,
    /// For whom.
    pub tenant: String,
    /// The shared limits that count for it.
    pub limits: Limits,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The instance's own, or the instance is not known or drains.
    Instance,
    /// The agent's.
    Agent,
    /// The tenant's.
    Tenant,
}

impl Limit {
    /// The word in labels and lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Agent => "agent",
            Self::Tenant => "tenant",
        }
    }
}

/// Whether a call may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds a permit now (or did already).
    Admitted,
    /// It does not: this limit is reached.
    Full(Limit),
}
