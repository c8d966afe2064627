//! Anthropic's messages.

mod answer;
mod check;
mod refusal;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use self::answer::Answer;
use self::refusal::Refusal;
use crate::Vendor;
use crate::server::Stage;
use crate::vendors::sse;

/// Largest request, as the vendor has it.
const MAX_REQUEST_BYTES: usize = 32 << 20;
/// The versions of the protocol; the last one takes no temperature.
const VERSIONS: [&str; 3] = ["2023-01-01", "2023-06-01", NO_TEMPERATURE];
const NO_TEMPERATURE: &str = "2026-10-21";
/// The one key that is refused.
const WRONG_KEY: &str = "wrong-key";

pub(crate) fn router(stage: &Stage) -> Router {
    Router::new().route("/anthropic/v1/messages", post(messages)).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES)).with_state(stage.clone())
}

async fn messages(State(stage): State<Stage>, headers: HeaderMap, body: Bytes) -> Response {
    let mut act = stage.plan.begin(Vendor::Anthropic);
    let troubled = act.refusal().map_or(Ok(()), |(status, retry_after)| Err(Refusal::of_status(status, retry_after)));
    let asked = troubled.and_then(|()| key(&headers)).and_then(|()| version(&headers)).and_then(|version| {
        let body = serde_json::from_slice(&body).map_err(|_| Refusal::invalid("The request body is not valid JSON."))?;
        check::check(&body, version != NO_TEMPERATURE)
    });
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => {
            act.complete();
            return refusal.into_response();
        }
    };
    act.wait_first().await;
    let reply = stage.mind.answer(&asked.heard, asked.answered(), &asked.tools);
    let answer = Answer::new(&asked, reply);
    let (kind, frames) =
        if asked.stream { ("text/event-stream; charset=utf-8", answer.frames()) } else { ("application/json", answer.whole()) };
    let body = sse::body(act, frames, answer::faulty(), stage.stop.clone(), None);
    ([(CONTENT_TYPE.as_str(), kind), ("request-id", refusal::request_id().as_str())], body).into_response()
}

fn key(headers: &HeaderMap) -> Result<(), Refusal> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match headers.get("x-api-key").and_then(|value| value.to_str().ok()).or(bearer) {
        None | Some("") => Err(Refusal::no_key()),
        Some(WRONG_KEY) => Err(Refusal::of_status(401, None)),
        Some(_) => Ok(()),
    }
}

fn version(headers: &HeaderMap) -> Result<&str, Refusal> {
    let version = headers.get("anthropic-version").and_then(|value| value.to_str().ok());
    let version = version.ok_or_else(|| Refusal::invalid("anthropic-version: header is required"))?;
    if VERSIONS.contains(&version) {
        Ok(version)
    } else {
        Err(Refusal::invalid(format!("anthropic-version: {version:?} is not a valid version")))
    }
}
