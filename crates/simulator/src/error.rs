//! What can go wrong with a simulator.

use std::io;
use std::net::SocketAddr;

/// Errors of simulators.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The port is taken, or not ours.
    #[error("cannot listen on {address}: {source}; choose another port")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The script of what callers say and models answer is wrong.
    #[error("the script cannot be read: {0}; correct it, or leave it out for the built-in one")]
    Script(#[from] toml::de::Error),
    /// The voice or the ears do not work.
    #[error("the simulator has no voice or no ears")]
    Speech(#[from] speech::SpeechError),
    /// No such vendor.
    #[error("no vendor is called {name:?}; there are: {known}")]
    UnknownVendor {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// An order of behaviour that is none.
    #[error("{order:?} cannot be done: {why}")]
    Order {
        /// What was ordered.
        order: String,
        /// What is wrong with it.
        why: String,
    },
}
