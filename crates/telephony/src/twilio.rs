//! Twilio: media stream, webhooks, signature, answer documents.

mod document;
mod far_end;
pub mod signature;
mod stream;
pub mod webhook;

pub(crate) use document::stream_noun;
pub(crate) use far_end::TwilioFarEnd;
pub(crate) use stream::TwilioStream;
