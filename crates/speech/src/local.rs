//! Engines that run on this machine from distribution packages: no key, no network.
//!
//! PocketSphinx hears in worker processes, flite and espeak-ng speak as programs of their own. None is linked in: what is missing is
//! reported as [`SpeechError::NotInstalled`](crate::SpeechError::NotInstalled) with the name of its package.

mod clean;
mod confidence;
mod engine;
mod hearing_check;
pub mod language_model;
mod models;
mod pool;
mod pronunciation;
mod recognizer;
mod sentences;
mod shape;
mod synthesizer;
mod widen;

pub use recognizer::{LocalRecognizer, LocalRecognizerConfig, MAX_UTTERANCE};
pub use sentences::split_sentences;
pub use synthesizer::{LocalSynthesizer, LocalSynthesizerConfig, MAX_SENTENCE, MAX_TEXT};
