//! `POST audio/transcriptions`.

use std::time::Duration;

use audio::wav::Clip;
use axum::Json;
use axum::body::Body;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::begin;
use super::refusal::Refusal;
use super::transcript;
use crate::Trouble;
use crate::server::Stage;

/// The shortest audio that is taken.
const LEAST_MILLIS: usize = 100;
/// From the first bytes of an answer to its break.
const BREAK: Duration = Duration::from_millis(20);
/// The rate that is listened at.
const RATE: u32 = 16_000;

/// The fields that matter.
#[derive(Default)]
struct Wish {
    file: Option<(String, Vec<u8>)>,
    model: String,
    language: String,
    format: String,
    sureness: bool,
    streamed: bool,
}

pub(super) async fn transcribe(
    State(stage): State<Stage>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Refusal> {
    let mut act = begin(&stage, &headers)?;
    let (wish, clip) = match read(form).await {
        Ok(read) => read,
        Err(refusal) => {
            act.complete();
            return Err(refusal);
        }
    };
    let pcm = clip.mono_at(RATE).map_err(|_| unreadable())?;
    let heard = stage.ears.hear(&pcm, RATE).await.map_err(|_| Refusal::of_status(500, None))?;
    act.wait_first().await;
    let seconds = pcm.len() as f64 / f64::from(RATE);
    let answer = match wish.format.as_str() {
        "text" => format!("{}\n", transcript::written(&heard)).into_response(),
        "verbose_json" => Json(transcript::verbose(&heard, &wish.language, seconds)).into_response(),
        _ => Json(transcript::short(&heard, &wish.model, seconds, wish.sureness)).into_response(),
    };
    match act.trouble {
        Some(Trouble::Malformed { .. }) => Ok(([(CONTENT_TYPE, "application/json")], "{\"text\": ").into_response()),
        // The answer is one piece: what happens "after so many pieces" happens in its middle.
        Some(Trouble::Cut { .. } | Trouble::Error { .. }) => Ok(begun(async {
            // What was sent before is on its way.
            tokio::time::sleep(BREAK).await;
            Err(std::io::Error::other("the vendor broke off"))
        })),
        Some(Trouble::Stall { .. }) => Ok(begun(async move {
            let _open = act;
            std::future::pending().await
        })),
        _ => {
            act.complete();
            Ok(answer)
        }
    }
}

/// An answer that begins, and then this.
fn begun(then: impl Future<Output = Result<&'static str, std::io::Error>> + Send + 'static) -> Response {
    let first = stream::iter([Ok("{\"text\"")]);
    Body::from_stream(first.chain(stream::once(then))).into_response()
}

fn unreadable() -> Refusal {
    Refusal::field("file", Some("invalid_value"), "Audio file might be corrupted or unsupported")
}

async fn read(form: Result<Multipart, MultipartRejection>) -> Result<(Wish, Clip), Refusal> {
    let broken = || Refusal::field("body", None, "Could not parse multipart form");
    let mut form = form.map_err(|_| broken())?;
    let mut wish = Wish::default();
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file = field.file_name().unwrap_or_default().to_owned();
            wish.file = Some((file, field.bytes().await.map_err(|_| broken())?.to_vec()));
            continue;
        }
        let text = field.text().await.map_err(|_| broken())?;
        match name.as_str() {
            "model" => wish.model = text,
            "language" | "languages[]" => wish.language = text,
            "response_format" => wish.format = text,
            "include[]" => wish.sureness |= text == "logprobs",
            "stream" => wish.streamed = text == "true",
            _ => {}
        }
    }
    let clip = checked(&mut wish)?;
    Ok((wish, clip))
}

fn checked(wish: &mut Wish) -> Result<Clip, Refusal> {
    let missing =
        |name: &'static str| Refusal::field(name, Some("missing_required_parameter"), format!("you must provide a {name} parameter"));
    let (file, bytes) = wish.file.take().ok_or_else(|| missing("file"))?;
    if wish.model.is_empty() {
        return Err(missing("model"));
    }
    if !(wish.model == "whisper-1" || wish.model.contains("transcribe")) {
        return Err(Refusal::field("model", Some("model_not_found"), format!("The model '{}' does not exist.", wish.model)));
    }
    if !file.ends_with(".wav") {
        return Err(Refusal::field("file", Some("unsupported_value"), "This simulator takes files of the format wav only."));
    }
    if wish.streamed {
        return Err(Refusal::field("stream", Some("unsupported_value"), "This simulator answers whole transcripts only."));
    }
    let formats: &[&str] = if wish.model == "whisper-1" { &["", "json", "text", "verbose_json"] } else { &["", "json"] };
    if !formats.contains(&wish.format.as_str()) {
        let message = format!("response_format '{}' is not compatible with model '{}'.", wish.format, wish.model);
        return Err(Refusal::field("response_format", Some("unsupported_value"), message));
    }
    if wish.sureness && !wish.model.starts_with("gpt-4o") {
        return Err(Refusal::field("include", Some("unsupported_value"), "logprobs are not supported by this model."));
    }
    if wish.language.len() > 3 {
        return Err(Refusal::field(
            "language",
            Some("invalid_language_format"),
            "Language parameter must be specified in ISO-639-1 format.",
        ));
    }
    let clip = audio::wav::read(&bytes).map_err(|_| unreadable())?;
    if clip.pcm.len() * 1000 < LEAST_MILLIS * clip.rate as usize * usize::from(clip.channels) {
        let message = "Audio file is too short. Minimum audio length is 0.1 seconds.";
        return Err(Refusal::field("file", Some("audio_too_short"), message));
    }
    Ok(clip)
}
