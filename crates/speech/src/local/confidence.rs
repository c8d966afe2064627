//! How sure the recogniser may be, from what the engine says about each word.

use std::collections::HashSet;
use std::time::Duration;

use pocketsphinx::{Hypothesis, Segment};

use crate::{Transcript, Word};

/// From the engine's hypothesis to a transcript with confidences.
pub(crate) fn judge(heard: Option<Hypothesis>, vocabulary: &HashSet<String>, took: Duration) -> Transcript {
    let Some(heard) = heard else { return Transcript { text: String::new(), confidence: 0.0, words: Vec::new(), took } };
    tracing::trace!(target: "speech::features", features = ?features(&heard, vocabulary));
    let words: Vec<Word> = heard
        .segments
        .iter()
        .filter(|segment| segment.is_word())
        .map(|segment| Word { text: segment.word.clone(), confidence: segment.probability as f32 })
        .collect();
    Transcript { text: heard.text(), confidence: heard.probability as f32, words, took }
}

/// What the confidence is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Features {
    pub(crate) acoustic: f32,
    pub(crate) worst: f32,
    pub(crate) background: f32,
    pub(crate) posterior: f32,
    pub(crate) language: f32,
    pub(crate) probability: f32,
}

pub(crate) fn features(heard: &Hypothesis, vocabulary: &HashSet<String>) -> Features {
    let words: Vec<&Segment> = heard.segments.iter().filter(|segment| segment.is_word()).collect();
    let frames = |segment: &Segment| (segment.end + 1 - segment.start.min(segment.end)) as f32;
    let total: f32 = words.iter().map(|segment| frames(segment)).sum::<f32>().max(1.0);
    let number = words.len().max(1) as f32;
    let per_frame = |segment: &Segment| (segment.acoustic as f32 / 1024.0) / frames(segment);
    Features {
        acoustic: words.iter().map(|segment| (segment.acoustic as f32 / 1024.0)).sum::<f32>() / total,
        worst: words.iter().map(|segment| per_frame(segment)).fold(0.0, f32::min),
        background: words.iter().filter(|segment| !vocabulary.contains(&segment.word)).map(|segment| frames(segment)).sum::<f32>() / total,
        posterior: words.iter().map(|segment| segment.probability as f32 * frames(segment)).sum::<f32>() / total,
        language: words.iter().map(|segment| segment.language as f32).sum::<f32>() / number,
        probability: heard.probability as f32,
    }
}
