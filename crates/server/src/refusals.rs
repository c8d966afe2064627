//! What callers hear who cannot be served: spoken in the agent's own voice, rendered ahead, so that it needs nothing when everything is busy.

use std::collections::HashMap;

use agent::AgentDefinition;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use call::AgentId;
use speech::SpeakRequest;
use speech::phrases::Phrases;
use tracing::warn;

use crate::state::App;

/// The telephone's rate.
const RATE: u32 = 8000;
/// Longest refusal, samples: half a minute.
const MAX_SAMPLES: usize = 30 * 8000;

/// A fault is nobody's business: one sentence for all agents.
const FAULT: &str = "We are sorry, we cannot take your call at the moment. Please call again later. Goodbye.";

/// Why a caller is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// No place, and no queue or a full one.
    Busy,
    /// It is outside the workspace's opening hours.
    Closed,
    /// The service is being restarted: call again.
    Closing,
    /// The service is being restarted, and the caller is called back.
    ClosingPromise,
    /// A fault that comes again.
    Fault,
}

impl Refusal {
    const ALL: [Self; 5] = [Self::Busy, Self::Closed, Self::Closing, Self::ClosingPromise, Self::Fault];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Closing => "closing",
            Self::ClosingPromise => "closing-promise",
            Self::Fault => "fault",
        }
    }
}

/// The words.
pub(crate) fn text(agent: &AgentDefinition, kind: Refusal) -> String {
    let texts = agent.hold_texts();
    match kind {
        Refusal::Busy => texts.busy,
        Refusal::Closed => texts.closed,
        Refusal::Closing => texts.closing_no_number,
        Refusal::ClosingPromise => texts.closing,
        Refusal::Fault => FAULT.to_owned(),
    }
}

/// An agent's rendered refusals, as WAV files.
#[derive(Clone, Default)]
pub(crate) struct Refusals(HashMap<Refusal, Bytes>);

impl Refusals {
    /// Renders them. What cannot be rendered is said by the carrier's voice.
    pub(crate) async fn render(agent: &AgentDefinition, phrases: &Phrases) -> Self {
        let mut rendered = HashMap::new();
        for kind in Refusal::ALL {
            let text = text(agent, kind);
            if !phrases.can_say(&text, &agent.voice) {
                continue;
            }
            match wav(phrases, text, agent).await {
                Ok(wav) => drop(rendered.insert(kind, wav)),
                Err(fault) => warn!(agent = agent.name, error = %fault, "a refusal could not be rendered: the carrier's voice says it"),
            }
        }
        Self(rendered)
    }

    /// One of them.
    pub(crate) fn get(&self, kind: Refusal) -> Option<Bytes> {
        self.0.get(&kind).cloned()
    }
}

/// Where a refusal can be fetched, if it was rendered.
pub(crate) fn path(app: &App, agent: AgentId, kind: Refusal) -> Option<String> {
    app.directory.refusal(agent, kind).map(|_| format!("/audio/refusals/{agent}/{}.wav", kind.as_str()))
}

async fn wav(phrases: &Phrases, text: String, agent: &AgentDefinition) -> Result<Bytes, speech::SpeechError> {
    let mut stream =
        phrases.speak_fixed(SpeakRequest { text, voice: agent.voice.clone(), language: agent.language.clone(), rate: RATE }).await?;
    let mut samples = Vec::new();
    while let Some(part) = stream.recv().await {
        samples.extend_from_slice(&part?);
        samples.truncate(MAX_SAMPLES);
    }
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = audio::wav::header(1, RATE, bytes).to_vec();
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    Ok(file.into())
}

/// Fetched by carriers: a closed set of sentences that everybody may hear.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/audio/refusals/{agent}/{file}", get(fetch))
}

async fn fetch(State(app): State<App>, Path((agent, file)): Path<(AgentId, String)>) -> Response {
    let kind = Refusal::ALL.into_iter().find(|kind| file.strip_suffix(".wav") == Some(kind.as_str()));
    match kind.and_then(|kind| app.directory.refusal(agent, kind)) {
        Some(wav) => ([(header::CONTENT_TYPE, "audio/wav")], wav).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
