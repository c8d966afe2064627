//! Where the sessions are, and how long they may let wait.

use std::time::Duration;

use outbound::{Setup, StandbyPolicy};
use privacy::Secret;

/// OpenAI's address.
pub const URL: &str = "https://api.openai.com/v1";
/// The model when nobody names one: the first of general availability, which the vendor keeps as an alias of the current one.
pub const MODEL: &str = "gpt-realtime";
/// Its voices (openai-realtime.md 1.1).
pub const VOICES: [&str; 10] = ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"];
/// Transcribes the caller: the small model of the vendor's own examples.
pub const TRANSCRIPTION: &str = "gpt-4o-mini-transcribe";
/// The same on Azure, where it is the name of a deployment; whisper-1 needs none.
pub const AZURE_TRANSCRIPTION: &str = "whisper-1";

/// Where and as whom.
#[derive(Debug, Clone)]
pub struct RealtimeConfig {
    /// Base address and key.
    pub setup: Setup,
    /// The path below it.
    pub path: String,
    /// The model; on Azure the deployment.
    pub model: String,
    /// The query parameter that names it: `model` (Azure's preview had `deployment`).
    pub model_parameter: &'static str,
    /// The model that transcribes the caller.
    pub transcription: String,
    /// Limits.
    pub limits: RealtimeLimits,
    /// Connections that are open before a call needs them.
    pub standby: StandbyPolicy,
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealtimeLimits {
    /// Until the session is configured: the caller hears nothing meanwhile.
    pub open: Duration,
    /// From the question to the first sound or word of the answer.
    pub first: Duration,
    /// Between two events of an answer.
    pub stall: Duration,
    /// A session that is older moves to a new one between two turns. The vendor ends one after 60 minutes (unverified).
    pub age: Duration,
}

impl Default for RealtimeLimits {
    /// For a caller's ear: 1.5 s, 3 s, 2 s; 55 minutes.
    fn default() -> Self {
        Self {
            open: Duration::from_millis(1500),
            first: Duration::from_secs(3),
            stall: Duration::from_secs(2),
            age: Duration::from_secs(55 * 60),
        }
    }
}

impl RealtimeConfig {
    /// OpenAI, or a service that speaks its protocol, below `base_url` (default: [`URL`]).
    pub fn openai(base_url: &str, key: &Secret, model: &str) -> Self {
        let bearer = Secret::from(format!("Bearer {}", key.expose()));
        Self::of(Setup::with_key(base_url, "authorization", bearer), model, TRANSCRIPTION)
    }

    /// Azure OpenAI: `base_url` is `https://<resource>.openai.azure.com/openai/v1`, the model the name of a deployment.
    pub fn azure(base_url: &str, key: &Secret, deployment: &str) -> Self {
        Self::of(Setup::with_key(base_url, "api-key", key.clone()), deployment, AZURE_TRANSCRIPTION)
    }

    fn of(setup: Setup, model: &str, transcription: &str) -> Self {
        Self {
            setup,
            path: "realtime".to_owned(),
            model: model.to_owned(),
            model_parameter: "model",
            transcription: transcription.to_owned(),
            limits: RealtimeLimits::default(),
            // A minute: a connection that a firewall forgot is not kept for the next caller.
            standby: StandbyPolicy { cap: 1, max_age: Duration::from_secs(60), idle: Duration::from_secs(600) },
        }
    }
}
