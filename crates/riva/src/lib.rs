//! NVIDIA Riva over gRPC: its messages, and a pool of connections that begins with a guard.
//!
//! [`Channels`] (feature `client`) is made with a [`resilience::Guard`], and no stream can be had past it. Streams last as long as an utterance, so
//! the least busy connection is chosen and not the next one; a connection that fails is replaced. The feature `server` is what a simulated Riva is
//! built on.

#[cfg(feature = "client")]
mod channels;
#[cfg(feature = "client")]
mod config;
#[cfg(feature = "client")]
mod fault;
#[cfg(feature = "client")]
mod lanes;
#[cfg(feature = "client")]
mod stream;
#[cfg(feature = "client")]
mod tender;
#[cfg(feature = "client")]
mod view;

pub mod messages {
    //! Riva's messages and services, generated from `proto/`.
    #![expect(missing_docs, reason = "it is generated")]
    include!(concat!(env!("OUT_DIR"), "/messages.rs"));
}

#[cfg(feature = "client")]
pub use channels::Channels;
#[cfg(feature = "client")]
pub use config::ChannelsConfig;
#[cfg(feature = "client")]
pub use stream::{Answers, Sound};
#[cfg(feature = "client")]
pub use view::PoolView;

pub use messages::grpc::health::v1 as health;
pub use messages::nvidia::riva as base;
pub use messages::nvidia::riva::asr;
