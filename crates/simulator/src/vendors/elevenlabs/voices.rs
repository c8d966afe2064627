//! `GET /v1/voices`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::begin;
use super::refusal::Refusal;
use crate::server::Stage;

/// Voices of the public list, by id and name.
const VOICES: [(&str, &str); 5] = [
    ("21m00Tcm4TlvDq8ikWAM", "Rachel"),
    ("EXAVITQu4vr4xnSDxMaL", "Sarah"),
    ("ErXwobaYiN019PkySvjV", "Antoni"),
    ("XrExE9yKIg1WjnnlVkGX", "Matilda"),
    ("pNInz6obpgDQGcFmaJgB", "Adam"),
];

pub(super) async fn list(State(stage): State<Stage>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let mut act = begin(&stage, &headers)?;
    act.wait_first().await;
    act.complete();
    let voices = VOICES.map(|(id, name)| json!({ "voice_id": id, "name": name, "category": "premade", "labels": {}, "settings": null }));
    Ok(Json(json!({ "voices": voices })))
}

/// Anyone may have voices of their own, which are called by ids like these.
pub(super) fn known(id: &str) -> Result<(), Refusal> {
    let is_id = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id.then_some(()).ok_or_else(|| Refusal::new(404, "voice_not_found", format!("A voice with the voice_id {id} was not found.")))
}
