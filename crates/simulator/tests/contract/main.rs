//! Every adapter of a vendor meets the same contract, through real sockets, against the simulated vendor: happy, cancelled in the middle, stalled,
//! cut, wrong key, too many requests, malformed, slow first byte.

mod anthropic;
mod aura;
mod azure;
mod chat;
mod deepgram;
mod elevenlabs;
mod gemini;
mod openai_speech;
mod realtime;
mod riva;
