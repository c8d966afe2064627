//! What may be changed of an agent.

use serde::Deserialize;
use store::Change;
use store::agents::{AgentChange, AgentSettings, StoredAgent};
use utoipa::ToSchema;

use super::limits;
use super::words::{TierName, TurnDetectionMode};
use crate::handlers::check::{Check, set};
use crate::handlers::patch::{change, changed, is_change, map};
use crate::problem::Problem;
use crate::state::DirectoryHook;

/// Changes of an agent: what is left out stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentPatch {
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, max_length = 2000)]
    description: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 200000)]
    flow: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = String, required = false, max_length = 100)]
    base: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, max_length = 100)]
    voice: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, max_length = 35)]
    language: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 500)]
    greeting: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Vec<String>>, required = false, max_items = 32)]
    tools: Change<Vec<String>>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, required = false, minimum = 100, maximum = 2000)]
    silence_duration_ms: Change<u32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<f32>, required = false, minimum = 0.1, maximum = 0.9)]
    turn_detection_threshold: Change<f32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, required = false, minimum = 0, maximum = 1000)]
    prefix_padding_ms: Change<u32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<bool>, required = false)]
    interruptions: Change<bool>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<bool>, required = false)]
    recording: Change<bool>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<bool>, required = false)]
    transcript: Change<bool>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, required = false, minimum = 10, maximum = 14400)]
    max_call_seconds: Change<u32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<TierName>, required = false)]
    tier: Change<TierName>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, min_length = 10, max_length = 20000)]
    system_prompt: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<f32>, required = false, minimum = 0, maximum = 2)]
    temperature: Change<f32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, required = false, minimum = 100, maximum = 16000)]
    max_tokens: Change<u32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<TurnDetectionMode>, required = false)]
    turn_detection_mode: Change<TurnDetectionMode>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = bool, required = false)]
    active: Change<bool>,
}

impl AgentPatch {
    /// The change as the store takes it. `keys`: the providers that the workspace has keys of its own for.
    pub(crate) fn checked(self, directory: &dyn DirectoryHook, keys: &[String]) -> Result<AgentChange, Problem> {
        let mut check = Check::default();
        check.stays("/name", &self.name);
        check.stays("/base", &self.base);
        check.stays("/active", &self.active);
        if let Some(name) = set(&self.name) {
            check.name("/name", name);
        }
        limits::texts(&mut check, set(&self.description).map(String::as_str), set(&self.flow).map(String::as_str));
        if let Some(base) = set(&self.base) {
            limits::base(&mut check, Some(base.clone()), directory);
        }
        limits::settings(&mut check, &self.new_settings(), directory, keys);
        check.done()?;
        Ok(AgentChange {
            name: self.name,
            description: self.description,
            flow: self.flow,
            base: self.base,
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
            tier: map(self.tier, Into::into),
            system_prompt: self.system_prompt,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            turn_detection_mode: map(self.turn_detection_mode, Into::into),
            active: self.active,
        })
    }

    /// Only what is set anew.
    fn new_settings(&self) -> AgentSettings {
        AgentSettings {
            voice: set(&self.voice).cloned(),
            language: set(&self.language).cloned(),
            greeting: set(&self.greeting).cloned(),
            tools: set(&self.tools).cloned(),
            silence_duration_ms: set(&self.silence_duration_ms).copied(),
            turn_detection_threshold: set(&self.turn_detection_threshold).copied(),
            prefix_padding_ms: set(&self.prefix_padding_ms).copied(),
            interruptions: set(&self.interruptions).copied(),
            recording: set(&self.recording).copied(),
            transcript: set(&self.transcript).copied(),
            max_call_seconds: set(&self.max_call_seconds).copied(),
            tier: set(&self.tier).copied().map(Into::into),
            system_prompt: set(&self.system_prompt).cloned(),
            temperature: set(&self.temperature).copied(),
            max_tokens: set(&self.max_tokens).copied(),
            turn_detection_mode: set(&self.turn_detection_mode).copied().map(Into::into),
        }
    }

    /// The names of what changes.
    pub(crate) fn fields(&self) -> serde_json::Value {
        changed(&[
            ("name", is_change(&self.name)),
            ("description", is_change(&self.description)),
            ("flow", is_change(&self.flow)),
            ("base", is_change(&self.base)),
            ("voice", is_change(&self.voice)),
            ("language", is_change(&self.language)),
            ("greeting", is_change(&self.greeting)),
            ("tools", is_change(&self.tools)),
            ("silence_duration_ms", is_change(&self.silence_duration_ms)),
            ("turn_detection_threshold", is_change(&self.turn_detection_threshold)),
            ("prefix_padding_ms", is_change(&self.prefix_padding_ms)),
            ("interruptions", is_change(&self.interruptions)),
            ("recording", is_change(&self.recording)),
            ("transcript", is_change(&self.transcript)),
            ("max_call_seconds", is_change(&self.max_call_seconds)),
            ("tier", is_change(&self.tier)),
            ("system_prompt", is_change(&self.system_prompt)),
            ("temperature", is_change(&self.temperature)),
            ("max_tokens", is_change(&self.max_tokens)),
            ("turn_detection_mode", is_change(&self.turn_detection_mode)),
            ("active", is_change(&self.active)),
        ])
    }
}

/// The agent as the change would make it. What cannot be cleared stays; the patch has refused to clear it.
pub(crate) fn applied(agent: StoredAgent, change: &AgentChange) -> StoredAgent {
    let settings = agent.settings;
    StoredAgent {
        name: set(&change.name).cloned().unwrap_or(agent.name),
        description: change.description.clone().of(agent.description),
        flow: change.flow.clone().of(agent.flow),
        base: set(&change.base).cloned().unwrap_or(agent.base),
        settings: AgentSettings {
            voice: change.voice.clone().of(settings.voice),
            language: change.language.clone().of(settings.language),
            greeting: change.greeting.clone().of(settings.greeting),
            tools: change.tools.clone().of(settings.tools),
            silence_duration_ms: change.silence_duration_ms.of(settings.silence_duration_ms),
            turn_detection_threshold: change.turn_detection_threshold.of(settings.turn_detection_threshold),
            prefix_padding_ms: change.prefix_padding_ms.of(settings.prefix_padding_ms),
            interruptions: change.interruptions.of(settings.interruptions),
            recording: change.recording.of(settings.recording),
            transcript: change.transcript.of(settings.transcript),
            max_call_seconds: change.max_call_seconds.of(settings.max_call_seconds),
            tier: change.tier.of(settings.tier),
            system_prompt: change.system_prompt.clone().of(settings.system_prompt),
            temperature: change.temperature.of(settings.temperature),
            max_tokens: change.max_tokens.of(settings.max_tokens),
            turn_detection_mode: change.turn_detection_mode.of(settings.turn_detection_mode),
        },
        active: set(&change.active).copied().unwrap_or(agent.active),
        ..agent
    }
}
