//! Recogniser worker: the only crate with unsafe code, around the PocketSphinx C library opened at run time.
//!
//! The library is not linked: a binary that contains this crate starts on machines without it, and the worker says what to install.
//! [`Decoder`] is the safe face of the library, [`protocol`] is what a worker process and its parent say to each other, and
//! [`worker_main`] is the worker process. Policy (deadlines, restarts, confidence) belongs to the parent.

mod channel;
mod decoder;
mod error;
mod library;
pub mod protocol;
mod worker;

pub use decoder::{Decoder, Hypothesis, SAMPLE_RATE, Segment};
pub use error::SphinxError;
pub use worker::worker_main;
