//! Turns, the queue, the drain, live state and the event loop, as a scrape shows them.

use std::time::Duration;

use call::{LatencyParts, ToolOutcome};
use telemetry::{CallRecorder, DrainOutcome, LeftQueue, Metrics, RefusedBecause, RegistryOperation, Sample, SessionFact, watch_event_loop};

use crate::scrape::{at_rest, counting, everything_known, text, value, value_in};

#[test]
fn a_turn_is_measured_part_by_part() {
    let (recorder, metrics) = counting();
    let latency = LatencyParts { endpoint_ms: 500, recognition_ms: 20, brain_ms: 3, first_audio_ms: 30 };
    recorder.fact(SessionFact::Turn { latency, words: 9 });
    let sum = |part: &str| value(&metrics, &format!("voicenoob_turn_latency_seconds_sum{{part=\"{part}\"}}"));
    assert_eq!([sum("endpoint"), sum("recognition"), sum("brain"), sum("first_audio"), sum("total")], [0.5, 0.02, 0.003, 0.03, 0.553]);
    let within = |le: &str| value(&metrics, &format!("voicenoob_turn_latency_seconds_bucket{{le=\"{le}\",part=\"total\"}}"));
    assert_eq!((within("0.5"), within("0.65"), within("+Inf")), (0.0, 1.0, 1.0));
}

