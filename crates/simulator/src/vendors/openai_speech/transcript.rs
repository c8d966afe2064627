//! What was heard, as they write it.

use serde_json::{Value, json};

use crate::Heard;

/// With a capital letter and a full stop.
pub(super) fn written(heard: &Heard) -> String {
    let mut letters = heard.text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// The format `json`: their models that count tokens, and Whisper, which counts seconds.
pub(super) fn short(heard: &Heard, model: &str, seconds: f64, sureness: bool) -> Value {
    let text = written(heard);
    let tokens = tokens(&text);
    let audio = (seconds * 10.0).ceil() as usize;
    let usage = match model {
        "whisper-1" => json!({ "type": "duration", "seconds": seconds.ceil() }),
        _ => json!({
            "type": "tokens", "input_tokens": audio, "output_tokens": tokens.len(), "total_tokens": audio + tokens.len(),
            "input_token_details": { "text_tokens": 0, "audio_tokens": audio },
        }),
    };
    let mut answer = json!({ "text": text, "usage": usage });
    if sureness {
        let logprob = heard.confidence.max(0.001).ln();
        answer["logprobs"] = tokens.iter().map(|token| json!({ "token": token, "logprob": logprob, "bytes": token.as_bytes() })).collect();
    }
    answer
}

/// The format `verbose_json`, which only Whisper has.
pub(super) fn verbose(heard: &Heard, language: &str, seconds: f64) -> Value {
    let text = written(heard);
    let segment = json!({
        "id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": text, "tokens": [], "temperature": 0.0,
        "avg_logprob": heard.confidence.max(0.001).ln(), "compression_ratio": 1.0, "no_speech_prob": 1.0 - heard.confidence,
    });
    let language = if language.is_empty() { "english" } else { language };
    json!({
        "task": "transcribe", "language": language, "duration": seconds, "text": text, "segments": [segment],
        "usage": { "type": "duration", "seconds": seconds.ceil() },
    })
}

/// A token for each word with the space before it.
fn tokens(text: &str) -> Vec<String> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .enumerate()
        .map(|(at, word)| if at == 0 { word.to_owned() } else { format!(" {word}") })
        .collect()
}
