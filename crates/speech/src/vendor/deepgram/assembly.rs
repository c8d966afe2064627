//! Puts one utterance together from Deepgram's results. Pure.
//!
//! An utterance may come in several final pieces: all of them are its words, and what is still open is added at the end. Results speak in seconds
//! of the stream, so those of an utterance before are told apart by their time.

use super::wire::{Alternative, Results};
use crate::vendor::writing::bare_words;
use crate::{Transcript, Word};

/// Times of the stream are not exact to more than this, seconds; the shortest message of sound is longer.
const TOLERANCE: f64 = 0.01;
/// Sound behind the reported end of a speaker up to which nobody has spoken again, seconds: less than the shortest utterance (0.12 s) and the
/// shortest quiet that ends one (0.32 s) take together.
const QUIET: f64 = 0.4;
/// Most final pieces of one utterance that are kept: one is some seconds long, and an utterance is at most 30 s.
const MAX_PIECES: usize = 128;

/// What came of one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The words are others than before.
    pub(super) words: bool,
    /// The speaker has come to an end.
    pub(super) end: bool,
    /// Nothing more comes: the engine was asked for all, and this was it.
    pub(super) complete: bool,
}

/// The results of one utterance.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Where it begins, seconds of the stream.
    base: f64,
    pieces: Vec<Alternative>,
    /// Heard, and not final yet.
    open: Option<Alternative>,
    /// The end was reported for the words so far.
    ended: bool,
    /// Where the speaker had come to an end and all before it was final, seconds of the stream.
    closed: Option<f64>,
    /// Something came for it.
    answered: bool,
}

impl Assembly {
    /// For an utterance that begins at this second of the stream.
    pub(super) fn new(base: f64) -> Self {
        Self { base, ..Self::default() }
    }

    /// True when anything was said about it, be it that nothing was heard.
    pub(super) fn answered(&self) -> bool {
        self.answered
    }

    /// Takes a result; `asked`: the engine was asked for all it has.
    pub(super) fn results(&mut self, results: Results, asked: bool) -> News {
        if results.end() <= self.base + TOLERANCE {
            return News::default(); // Of an utterance that is over.
        }
        self.answered = true;
        let (is_final, end, until) = (results.is_final, results.speech_final, results.end());
        let complete = asked && results.from_finalize;
        let straddles = results.start < self.base - TOLERANCE;
        let mut heard = results.channel.alternatives.into_iter().next().unwrap_or_default();
        if straddles {
            heard.keep_after(self.base);
        }
        let words = self.take(heard, is_final);
        self.ended = (self.ended && !words) || end;
        if is_final && end && self.has_words() {
            self.closed = Some(until);
        } else if words {
            self.closed = None;
        }
        News { words, end: end && self.has_words(), complete }
    }

    /// The engine saw no new word for a while.
    pub(super) fn utterance_end(&mut self, last_word_end: f64) -> News {
        let ours = last_word_end < 0.0 || last_word_end > self.base + TOLERANCE;
        let end = ours && self.has_words() && !self.ended;
        self.ended |= end;
        News { end, ..News::default() }
    }

    /// True when all that was said up to here, in seconds of the stream, has come: there is nothing to ask for.
    pub(super) fn is_all(&self, here: f64) -> bool {
        self.open.is_none() && self.closed.is_some_and(|end| here - end <= QUIET)
    }

    /// All words so far.
    pub(super) fn transcript(&self) -> Transcript {
        let all = || self.pieces.iter().chain(&self.open);
        let written = all().map(|piece| piece.transcript.trim()).collect::<Vec<_>>().join(" ");
        let words: Vec<Word> = all().flat_map(words).collect();
        let confidence = mean(&words).or_else(|| all().next().map(|piece| piece.confidence)).unwrap_or(0.0);
        Transcript { text: bare_words(&written), written, confidence, words, took: Default::default() }
    }

    fn take(&mut self, heard: Alternative, is_final: bool) -> bool {
        let heard = Some(heard).filter(|heard| !heard.transcript.trim().is_empty());
        let before = self.open.take();
        let changed = before.as_ref().map(|open| &open.transcript) != heard.as_ref().map(|heard| &heard.transcript);
        match heard {
            Some(heard) if is_final && self.pieces.len() < MAX_PIECES => self.pieces.push(heard),
            Some(_) if is_final => {}
            open => self.open = open,
        }
        changed
    }

    fn has_words(&self) -> bool {
        !self.pieces.is_empty() || self.open.is_some()
    }
}

