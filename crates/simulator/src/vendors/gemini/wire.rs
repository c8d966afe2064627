//! What the vendor checks of a set-up and of sound.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Fields of a set-up.
const SETUP: [&str; 12] = [
    "model",
    "generationConfig",
    "systemInstruction",
    "tools",
    "realtimeInputConfig",
    "inputAudioTranscription",
    "outputAudioTranscription",
    "sessionResumption",
    "contextWindowCompression",
    "proactivity",
    "explicitVadSignal",
    "historyConfig",
];

/// What a session was set up with.
#[derive(Debug, Clone, Default)]
pub(super) struct Setup {
    pub(super) tools: Vec<String>,
    /// The vendor's own turn detection.
    pub(super) detects: bool,
    /// A pause that ends a turn, milliseconds.
    pub(super) silence_ms: usize,
    /// A new activity stops the model.
    pub(super) interrupts: bool,
    pub(super) hears: bool,
    pub(super) writes: bool,
    pub(super) resumes: bool,
    pub(super) handle: Option<String>,
    pub(super) instructions: usize,
}

impl Setup {
    /// Reads the first message; the reason of the close where it is none.
    pub(super) fn read(message: &Value) -> Result<Self, &'static str> {
        let setup = message["setup"].as_object().ok_or("setup must be the first message and only the first")?;
        if setup.keys().any(|name| !SETUP.contains(&name.as_str())) {
            return Err("Invalid JSON payload received. Unknown name in setup.");
        }
        let setup = &message["setup"];
        if !setup["model"].as_str().is_some_and(|model| model.contains("models/")) {
            return Err("models/ is required in the name of the model");
        }
        let modalities = &setup["generationConfig"]["responseModalities"];
        if !(modalities.is_null() || *modalities == json!(["AUDIO"])) {
            return Err("Cannot extract voices from a non-audio request.");
        }
        let tools = setup["tools"].as_array().into_iter().flatten();
        let names = tools.flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten());
        let detection = &setup["realtimeInputConfig"]["automaticActivityDetection"];
        Ok(Self {
            tools: names.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect(),
            detects: detection["disabled"] != true,
            silence_ms: detection["silenceDurationMs"].as_u64().unwrap_or(800) as usize,
            interrupts: setup["realtimeInputConfig"]["activityHandling"] != "NO_INTERRUPTION",
            hears: setup["inputAudioTranscription"].is_object(),
            writes: setup["outputAudioTranscription"].is_object(),
            resumes: setup["sessionResumption"].is_object(),
            handle: setup["sessionResumption"]["handle"].as_str().map(str::to_owned),
            instructions: setup["systemInstruction"]["parts"][0]["text"].as_str().unwrap_or_default().len(),
        })
    }
}

/// Keys whose values are the user's own.
const OPAQUE: [&str; 4] = ["args", "response", "parameters", "parametersJsonSchema"];

/// Names may be written in camel case and with underscores, as in all of Google's JSON; the SDK writes both.
pub(super) fn camel(message: Value) -> Value {
    match message {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| named(&name, value)).collect(),
        Value::Array(all) => all.into_iter().map(camel).collect(),
        other => other,
    }
}

fn named(name: &str, value: Value) -> (String, Value) {
    let mut words = name.split('_');
    let mut written = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        written.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        written.push_str(letters.as_str());
    }
    let value = if OPAQUE.contains(&written.as_str()) { value } else { camel(value) };
    (written, value)
}

/// Bytes in either alphabet of base64.
pub(super) fn bytes(data: &str) -> Option<Vec<u8>> {
    STANDARD.decode(data.replace('-', "+").replace('_', "/")).ok()
}

/// The rate in `audio/pcm;rate=16000`; 16 kHz where none is said.
pub(super) fn rate(kind: &str) -> Option<u32> {
    let rest = kind.strip_prefix("audio/pcm")?;
    rest.strip_prefix(";rate=").map_or(Some(16_000), |rate| rate.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_both_ways_and_the_users_own_are_left() {
        let written = json!({ "tool_response": { "function_responses": [{ "id": "a_b", "response": { "free_rooms": 3 } }] } });
        let read = json!({ "toolResponse": { "functionResponses": [{ "id": "a_b", "response": { "free_rooms": 3 } }] } });
        assert_eq!((camel(written), camel(read.clone())), (read.clone(), read));
    }

    #[test]
    fn a_set_up_needs_a_model_and_knows_its_fields() {
        assert!(Setup::read(&json!({ "realtimeInput": {} })).is_err());
        assert!(Setup::read(&json!({ "setup": { "model": "gemini" } })).is_err());
        assert!(Setup::read(&json!({ "setup": { "model": "models/gemini", "voice": "x" } })).is_err());
        assert!(Setup::read(&json!({ "setup": { "model": "models/gemini" } })).unwrap().detects);
        assert_eq!((rate("audio/pcm;rate=8000"), rate("audio/pcm"), rate("audio/wav")), (Some(8000), Some(16_000), None));
    }
}
