//! A call: its ids, its life, why it ended, and the record that is kept of it.
//!
//! Pure: no clock, no IO. Times are [`Timestamp`]s given by the caller, ids are made from a [`uuid::Uuid`] given by the caller.

mod id;
mod next;
mod number;
mod record;
mod rung;
mod state;
mod tier;
mod usage;

pub use id::{AgentId, CallId, Carrier, Direction, TenantId};
pub use jiff::Timestamp;
pub use next::{Dial, NextStep, Unreached};
pub use number::PhoneNumber;
pub use record::{CallRecord, LatencyParts, Speaker, ToolOutcome, ToolRecord, TurnRecord};
pub use rung::{Part, RungChange, RungWhy};
pub use state::{CallEvent, CallState, CallStatus, EndReason, IllegalStep, Step};
pub use tier::Tier;
pub use usage::{Meter, Unit, Usage};
