//! A transcript as they write it.

use std::time::Duration;

use serde::Deserialize;

use crate::vendor::wording::plain;
use crate::{Transcript, Word};

/// The confidence of a model that does not tell how sure it is: above the floor at which an agent asks again (0.5), below that of one that is sure.
/// These models rarely write nonsense for clear speech, and nothing in their answer tells when they do.
const UNTOLD: f32 = 0.8;

#[derive(Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    logprobs: Option<Vec<Token>>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    logprob: f32,
}

/// Reads an answer; `None` when it is none.
pub(super) fn read(body: &[u8], took: Duration) -> Option<Transcript> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let text = plain(&answer.text);
    let tokens = answer.logprobs.filter(|tokens| !tokens.is_empty());
    let words = match &tokens {
        Some(tokens) => sure(tokens),
        None => text.split(' ').filter(|word| !word.is_empty()).map(|word| Word { text: word.to_owned(), confidence: UNTOLD }).collect(),
    };
    let confidence = match &tokens {
        _ if text.is_empty() => 0.0,
        Some(tokens) => mean(tokens),
        None => UNTOLD,
    };
    Some(Transcript { text, written: answer.text.trim().to_owned(), confidence, words, took })
}

/// The words of the tokens: one begins where a token begins with a space.
fn sure(tokens: &[Token]) -> Vec<Word> {
    let mut runs: Vec<&[Token]> = Vec::new();
    let mut from = 0;
    for at in 1..=tokens.len() {
        if at == tokens.len() || tokens[at].token.starts_with(char::is_whitespace) {
            runs.push(&tokens[from..at]);
            from = at;
        }
    }
    let words = runs.iter().flat_map(|run| {
        let written: String = run.iter().map(|token| token.token.as_str()).collect();
        let confidence = mean(run);
        let text = plain(&written);
        text.split(' ').filter(|word| !word.is_empty()).map(|word| Word { text: word.to_owned(), confidence }).collect::<Vec<_>>()
    });
    words.collect()
}

/// The geometric mean of the tokens' probabilities.
fn mean(tokens: &[Token]) -> f32 {
    let sum: f32 = tokens.iter().map(|token| token.logprob).sum();
    (sum / tokens.len().max(1) as f32).exp().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_tells_how_sure_it_is_is_believed_word_by_word() {
        let body =
            br#"{"text":"Two nights, please.","logprobs":[{"token":"Two","logprob":-0.01,"bytes":[84]},{"token":" nigh","logprob":-1.2},
            {"token":"ts,","logprob":-0.8},{"token":" please","logprob":0.0},{"token":".","logprob":0.0}],"usage":{"type":"tokens"}}"#;
        let heard = read(body, Duration::ZERO).unwrap();
        assert_eq!((heard.text.as_str(), heard.written.as_str()), ("two nights please", "Two nights, please."));
        let words: Vec<_> = heard.words.iter().map(|word| (word.text.as_str(), (word.confidence * 100.0) as u32)).collect();
        assert_eq!(words, [("two", 99), ("nights", 36), ("please", 100)]);
        assert!((0.6..0.7).contains(&heard.confidence), "{heard:?}");
    }

    #[test]
    fn one_that_does_not_is_taken_for_fairly_sure_and_no_words_for_nothing() {
        let heard = read(br#"{"text":" Yes. "}"#, Duration::ZERO).unwrap();
        assert_eq!((heard.text.as_str(), heard.confidence, heard.words.len()), ("yes", UNTOLD, 1));
        let nothing = read(br#"{"text":"","logprobs":[]}"#, Duration::ZERO).unwrap();
        assert_eq!((nothing.text.as_str(), nothing.confidence, nothing.words.len()), ("", 0.0, 0));
        assert!(read(b"{\"txt\":1}", Duration::ZERO).is_none() && read(b"<html>", Duration::ZERO).is_none());
    }
}
