//! The vendor's turn detection, by loudness.

use serde_json::Value;

/// Sound is looked at in pieces of this many milliseconds.
const FRAME_MS: usize = 20;
/// Louder than this is speech: -36 dB of full scale.
const LOUD: f64 = 500.0;
/// Speech for so long is a beginning, milliseconds.
const BEGIN_MS: usize = 60;

/// What happened in the sound, and at which millisecond of the session's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Started(usize),
    Stopped(usize),
}

/// One session's detector.
#[derive(Default)]
pub(crate) struct Detector {
    rest: Vec<i16>,
    /// Milliseconds of sound so far.
    at: usize,
    loud_ms: usize,
    quiet_ms: usize,
    speaking: bool,
}

/// How long a pause ends a turn, milliseconds, by the session's settings. A semantic detector waits by its eagerness; it listens to loudness here.
pub(super) fn pause(detection: &Value) -> usize {
    match (detection["type"].as_str(), detection["eagerness"].as_str()) {
        (Some("semantic_vad"), Some("high")) => 300,
        (Some("semantic_vad"), Some("low")) => 1200,
        (Some("semantic_vad"), _) => 600,
        _ => detection["silence_duration_ms"].as_u64().unwrap_or(500) as usize,
    }
}

impl Detector {
    /// Takes sound of this rate; what begins or ends in it.
    pub(crate) fn hear(&mut self, pcm: &[i16], rate: usize, pause: usize) -> Vec<Edge> {
        self.rest.extend_from_slice(pcm);
        let frame = rate * FRAME_MS / 1000;
        let mut edges = Vec::new();
        let whole = self.rest.len() / frame * frame;
        let frames: Vec<i16> = self.rest.drain(..whole).collect();
        for piece in frames.chunks_exact(frame) {
            self.at += FRAME_MS;
            edges.extend(self.frame(piece, pause));
        }
        edges
    }

    fn frame(&mut self, piece: &[i16], pause: usize) -> Option<Edge> {
        let power = piece.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / piece.len() as f64;
        if power.sqrt() > LOUD {
            (self.loud_ms, self.quiet_ms) = (self.loud_ms + FRAME_MS, 0);
        } else {
            (self.loud_ms, self.quiet_ms) = (0, self.quiet_ms + FRAME_MS);
        }
        if !self.speaking && self.loud_ms >= BEGIN_MS {
            self.speaking = true;
            return Some(Edge::Started(self.at - self.loud_ms));
        }
        if self.speaking && self.quiet_ms >= pause {
            self.speaking = false;
            return Some(Edge::Stopped(self.at - self.quiet_ms));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_a_beginning_and_an_end() {
        let mut detector = Detector::default();
        let tone: Vec<i16> = (0..4000).map(|at| if at / 20 % 2 == 0 { 4000 } else { -4000 }).collect();
        assert_eq!(detector.hear(&[0; 1600], 8000, 500), []);
        assert_eq!(detector.hear(&tone, 8000, 500), [Edge::Started(200)]);
        assert_eq!(detector.hear(&[0; 8000], 8000, 500), [Edge::Stopped(700)]);
    }
}
