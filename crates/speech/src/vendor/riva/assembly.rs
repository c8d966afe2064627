//! From results to one transcript.

use std::time::Duration;

use riva::asr::{SpeechRecognitionAlternative, StreamingRecognizeResponse, WordInfo};

use crate::vendor::writing::bare_words;
use crate::{Transcript, Word};

/// For words of which Riva says no confidence (0 stands for "not said"): taken for heard, and not for certain.
const UNSAID: f32 = 0.75;
/// Words of one utterance, at most: 30 s of the fastest speech are some 200.
const MAX_WORDS: usize = 1000;

/// What was heard so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Parts that stay as they are.
    finals: Vec<SpeechRecognitionAlternative>,
    /// What may still change.
    interim: Option<SpeechRecognitionAlternative>,
}

/// What an answer brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing.
    None,
    /// Words that may change.
    Words,
    /// Riva takes a part for complete.
    Complete,
}

impl Assembly {
    pub(super) fn take(&mut self, answer: StreamingRecognizeResponse) -> News {
        let mut news = News::None;
        let mut interim = Vec::new();
        for mut result in answer.results {
            let Some(best) = (!result.alternatives.is_empty()).then(|| result.alternatives.swap_remove(0)) else { continue };
            let words: usize = self.finals.iter().map(|part| part.words.len().max(1)).sum();
            if result.is_final && words < MAX_WORDS {
                self.finals.push(best);
                self.interim = None;
                news = News::Complete;
            } else if !result.is_final {
                interim.push(best);
            }
        }
        // One answer may hold a surer beginning and a vaguer end.
        if let Some(joined) = interim.into_iter().reduce(join) {
            self.interim = Some(joined);
            news = if news == News::None { News::Words } else { news };
        }
        news
    }

    /// True when no word was heard.
    pub(super) fn is_empty(&self) -> bool {
        self.parts().all(|part| part.transcript.trim().is_empty())
    }

    pub(super) fn transcript(&self, took: Duration) -> Transcript {
        let written: Vec<&str> = self.parts().map(|part| part.transcript.trim()).filter(|part| !part.is_empty()).collect();
        let written = written.join(" ");
        let words = self.parts().flat_map(|part| &part.words).take(MAX_WORDS).map(word).filter(|word| !word.text.is_empty()).collect();
        let text = bare_words(&written);
        let confidence = if text.is_empty() { 0.0 } else { self.confidence() };
        Transcript { text, written, confidence, words, took }
    }

    fn parts(&self) -> impl Iterator<Item = &SpeechRecognitionAlternative> {
        self.finals.iter().chain(&self.interim)
    }

    /// By the length of the parts.
    fn confidence(&self) -> f32 {
        let (sum, length) = self.parts().fold((0.0, 0.0), |(sum, length), part| {
            let letters = part.transcript.len() as f32;
            (sum + sure(part.confidence) * letters, length + letters)
        });
        if length > 0.0 { sum / length } else { 0.0 }
    }
}

fn join(mut begin: SpeechRecognitionAlternative, end: SpeechRecognitionAlternative) -> SpeechRecognitionAlternative {
    begin.transcript = format!("{} {}", begin.transcript.trim(), end.transcript.trim());
    begin.words.extend(end.words);
    begin
}

fn word(info: &WordInfo) -> Word {
    Word { text: bare_words(&info.word), confidence: sure(info.confidence) }
}

/// Some models answer with logarithms or more than one \[U\]: what is not between 0 and 1 is not said either.
fn sure(confidence: f32) -> f32 {
    if confidence > 0.0 && confidence <= 1.0 { confidence } else { UNSAID }
}

#[cfg(test)]
mod tests {
    use riva::asr::StreamingRecognitionResult;

    use super::*;

    fn answer(parts: &[(&str, bool)]) -> StreamingRecognizeResponse {
        let result = |&(transcript, is_final): &(&str, bool)| StreamingRecognitionResult {
            alternatives: vec![SpeechRecognitionAlternative { transcript: transcript.into(), ..Default::default() }],
            is_final,
            ..Default::default()
        };
        StreamingRecognizeResponse { results: parts.iter().map(result).collect(), id: None }
    }

    #[test]
    fn finals_are_appended_and_what_may_change_comes_after_them() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(answer(&[("a double", false), (" room", false)])), News::Words);
        assert_eq!(assembly.transcript(Duration::ZERO).text, "a double room");
        assert_eq!(assembly.take(answer(&[("A double room. ", true)])), News::Complete);
        assert_eq!(assembly.take(answer(&[("for two", false)])), News::Words);
        assert_eq!(assembly.transcript(Duration::ZERO).written, "A double room. for two");
        assert_eq!(assembly.take(answer(&[("For two nights.", true)])), News::Complete);
        let heard = assembly.transcript(Duration::ZERO);
        assert_eq!((heard.text.as_str(), heard.confidence), ("a double room for two nights", UNSAID));
    }

    #[test]
    fn nothing_heard_is_nothing_sure() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(StreamingRecognizeResponse::default()), News::None);
        assembly.take(answer(&[(" ", true)]));
        assert!(assembly.is_empty());
        assert_eq!(assembly.transcript(Duration::ZERO).confidence, 0.0);
    }
}
