//! OpenAI's chat completions, and Azure's: the same under a deployment's path.

mod answer;
mod check;
mod refusal;
mod schema;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, body::Bytes};
use serde_json::{Value, json};

use self::answer::Answer;
use self::refusal::Refusal;
use crate::server::Stage;
use crate::vendors::sse;
use crate::{Act, Event, Vendor};

/// Largest request.
const MAX_REQUEST_BYTES: usize = 4 << 20;
/// The models that are listed; any other name is taken as well, but for those that `check` refuses.
const MODELS: [&str; 4] = ["gpt-4.1", "gpt-4.1-mini", "gpt-5.1", "o4-mini"];
/// The one key that is refused.
const WRONG_KEY: &str = "wrong-key";
/// When the listed models were made, seconds since 1970: no more than a number for readers of the list.
const MADE: u64 = 1_750_000_000;

pub(crate) fn router(stage: &Stage) -> Router {
    Router::new()
        .route("/openai/v1/chat/completions", post(openai))
        .route("/openai/v1/models", get(models))
        .route("/openai/v1/models/{model}", get(model))
        .route("/openai/deployments/{deployment}/chat/completions", post(azure))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(stage.clone())
}

async fn openai(State(stage): State<Stage>, headers: HeaderMap, body: Bytes) -> Response {
    let act = stage.plan.begin(Vendor::OpenAi);
    // Azure's newer addresses are these, with its own header.
    let key = if headers.contains_key("api-key") { azure_key(&headers) } else { bearer(&headers) };
    answered(&stage, act, key, &headers, &body, None).await
}

async fn azure(
    State(stage): State<Stage>,
    Path(deployment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let act = stage.plan.begin(Vendor::OpenAi);
    let version =
        query.unwrap_or_default().split('&').any(|pair| pair.strip_prefix("api-version=").is_some_and(|version| !version.is_empty()));
    let key = if version { azure_key(&headers) } else { Err(Refusal::azure_not_found()) };
    answered(&stage, act, key, &headers, &body, Some(&deployment)).await
}

async fn answered(
    stage: &Stage,
    mut act: Act,
    key: Result<(), Refusal>,
    headers: &HeaderMap,
    body: &[u8],
    deployment: Option<&str>,
) -> Response {
    let asked = troubled(&act).and(key).and_then(|()| json_body(headers, body)).and_then(|body| check::check(&body, deployment));
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => {
            act.complete();
            return refusal.into_response();
        }
    };
    stage.journal.note(Event::Asked, || asked.heard.clone());
    act.wait_first().await;
    let reply = stage.mind.answer(&asked.heard, asked.answered(), &asked.tools);
    let noted = Some((stage.journal.clone(), reply.say.clone()));
    let answer = Answer::new(&asked, reply);
    let (kind, frames) =
        if asked.stream { ("text/event-stream; charset=utf-8", answer.frames()) } else { ("application/json", answer.whole()) };
    let body = sse::body(act, frames, answer.faulty(), stage.stop.clone(), noted);
    ([(CONTENT_TYPE.as_str(), kind), ("x-request-id", &answer.request_id())], body).into_response()
}

/// What an operator wants to go wrong before an answer begins.
fn troubled(act: &Act) -> Result<(), Refusal> {
    act.refusal().map_or(Ok(()), |(status, retry_after)| Err(Refusal::of_status(status, retry_after)))
}

fn json_body(headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Refusal::invalid("you must provide a model parameter", None, None));
    }
    serde_json::from_slice(body).map_err(|_| Refusal::invalid("We could not parse the JSON body of your request.", None, None))
}

fn bearer(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).map(str::trim) {
        None | Some("") => Err(Refusal::no_key()),
        Some(WRONG_KEY) => Err(Refusal::of_status(401, None)),
        Some(_) => Ok(()),
    }
}

fn azure_key(headers: &HeaderMap) -> Result<(), Refusal> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match headers.get("api-key").and_then(|value| value.to_str().ok()).or(bearer) {
        None | Some("" | WRONG_KEY) => Err(Refusal::azure_key()),
        Some(_) => Ok(()),
    }
}

async fn models(State(stage): State<Stage>, headers: HeaderMap) -> Response {
    listed(&stage, &headers, || Ok(json!({ "object": "list", "data": MODELS.map(described) })))
}

async fn model(State(stage): State<Stage>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    listed(&stage, &headers, || if MODELS.contains(&name.as_str()) { Ok(described(&name)) } else { Err(Refusal::no_model(&name)) })
}

fn listed(stage: &Stage, headers: &HeaderMap, what: impl FnOnce() -> Result<Value, Refusal>) -> Response {
    let mut act = stage.plan.begin(Vendor::OpenAi);
    act.complete();
    match troubled(&act).and_then(|()| bearer(headers)).and_then(|()| what()) {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn described(model: &str) -> Value {
    json!({ "id": model, "object": "model", "created": MADE, "owned_by": "system" })
}
