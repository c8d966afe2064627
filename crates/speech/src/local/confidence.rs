//! How sure the recogniser may be, from what the engine says about each word.
//!
//! A decoder always finds words; the question is whether they were said. Three things tell, and they were weighed by logistic regression on
//! 312 sentences inside a hotel's domain and 180 outside it (six synthetic voices, mu-law, line noise): how sure the engine was of each word
//! against its rivals, how much of the time went to background words, and how surprising the words are in this dialogue state. The scores of
//! the sounds themselves told nothing: the voice and the line weigh more in them than the words.

use std::collections::HashSet;
use std::time::Duration;

use pocketsphinx::{Hypothesis, Segment};

use crate::{Transcript, Word};

/// Weight of the words' mean posterior probability (by time).
const POSTERIOR: f32 = 5.843;
/// Weight of the share of time that went to background words.
const BACKGROUND: f32 = -6.753;
/// Weight of the words' mean language score, per 100 units of the engine's logarithm.
const LANGUAGE: f32 = 1.28;
/// Surprise counts no further than this: "goodbye" said to a question about dates is rare there, and clearly heard all the same.
const SURPRISE_LIMIT: f32 = -2.5;
/// Moves the scale so that a floor of 0.5 keeps 95 of 100 sentences of the domain; see the module's docs for where the others end.
const OFFSET: f32 = 0.226;
/// What remains of the confidence in a background word: it is a guess at a word of another subject.
const BACKGROUND_WORD: f32 = 0.3;

/// From the engine's hypothesis to a transcript with confidences.
pub(super) fn judge(heard: Option<Hypothesis>, vocabulary: &HashSet<String>, took: Duration) -> Transcript {
    let words = |heard: &Hypothesis| heard.segments.iter().filter(|segment| segment.is_word()).cloned().collect::<Vec<_>>();
    let segments = heard.as_ref().map(words).unwrap_or_default();
    let text = segments.iter().map(|segment| segment.word.as_str()).collect::<Vec<_>>().join(" ");
    let words = segments
        .iter()
        .map(|segment| {
            let share = if vocabulary.contains(&segment.word) { 1.0 } else { BACKGROUND_WORD };
            Word { text: segment.word.clone(), confidence: segment.probability as f32 * share }
        })
        .collect();
    Transcript { written: text.clone(), text, confidence: confidence(&segments, vocabulary), words, took }
}

fn confidence(words: &[Segment], vocabulary: &HashSet<String>) -> f32 {
    if words.is_empty() {
        return 0.0;
    }
    let frames = |segment: &Segment| (segment.end + 1).saturating_sub(segment.start) as f32;
    let total = words.iter().map(frames).sum::<f32>().max(1.0);
    let posterior = words.iter().map(|word| word.probability as f32 * frames(word)).sum::<f32>() / total;
    let background = words.iter().filter(|word| !vocabulary.contains(&word.word)).map(frames).sum::<f32>() / total;
    let language = words.iter().map(|word| word.language as f32).sum::<f32>() / words.len() as f32 / 100.0;
    tracing::trace!(posterior, background, language, "confidence");
    let sum = POSTERIOR * posterior + BACKGROUND * background + LANGUAGE * language.max(SURPRISE_LIMIT) + OFFSET;
    1.0 / (1.0 + (-sum).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(words: &[(&str, f64, i32)]) -> Option<Hypothesis> {
        let segment = |(at, (word, probability, language)): (usize, &(&str, f64, i32))| Segment {
            word: (*word).to_owned(),
            start: at as u32 * 30,
            end: at as u32 * 30 + 29,
            probability: *probability,
            acoustic: 0,
            language: *language,
        };
        Some(Hypothesis { score: 0, probability: 1.0, frames: 100, segments: words.iter().enumerate().map(segment).collect() })
    }

    fn judged(words: &[(&str, f64, i32)]) -> Transcript {
        judge(heard(words), &["double", "room"].map(String::from).into(), Duration::ZERO)
    }

    #[test]
    fn sure_words_of_the_domain_are_trusted_and_others_are_not() {
        let sure = judged(&[("<s>", 1.0, 0), ("double", 0.95, -60), ("room", 0.95, -60), ("</s>", 1.0, 0)]);
        assert_eq!(sure.text, "double room");
        assert!(sure.confidence > 0.9, "{sure:?}");
        let doubtful = judged(&[("double", 0.3, -200), ("room", 0.3, -200)]);
        let strange = judged(&[("double", 0.9, -100), ("banana", 0.9, -350)]);
        assert!(doubtful.confidence < 0.5 && strange.confidence < 0.5, "{doubtful:?} {strange:?}");
        assert!(strange.words[1].confidence < 0.3 && strange.words[0].confidence > 0.8);
    }

    #[test]
    fn no_words_are_no_confidence() {
        assert_eq!(judge(None, &HashSet::new(), Duration::ZERO).confidence, 0.0);
        assert_eq!(judged(&[("<sil>", 1.0, 0)]).text, "");
    }
}
