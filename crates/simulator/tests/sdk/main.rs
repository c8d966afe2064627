//! The vendors' own SDKs talk to the simulator: that they understand it is the proof that it speaks as the vendors do.
//!
//! They need the Python environment that `./test` installs (`VOICENOOB_SDK_PYTHON`). Each test runs a short script in `tests/sdk/*.py`.
//! A script orders what goes wrong by itself (`shared/trouble.py`), and its SDK must raise the error that it has for it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the whole binary is tests; the lints only spare functions marked as such")]

mod anthropic;
mod azure_speech;
mod chat;
mod deepgram;
mod elevenlabs;
mod gemini;
mod judge;
mod openai_speech;
mod realtime;
mod recorder;
mod riva;