impl Alternative {
    /// Leaves out the words before this second: a slice that was not closed in time may begin with those of the utterance before.
    fn keep_after(&mut self, base: f64) {
        let before = self.words.len();
        self.words.retain(|word| word.end > base);
        if self.words.len() < before {
            let written = self.words.iter().map(|word| word.punctuated_word.as_deref().unwrap_or(&word.word));
            self.transcript = written.collect::<Vec<_>>().join(" ");
        }
    }
}

fn words(piece: &Alternative) -> impl Iterator<Item = Word> + '_ {
    piece.words.iter().map(|spoken| Word { text: bare_words(&spoken.word), confidence: spoken.confidence })
}

fn mean(words: &[Word]) -> Option<f32> {
    let sum: f32 = words.iter().map(|word| word.confidence).sum();
    (!words.is_empty()).then(|| sum / words.len() as f32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(start: f64, words: &str, is_final: bool, flags: (bool, bool)) -> Results {
        let spoken = |(at, word): (usize, &str)| {
            let end = start + 0.4 * (at + 1) as f64;
            json!({"word": word.to_lowercase(), "punctuated_word": word, "end": end, "confidence": 0.8})
        };
        let spoken: Vec<_> = words.split_whitespace().enumerate().map(spoken).collect();
        serde_json::from_value(json!({
            "start": start, "duration": 1.0, "is_final": is_final, "speech_final": flags.0, "from_finalize": flags.1,
            "channel": {"alternatives": [{"transcript": words, "confidence": 0.9, "words": spoken}]},
        }))
        .unwrap()
    }

    const NONE: (bool, bool) = (false, false);

    #[test]
    fn all_final_pieces_and_the_last_open_one_are_the_utterance() {
        let mut assembly = Assembly::new(5.0);
        assert!(!assembly.answered());
        assert_eq!(assembly.results(heard(3.9, "of before", true, (true, true)), false), News::default());
        assert!(!assembly.answered(), "that was of the utterance before");
        assert!(assembly.results(heard(5.0, "Two", false, NONE), false).words);
        assert!(!assembly.results(heard(5.0, "Two", false, NONE), false).words, "the same again");
        assembly.results(heard(5.0, "Two nights,", true, NONE), false);
        let end = assembly.results(heard(6.0, "please", false, (true, false)), false);
        assert_eq!(end, News { words: true, end: true, complete: false });
        let transcript = assembly.transcript();
        assert_eq!((transcript.written.as_str(), transcript.text.as_str()), ("Two nights, please", "two nights please"));
        assert_eq!(transcript.words.len(), 3);
        assert!((transcript.confidence - 0.8).abs() < 1e-6);
    }

    #[test]
    fn the_answer_to_a_question_for_all_completes_it_even_when_it_is_empty() {
        let mut assembly = Assembly::new(0.0);
        assembly.results(heard(0.0, "Hello.", true, NONE), false);
        assert!(!assembly.results(heard(1.0, "", true, (false, true)), false).complete, "nobody asked");
        assert!(assembly.results(heard(1.0, "", true, (false, true)), true).complete);
        assert_eq!(assembly.transcript().text, "hello");
    }

    #[test]
    fn after_a_reported_end_there_is_nothing_to_ask_for_until_somebody_speaks_again() {
        let mut assembly = Assembly::new(0.0);
        assembly.results(heard(0.0, "Hello.", true, NONE), false);
        assert!(!assembly.is_all(1.0), "it goes on, as far as we know");
        assembly.results(heard(1.0, "Again.", true, (true, false)), false);
        assert!(assembly.is_all(2.2));
        assert!(!assembly.is_all(2.5), "so long after the end there may be words that nobody has told of yet");
        assembly.results(heard(2.0, "And", false, NONE), false);
        assert!(!assembly.is_all(2.2));
        assembly.results(heard(2.0, "And", true, NONE), false);
        assert!(!assembly.is_all(3.0), "the last piece is final and not an end");
    }

    #[test]
    fn a_slice_that_began_before_the_utterance_gives_only_its_later_words() {
        let mut assembly = Assembly::new(5.5);
        assembly.results(heard(5.0, "Bye. Two", true, NONE), false);
        assert_eq!(assembly.transcript().written, "Two");
    }

    #[test]
    fn the_end_is_reported_once_for_the_same_words() {
        let mut assembly = Assembly::new(2.0);
        assert!(!assembly.utterance_end(3.0).end, "no words");
        assembly.results(heard(2.0, "Hello", true, NONE), false);
        assert!(!assembly.utterance_end(1.9).end, "of the utterance before");
        assert!(assembly.utterance_end(2.8).end);
        assert!(!assembly.utterance_end(2.8).end);
        assembly.results(heard(3.0, "again", false, NONE), false);
        assert!(assembly.utterance_end(-1.0).end);
    }
}
