//! `POST /v1/speak`: Aura's voices over HTTP.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::refusal::{Refusal, look, request_id};
use crate::plan::Next;
use crate::server::Stage;
use crate::{Act, Vendor};

/// Longest text, characters (Deepgram's number, unverified).
const MAX_CHARACTERS: usize = 2000;
/// Sound is sent in pieces of this length.
pub(super) const PIECE: Duration = Duration::from_millis(100);

/// Text to be spoken.
#[derive(Deserialize)]
pub(super) struct Spoken {
    text: String,
}

/// How the sound is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) model: String,
    encoding: Coding,
    pub(super) rate: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Linear16,
    Mulaw,
    Alaw,
}

impl Voice {
    /// The query. Sound in containers and compressed sound are not simulated, and are refused.
    pub(super) fn read(query: &[(String, String)]) -> Result<Self, Refusal> {
        let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let model = value("model").unwrap_or("aura-asteria-en").to_owned();
        if !model.starts_with("aura-") {
            return Err(Refusal::parameter("No such model."));
        }
        // Deepgram's default is MP3.
        let (encoding, default, rates) = match value("encoding") {
            Some("linear16") => (Coding::Linear16, 24_000, &[8000, 16_000, 24_000][..]),
            Some("mulaw") => (Coding::Mulaw, 8000, &[8000, 16_000][..]),
            Some("alaw") => (Coding::Alaw, 8000, &[8000, 16_000][..]),
            _ => return Err(Refusal::parameter("This encoding is not simulated; use linear16, mulaw or alaw.")),
        };
        let rate = value("sample_rate").map_or(Ok(default), str::parse).map_err(|_| Refusal::parameter("sample_rate must be a number"))?;
        if !rates.contains(&rate) {
            return Err(Refusal::parameter("sample_rate is not supported with this encoding"));
        }
        Ok(Self { model, encoding, rate })
    }

    pub(super) fn encode(&self, pcm: &[i16]) -> Bytes {
        let mut bytes = Vec::with_capacity(pcm.len() * 2);
        match self.encoding {
            Coding::Mulaw => audio::g711::encode_ulaw(pcm, &mut bytes),
            Coding::Alaw => audio::g711::encode_alaw(pcm, &mut bytes),
            Coding::Linear16 => bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes())),
        }
        bytes.into()
    }

    /// Samples of one piece.
    pub(super) fn piece(&self) -> usize {
        (u128::from(self.rate) * PIECE.as_millis() / 1000) as usize
    }

    fn content_type(&self) -> &'static str {
        match self.encoding {
            Coding::Linear16 => "audio/l16",
            Coding::Mulaw => "audio/mulaw",
            Coding::Alaw => "audio/alaw",
        }
    }
}

/// Over HTTP raw sound must be asked for: the default is a container, which is not simulated.
fn raw(query: &[(String, String)]) -> Result<(), Refusal> {
    let container = query.iter().find(|(name, _)| name == "container").map(|(_, value)| value.as_str());
    if container == Some("none") { Ok(()) } else { Err(Refusal::parameter("Containers are not simulated; use container=none.")) }
}

pub(super) async fn speak(
    State(stage): State<Stage>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
    body: Result<Json<Spoken>, JsonRejection>,
) -> Result<Response, Refusal> {
    let act = stage.plan.begin(Vendor::Deepgram);
    look(&act, &headers)?;
    let voice = Voice::read(&query)?;
    raw(&query)?;
    let Ok(Json(Spoken { text })) = body else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "PAYLOAD_ERROR", "Failed to deserialize JSON payload."));
    };
    let characters = text.chars().count();
    if text.trim().is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "PAYLOAD_ERROR", "Input text is empty."));
    }
    if characters > MAX_CHARACTERS {
        let message = format!("Input text exceeds maximum character limit of {MAX_CHARACTERS}.");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_ERROR", message));
    }
    let failed = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "An internal error occurred.");
    act.wait_first().await;
    let pcm = stage.mouth.say(&text, voice.rate).await.map_err(failed)?;
    let pieces = pcm.chunks(voice.piece()).map(|piece| voice.encode(piece)).collect();
    Ok(answer(Sound { pieces, at: 0, act }, &voice, characters))
}

fn answer(sound: Sound, voice: &Voice, characters: usize) -> Response {
    let malformed = sound.act.trouble.is_some_and(|trouble| matches!(trouble, crate::Trouble::Malformed { .. }));
    if malformed {
        // Sound has no form that could be wrong, so it is the answer's.
        return (StatusCode::OK, Json(serde_json::json!({"status": "queued"}))).into_response();
    }
    let mut response = Body::from_stream(stream::unfold(sound, Sound::next)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(voice.content_type()));
    headers.insert("dg-char-count", HeaderValue::from(characters));
    for (name, value) in [("dg-model-name", voice.model.clone()), ("dg-request-id", request_id())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// The sound of an answer while it is sent.
struct Sound {
    pieces: Vec<Bytes>,
    at: usize,
    act: Act,
}

impl Sound {
    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Self)> {
        let Some(piece) = self.pieces.get(self.at).cloned() else {
            self.act.complete();
            return None;
        };
        if self.at > 0 {
            tokio::time::sleep(PIECE.div_f64(self.act.behaviour.pace.max(0.01))).await;
        }
        self.at += 1;
        match self.act.next() {
            Next::Send | Next::Malformed => Some((Ok(piece), self)),
            Next::Stall => std::future::pending().await,
            // There is no way to report an error in the middle of sound but to end it.
            Next::Cut | Next::Error => Some((Err(std::io::Error::other("cut off")), self)),
        }
    }
}
