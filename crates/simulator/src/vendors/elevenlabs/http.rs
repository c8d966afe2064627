//! `POST /v1/text-to-speech/{voice}` and `…/stream`: one text, one answer.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::refusal::Refusal;
use super::{MAX_TEXT, begin, format, voices};
use crate::Event;
use crate::plan::Act;
use crate::server::Stage;
use crate::vendors::sound::{self, Coding};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default = "default_format")]
    output_format: String,
}

pub(super) fn default_format() -> String {
    "mp3_44100_128".to_owned()
}

#[derive(Deserialize)]
pub(super) struct Wish {
    text: Option<String>,
    model_id: Option<String>,
    language_code: Option<String>,
    voice_settings: Option<VoiceSettings>,
}

#[derive(Deserialize)]
struct VoiceSettings {
    stability: Option<f64>,
    similarity_boost: Option<f64>,
}

type Body = Result<Json<Wish>, JsonRejection>;

/// The whole sound at once.
pub(super) async fn whole(
    State(stage): State<Stage>,
    Path(voice): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    wish: Body,
) -> Result<Response, Refusal> {
    let (mut act, sound, ..) = spoken(&stage, &voice, &asked, &headers, wish).await?;
    act.wait_first().await;
    act.complete();
    Ok(answer(sound.into()))
}

/// The sound as it is made.
pub(super) async fn stream(
    State(stage): State<Stage>,
    Path(voice): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    wish: Body,
) -> Result<Response, Refusal> {
    let (words, journal) = (wish.as_ref().ok().and_then(|wish| wish.0.text.clone()).unwrap_or_default(), stage.journal.clone());
    journal.note(Event::Wanted, || words.clone());
    let (act, sound, coding, rate) = spoken(&stage, &voice, &asked, &headers, wish).await?;
    act.wait_first().await;
    if sound::is_page(&act) {
        return Ok(sound::page(act));
    }
    journal.note(Event::Sounded, || words);
    Ok(answer(sound::body(act, sound, coding.bytes_a_second(rate))))
}

async fn spoken(
    stage: &Stage,
    voice: &str,
    asked: &Asked,
    headers: &HeaderMap,
    wish: Body,
) -> Result<(Act, Vec<u8>, Coding, u32), Refusal> {
    let mut act = begin(stage, headers)?;
    match made(stage, voice, asked, wish).await {
        Ok((sound, coding, rate)) => Ok((act, sound, coding, rate)),
        Err(refusal) => {
            act.complete();
            Err(refusal)
        }
    }
}

async fn made(stage: &Stage, voice: &str, asked: &Asked, wish: Body) -> Result<(Vec<u8>, Coding, u32), Refusal> {
    let Json(wish) = wish.map_err(|_| Refusal::field("text", "the body is no JSON of this kind"))?;
    voices::known(voice)?;
    let text = wish.text.filter(|text| !text.trim().is_empty()).ok_or_else(|| Refusal::field("text", "Field required"))?;
    if text.chars().count() > MAX_TEXT {
        return Err(Refusal::new(400, "max_character_limit_exceeded", "A single request can contain at most 40000 characters."));
    }
    let model = wish.model_id.as_deref().unwrap_or("eleven_multilingual_v2");
    if !model.starts_with("eleven_") {
        return Err(Refusal::new(400, "model_not_found", "A model with this ID does not exist."));
    }
    if wish.language_code.is_some_and(|code| code.len() > 3) {
        return Err(Refusal::new(400, "unsupported_language", "The language code must follow ISO 639-1."));
    }
    let settings = wish.voice_settings.iter().flat_map(|settings| [settings.stability, settings.similarity_boost]).flatten();
    if settings.into_iter().any(|value| !(0.0..=1.0).contains(&value)) {
        return Err(Refusal::new(400, "invalid_voice_settings", "Voice settings lie between 0 and 1."));
    }
    let (coding, rate) =
        format(&asked.output_format).ok_or_else(|| Refusal::new(400, "invalid_output_format", "This simulator has raw sound only."))?;
    let pcm = stage.mouth.say(&text, rate).await.map_err(|_| Refusal::of_status(500, None))?;
    Ok((coding.write(&pcm), coding, rate))
}

/// Their type of raw sound is unverified \[U\]; clients go by the format they asked for.
fn answer(body: axum::body::Body) -> Response {
    ([(CONTENT_TYPE.as_str(), "application/octet-stream"), ("request-id", "simulated")], body).into_response()
}
