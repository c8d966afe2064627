//! Hearing and speaking: the traits every engine meets, the local engines, and the phrase cache.
//!
//! A session hands over audio and never waits for an engine: [`Recognition::push`] returns at once, results come out of [`Recognition::next`].
//! The local engines run outside the async threads, in a bounded pool of worker processes with deadlines: a crash is an error of one utterance.

mod error;
pub mod ladder;
pub mod local;
pub mod phrases;
mod recognition;
mod synthesis;
pub mod vendor;

pub use error::SpeechError;
pub use recognition::{Domain, Listening, Recognition, RecognitionEvent, SpeechToText, Transcript, Word};
pub use synthesis::{SpeakRequest, SpeechStream, TextToSpeech};
