//! Reads the events of an answer.

use std::collections::BTreeMap;

use outbound::Fault;
use serde::Deserialize;

use crate::reading::{MAX_ARGUMENT_BYTES, MAX_CALLS, Progress, Reader, Tokens};
use crate::{AnswerEvent, Stop, ToolCall};

/// One event; types that are not known are passed over, as the protocol asks.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: End,
        usage: Option<Usage>,
    },
    MessageStop,
    Error {
        error: Trouble,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct End {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Trouble {
    #[serde(rename = "type")]
    kind: String,
}

/// An answer that is read.
#[derive(Default)]
pub(super) struct Answer {
    wishes: BTreeMap<u64, ToolCall>,
    stop: Option<Stop>,
    tokens: Tokens,
}

impl Answer {
    fn begin(&mut self, index: u64, block: Block, out: &mut Vec<AnswerEvent>) -> Result<Progress, Fault> {
        match block {
            Block::Text { text } => Ok(say(text, out)),
            Block::ToolUse { .. } if self.wishes.len() >= MAX_CALLS => Err(Fault::Malformed("too many tools in one answer")),
            Block::ToolUse { id, name } => {
                self.wishes.insert(index, ToolCall { id, name, arguments: String::new() });
                Ok(Progress::Token)
            }
            Block::Other => Ok(Progress::None),
        }
    }

    fn go_on(&mut self, index: u64, delta: Delta, out: &mut Vec<AnswerEvent>) -> Result<Progress, Fault> {
        let piece = match delta {
            Delta::Text { text } => return Ok(say(text, out)),
            Delta::InputJson { partial_json } => partial_json,
            Delta::Other => return Ok(Progress::None),
        };
        // Arguments of tools that the vendor itself runs; we offer none.
        let Some(wish) = self.wishes.get_mut(&index) else { return Ok(Progress::None) };
        wish.arguments.push_str(&piece);
        if wish.arguments.len() > MAX_ARGUMENT_BYTES { Err(Fault::TooLong(MAX_ARGUMENT_BYTES)) } else { Ok(Progress::Token) }
    }

    /// Wishes are handed on when it is known why the answer stopped: those of one that was cut at its longest are not complete.
    fn finish(&mut self, reason: &str, out: &mut Vec<AnswerEvent>) {
        let stop = match reason {
            "max_tokens" | "model_context_window_exceeded" => Stop::Length,
            "refusal" => Stop::Filtered,
            _ if self.wishes.is_empty() => Stop::Finished,
            _ => Stop::Tools,
        };
        if stop == Stop::Tools {
            out.extend(std::mem::take(&mut self.wishes).into_values().map(complete).map(AnswerEvent::Call));
        }
        self.stop = Some(stop);
    }

    /// Sums so far (openai-realtime.md 4): they take the place of what was told before.
    fn count(&mut self, usage: &Usage) {
        if usage.input_tokens.is_some() {
            // Writing to the cache is a fourth dearer than reading anew (unverified); the table of prices has one line for both.
            self.tokens.input = usage.input_tokens.unwrap_or_default() + usage.cache_creation_input_tokens.unwrap_or_default();
        }
        self.tokens.cached = usage.cache_read_input_tokens.unwrap_or(self.tokens.cached);
        self.tokens.output = usage.output_tokens.unwrap_or(self.tokens.output);
    }
}

impl Reader for Answer {
    fn read(&mut self, data: &str, out: &mut Vec<AnswerEvent>) -> Result<Progress, Fault> {
        let event = serde_json::from_str(data).map_err(|_| Fault::Malformed("an event of an answer"))?;
        match event {
            Event::MessageStart { message } => {
                message.usage.iter().for_each(|usage| self.count(usage));
                Ok(Progress::None)
            }
            Event::ContentBlockStart { index, content_block } => self.begin(index, content_block, out),
            Event::ContentBlockDelta { index, delta } => self.go_on(index, delta, out),
            Event::MessageDelta { delta, usage } => {
                usage.iter().for_each(|usage| self.count(usage));
                let Some(reason) = delta.stop_reason else { return Ok(Progress::None) };
                self.tokens.complete = usage.is_some();
                self.finish(&reason, out);
                Ok(Progress::Made)
            }
            Event::MessageStop => Ok(Progress::Over),
            Event::Error { error } => Err(fault(&error.kind)),
            Event::Other => Ok(Progress::None),
        }
    }

    fn stop(&self) -> Option<Stop> {
        self.stop
    }

    fn tokens(&self) -> Tokens {
        self.tokens
    }
}

fn say(text: String, out: &mut Vec<AnswerEvent>) -> Progress {
    if text.is_empty() {
        return Progress::None;
    }
    out.push(AnswerEvent::Text(text));
    Progress::Token
}

/// A tool without parameters comes without arguments.
fn complete(mut call: ToolCall) -> ToolCall {
    if call.arguments.is_empty() {
        call.arguments = "{}".to_owned();
    }
    call
}

/// An error within the stream, by the vendor's word for it.
fn fault(kind: &str) -> Fault {
    let status = match kind {
        "invalid_request_error" | "request_too_large" => 400,
        "billing_error" | "not_found_error" => 404,
        "authentication_error" => 401,
        "permission_error" => 403,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        "timeout_error" => 504,
        _ => 500,
    };
    Fault::of_status(status, Some(kind), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &mut Answer, events: &[&str]) -> (Vec<AnswerEvent>, Result<Progress, Fault>) {
        let (mut out, mut last) = (Vec::new(), Ok(Progress::None));
        for event in events {
            last = answer.read(event, &mut out);
        }
        (out, last)
    }

    const START: &str = r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":20,"cache_creation_input_tokens":5,"cache_read_input_tokens":100,"output_tokens":1}}}"#;

    #[test]
    fn words_and_two_tools_are_read_and_sums_are_not_added_up() {
        let mut answer = Answer::default();
        let (out, last) = read(
            &mut answer,
            &[
                START,
                r#"{"type":"ping"}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
                r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"One moment."}}"#,
                r#"{"type":"content_block_stop","index":1}"#,
                r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"look","input":{}}}"#,
                r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
                r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
                r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t2","name":"end","input":{}}}"#,
                r#"{"type":"something_new"}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":30}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        );
        let call = |id: &str, name: &str, arguments: &str| {
            AnswerEvent::Call(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
        };
        assert!(out == [AnswerEvent::Text("One moment.".into()), call("t1", "look", "{\"a\":1}"), call("t2", "end", "{}")]);
        assert_eq!((last, answer.stop()), (Ok(Progress::Over), Some(Stop::Tools)));
        assert_eq!(answer.tokens(), Tokens { input: 25, cached: 100, output: 30, complete: true });
    }

    #[test]
    fn every_reason_to_stop_has_its_word() {
        let table = [
            ("end_turn", Stop::Finished),
            ("stop_sequence", Stop::Finished),
            ("pause_turn", Stop::Finished),
            ("max_tokens", Stop::Length),
            ("model_context_window_exceeded", Stop::Length),
            ("refusal", Stop::Filtered),
        ];
        for (reason, stop) in table {
            let mut answer = Answer::default();
            let end = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":3}}}}"#);
            assert_eq!((read(&mut answer, &[START, &end]).1, answer.stop()), (Ok(Progress::Made), Some(stop)), "{reason}");
        }
    }

    #[test]
    fn an_error_within_the_stream_is_told_apart_and_what_was_used_till_then_is_known() {
        let mut answer = Answer::default();
        let error = |kind: &str| format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#);
        assert_eq!(read(&mut answer, &[START, &error("overloaded_error")]).1, Err(Fault::Unavailable(529)));
        assert_eq!(answer.tokens(), Tokens { input: 25, cached: 100, output: 1, complete: false });
        assert_eq!(read(&mut answer, &[&error("rate_limit_error")]).1, Err(Fault::Throttled(None)));
        assert_eq!(read(&mut answer, &[r#"{"type":"#]).1, Err(Fault::Malformed("an event of an answer")));
    }
}
