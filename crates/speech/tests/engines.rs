//! The local engines at work: the real programs, the real library, real audio.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a story that cannot go on fails")]

#[path = "support/hotel.rs"]
mod hotel;
#[path = "engines/support.rs"]
mod support;

#[path = "engines/hearing.rs"]
mod hearing;
#[path = "engines/phrases.rs"]
mod phrases;
#[path = "engines/speaking.rs"]
mod speaking;