#[test]
fn what_a_session_sees_becomes_numbers() {
    let (recorder, metrics) = counting();
    recorder.fact(SessionFact::Greeting { ms: 41 });
    recorder.fact(SessionFact::BargeIn { ms: 4 });
    recorder.fact(SessionFact::NotUnderstood);
    recorder.fact(SessionFact::Tool { name: "book_room", outcome: ToolOutcome::Refused, ms: 120 });
    assert_eq!(value(&metrics, "voicenoob_greeting_latency_seconds_sum"), 0.041);
    recorder.fact(SessionFact::Paused { ms: 140 });
    recorder.fact(SessionFact::FalseInterruption);
    recorder.fact(SessionFact::Filler);
    assert_eq!(value(&metrics, "voicenoob_barge_in_pause_seconds_sum"), 0.14);
    assert_eq!(value(&metrics, "voicenoob_false_interruptions_total"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_fillers_total"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_barge_ins_total"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_barge_in_clear_seconds_sum"), 0.004);
    assert_eq!(value(&metrics, "voicenoob_not_understood_total"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_tool_calls_total{outcome=\"refused\"}"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_tool_calls_total{outcome=\"ok\"}"), 0.0);
    assert_eq!(value(&metrics, "voicenoob_tool_duration_seconds_sum"), 0.12);
}

#[test]
fn frames_are_told_as_differences() {
    let (recorder, metrics) = counting();
    recorder.fact(SessionFact::Frames { received: 500, sent: 480, late: 3, dropped: 1 });
    recorder.fact(SessionFact::Frames { received: 50, sent: 0, late: 0, dropped: 0 });
    recorder.fact(SessionFact::FramesLost { n: 2 });
    let frames = |what: &str| value(&metrics, &format!("voicenoob_audio_frames_{what}_total"));
    assert_eq!(["received", "sent", "late", "dropped", "lost"].map(frames), [550.0, 480.0, 3.0, 1.0, 2.0]);
}

#[test]
fn waiting_callers_are_counted_by_how_the_wait_ended() {
    let (recorder, metrics) = counting();
    for _ in 0..5 {
        recorder.queued();
    }
    recorder.promoted(Duration::from_millis(12_345));
    recorder.left_queue(LeftQueue::Abandoned);
    recorder.left_queue(LeftQueue::Callback);
    recorder.left_queue(LeftQueue::Removed);
    recorder.grant_lapsed();
    let queue = |what: &str| value(&metrics, &format!("voicenoob_queue_{what}_total"));
    assert_eq!(["queued", "promoted", "abandoned", "callbacks", "removed", "lapsed"].map(queue), [5.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(value(&metrics, "voicenoob_queue_wait_seconds_sum"), 12.345);
    assert_eq!(value(&metrics, "voicenoob_queue_wait_seconds_bucket{le=\"20.0\"}"), 1.0);
    assert_eq!(value(&metrics, "voicenoob_queue_wait_seconds_bucket{le=\"10.0\"}"), 0.0);
}

#[test]
fn an_unknown_depth_is_absent_and_not_zero() {
    let metrics = Metrics::new();
    let unknown = text(&metrics, &Sample { live_state_up: false, ..at_rest() });
    assert!(!unknown.contains("voicenoob_queue_depth"));
    assert!(!unknown.contains("voicenoob_database_connections"));
    assert_eq!(value_in(&unknown, "voicenoob_live_state_up"), Some(0.0));
    let known = text(&metrics, &everything_known());
    assert_eq!(value_in(&known, "voicenoob_queue_depth"), Some(7.0));
    assert_eq!(value_in(&known, "voicenoob_live_state_up"), Some(1.0));
}

#[test]
fn how_things_stand_is_taken_from_the_sample() {
    let shown = text(&Metrics::new(), &everything_known());
    for (series, expected) in [
        ("voicenoob_permits_taken", 4.0),
        ("voicenoob_permits_limit", 50.0),
        ("voicenoob_queue_waiting_here", 2.0),
        ("voicenoob_offers_waiting", 1.0),
        ("voicenoob_database_connections{state=\"in_use\"}", 1.0),
        ("voicenoob_database_connections{state=\"idle\"}", 4.0),
        ("voicenoob_service_breaker_state{service=\"telnyx\",state=\"closed\"}", 1.0),
        ("voicenoob_service_breaker_state{service=\"telnyx\",state=\"open\"}", 0.0),
        ("voicenoob_service_breaker_transitions_total{service=\"telnyx\",from=\"closed\",to=\"open\"}", 2.0),
        ("voicenoob_service_breaker_not_closed_seconds_total{service=\"telnyx\"}", 30.5),
        ("voicenoob_service_calls_total{service=\"telnyx\",outcome=\"key_refused\"}", 5.0),
        ("voicenoob_service_calls_total{service=\"telnyx\",outcome=\"rejected\"}", 20.0),
        ("voicenoob_service_calls_under_way{service=\"telnyx\"}", 4.0),
        ("voicenoob_phrase_cache_hits_total{level=\"memory\"}", 40.0),
        ("voicenoob_phrase_cache_misses_total{level=\"engine\"}", 8.0),
        ("voicenoob_phrase_cache_errors_total{level=\"memory\"}", 2.0),
        ("voicenoob_phrase_cache_evictions_total{level=\"memory\"}", 1.0),
        ("voicenoob_phrase_cache_load_seconds_total{level=\"memory\"}", 0.25),
        ("voicenoob_phrase_cache_hit_age_seconds_total{level=\"memory\"}", 90.0),
        ("voicenoob_phrase_cache_bytes{level=\"memory\"}", 64_000.0),
        ("voicenoob_phrase_cache_entries{level=\"memory\"}", 5.0),
        ("voicenoob_pool_in_use{pool=\"riva\"}", 7.0),
        ("voicenoob_pool_limit{pool=\"riva\"}", 500.0),
        ("voicenoob_pool_waiting{pool=\"riva\"}", 2.0),
        ("voicenoob_pool_connections{pool=\"riva\",state=\"in_use\"}", 4.0),
        ("voicenoob_pool_connections{pool=\"riva\",state=\"idle\"}", 1.0),
        ("voicenoob_pool_busiest{pool=\"riva\"}", 3.0),
        ("voicenoob_pool_waits_total{pool=\"riva\"}", 4.0),
        ("voicenoob_pool_wait_seconds_total{pool=\"riva\"}", 0.75),
        ("voicenoob_pool_replaced_total{pool=\"riva\"}", 1.0),
        ("voicenoob_passwords_hashing{state=\"running\"}", 1.0),
        ("voicenoob_passwords_hashing{state=\"waiting\"}", 5.0),
        ("voicenoob_passwords_hashed_total", 70.0),
        ("voicenoob_database_connections_limit", 10.0),
        ("voicenoob_database_waits_total", 3.0),
        ("voicenoob_database_wait_seconds_total", 1.5),
    ] {
        assert_eq!(value_in(&shown, series), Some(expected), "{series}");
    }
}

#[test]
fn an_instance_is_in_one_drain_state() {
    let metrics = Metrics::new();
    for state in ["running", "settling", "refusing", "handover", "stopped"] {
        let shown = text(&metrics, &Sample { drain_state: state, remaining_calls: 6, ..at_rest() });
        let on: Vec<&str> = shown.lines().filter(|line| line.starts_with("voicenoob_drain_state{") && line.ends_with(" 1")).collect();
        assert_eq!(on, [format!("voicenoob_drain_state{{state=\"{state}\"}} 1")]);
        assert_eq!(value_in(&shown, "voicenoob_drain_remaining_calls"), Some(6.0));
    }
}

#[test]
fn refusals_outcomes_and_errors_are_counted_by_their_words() {
    let (recorder, metrics) = counting();
    let shown = |family: &str, label: &str, word: &str| value(&metrics, &format!("voicenoob_{family}_total{{{label}=\"{word}\"}}"));
    for why in RefusedBecause::ALL {
        recorder.refused(*why);
        assert_eq!(shown("calls_refused", "reason", why.as_str()), 1.0);
    }
    for outcome in DrainOutcome::ALL {
        recorder.drain_outcome(*outcome);
        assert_eq!(shown("drain_calls", "outcome", outcome.as_str()), 1.0);
    }
    for operation in RegistryOperation::ALL {
        recorder.registry_error(*operation, "connection refused");
        assert_eq!(shown("registry_errors", "operation", operation.as_str()), 1.0);
    }
}

#[test]
fn live_state_is_up_until_it_is_said_to_be_down() {
    let recorder = CallRecorder::new();
    let elsewhere = recorder.clone();
    assert!(recorder.is_live_state_up());
    elsewhere.live_state_up(false);
    assert!(!recorder.is_live_state_up());
    elsewhere.live_state_up(true);
    assert!(recorder.is_live_state_up());
}

#[tokio::test(start_paused = true)]
async fn a_blocked_event_loop_is_seen() {
    let metrics = Metrics::new();
    let watch = tokio::spawn(watch_event_loop(metrics.clone()));
    tokio::task::yield_now().await;
    // The tick of 100 ms is due while everything stands still for 350 ms.
    tokio::time::advance(Duration::from_millis(350)).await;
    tokio::task::yield_now().await;
    let within = |le: &str| value(&metrics, &format!("voicenoob_event_loop_lag_seconds_bucket{{le=\"{le}\"}}"));
    assert_eq!((within("0.2"), within("0.5")), (0.0, 1.0));
    tokio::time::advance(Duration::from_millis(100)).await;
    tokio::task::yield_now().await;
    assert_eq!((within("0.005"), within("0.5")), (1.0, 2.0), "the next tick is on time again");
    watch.abort();
}
