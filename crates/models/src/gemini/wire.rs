//! The words of the protocol. Every message has one key, and each is camel case.

use outbound::Fault;
use serde_json::{Value, json};

use super::config::GeminiConfig;
use crate::voice::sound::Coding;
use crate::{Message, ToolSpec, VoiceConfig};

/// What is heard: the only rate that is not converted on the other side (openai-realtime.md 5).
pub(super) const HEARD: Coding = Coding::Pcm(16_000);
/// What is spoken.
pub(super) const SPOKEN: Coding = Coding::Pcm(24_000);

/// The first message. Turn taking is ours, so the vendor's is off; a new activity interrupts.
pub(super) fn setup(config: &GeminiConfig, call: &VoiceConfig, handle: Option<&str>) -> Value {
    let model = if config.model.contains('/') { config.model.clone() } else { format!("models/{}", config.model) };
    let mut generation = json!({ "responseModalities": ["AUDIO"] });
    if let Some(voice) = &call.voice {
        generation["speechConfig"] = json!({ "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": voice } } });
    }
    if let Some(temperature) = call.temperature {
        generation["temperature"] = json!(temperature);
    }
    if let Some(tokens) = call.max_tokens {
        generation["maxOutputTokens"] = json!(tokens);
    }
    let mut setup = json!({
        "model": model,
        "generationConfig": generation,
        "systemInstruction": { "parts": [{ "text": call.instructions }] },
        "realtimeInputConfig": {
            "automaticActivityDetection": { "disabled": true },
            "activityHandling": "START_OF_ACTIVITY_INTERRUPTS",
        },
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "sessionResumption": handle.map_or(json!({}), |handle| json!({ "handle": handle })),
        // Without it a session ends after 15 minutes of sound (unverified).
        "contextWindowCompression": { "slidingWindow": {} },
    });
    if !call.tools.is_empty() {
        setup["tools"] = json!([{ "functionDeclarations": call.tools.iter().map(tool).collect::<Vec<_>>() }]);
    }
    json!({ "setup": setup })
}

/// The schema goes as JSON Schema; the older field `parameters` knows only a part of it.
fn tool(tool: &ToolSpec) -> Value {
    json!({ "name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters })
}

/// What was said before, without a question; `None` when that is nothing. That wishes and answers of tools may stand in it is unverified.
pub(super) fn replay(messages: &[Message]) -> Option<Value> {
    let turns: Vec<Value> = messages.iter().map(turn).collect();
    (!turns.is_empty()).then(|| json!({ "clientContent": { "turns": turns, "turnComplete": false } }))
}

fn turn(message: &Message) -> Value {
    match message {
        Message::Caller { text } => said("user", text),
        Message::Agent { text, calls } => {
            let words = (!text.is_empty()).then(|| json!({ "text": text }));
            let wishes = calls.iter().map(|call| {
                // Arguments that were malformed were answered as such; an empty object stands for them.
                let args: Value = serde_json::from_str(&call.arguments).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
                json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } })
            });
            json!({ "role": "model", "parts": words.into_iter().chain(wishes).collect::<Vec<_>>() })
        }
        Message::Tool { id, name, content } => json!({ "role": "user", "parts": [{ "functionResponse": answer(id, name, content) }] }),
    }
}

fn said(role: &str, text: &str) -> Value {
    json!({ "role": role, "parts": [{ "text": text }] })
}

/// Something about the call; it interrupts what is being said.
pub(super) fn told(text: &str, answer: bool) -> Value {
    json!({ "clientContent": { "turns": [said("user", text)], "turnComplete": answer } })
}

/// A tool's answer; `result` is JSON text.
pub(super) fn answer(id: &str, name: &str, result: &str) -> Value {
    let output: Value = serde_json::from_str(result).unwrap_or_else(|_| json!(result));
    json!({ "id": id, "name": name, "response": { "output": output } })
}

pub(super) fn audio(data: &str) -> Value {
    json!({ "realtimeInput": { "audio": { "data": data, "mimeType": "audio/pcm;rate=16000" } } })
}

/// `activityStart` or `activityEnd`.
pub(super) fn activity(edge: &str) -> Value {
    json!({ "realtimeInput": { edge: {} } })
}

/// What a close code means. Google closes with 1007 or 1008 what it would refuse with a status, a wrong key among it (its words are not kept).
pub(super) fn closed(code: u16) -> Fault {
    match code {
        1007 | 1008 => Fault::Refused { status: code, code: "closed".to_owned() },
        1011..=1013 => Fault::Unavailable(code),
        _ => Fault::Cut(format!("it closed the session ({code})")),
    }
}

/// `"9.5s"`, as protobuf writes a duration.
pub(super) fn seconds(text: &str) -> Option<std::time::Duration> {
    std::time::Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_is_told_without_a_question() {
        let wish = crate::ToolCall { id: "c1".into(), name: "look".into(), arguments: "{broken".into() };
        let replayed = replay(&[
            Message::Caller { text: "a room".into() },
            Message::Agent { text: "One moment.".into(), calls: vec![wish] },
            Message::Tool { id: "c1".into(), name: "look".into(), content: "{\"free\":2}".into() },
        ]);
        let turns = json!([
            { "role": "user", "parts": [{ "text": "a room" }] },
            { "role": "model", "parts": [{ "text": "One moment." }, { "functionCall": { "id": "c1", "name": "look", "args": {} } }] },
            { "role": "user", "parts": [{ "functionResponse": { "id": "c1", "name": "look", "response": { "output": { "free": 2 } } } }] },
        ]);
        assert_eq!(replayed, Some(json!({ "clientContent": { "turns": turns, "turnComplete": false } })));
        assert_eq!(replay(&[]), None);
    }

    #[test]
    fn durations_are_read_and_nonsense_is_none() {
        assert_eq!(seconds("9.5s"), Some(std::time::Duration::from_millis(9500)));
        for nonsense in ["9.5", "-1s", "s", "NaNs", "soon"] {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }
}
