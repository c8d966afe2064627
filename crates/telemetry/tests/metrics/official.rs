//! The scrape before the official checker.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use call::{EndReason, LatencyParts, ToolOutcome};
use telemetry::{CallRecorder, SessionFact};

use crate::scrape::{PROMETHEUS, at_rest, counting, everything_known, families};

/// Runs `promtool` with `input`.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> Output {
    let started = Command::new("promtool").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut running = started.unwrap_or_else(|error| panic!("promtool does not start ({error}): install the Debian package `prometheus`"));
    running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    running.wait_with_output().unwrap()
}

/// A call with a bit of everything.
pub(crate) fn a_busy_day(recorder: &CallRecorder) {
    let agent = "0190a1b2-7c3d-7e4f-8123-456789abcdef";
    recorder.call_started(agent);
    recorder.fact(SessionFact::Greeting { ms: 41 });
    let latency = LatencyParts { endpoint_ms: 500, recognition_ms: 20, brain_ms: 3, first_audio_ms: 30 };
    recorder.fact(SessionFact::Turn { latency, words: 9 });
    recorder.fact(SessionFact::Tool { name: "book_room", outcome: ToolOutcome::Ok, ms: 12 });
    recorder.fact(SessionFact::Frames { received: 500, sent: 480, late: 3, dropped: 1 });
    recorder.call_ended(agent, EndReason::AgentHungUp, Duration::from_secs(42));
    recorder.call_lost(agent);
    for number in 0..120 {
        recorder.call_started(format!("agent-{number}"));
    }
}

#[test]
fn promtool_has_nothing_to_say_before_the_first_call_and_after_many() {
    let (recorder, metrics) = counting();
    for sample in [at_rest(), everything_known()] {
        let said = promtool(&["check", "metrics"], &metrics.render(None, &sample).body);
        let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success() && words.is_empty(), "{}: {words}", said.status);
        a_busy_day(&recorder);
    }
}

/// Otherwise the test above could not fail.
#[test]
fn promtool_finds_what_is_wrong() {
    let (_, metrics) = counting();
    let wrong = metrics.render(None, &everything_known()).body.replace("voicenoob_barge_ins_total", "voicenoob_barge_ins_count");
    assert!(!promtool(&["check", "metrics"], &wrong).status.success());
}

#[test]
fn prometheus_is_given_open_metrics() {
    let (recorder, metrics) = counting();
    a_busy_day(&recorder);
    let open = metrics.render(Some(PROMETHEUS), &everything_known());
    assert_eq!(open.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.body.ends_with("\n# EOF\n") && open.body.matches("# EOF").count() == 1);
    assert!(open.body.contains("# TYPE voicenoob_calls_initiated counter\n"));
    assert!(open.body.contains("# TYPE voicenoob_build info\nvoicenoob_build_info{version=\""));
}

/// The samples are the same in both forms; only the lines about them differ.
#[test]
fn both_forms_tell_the_same() {
    let (recorder, metrics) = counting();
    a_busy_day(&recorder);
    let samples = |accept| {
        let body = metrics.render(accept, &everything_known()).body;
        let ours = body.lines().filter(|line| line.starts_with("voicenoob_")).map(str::to_owned);
        ours.collect::<Vec<_>>()
    };
    assert_eq!(samples(None), samples(Some(PROMETHEUS)));
    assert!(samples(None).len() > 1000);
}

#[test]
fn the_process_is_shown_under_the_usual_names() {
    let (_, metrics) = counting();
    let shown = families(&metrics.render(None, &everything_known()).body);
    for (name, kind) in [
        ("process_cpu_seconds_total", "counter"),
        ("process_resident_memory_bytes", "gauge"),
        ("process_virtual_memory_bytes", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("process_open_fds", "gauge"),
        ("process_max_fds", "gauge"),
        ("process_threads", "gauge"),
    ] {
        assert_eq!(shown.get(name).map(|family| family.kind.as_str()), Some(kind), "{name}");
    }
}
