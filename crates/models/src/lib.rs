//! Language models and speech-to-speech models: what the program asks of them, and the vendors' protocols behind it.
//!
//! A vendor's JSON stays in its adapter. What comes out are the few words of [`LanguageModel`] and [`SpeechToSpeech`]; a stream that is dropped is
//! cancelled at once. Adapters reach their vendor through [`outbound`] only, so every one is behind its guard.

pub mod anthropic;
pub mod chat;
mod check;
pub mod completions;
mod error;
pub mod gemini;
mod history;
mod reading;
pub mod realtime;
pub mod voice;

pub use chat::{AnswerEvent, AnswerStream, ChatRequest, LanguageModel, Message, Stop, ToolCall, ToolSpec};
pub use check::check;
pub use error::ModelError;
pub use voice::{SpeechToSpeech, VoiceConfig, VoiceEvent, VoiceSession};
