//! The way out to vendors: HTTP and WebSocket clients that are behind a guard from their first byte on.
//!
//! [`Client`] is made with a [`resilience::Guard`] and cannot be had without one. Each answer has a deadline for its first byte, a longest silence
//! after it, and a largest size; what goes wrong is one of a few [`Fault`]s, which say nothing of what was asked or answered. A stream that is
//! dropped is cancelled: the connection is closed, and the guard takes it as given up by us.

mod address;
mod body;
mod client;
mod events;
mod fault;
mod request;
mod socket;
mod standby;

pub use address::{is_local, may_be_asked};
pub use body::{Body, Watch};
pub use client::{Answer, Client, Setup};
pub use events::{Event, Events};
pub use fault::{Fault, chain};
pub use request::{Content, Part, Request};
pub use socket::{Message, Socket};
pub use standby::{Standby, StandbyPolicy, Warm};

/// Makes the one TLS provider of the program known. Done once; later calls do nothing.
pub fn tls() {
    // An error says that somebody has done it already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
