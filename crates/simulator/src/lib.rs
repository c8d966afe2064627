//! `voicenoob simulate vendors`: local servers that speak the vendors' wire protocols, with their message order, pacing and error codes, and with
//! faults on demand.
//!
//! A simulator is called one: it is a product of its own, for demos, load tests and capacity planning without keys. The program that talks to it
//! does not know. That it speaks as the vendors do is shown by the vendors' own SDKs, which talk to it in the tests (`tests/sdk`); the adapters'
//! contract (`tests/contract`) is tried against it, through real sockets.
//!
//! One listener serves all vendors, each below a path of its own ([`Vendor::base_url`]); how one behaves is its [`Behaviour`], which may be changed
//! at any time, by [`Simulator::behave`] or over HTTP (`PUT /simulator/{vendor}`).

mod behaviour;
mod content;
mod control;
mod error;
mod journal;
mod order;
mod plan;
mod server;
mod vendor;
pub(crate) mod vendors;

pub use behaviour::{Behaviour, Trouble};
pub use content::{Ears, Heard, Line, Mind, Mouth, Reply, Script};
pub use error::SimulatorError;
pub use journal::{Event, Journal, Moment};
pub use order::parse_order;
pub use plan::{Act, Plan, Seen};
pub use server::{Config, Simulator};
pub use vendor::Vendor;
