//! What callers hear who cannot be served: spoken in the agent's own voice, rendered at start, so that it needs nothing when everything is busy.

use std::collections::HashMap;

use agent::{AgentDefinition, Agents};
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
    /// The service is being restarted: call again.
    Closing,
    /// The service is being restarted, and the caller is called back.
    ClosingPromise,
    /// A fault that comes again.
    Fault,
}

impl Refusal {
    const ALL: [Self; 4] = [Self::Busy, Self::Closing, Self::ClosingPromise, Self::Fault];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
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
        Refusal::Closing => texts.closing_no_number,
        Refusal::ClosingPromise => texts.closing,
        Refusal::Fault => FAULT.to_owned(),
    }
}

/// Rendered refusals, as WAV files.
#[derive(Default)]
pub struct Refusals(HashMap<(AgentId, Refusal), Bytes>);

impl Refusals {
    /// Renders them. What cannot be rendered is said by the carrier's voice.
    pub(crate) async fn render(agents: &Agents, phrases: &Phrases) -> Self {
        let mut rendered = HashMap::new();
        for agent in agents.iter() {
            for kind in Refusal::ALL {
                let text = text(agent, kind);
                if !phrases.can_say(&text, &agent.voice) {
                    continue;
                }
                match wav(phrases, text, agent).await {
                    Ok(wav) => drop(rendered.insert((agent.id, kind), wav)),
                    Err(fault) => warn!(agent = agent.name, error = %fault, "a refusal could not be rendered: the carrier's voice says it"),
                }
            }
        }
        Self(rendered)
    }

    /// Where a refusal can be fetched.
    pub(crate) fn path(&self, agent: AgentId, kind: Refusal) -> Option<String> {
        self.0.contains_key(&(agent, kind)).then(|| format!("/audio/refusals/{agent}/{}.wav", kind.as_str()))
    }
}

async fn wav(phrases: &Phrases, text: String, agent: &AgentDefinition) -> Result<Bytes, speech::SpeechError> {
    let mut stream = phrases.speak(SpeakRequest { text, voice: agent.voice.clone(), rate: RATE }).await?;
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
    match kind.and_then(|kind| app.refusals.0.get(&(agent, kind))) {
        Some(wav) => ([(header::CONTENT_TYPE, "audio/wav")], wav.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
