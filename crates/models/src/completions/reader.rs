//! Reads the pieces of an answer.

use outbound::Fault;
use serde::Deserialize;
use serde_json::Value;

use super::pieces::{Piece, Pieces};
use crate::reading::{Progress, Reader, Tokens};
use crate::{AnswerEvent, Stop};

/// One piece of an answer; what it does not name is not looked at.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    /// Groq's place for the usage, of old.
    x_groq: Option<Groq>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    /// Words of a model that declines; they are said like others.
    refusal: Option<String>,
    tool_calls: Option<Vec<Piece>>,
}

#[derive(Deserialize)]
struct Groq {
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

/// An answer that is read.
pub(super) struct Completion {
    number: u64,
    wishes: Pieces,
    stop: Option<Stop>,
    tokens: Tokens,
}

impl Completion {
    /// `number`: of the answer, among all.
    pub(super) fn new(number: u64) -> Self {
        Self { number, wishes: Pieces::default(), stop: None, tokens: Tokens::default() }
    }

    fn choice(&mut self, choice: Choice, out: &mut Vec<AnswerEvent>) -> Result<Progress, Fault> {
        let mut progress = Progress::None;
        if let Some(delta) = choice.delta {
            for text in [delta.content, delta.refusal].into_iter().flatten().filter(|text| !text.is_empty()) {
                out.push(AnswerEvent::Text(text));
                progress = Progress::Token;
            }
            for piece in delta.tool_calls.into_iter().flatten() {
                self.wishes.add(piece)?;
                progress = Progress::Token;
            }
        }
        match choice.finish_reason.filter(|reason| !reason.is_empty() && self.stop.is_none()) {
            Some(reason) => self.finish(&reason, out).map(|()| Progress::Made),
            None => Ok(progress),
        }
    }

    /// Wishes are handed on when the server says that they are complete; those of an answer that was cut at its longest are not.
    fn finish(&mut self, reason: &str, out: &mut Vec<AnswerEvent>) -> Result<(), Fault> {
        let stop = match reason {
            "length" => Stop::Length,
            "content_filter" => Stop::Filtered,
            // Some servers say "stop" after wishes for tools.
            _ if self.wishes.is_empty() => Stop::Finished,
            _ => Stop::Tools,
        };
        if stop == Stop::Tools {
            out.extend(self.wishes.whole(self.number)?.into_iter().map(AnswerEvent::Call));
        }
        self.stop = Some(stop);
        Ok(())
    }

    /// The last one counts: some servers tell the sum so far in every piece.
    fn count(&mut self, usage: &Usage) {
        let cached = usage.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens).unwrap_or_default();
        let input = usage.prompt_tokens.unwrap_or_default();
        self.tokens = Tokens {
            input: input.saturating_sub(cached),
            cached: cached.min(input),
            // Those it reasoned with are among them.
            output: usage.completion_tokens.unwrap_or_default(),
            complete: true,
        };
    }
}

impl Reader for Completion {
    fn read(&mut self, data: &str, out: &mut Vec<AnswerEvent>) -> Result<Progress, Fault> {
        if data.trim() == "[DONE]" {
            return Ok(Progress::Over);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| Fault::Malformed("a piece of an answer"))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(fault(&error));
        }
        if let Some(usage) = chunk.usage.or_else(|| chunk.x_groq?.usage) {
            self.count(&usage);
        }
        let mut progress = Progress::None;
        // Only one is asked for. The piece with the usage has none.
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            progress = self.choice(choice, out)?;
        }
        Ok(progress)
    }

    fn stop(&self) -> Option<Stop> {
        self.stop
    }

    fn tokens(&self) -> Tokens {
        // A sum that came while it went on is not that of the whole answer.
        Tokens { complete: self.tokens.complete && self.stop.is_some(), ..self.tokens }
    }
}

/// An error within the stream, by the vendor's words for it.
fn fault(error: &Value) -> Fault {
    let word = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, code) = (word("type"), word("code"));
    let says = |what: &str| kind.contains(what) || code.contains(what);
    let number = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    if let Some(status) = number.filter(|status| (400..600).contains(status)) {
        return Fault::of_status(status, Some(kind), None);
    }
    if says("rate_limit") {
        Fault::Throttled(None)
    } else if says("invalid_api_key") || says("authentication") {
        Fault::Key(401)
    } else if says("invalid_request") || says("context_length") || says("content_filter") {
        Fault::of_status(400, Some(if code.is_empty() { kind } else { code }), None)
    } else {
        Fault::Unavailable(500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these pieces, and how far the last one brought it.
    fn read(reader: &mut Completion, pieces: &[&str]) -> (Vec<AnswerEvent>, Result<Progress, Fault>) {
        let (mut out, mut last) = (Vec::new(), Ok(Progress::None));
        for piece in pieces {
            last = reader.read(piece, &mut out);
        }
        (out, last)
    }

    #[test]
    fn words_usage_and_the_end_are_read() {
        let mut reader = Completion::new(0);
        let (out, last) = read(
            &mut reader,
            &[
                r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"obfuscation":"x"}"#,
                r#"{"choices":[{"delta":{"content":"Good"}}]}"#,
                r#"{"choices":[{"delta":{"content":" day."},"finish_reason":"stop"}],"usage":null}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":120,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":100},"completion_tokens_details":{"reasoning_tokens":4}}}"#,
                "[DONE]",
            ],
        );
        assert!(out == [AnswerEvent::Text("Good".into()), AnswerEvent::Text(" day.".into())]);
        assert_eq!((last, reader.stop()), (Ok(Progress::Over), Some(Stop::Finished)));
        assert_eq!(reader.tokens(), Tokens { input: 20, cached: 100, output: 9, complete: true });
    }

    #[test]
    fn tools_end_with_stop_too_and_those_of_an_answer_that_was_cut_are_kept_back() {
        let wish = r#"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"look","arguments":"{\"a\""}}]}}]}"#;
        let more = r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":":1}"}}]}}]}"#;
        for (reason, stop, calls) in [("tool_calls", Stop::Tools, 1), ("stop", Stop::Tools, 1), ("length", Stop::Length, 0)] {
            let mut reader = Completion::new(0);
            let end = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
            let (out, last) = read(&mut reader, &[wish, more, &end]);
            assert_eq!((out.len(), last, reader.stop()), (calls, Ok(Progress::Made), Some(stop)), "{reason}");
        }
    }

    #[test]
    fn an_error_within_the_stream_is_told_apart_by_its_words() {
        let table = [
            (r#"{"error":{"message":"m","type":"server_error","code":null}}"#, Fault::Unavailable(500)),
            (r#"{"error":{"message":"m","type":"requests","code":"rate_limit_exceeded"}}"#, Fault::Throttled(None)),
            (r#"{"error":{"message":"m","code":503}}"#, Fault::Unavailable(503)),
            (
                r#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded"}}"#,
                Fault::Refused { status: 400, code: "context_length_exceeded".into() },
            ),
            (r#"{"error":"out of memory"}"#, Fault::Unavailable(500)),
            (r#"{"choices":[{"delta""#, Fault::Malformed("a piece of an answer")),
        ];
        for (piece, fault) in table {
            assert_eq!(read(&mut Completion::new(0), &[piece]).1, Err(fault), "{piece}");
        }
    }

    #[test]
    fn a_sum_before_the_end_is_not_the_whole_sum() {
        let mut reader = Completion::new(0);
        let _ = read(&mut reader, &[r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#]);
        assert_eq!(reader.tokens(), Tokens { input: 5, cached: 0, output: 1, complete: false });
    }
}
