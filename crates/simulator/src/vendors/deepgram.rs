//! Deepgram: live transcription and Aura voices.

mod listen;
mod parameters;
mod refusal;
mod slices;
mod speak;
mod speak_socket;
mod transcriber;

use axum::Router;
use axum::routing::get;

use crate::Vendor;
use crate::server::Stage;

pub(crate) fn router(stage: &Stage) -> Router {
    let routes = Router::new()
        .route("/v1/listen", get(listen::upgrade))
        .route("/v1/speak", get(speak_socket::upgrade).post(speak::speak))
        .with_state(stage.clone());
    Router::new().nest(Vendor::Deepgram.path(), routes)
}
