//! What a session is configured with.

use serde_json::{Map, Value, json};

use super::wire::Wrong;

/// Names of the beta's flat shape.
const BETA: [&str; 10] = [
    "modalities",
    "voice",
    "speed",
    "input_audio_format",
    "output_audio_format",
    "input_audio_transcription",
    "input_audio_noise_reduction",
    "turn_detection",
    "max_response_output_tokens",
    "temperature",
];
/// Names of general availability.
const KNOWN: [&str; 14] = [
    "type",
    "model",
    "output_modalities",
    "instructions",
    "audio",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "truncation",
    "tracing",
    "include",
    "prompt",
    "reasoning",
];

/// How sound is coded on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Ulaw,
    Alaw,
    /// 24 kHz.
    Pcm,
}

impl Format {
    pub(super) fn rate(self) -> u32 {
        if self == Self::Pcm { 24_000 } else { 8000 }
    }
}

/// The session object, as it is sent in `session.created` and `session.updated`.
pub(super) struct Config(pub(super) Value);

impl Config {
    pub(super) fn new(id: &str, model: &str) -> Self {
        let pcm = json!({ "type": "audio/pcm", "rate": 24000 });
        let detection = json!({ "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
            "idle_timeout_ms": null, "create_response": true, "interrupt_response": true });
        Self(json!({
            "type": "realtime", "object": "realtime.session", "id": id, "model": model, "output_modalities": ["audio"],
            "instructions": "", "tools": [], "tool_choice": "auto", "max_output_tokens": "inf", "tracing": null, "truncation": "auto",
            "prompt": null, "expires_at": 0, "include": null,
            "audio": {
                "input": { "format": pcm, "transcription": null, "noise_reduction": null, "turn_detection": detection },
                "output": { "format": pcm, "voice": "marin", "speed": 1.0 },
            },
        }))
    }

    /// Takes a `session.update`: what is there is changed, all of it or nothing. `spoke`: the model has spoken already.
    pub(super) fn update(&mut self, session: &Value, spoke: bool) -> Result<(), Wrong> {
        let fields = session.as_object().ok_or_else(|| Wrong::at("missing_required_parameter", "session"))?;
        if let Some(name) = BETA.into_iter().find(|name| fields.contains_key(*name)) {
            return Err(Wrong::at("beta_api_shape_disabled", format!("session.{name}")));
        }
        if fields.get("type").and_then(Value::as_str) != Some("realtime") {
            return Err(Wrong::at("missing_required_parameter", "session.type"));
        }
        if let Some(name) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(Wrong::at("unknown_parameter", format!("session.{name}")));
        }
        let mut new = Self(self.0.clone());
        merge(&mut new.0, fields);
        new.check()?;
        if spoke && new.voice() != self.voice() {
            return Err(Wrong::new("cannot_update_voice"));
        }
        if new.0["model"] != self.0["model"] {
            return Err(Wrong::at("invalid_value", "session.model"));
        }
        *self = new;
        Ok(())
    }

    fn check(&self) -> Result<(), Wrong> {
        for side in ["input", "output"] {
            let format = &self.0["audio"][side]["format"];
            let good = match format["type"].as_str() {
                Some("audio/pcm") => format["rate"] == 24000,
                Some("audio/pcmu" | "audio/pcma") => true,
                _ => false,
            };
            if !good {
                return Err(Wrong::at("invalid_value", format!("session.audio.{side}.format")));
            }
        }
        if !(self.0["output_modalities"] == json!(["audio"]) || self.0["output_modalities"] == json!(["text"])) {
            return Err(Wrong::at("invalid_value", "session.output_modalities"));
        }
        let tokens = &self.0["max_output_tokens"];
        if !(tokens == "inf" || tokens.as_u64().is_some_and(|tokens| (1..=4096).contains(&tokens))) {
            return Err(Wrong::at("invalid_value", "session.max_output_tokens"));
        }
        let tools = self.0["tools"].as_array().into_iter().flatten().enumerate();
        let nameless = tools.filter(|(_, tool)| tool["type"] == "function" && !tool["name"].is_string()).map(|(at, _)| at).next();
        if let Some(at) = nameless {
            return Err(Wrong::at("missing_required_parameter", format!("session.tools[{at}].name")));
        }
        let detection = &self.0["audio"]["input"]["turn_detection"];
        if !(detection.is_null() || matches!(detection["type"].as_str(), Some("server_vad" | "semantic_vad"))) {
            return Err(Wrong::at("invalid_value", "session.audio.input.turn_detection.type"));
        }
        Ok(())
    }

    pub(super) fn format(&self, side: &str) -> Format {
        match self.0["audio"][side]["format"]["type"].as_str() {
            Some("audio/pcmu") => Format::Ulaw,
            Some("audio/pcma") => Format::Alaw,
            _ => Format::Pcm,
        }
    }

    fn voice(&self) -> &Value {
        &self.0["audio"]["output"]["voice"]
    }

    pub(super) fn detection(&self) -> &Value {
        &self.0["audio"]["input"]["turn_detection"]
    }

    pub(super) fn transcribes(&self) -> bool {
        self.0["audio"]["input"]["transcription"]["model"].is_string()
    }

    pub(super) fn speaks(&self) -> bool {
        self.0["output_modalities"] == json!(["audio"])
    }

    pub(super) fn tools(&self) -> Vec<String> {
        let tools = self.0["tools"].as_array().into_iter().flatten();
        tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }
}

/// Changes what is there. Formats and turn detection are whole: their kinds have different fields.
fn merge(old: &mut Value, new: &Map<String, Value>) {
    for (name, value) in new {
        match value.as_object() {
            Some(fields) if old[name].is_object() && !matches!(name.as_str(), "format" | "turn_detection") => merge(&mut old[name], fields),
            _ => old[name] = value.clone(),
        }
    }
}
