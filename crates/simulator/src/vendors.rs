//! The vendors, each in its file: what it serves below its path ([`crate::Vendor::path`]).

pub(crate) mod anthropic;
pub(crate) mod azure_speech;
pub(crate) mod chat;
pub(crate) mod deepgram;
pub(crate) mod elevenlabs;
pub(crate) mod gemini;
pub(crate) mod goodbye;
pub(crate) mod openai_speech;
pub(crate) mod realtime;
pub(crate) mod riva;
pub(crate) mod sound;
mod sse;
pub(crate) mod talk;

use axum::Router;

use crate::server::Stage;

pub(crate) fn router(stage: &Stage) -> Router {
    Router::new()
        .merge(anthropic::router(stage))
        .merge(azure_speech::router(stage))
        .merge(chat::router(stage))
        .merge(deepgram::router(stage))
        .merge(elevenlabs::router(stage))
        .merge(gemini::router(stage))
        .merge(openai_speech::router(stage))
        .merge(realtime::router(stage))
}
