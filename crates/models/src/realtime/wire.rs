//! The words of the protocol.

use outbound::Fault;
use serde_json::{Value, json};

use super::config::RealtimeConfig;
use crate::voice::sound::Coding;
use crate::{ToolSpec, VoiceConfig};

/// Longest answer that may be asked for, tokens (openai-realtime.md 1.1).
const MAX_TOKENS: u32 = 4096;

/// Errors that a session outlives: races of ours with the end of an answer (openai-realtime.md 1.3).
const HARMLESS: [&str; 3] = ["response_cancel_not_active", "input_audio_buffer_commit_empty", "input_audio_buffer_too_small"];
/// Errors that end it.
const FATAL: [&str; 4] = ["session_expired", "invalid_api_key", "beta_api_shape_disabled", "insufficient_quota"];

/// What an `error` event is to the session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Nothing.
    Harmless,
    /// Another answer is under way: ours waits for its end.
    Busy,
    /// The answer that was asked for does not come.
    Answer,
    /// The end.
    Fatal,
}

pub(super) fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap_or_default()
}

/// The name of the general availability for one of the beta, which services of its like still use.
pub(super) fn current(kind: &str) -> &str {
    match kind {
        "response.audio.delta" => "response.output_audio.delta",
        "response.audio.done" => "response.output_audio.done",
        "response.audio_transcript.delta" => "response.output_audio_transcript.delta",
        "response.text.delta" => "response.output_text.delta",
        kind => kind,
    }
}

/// How sound is coded: the telephone's own coding passes through as it is; anything wider is 24 kHz, the only rate there is.
pub(super) fn coding(rate: u32) -> Coding {
    if rate == 8000 { Coding::Ulaw } else { Coding::Pcm(24_000) }
}

fn format(coding: Coding) -> Value {
    match coding {
        Coding::Ulaw => json!({ "type": "audio/pcmu" }),
        Coding::Pcm(rate) => json!({ "type": "audio/pcm", "rate": rate }),
    }
}

/// The whole configuration. Turn taking is ours, so the vendor's is off.
pub(super) fn update(config: &RealtimeConfig, call: &VoiceConfig) -> Value {
    let format = format(coding(call.rate));
    let mut output = json!({ "format": format });
    if let Some(voice) = &call.voice {
        output["voice"] = json!(voice);
    }
    let language = call.language.split('-').next().unwrap_or_default();
    let mut transcription = json!({ "model": config.transcription });
    if !language.is_empty() {
        transcription["language"] = json!(language);
    }
    json!({ "type": "session.update", "event_id": "setup", "session": {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": call.instructions,
        "audio": {
            "input": { "format": format, "transcription": transcription, "turn_detection": null },
            "output": output,
        },
        "tools": call.tools.iter().map(tool).collect::<Vec<_>>(),
        "tool_choice": "auto",
        "max_output_tokens": call.max_tokens.map_or(json!("inf"), |tokens| json!(tokens.clamp(1, MAX_TOKENS))),
    }})
}

fn tool(tool: &ToolSpec) -> Value {
    json!({ "type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters })
}

/// Weighs an `error` event. `asked`: the event id of the answer that was asked for.
pub(super) fn weigh(event: &Value, asked: Option<&str>) -> Weight {
    let error = &event["error"];
    let code = error["code"].as_str().unwrap_or_default();
    let about = error["event_id"].as_str();
    match code {
        "conversation_already_has_active_response" => Weight::Busy,
        code if FATAL.contains(&code) => Weight::Fatal,
        code if HARMLESS.contains(&code) || code.contains("truncate") => Weight::Harmless,
        _ if about.is_some() && about == asked => Weight::Answer,
        // A server's fault that names nothing of ours is about what it is doing.
        _ if about.is_none() && asked.is_some() && error["type"] == "server_error" => Weight::Answer,
        _ => Weight::Harmless,
    }
}

/// What an error object means. Its message may repeat what a caller said; only its code is looked at.
pub(super) fn fault(error: &Value) -> Fault {
    let code = error["code"].as_str().filter(|code| !code.is_empty());
    let word = code.or(error["type"].as_str()).unwrap_or_default();
    match word {
        "invalid_api_key" => Fault::Key(401),
        "rate_limit_exceeded" | "insufficient_quota" | "rate_limit_error" => Fault::Throttled(None),
        "server_error" | "internal_error" | "session_expired" => Fault::Unavailable(500),
        word => Fault::of_status(400, Some(word), None),
    }
}

/// What a close code means.
pub(super) fn closed(code: u16) -> Fault {
    match code {
        // A wrong key is refused after the upgrade, too: 3000 is "unauthorised" in the IANA registry.
        3000 => Fault::Key(401),
        1011..=1013 => Fault::Unavailable(code),
        4000..=4999 => Fault::Refused { status: code, code: "closed".to_owned() },
        _ => Fault::Cut(format!("it closed the session ({code})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_the_session_can_do() {
        let error = |code: &str, about: Option<&str>| json!({ "error": { "code": code, "event_id": about } });
        for (code, about, weight) in [
            ("response_cancel_not_active", None, Weight::Harmless),
            ("item_truncate_invalid_item_id", None, Weight::Harmless),
            ("conversation_already_has_active_response", Some("answer1"), Weight::Busy),
            ("session_expired", None, Weight::Fatal),
            ("something_new", Some("answer1"), Weight::Answer),
            ("something_new", Some("other"), Weight::Harmless),
        ] {
            assert_eq!(weigh(&error(code, about), Some("answer1")), weight, "{code}");
        }
        let broken = json!({ "error": { "type": "server_error", "event_id": null } });
        assert_eq!((weigh(&broken, Some("answer1")), weigh(&broken, None)), (Weight::Answer, Weight::Harmless));
        assert_eq!(fault(&broken["error"]), Fault::Unavailable(500));
        assert_eq!(fault(&json!({ "code": "invalid_value" })), Fault::Refused { status: 400, code: "invalid_value".into() });
    }
}
