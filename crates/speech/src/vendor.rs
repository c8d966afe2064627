//! Engines of vendors, each behind its guard. A vendor's JSON stays in its file.

pub mod aura;
pub mod azure;
pub mod deepgram;
pub mod elevenlabs;
pub mod openai;
pub mod riva;

mod hints;
mod sound;
mod wording;
mod writing;

pub use sound::VoiceLimits;
