//! Log lines as they leave the process, captured in a buffer.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use call::{CallEvent, CallId, Carrier, EndReason, LatencyParts, PhoneNumber, ToolOutcome};

use super::*;
use crate::{CallRecorder, DrainOutcome, LeftQueue, Metrics, RefusedBecause, RegistryOperation, SessionFact, call_span};

/// A number that must never be read in a log.
const CANARY: &str = "+15005550006";

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `act` logs, through the same queue and subscriber as in the program.
fn logged(format: LogFormat, filter: &str, act: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let queue = LineQueue::start(buffer.clone(), QUEUE_LINES).unwrap();
    let subscriber = subscriber(format, parse_filter(filter).unwrap(), false, queue.clone());
    tracing::subscriber::with_default(subscriber, act);
    assert!(queue.flush(Duration::from_secs(10)));
    let bytes = buffer.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn call_id() -> CallId {
    "0190a1b2-7c3d-7e4f-8123-456789abcdef".parse().unwrap()
}

fn a_whole_call() {
    let recorder = CallRecorder::new();
    call_span(call_id(), Carrier::Twilio, "receptionist").in_scope(|| {
        recorder.record(&CallEvent::Queued);
        recorder.record(&CallEvent::Answered { waited: Duration::from_secs(7) });
        recorder.fact(SessionFact::Started);
        recorder.fact(SessionFact::Greeting { ms: 41 });
        let latency = LatencyParts { endpoint_ms: 500, recognition_ms: 20, brain_ms: 3, first_audio_ms: 30 };
        recorder.fact(SessionFact::Turn { latency, words: 9 });
        recorder.fact(SessionFact::NotUnderstood);
        recorder.fact(SessionFact::BargeIn { ms: 4 });
        recorder.fact(SessionFact::Tool { name: "book_room", outcome: ToolOutcome::Ok, ms: 12 });
        recorder.fact(SessionFact::Tool { name: "book_room", outcome: ToolOutcome::Failed, ms: 13 });
        recorder.fact(SessionFact::FramesLost { n: 3 });
        recorder.fact(SessionFact::Ended { why: EndReason::CallerHungUp, turns: 8, ms: 60_000 });
        recorder.record(&CallEvent::Ended { why: EndReason::Failed, talked: Duration::from_secs(60) });
    });
}

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_of_a_call_names_the_call() {
    let lines = json_lines(&logged(LogFormat::Auto, "info", a_whole_call));
    assert_eq!(lines.len(), 12);
    for line in &lines {
        assert_eq!(line["span"]["call.id"], call_id().to_string(), "{line}");
        assert_eq!(line["span"]["carrier"], "twilio");
        assert_eq!(line["span"]["agent"], "receptionist");
    }
}

#[test]
fn a_turn_shows_where_the_time_went() {
    let lines = json_lines(&logged(LogFormat::Json, "info", a_whole_call));
    let turn = lines.iter().find(|line| line["message"] == "turn answered").unwrap();
    assert_eq!((&turn["latency_ms"], &turn["endpoint_ms"], &turn["words"]), (&553.into(), &500.into(), &9.into()));
}

#[test]
fn faults_are_warnings_and_still_name_their_call() {
    let lines = json_lines(&logged(LogFormat::Json, "warn", a_whole_call));
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["tool failed", "audio frames lost on the way to us", "call ended by a fault"]);
    assert!(lines.iter().all(|line| line["span"]["call.id"] == call_id().to_string()));
}

