//! ElevenLabs' voices: HTTP streams, the WebSocket for one text, and the list of voices. Their WebSocket for several contexts is not simulated.

mod http;
mod refusal;
mod socket;
mod voices;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};

use self::refusal::Refusal;
use super::sound::Coding;
use crate::Vendor;
use crate::plan::Act;
use crate::server::Stage;

/// Longest text of one request: what their fastest model takes is 40,000, more than is ever asked for here.
const MAX_TEXT: usize = 40_000;

pub(crate) fn router(stage: &Stage) -> Router {
    let routes = Router::new()
        .route("/v1/text-to-speech/{voice}", post(http::whole))
        .route("/v1/text-to-speech/{voice}/stream", post(http::stream))
        .route("/v1/text-to-speech/{voice}/stream-input", get(socket::open))
        .route("/v1/voices", get(voices::list))
        .with_state(stage.clone());
    Router::new().nest(Vendor::ElevenLabs.path(), routes)
}

/// A request came in: its key is looked at first.
fn begin(stage: &Stage, headers: &HeaderMap) -> Result<Act, Refusal> {
    let mut act = stage.plan.begin(Vendor::ElevenLabs);
    match refused(&act, header_key(headers)) {
        None => Ok(act),
        Some(refusal) => {
            act.complete();
            Err(refusal)
        }
    }
}

fn header_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("xi-api-key")?.to_str().ok()
}

/// Refuses a key that is missing or wrong, and what the plan wants refused.
fn refused(act: &Act, key: Option<&str>) -> Option<Refusal> {
    match (key, act.refusal()) {
        (None | Some(""), _) => Some(Refusal::no_key()),
        (Some("wrong-key"), _) => Some(Refusal::of_status(401, None)),
        (Some(_), refusal) => refusal.map(|(status, after)| Refusal::of_status(status, after)),
    }
}

/// What is asked for by name: how sound is written, and its rate. Compressed formats are not simulated.
fn format(name: &str) -> Option<(Coding, u32)> {
    match name {
        "ulaw_8000" => Some((Coding::Ulaw, 8000)),
        "alaw_8000" => Some((Coding::Alaw, 8000)),
        _ => {
            let rate = name.strip_prefix("pcm_")?.parse().ok()?;
            [8000, 16_000, 24_000].contains(&rate).then_some((Coding::Linear, rate))
        }
    }
}
