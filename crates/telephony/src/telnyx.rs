//! Telnyx: media stream, webhooks, signature, answer documents.

mod document;
mod far_end;
mod reorder;
pub mod signature;
mod stream;
pub mod webhook;

pub(crate) use document::stream_noun;
pub(crate) use far_end::TelnyxFarEnd;
pub use reorder::{MAX_HELD_FRAMES, REORDER_WINDOW};
pub(crate) use stream::TelnyxStream;
