//! Telephone sound: G.711, resampling, levels, voice activity, DTMF, paced playout, WAV.
//!
//! All PCM is mono `i16` unless a name says otherwise. Levels are dBFS of the root mean square against 32768, so a
//! full-scale sine reads -3 dBFS. Nothing here reads a clock, does IO or logs: time is an argument.

pub mod activity;
pub mod beep;
pub mod dtmf;
mod error;
pub mod g711;
pub mod hold;
pub mod level;
pub mod mix;
pub mod playout;
pub mod resample;
mod tone;
pub mod wav;

pub use error::AudioError;
