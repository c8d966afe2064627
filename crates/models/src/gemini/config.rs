//! Where the sessions are, and how long they may let wait.

use std::time::Duration;

use outbound::Setup;
use privacy::Secret;

/// Google's address for developers' keys.
pub const URL: &str = "https://generativelanguage.googleapis.com";
/// The model when nobody names one: that of the examples in Google's SDK (3.4.0).
pub const MODEL: &str = "gemini-live-2.5-flash-preview";
/// Its voices, as Google's page on Live sessions names them (not verified against the service).
pub const VOICES: [&str; 8] = ["Puck", "Charon", "Kore", "Fenrir", "Aoede", "Leda", "Orus", "Zephyr"];
/// The method of the interface, version v1beta (openai-realtime.md 5).
const PATH: &str = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

/// Where and as whom.
#[derive(Debug, Clone)]
pub struct GeminiConfig {
    /// Base address and key.
    pub setup: Setup,
    /// The path below it.
    pub path: String,
    /// The model, with or without `models/` before it.
    pub model: String,
    /// Limits.
    pub limits: GeminiLimits,
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeminiLimits {
    /// Until the session is set up: the caller hears nothing meanwhile.
    pub open: Duration,
    /// From the question to the first sound or word of the answer.
    pub first: Duration,
    /// Between two messages of an answer.
    pub stall: Duration,
}

impl Default for GeminiLimits {
    /// For a caller's ear: 1.5 s, 3 s, 2 s.
    fn default() -> Self {
        Self { open: Duration::from_millis(1500), first: Duration::from_secs(3), stall: Duration::from_secs(2) }
    }
}

impl GeminiConfig {
    /// Google below `base_url` (default: [`URL`]).
    pub fn google(base_url: &str, key: &Secret, model: &str) -> Self {
        Self {
            setup: Setup::with_key(base_url, "x-goog-api-key", key.clone()),
            path: PATH.to_owned(),
            model: model.to_owned(),
            limits: GeminiLimits::default(),
        }
    }
}
