//! Every adapter of a vendor meets the same contract, through real sockets, against the simulated vendor: happy, cancelled in the middle, stalled,
//! cut, wrong key, too many requests, malformed, slow first byte.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole binary is tests; the lints only spare functions marked as such"
)]

mod anthropic;
mod aura;
mod azure;
mod chat;
mod deepgram;
mod elevenlabs;
mod gemini;
mod language;
mod openai_speech;
mod realtime;
mod riva;
mod voice;
mod voices;
