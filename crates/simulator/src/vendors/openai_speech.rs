//! OpenAI's transcription and voices: `audio/speech` and `audio/transcriptions`.

mod refusal;
mod speak;
mod transcribe;
mod transcript;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::post;

use self::refusal::Refusal;
use crate::Vendor;
use crate::plan::Act;
use crate::server::Stage;

/// Largest upload, by their reference.
const MAX_UPLOAD_BYTES: usize = 25 << 20;

pub(crate) fn router(stage: &Stage) -> Router {
    let routes = Router::new()
        .route("/audio/speech", post(speak::speak))
        .route("/audio/transcriptions", post(transcribe::transcribe))
        .layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES))
        .with_state(stage.clone());
    Router::new().nest(Vendor::OpenAi.path(), routes)
}

/// A request came in: its key is looked at first.
fn begin(stage: &Stage, headers: &HeaderMap) -> Result<Act, Refusal> {
    let mut act = stage.plan.begin(Vendor::OpenAi);
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let refusal = match key {
        None | Some("") => Some(Refusal::no_key()),
        Some("wrong-key") => Some(Refusal::of_status(401, None)),
        Some(_) => act.refusal().map(|(status, after)| Refusal::of_status(status, after)),
    };
    match refusal {
        None => Ok(act),
        Some(refusal) => {
            act.complete();
            Err(refusal)
        }
    }
}
