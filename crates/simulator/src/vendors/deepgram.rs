//! Deepgram: live transcription and Aura voices.

use axum::Router;

use crate::server::Stage;

pub(crate) fn router(_: &Stage) -> Router {
    Router::new()
}
