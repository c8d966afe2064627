//! Stories of calls. P1 to P15 are the acceptance cases of the program this one replaces; P13 is the server's.

use std::time::Duration;

use call::{AgentId, CallEvent, EndReason};
use telemetry::{CallRecorder, ErrorType, Metrics, Sample};

use crate::scrape::{at_rest, counting, families, text, value};

const AGENT: &str = "0190a1b2-7c3d-7e4f-8123-456789abcdef";

fn agent() -> AgentId {
    AGENT.parse().unwrap()
}

fn of_agent(name: &str) -> String {
    format!("{name}{{agent_id=\"{AGENT}\"}}")
}

fn failed(fault: &str) -> String {
    format!("voicenoob_calls_failed_total{{agent_id=\"{AGENT}\",error_type=\"{fault}\"}}")
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

#[test]
fn p1_a_call_that_begins_is_counted_once_for_its_agent() {
    let (recorder, metrics) = counting();
    recorder.call_started(agent());
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_initiated_total")), 1.0);
    recorder.call_started(agent());
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_initiated_total")), 2.0);
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_completed_total")), 0.0);
}

/// P2, P6 and P10: the gauge follows the live table, whatever was counted, and cannot fall below zero.
#[test]
fn p2_p6_p10_live_calls_are_what_the_table_says() {
    let (recorder, metrics) = counting();
    let live = |calls| text(&metrics, &Sample { active_calls: calls, ..at_rest() });
    recorder.call_started(agent());
    assert!(live(1).contains("\nvoicenoob_active_calls_current 1\n"));
    recorder.call_ended(agent(), EndReason::CallerHungUp, minute());
    recorder.call_ended(agent(), EndReason::Failed, minute());
    recorder.call_lost(agent());
    assert!(live(0).contains("\nvoicenoob_active_calls_current 0\n"));
    assert!(live(17).contains("\nvoicenoob_active_calls_current 17\n"));
}

/// P3, P7 and P11.
#[test]
fn p3_p7_p11_a_recorder_without_metrics_counts_nothing() {
    let (_, metrics) = counting();
    let before = families(&text(&metrics, &at_rest()));
    let recorder = CallRecorder::new();
    recorder.call_started(agent());
    recorder.call_ended(agent(), EndReason::AgentHungUp, minute());
    recorder.call_ended(agent(), EndReason::ConnectionLost, minute());
    recorder.call_lost(agent());
    let after = families(&text(&metrics, &at_rest()));
    assert_eq!(before["voicenoob_calls_initiated_total"], after["voicenoob_calls_initiated_total"]);
    assert!(after["voicenoob_calls_failed_total"].labels.is_empty());
}

/// P4 and P5.
#[test]
fn p4_p5_a_call_that_ends_well_is_completed_and_measured() {
    let (recorder, metrics) = counting();
    recorder.call_started(agent());
    recorder.call_ended(agent(), EndReason::AgentHungUp, Duration::from_millis(61_500));
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_completed_total")), 1.0);
    assert_eq!(value(&metrics, &of_agent("voicenoob_call_duration_seconds_count")), 1.0);
    assert_eq!(value(&metrics, &of_agent("voicenoob_call_duration_seconds_sum")), 61.5);
    let bucket = |le: &str| value(&metrics, &format!("voicenoob_call_duration_seconds_bucket{{le=\"{le}\",agent_id=\"{AGENT}\"}}"));
    assert_eq!((bucket("60.0"), bucket("120.0"), bucket("+Inf")), (0.0, 1.0, 1.0));
}

/// P8 and P9.
#[test]
fn p8_p9_faults_are_counted_by_their_kind_and_not_measured() {
    let (recorder, metrics) = counting();
    recorder.call_started(agent());
    recorder.call_ended(agent(), EndReason::ConnectionLost, minute());
    assert_eq!(
        [failed("websocket_error"), failed("internal_error"), failed("instance_lost")].map(|series| value(&metrics, &series)),
        [1.0, 0.0, 0.0]
    );
    recorder.call_ended(agent(), EndReason::ProtocolError, minute());
    recorder.call_ended(agent(), EndReason::Failed, minute());
    recorder.call_lost(agent());
    assert_eq!(
        [failed("websocket_error"), failed("internal_error"), failed("instance_lost")].map(|series| value(&metrics, &series)),
        [2.0, 1.0, 1.0]
    );
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_completed_total")), 0.0);
    assert_eq!(value(&metrics, &of_agent("voicenoob_call_duration_seconds_count")), 0.0);
}

#[test]
fn p12_the_classic_text_names_the_five_metrics() {
    let rendered = Metrics::new().render(None, &at_rest());
    assert_eq!(rendered.content_type, "text/plain; version=0.0.4; charset=utf-8");
    for name in ["calls_initiated_total", "calls_completed_total", "calls_failed_total", "call_duration_seconds", "active_calls_current"] {
        assert!(rendered.body.contains(&format!("voicenoob_{name}")), "{name}");
    }
}

#[test]
fn p14_the_buckets_of_the_duration_are_those_agreed() {
    let (recorder, metrics) = counting();
    recorder.call_ended(agent(), EndReason::AgentHungUp, minute());
    let text = text(&metrics, &at_rest());
    let lines = text.lines().filter_map(|line| line.strip_prefix("voicenoob_call_duration_seconds_bucket{le=\""));
    let bounds: Vec<&str> = lines.filter_map(|line| line.split('"').next()).collect();
    assert_eq!(bounds, ["5.0", "15.0", "30.0", "60.0", "120.0", "300.0", "600.0", "1800.0", "+Inf"]);
}

#[test]
fn p15_all_families_are_there_before_the_first_call() {
    let body = text(&Metrics::new(), &at_rest());
    let shown = families(&body);
    for (name, kind) in [
        ("voicenoob_calls_initiated_total", "counter"),
        ("voicenoob_calls_completed_total", "counter"),
        ("voicenoob_calls_failed_total", "counter"),
        ("voicenoob_call_duration_seconds", "histogram"),
        ("voicenoob_active_calls_current", "gauge"),
    ] {
        assert_eq!(shown[name].kind, kind);
        assert!(shown[name].help.len() > 10, "{name} has no help");
    }
    assert!(body.contains("\nvoicenoob_active_calls_current 0\n"));
    assert!(!body.contains("agent_id="), "no agent has had a call");
}

#[test]
fn every_end_is_completed_or_failed_and_counted_by_its_reason() {
    let (recorder, metrics) = counting();
    for why in EndReason::ALL {
        recorder.call_ended(agent(), why, minute());
        assert_eq!(value(&metrics, &format!("voicenoob_calls_ended_total{{reason=\"{}\"}}", why.as_str())), 1.0);
    }
    let faults = EndReason::ALL.into_iter().filter_map(ErrorType::of).filter(|fault| *fault != ErrorType::InstanceLost).count();
    assert_eq!(faults, 3);
    let failed_calls: f64 = ["websocket_error", "internal_error"].iter().map(|fault| value(&metrics, &failed(fault))).sum();
    assert_eq!(failed_calls, 3.0);
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_completed_total")), EndReason::ALL.len() as f64 - 4.0);
}

/// Two instances are scraped: a call that moves is one call in the sum of both.
#[test]
fn a_call_that_moves_to_another_instance_is_counted_once() {
    let ((here, first), (there, second)) = (counting(), counting());
    here.call_started(agent());
    here.call_handed_over();
    there.call_resumed();
    there.call_interrupted();
    there.call_resumed();
    there.call_ended(agent(), EndReason::CallerHungUp, minute());
    let both = |series: &str| {
        let shown = [&first, &second].map(|metrics| crate::scrape::value_in(&text(metrics, &at_rest()), series));
        shown.into_iter().flatten().sum::<f64>()
    };
    assert_eq!(both(&of_agent("voicenoob_calls_initiated_total")), 1.0);
    assert_eq!(both(&of_agent("voicenoob_calls_completed_total")), 1.0);
    assert_eq!(both("voicenoob_calls_handed_over_total"), 1.0);
    assert_eq!(both("voicenoob_calls_resumed_total"), 2.0);
    assert_eq!(both("voicenoob_calls_interrupted_total"), 1.0);
}

/// The survivor counts the lost call as failed when it finds the instance dead, and not again when nobody takes the call up.
#[test]
fn a_lost_call_fails_once() {
    let (survivor, metrics) = counting();
    survivor.call_lost(AGENT);
    survivor.call_ended(agent(), EndReason::InstanceLost, Duration::ZERO);
    assert_eq!(value(&metrics, &failed("instance_lost")), 1.0);
    assert_eq!(value(&metrics, "voicenoob_calls_lost_total"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_calls_ended_total{reason=\"instance_lost\"}"), 1.0);
    assert_eq!(value(&metrics, &of_agent("voicenoob_calls_completed_total")), 0.0);
}

#[test]
fn agents_beyond_the_limit_share_one_row() {
    let (recorder, metrics) = counting();
    for number in 0..130 {
        recorder.call_started(format!("agent-{number}"));
    }
    recorder.call_started("agent-99");
    recorder.call_ended("agent-129", EndReason::Failed, minute());
    let initiated = |agent: &str| value(&metrics, &format!("voicenoob_calls_initiated_total{{agent_id=\"{agent}\"}}"));
    assert_eq!((initiated("agent-0"), initiated("agent-99"), initiated("other")), (1.0, 2.0, 30.0));
    assert_eq!(value(&metrics, "voicenoob_calls_failed_total{agent_id=\"other\",error_type=\"internal_error\"}"), 1.0);
    let shown = families(&text(&metrics, &at_rest()));
    assert_eq!(shown["voicenoob_calls_initiated_total"].labels["agent_id"].len(), 101);
}

#[test]
fn an_agent_id_that_is_none_has_no_row() {
    let (recorder, metrics) = counting();
    recorder.call_lost("x".repeat(10_000));
    assert_eq!(value(&metrics, "voicenoob_calls_failed_total{agent_id=\"other\",error_type=\"instance_lost\"}"), 1.0);
    recorder.call_lost("quote\" and\nline");
    assert!(text(&metrics, &at_rest()).contains(r#"{agent_id="quote\" and\nline",error_type="instance_lost"} 1"#));
}

#[test]
fn calls_on_many_threads_are_all_counted() {
    let (recorder, metrics) = counting();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..200 {
                    recorder.call_started(format!("agent-{number}"));
                    recorder.call_ended(format!("agent-{number}"), EndReason::AgentHungUp, minute());
                }
            });
        }
        scope.spawn(|| (0..20).for_each(|_| assert!(text(&metrics, &at_rest()).contains("voicenoob_calls_initiated_total"))));
    });
    let text = text(&metrics, &at_rest());
    for name in ["voicenoob_calls_initiated_total{", "voicenoob_calls_completed_total{"] {
        let values: Vec<f64> =
            text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        assert_eq!((values.len(), values.iter().sum::<f64>()), (101, 1600.0));
    }
}

#[test]
fn an_event_without_an_agent_counts_nothing() {
    let (recorder, metrics) = counting();
    recorder.record(&CallEvent::Queued);
    recorder.record(&CallEvent::Answered { waited: minute() });
    recorder.record(&CallEvent::Ended { why: EndReason::Failed, talked: minute() });
    assert_eq!(value(&metrics, "voicenoob_calls_ended_total{reason=\"failed\"}"), 0.0);
    assert_eq!(value(&metrics, "voicenoob_queue_queued_total"), 0.0);
}
