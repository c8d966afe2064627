//! What an agent looks like from outside.

use call::{AgentId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::agents::{AgentSettings, StoredAgent};
use utoipa::ToSchema;
use uuid::Uuid;

use super::limits;
use super::words::{TierName, TurnDetectionMode};
use crate::handlers::check::Check;
use crate::problem::Problem;
use crate::state::DirectoryHook;

/// Who answers calls, and how. `null` in a setting means: as the dialogue says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Agent {
    id: Uuid,
    #[schema(example = "Front desk")]
    name: String,
    description: Option<String>,
    /// The dialogue as the text of a flow file; `null`: the built-in one named in `base`.
    flow: Option<String>,
    base: String,
    /// One of the voices of `/api/v1/agents/choices`.
    #[schema(example = "slt")]
    voice: Option<String>,
    /// One of the languages of `/api/v1/agents/choices`.
    #[schema(example = "en-US")]
    language: Option<String>,
    /// Said first.
    greeting: Option<String>,
    /// The only tools it may use.
    tools: Option<Vec<String>>,
    /// Silence after which the caller has finished, ms.
    #[schema(example = 500)]
    silence_duration_ms: Option<u32>,
    /// How sure it must be that somebody speaks.
    #[schema(example = 0.5)]
    turn_detection_threshold: Option<f32>,
    /// Sound from before a voice was noticed that belongs to what is said, ms.
    #[schema(example = 300)]
    prefix_padding_ms: Option<u32>,
    /// The caller may cut it off.
    interruptions: Option<bool>,
    /// Calls are recorded.
    recording: Option<bool>,
    /// What is said is stored.
    transcript: Option<bool>,
    /// Longest call, seconds.
    #[schema(example = 1800)]
    max_call_seconds: Option<u32>,
    /// The model that speaks; `null`: the dialogue itself, no model.
    #[schema(example = "balanced")]
    tier: Option<TierName>,
    /// What the model is told of its part.
    #[schema(example = "You are the friendly receptionist of a small hotel.")]
    system_prompt: Option<String>,
    /// How free the model's words are.
    #[schema(example = 0.7)]
    temperature: Option<f32>,
    /// Most tokens of one answer of the model.
    #[schema(example = 2000)]
    max_tokens: Option<u32>,
    /// How the end of a caller's turn is told; `null`: `semantic`.
    #[schema(example = "semantic")]
    turn_detection_mode: Option<TurnDetectionMode>,
    /// False: refuses calls.
    active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An agent to be made. Settings that are left out are as the dialogue says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAgent {
    #[schema(min_length = 1, max_length = 200, example = "Front desk")]
    name: String,
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// The text of a flow file; left out, the built-in dialogue named in `base`.
    #[schema(min_length = 1, max_length = 200000)]
    flow: Option<String>,
    /// A built-in dialogue of `/api/v1/agents/choices`; left out, the first of them.
    #[schema(max_length = 100)]
    base: Option<String>,
    #[schema(max_length = 100, example = "slt")]
    voice: Option<String>,
    #[schema(max_length = 35, example = "en-US")]
    language: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    greeting: Option<String>,
    #[schema(max_items = 32)]
    tools: Option<Vec<String>>,
    #[schema(minimum = 100, maximum = 2000)]
    silence_duration_ms: Option<u32>,
    #[schema(minimum = 0.1, maximum = 0.9)]
    turn_detection_threshold: Option<f32>,
    #[schema(minimum = 0, maximum = 1000)]
    prefix_padding_ms: Option<u32>,
    interruptions: Option<bool>,
    recording: Option<bool>,
    transcript: Option<bool>,
    #[schema(minimum = 10, maximum = 14400)]
    max_call_seconds: Option<u32>,
    tier: Option<TierName>,
    #[schema(min_length = 10, max_length = 20000)]
    system_prompt: Option<String>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    #[schema(minimum = 100, maximum = 16000)]
    max_tokens: Option<u32>,
    turn_detection_mode: Option<TurnDetectionMode>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

impl NewAgent {
    /// The agent as it is stored, its fields checked; whether it can be built is asked of the directory later. `keys`: the
    /// providers that its workspace has keys of its own for.
    pub(crate) fn checked(
        self,
        id: AgentId,
        tenant: TenantId,
        directory: &dyn DirectoryHook,
        keys: &[String],
        now: Timestamp,
    ) -> Result<StoredAgent, Problem> {
        let mut check = Check::default();
        check.name("/name", &self.name);
        limits::texts(&mut check, self.description.as_deref(), self.flow.as_deref());
        let base = limits::base(&mut check, self.base, directory);
        let settings = AgentSettings {
            voice: self.voice,
            language: self.language,
            greeting: self.greeting,
            tools: self.tools,
            silence_duration_ms: self.silence_duration_ms,
            turn_detection_threshold: self.turn_detection_threshold,
            prefix_padding_ms: self.prefix_padding_ms,
            interruptions: self.interruptions,
            recording: self.recording,
            transcript: self.transcript,
            max_call_seconds: self.max_call_seconds,
            tier: self.tier.map(Into::into),
            system_prompt: self.system_prompt,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            turn_detection_mode: self.turn_detection_mode.map(Into::into),
        };
        limits::settings(&mut check, &settings, directory, keys);
        check.done()?;
        Ok(StoredAgent {
            id,
            tenant,
            name: self.name,
            description: self.description,
            flow: self.flow,
            base,
            settings,
            active: self.active,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}

impl From<StoredAgent> for Agent {
    fn from(agent: StoredAgent) -> Self {
        let settings = agent.settings;
        Self {
            id: agent.id.0,
            name: agent.name,
            description: agent.description,
            flow: agent.flow,
            base: agent.base,
            voice: settings.voice,
            language: settings.language,
            greeting: settings.greeting,
            tools: settings.tools,
            silence_duration_ms: settings.silence_duration_ms,
            turn_detection_threshold: settings.turn_detection_threshold,
            prefix_padding_ms: settings.prefix_padding_ms,
            interruptions: settings.interruptions,
            recording: settings.recording,
            transcript: settings.transcript,
            max_call_seconds: settings.max_call_seconds,
            tier: settings.tier.map(Into::into),
            system_prompt: settings.system_prompt,
            temperature: settings.temperature,
            max_tokens: settings.max_tokens,
            turn_detection_mode: settings.turn_detection_mode.map(Into::into),
            active: agent.active,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}