#[test]
fn people_read_one_line_per_event() {
    let text = logged(LogFormat::Pretty, "info", a_whole_call);
    assert_eq!(text.lines().count(), 12);
    assert!(text.contains("call{call.id=0190a1b2-7c3d-7e4f-8123-456789abcdef carrier=\"twilio\" agent=\"receptionist\"}"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours when it is not a terminal");
}

#[test]
fn a_telephone_number_does_not_reach_the_log() {
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let text = logged(format, "trace", || {
            a_whole_call();
            tracing::info!(from = ?PhoneNumber::new(CANARY), "offered");
            tracing::debug!(url = "https://host/answer?From=%2B15005550006", "what a library may log");
            tracing::debug!(from = CANARY, "what a careless line may log");
        });
        assert!(text.contains("what a careless line may log"), "{text}");
        assert!(!text.contains(CANARY.trim_start_matches('+')), "{text}");
    }
}

#[test]
fn the_first_filter_given_is_taken() {
    let both = |name: &str| Some(if name == "RUST_LOG" { "debug" } else { "warn" }.to_owned());
    assert_eq!(choose_filter(Some("trace"), both), "trace");
    assert_eq!(choose_filter(None, both), "debug");
    assert_eq!(choose_filter(Some(" "), |name| (name == "LOG_LEVEL").then(|| "warn".to_owned())), "warn");
    assert_eq!(choose_filter(None, |_| None), "info");
}

#[test]
fn a_mistyped_filter_is_an_error_and_not_silence() {
    for wrong in ["inof", "server=loud"] {
        let error = parse_filter(wrong).unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    for right in ["INFO", "Warning", "critical", "off", "info,server=debug"] {
        assert!(parse_filter(right).is_ok(), "{right}");
    }
}

#[test]
fn formats_are_words() {
    assert_eq!("JSON".parse::<LogFormat>().unwrap(), LogFormat::Json);
    assert!("xml".parse::<LogFormat>().unwrap_err().to_string().contains("xml"));
}

#[test]
fn events_keep_the_names_they_had() {
    let lines = json_lines(&logged(LogFormat::Json, "info", || {
        let recorder = CallRecorder::new();
        recorder.promoted(Duration::from_millis(12_345));
        recorder.left_queue(LeftQueue::Abandoned);
        recorder.refused(RefusedBecause::QueueFull);
        recorder.registry_error(RegistryOperation::Register, "connection refused");
        recorder.registry_error(RegistryOperation::Unregister, "connection refused");
        recorder.registry_error(RegistryOperation::Beat, "connection refused");
    }));
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str()).collect();
    let names = ["call_dequeued", "call_removed_from_queue", "queue_full", "call_register_failed", "call_unregister_failed"];
    assert_eq!(events, names.map(Some).into_iter().chain([None]).collect::<Vec<_>>());
    assert_eq!(lines[0]["wait_time_seconds"], 12.35);
    assert_eq!((&lines[5]["operation"], &lines[5]["error"]), (&"beat".into(), &"connection refused".into()));
}

#[test]
fn what_costs_a_caller_something_is_a_warning() {
    let lines = json_lines(&logged(LogFormat::Json, "warn", || {
        let recorder = CallRecorder::with(Metrics::new());
        recorder.call_started("agent");
        recorder.call_ended("agent", EndReason::CallerHungUp, Duration::from_secs(9));
        recorder.call_ended("agent", EndReason::ProtocolError, Duration::from_secs(9));
        recorder.call_resumed();
        recorder.call_interrupted();
        recorder.call_lost("agent");
        recorder.drain_outcome(DrainOutcome::Finished);
        recorder.drain_outcome(DrainOutcome::Lost);
        recorder.fact(SessionFact::Frames { received: 50, sent: 50, late: 9, dropped: 9 });
    }));
    let said: Vec<_> = lines.iter().map(|line| (line["reason"].as_str(), line["agent"].as_str(), line["outcome"].as_str())).collect();
    assert_eq!(said, [(Some("protocol_error"), None, None), (None, None, None), (None, Some("agent"), None), (None, None, Some("lost"))]);
}

#[test]
fn live_state_that_stays_away_is_logged_once() {
    let text = logged(LogFormat::Pretty, "info", || {
        let recorder = CallRecorder::new();
        for up in [true, false, false, false, true, true] {
            recorder.live_state_up(up);
        }
    });
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.lines().next().unwrap().contains("not reachable"), "{text}");
}

#[test]
fn the_setting_forces_a_format_and_an_argument_wins_over_it() {
    let set = |text: &'static str| move |name: &str| (name == "LOG_FORMAT").then(|| text.to_owned());
    assert_eq!(choose_format(LogFormat::Auto, set("json")).unwrap(), LogFormat::Json);
    assert_eq!(choose_format(LogFormat::Auto, set(" Pretty ")).unwrap(), LogFormat::Pretty);
    assert_eq!(choose_format(LogFormat::Json, set("pretty")).unwrap(), LogFormat::Json);
    assert_eq!(choose_format(LogFormat::Auto, set("")).unwrap(), LogFormat::Auto);
    assert!(choose_format(LogFormat::Auto, set("xml")).unwrap_err().to_string().contains("xml"));
}

#[test]
fn a_value_cannot_begin_a_line_of_its_own_or_steer_the_terminal() {
    let evil = "ann\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}2J";
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let text = logged(format, "info", || {
            tracing::info!(name = evil, "shown as a string");
            tracing::info!(name = %evil, "shown as it is: {evil}");
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.trim_end().contains(|sign: char| sign.is_control() && sign != '\n'), "{text:?}");
    }
    let lines = json_lines(&logged(LogFormat::Json, "info", || tracing::info!(name = evil, "kept whole")));
    assert_eq!(lines[0]["name"], evil);
}

#[test]
fn a_card_and_an_address_do_not_reach_the_log() {
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let text = logged(format, "debug", || {
            tracing::debug!(body = "{\"card\":\"4111 1111 1111 1111\"}", mail = "ann.canary@example.com", "a library")
        });
        assert!(text.contains("a library") && !text.contains("1111") && !text.contains("canary"), "{text}");
    }
}
