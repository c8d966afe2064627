//! Azure Speech's voices: `cognitiveservices/v1`, the list of voices, and tokens, as Microsoft's page "Text to speech REST API" documents them.

mod ssml;
mod token;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::sound::{self, Coding};
use crate::Vendor;
use crate::plan::Act;
use crate::server::Stage;

/// Longest document.
const MAX_SSML_BYTES: usize = 64 * 1024;
/// Longest audio: what comes after ten minutes is cut.
const MAX_SECONDS: usize = 600;
/// Longest `User-Agent`.
const MAX_AGENT: usize = 255;

/// Voices, by full name and gender.
const VOICES: [(&str, &str); 8] = [
    ("en-US-JennyNeural", "Female"),
    ("en-US-AriaNeural", "Female"),
    ("en-US-GuyNeural", "Male"),
    ("en-GB-SoniaNeural", "Female"),
    ("de-DE-KatjaNeural", "Female"),
    ("es-ES-ElviraNeural", "Female"),
    ("fr-FR-DeniseNeural", "Female"),
    ("it-IT-ElsaNeural", "Female"),
];

pub(crate) fn router(stage: &Stage) -> Router {
    let routes = Router::new()
        .route("/cognitiveservices/v1", post(speak))
        .route("/cognitiveservices/voices/list", get(voices))
        .route("/sts/v1.0/issueToken", post(issue))
        .layer(DefaultBodyLimit::max(MAX_SSML_BYTES))
        .with_state(stage.clone());
    Router::new().nest(Vendor::AzureSpeech.path(), routes)
}

/// A status; the service says little more \[U\].
struct Refusal(u16, Option<u64>, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.2).into_response();
        if let Some(seconds) = self.1 {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A request came in: its key, or its token, is looked at first.
fn begin(stage: &Stage, headers: &HeaderMap) -> Result<Act, Refusal> {
    let mut act = stage.plan.begin(Vendor::AzureSpeech);
    let (key, bearer) = (text(headers, "ocp-apim-subscription-key"), text(headers, "authorization"));
    let known = match bearer.strip_prefix("Bearer ") {
        Some(token) if key.is_empty() => token::is_good(token),
        _ => !key.is_empty() && key != "wrong-key",
    };
    let refusal = if known { act.refusal() } else { Some((401, None)) };
    match refusal {
        None => Ok(act),
        Some((status, after)) => {
            act.complete();
            Err(Refusal(status, after, ""))
        }
    }
}

async fn speak(State(stage): State<Stage>, headers: HeaderMap, document: Bytes) -> Result<Response, Refusal> {
    let mut act = begin(&stage, &headers)?;
    let (coding, rate, said) = match wish(&headers, &document) {
        Ok(wish) => wish,
        Err(refusal) => {
            act.complete();
            return Err(refusal);
        }
    };
    let mut pcm = stage.mouth.say(&said, rate).await.map_err(|_| Refusal(502, None, ""))?;
    pcm.truncate(MAX_SECONDS * rate as usize);
    act.wait_first().await;
    if sound::is_page(&act) {
        return Ok(sound::page(act));
    }
    let kind = if coding == Coding::Linear { "audio/x-wav" } else { "audio/basic" };
    Ok(([(CONTENT_TYPE, kind)], sound::body(act, coding.write(&pcm), coding.bytes_a_second(rate))).into_response())
}

/// What is asked for, if it is asked for rightly.
fn wish(headers: &HeaderMap, document: &[u8]) -> Result<(Coding, u32, String), Refusal> {
    let bad = |why| Refusal(400, None, why);
    let agent = text(headers, USER_AGENT.as_str());
    if agent.is_empty() || agent.len() >= MAX_AGENT {
        return Err(bad("A User-Agent of less than 255 characters is required."));
    }
    if !text(headers, CONTENT_TYPE.as_str()).starts_with("application/ssml+xml") {
        return Err(Refusal(415, None, "The content type must be application/ssml+xml."));
    }
    let (coding, rate) = format(text(headers, "x-microsoft-outputformat")).ok_or(bad("Unsupported X-Microsoft-OutputFormat."))?;
    let document = std::str::from_utf8(document).map_err(|_| bad("The document is not UTF-8."))?;
    Ok((coding, rate, ssml::spoken(document).map_err(bad)?))
}

/// Raw streaming formats. The compressed ones and those with a header are not simulated.
fn format(name: &str) -> Option<(Coding, u32)> {
    match name {
        "raw-8khz-8bit-mono-mulaw" => Some((Coding::Ulaw, 8000)),
        "raw-8khz-8bit-mono-alaw" => Some((Coding::Alaw, 8000)),
        "raw-8khz-16bit-mono-pcm" => Some((Coding::Linear, 8000)),
        "raw-16khz-16bit-mono-pcm" => Some((Coding::Linear, 16_000)),
        "raw-24khz-16bit-mono-pcm" => Some((Coding::Linear, 24_000)),
        _ => None,
    }
}

async fn voices(State(stage): State<Stage>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let mut act = begin(&stage, &headers)?;
    act.wait_first().await;
    act.complete();
    let voice = |(full, gender): (&str, &str)| {
        let (locale, name) = full.split_at(5);
        let name = name.trim_start_matches('-');
        let display = name.trim_end_matches("Neural");
        json!({
            "Name": format!("Microsoft Server Speech Text to Speech Voice ({locale}, {name})"),
            "DisplayName": display, "LocalName": display, "ShortName": full, "Gender": gender, "Locale": locale, "LocaleName": locale,
            "SampleRateHertz": "24000", "VoiceType": "Neural", "Status": "GA", "WordsPerMinute": "150",
        })
    };
    Ok(Json(VOICES.map(voice).to_vec().into()))
}

async fn issue(State(stage): State<Stage>, headers: HeaderMap) -> Result<String, Refusal> {
    let mut act = begin(&stage, &headers)?;
    act.wait_first().await;
    act.complete();
    Ok(token::issue())
}
