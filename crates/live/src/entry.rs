//! A registered call.

use std::collections::BTreeMap;

use call::PhoneNumber;
use serde::Serialize;

use crate::InstanceName;

/// A live call as the registry keeps it: hash `<prefix>:calls:<call_id>` with the fields `call_id`, `agent_id`, `started_at` (Unix seconds as
/// decimal text), `phone_number` (empty text when unknown), one `meta:<name>` per metadata entry, and `instance`, which is ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallEntry {
    /// The carrier's id of the call: `CallSid` or `call_control_id`.
    pub call_id: String,
    /// Who serves it.
    pub agent_id: String,
    /// Unix seconds, with a fraction.
    pub started_at: f64,
    /// The other side's number.
    pub phone_number: Option<PhoneNumber>,
    /// `provider` (the carrier), `session_id` (our id of the call), and what else the caller of the registry wants to keep.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Where the call is served.
    pub instance: InstanceName,
}
