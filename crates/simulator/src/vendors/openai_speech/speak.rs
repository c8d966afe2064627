//! `POST audio/speech`.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::begin;
use super::refusal::Refusal;
use crate::server::Stage;
use crate::vendors::sound::{self, Coding};

/// Characters in one request, at most.
const MAX_INPUT: usize = 4096;
/// What the format `pcm` is: 16 bits, mono, at this rate.
const RATE: u32 = 24_000;
/// Their built-in voices.
const VOICES: [&str; 13] =
    ["alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar"];

#[derive(Deserialize)]
pub(super) struct Wish {
    model: Option<String>,
    input: Option<String>,
    voice: Option<Value>,
    response_format: Option<String>,
    speed: Option<f64>,
    stream_format: Option<String>,
}

pub(super) async fn speak(
    State(stage): State<Stage>,
    headers: HeaderMap,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Refusal> {
    let mut act = begin(&stage, &headers)?;
    let (input, wav) = match checked(wish) {
        Ok(checked) => checked,
        Err(refusal) => {
            act.complete();
            return Err(refusal);
        }
    };
    let pcm = stage.mouth.say(&input, RATE).await.map_err(|_| Refusal::of_status(500, None))?;
    act.wait_first().await;
    if sound::is_page(&act) {
        return Ok(sound::page(act));
    }
    let mut bytes = Vec::new();
    if wav {
        // How long it will be is not known when the header is sent.
        bytes.extend_from_slice(&audio::wav::header(1, RATE, u32::MAX));
    }
    bytes.extend(Coding::Linear.write(&pcm));
    let kind = if wav { "audio/wav" } else { "audio/pcm" };
    Ok(([(CONTENT_TYPE, kind)], sound::body(act, bytes, Coding::Linear.bytes_a_second(RATE))).into_response())
}

/// What is to be said, and whether as WAV.
fn checked(wish: Result<Json<Wish>, JsonRejection>) -> Result<(String, bool), Refusal> {
    let Json(wish) = wish.map_err(|_| Refusal::field("body", None, "We could not parse the JSON body of your request."))?;
    let missing =
        |name: &'static str| Refusal::field(name, Some("missing_required_parameter"), format!("Missing required parameter: '{name}'."));
    let model = wish.model.ok_or_else(|| missing("model"))?;
    if !(model.starts_with("tts-1") || model.contains("-tts")) {
        return Err(Refusal::field("model", Some("model_not_found"), format!("The model '{model}' does not exist.")));
    }
    let input = wish.input.filter(|input| !input.trim().is_empty()).ok_or_else(|| missing("input"))?;
    if input.chars().count() > MAX_INPUT {
        return Err(Refusal::field("input", Some("string_above_max_length"), "Invalid 'input': string too long."));
    }
    let known = match wish.voice.ok_or_else(|| missing("voice"))? {
        Value::String(voice) => VOICES.contains(&voice.as_str()),
        voice => voice["id"].is_string(),
    };
    if !known {
        return Err(Refusal::field("voice", Some("invalid_value"), "Invalid value for 'voice'."));
    }
    if wish.speed.is_some_and(|speed| !(0.25..=4.0).contains(&speed)) {
        return Err(Refusal::field("speed", Some("invalid_value"), "Invalid 'speed': it lies between 0.25 and 4."));
    }
    if wish.stream_format.is_some_and(|format| format != "audio") {
        return Err(Refusal::field("stream_format", Some("unsupported_value"), "This simulator streams sound only, no events."));
    }
    match wish.response_format.as_deref().unwrap_or("mp3") {
        "pcm" => Ok((input, false)),
        "wav" => Ok((input, true)),
        _ => Err(Refusal::field("response_format", Some("unsupported_value"), "This simulator has the formats pcm and wav only.")),
    }
}
