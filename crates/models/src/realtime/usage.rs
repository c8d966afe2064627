//! What an answer and a transcription used.

use call::{Meter, Unit};
use serde_json::Value;

/// Counts `response.done`'s usage. A cached token is counted as cached only (openai-realtime.md 1.3: the details of the input hold both).
pub(super) fn answer(usage: &Value, meter: &Meter, service: &str, model: &str) {
    let (input, output) = (&usage["input_token_details"], &usage["output_token_details"]);
    let cached = &input["cached_tokens_details"];
    let text = number(&input["text_tokens"]);
    // Without details all that was cached is text: what is cached first is the instructions.
    let cached_text = if cached.is_object() { number(&cached["text_tokens"]) } else { number(&input["cached_tokens"]) }.min(text);
    let audio = number(&input["audio_tokens"]);
    let cached_audio = number(&cached["audio_tokens"]).min(audio);
    for (unit, amount) in [
        (Unit::InputTokens, text - cached_text),
        (Unit::CachedInputTokens, cached_text),
        (Unit::InputAudioTokens, audio - cached_audio),
        (Unit::CachedInputAudioTokens, cached_audio),
        (Unit::OutputTokens, number(&output["text_tokens"])),
        (Unit::OutputAudioTokens, number(&output["audio_tokens"])),
    ] {
        meter.add(service, model, unit, amount);
    }
}

/// Counts a transcription's usage: tokens, or seconds for models that are paid by them.
pub(super) fn transcription(usage: &Value, meter: &Meter, service: &str, model: &str) {
    if let Some(seconds) = usage["seconds"].as_f64() {
        meter.add(service, model, Unit::AudioMillis, (seconds * 1000.0) as u64);
        return;
    }
    let input = &usage["input_token_details"];
    let audio = number(&input["audio_tokens"]);
    meter.add(service, model, Unit::InputAudioTokens, audio);
    meter.add(service, model, Unit::InputTokens, number(&usage["input_tokens"]).saturating_sub(audio));
    meter.add(service, model, Unit::OutputTokens, number(&usage["output_tokens"]));
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_counted_once() {
        let meter = Meter::new();
        let usage = serde_json::json!({
            "total_tokens": 250, "input_tokens": 150, "output_tokens": 100,
            "input_token_details": { "text_tokens": 110, "audio_tokens": 40, "cached_tokens": 74,
                "cached_tokens_details": { "text_tokens": 64, "audio_tokens": 10 } },
            "output_token_details": { "text_tokens": 20, "audio_tokens": 80 },
        });
        answer(&usage, &meter, "openai_realtime", "gpt-realtime");
        let sum: u64 = meter.usage().iter().map(|line| line.amount).sum();
        assert_eq!(sum, 250);
        let cached = meter.usage().into_iter().find(|line| line.unit == Unit::CachedInputAudioTokens);
        assert_eq!(cached.map(|line| line.amount), Some(10));
    }
}
