//! What a turn used.

use call::{Meter, Unit};
use serde_json::Value;

/// Counts a `usageMetadata`, which stands for one turn. Sound and words are told apart by the details; without them all is words. Cached tokens are
/// part of the prompt's.
pub(super) fn turn(usage: &Value, meter: &Meter, service: &str, model: &str) {
    let prompt = split(usage, "promptTokenCount", "promptTokensDetails");
    let cached = split(usage, "cachedContentTokenCount", "cacheTokensDetails");
    let made = split(usage, "responseTokenCount", "responseTokensDetails");
    let (cached_text, cached_audio) = (cached.0.min(prompt.0), cached.1.min(prompt.1));
    let (thoughts, tools) = (number(&usage["thoughtsTokenCount"]), number(&usage["toolUsePromptTokenCount"]));
    for (unit, amount) in [
        (Unit::InputTokens, prompt.0 - cached_text + tools),
        (Unit::CachedInputTokens, cached_text),
        (Unit::InputAudioTokens, prompt.1 - cached_audio),
        (Unit::CachedInputAudioTokens, cached_audio),
        // Thoughts are paid as words.
        (Unit::OutputTokens, made.0 + thoughts),
        (Unit::OutputAudioTokens, made.1),
    ] {
        meter.add(service, model, unit, amount);
    }
}

/// Words and sound of a count.
fn split(usage: &Value, count: &str, details: &str) -> (u64, u64) {
    let all = number(&usage[count]);
    let parts = usage[details].as_array().into_iter().flatten();
    let audio: u64 = parts.filter(|part| part["modality"] == "AUDIO").map(|part| number(&part["tokenCount"])).sum();
    (all.saturating_sub(audio), audio)
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
            "promptTokenCount": 150, "cachedContentTokenCount": 30, "responseTokenCount": 90, "thoughtsTokenCount": 5, "totalTokenCount": 245,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 110 }, { "modality": "AUDIO", "tokenCount": 40 }],
            "responseTokensDetails": [{ "modality": "AUDIO", "tokenCount": 90 }],
        });
        turn(&usage, &meter, "gemini_live", "m");
        assert_eq!(meter.usage().iter().map(|line| line.amount).sum::<u64>(), 245);
        let spoken = meter.usage().into_iter().find(|line| line.unit == Unit::OutputAudioTokens);
        assert_eq!(spoken.map(|line| line.amount), Some(90));
    }
}
