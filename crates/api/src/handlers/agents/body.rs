//! What an agent looks like from outside.

use call::{AgentId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;
use store::agents::{AgentChange, AgentSettings, StoredAgent};
use utoipa::ToSchema;
use uuid::Uuid;

use super::limits;
use crate::handlers::check::{Check, set};
use crate::handlers::patch::{change, changed, is_change};
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
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

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
    #[schema(value_type = bool, required = false)]
    active: Change<bool>,
}

impl NewAgent {
    /// The agent as it is stored, its fields checked; whether it can be built is asked of the directory later.
    pub(crate) fn checked(
        self,
        id: AgentId,
        tenant: TenantId,
        directory: &dyn DirectoryHook,
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
        };
        limits::settings(&mut check, &settings, directory);
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

impl AgentPatch {
    /// The change as the store takes it.
    pub(crate) fn checked(self, directory: &dyn DirectoryHook) -> Result<AgentChange, Problem> {
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
        limits::settings(&mut check, &self.new_settings(), directory);
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
            ("active", is_change(&self.active)),
        ])
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
            active: agent.active,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
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
        },
        active: set(&change.active).copied().unwrap_or(agent.active),
        ..agent
    }
}
