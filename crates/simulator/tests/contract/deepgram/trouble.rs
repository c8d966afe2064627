//! What becomes of Deepgram's troubles.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use call::Meter;
use outbound::Fault;
use resilience::{State, Why};
use simulator::{Behaviour, Trouble, Vendor};
use speech::vendor::deepgram::DeepgramConfig;
use speech::{SpeechError, SpeechToText};
use tokio::time::Instant;

use super::stage::{Stage, heard, listening, outcome, push, quick};

fn fault(error: SpeechError) -> Fault {
    match error {
        SpeechError::Outside { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

async fn troubled(trouble: Trouble) -> Stage {
    let stage = Stage::new(quick()).await;
    stage.simulator.behave(Vendor::Deepgram, Behaviour::with(trouble));
    stage
}

#[tokio::test]
async fn a_socket_that_breaks_within_an_utterance_is_replaced_and_nothing_of_it_is_lost() {
    for trouble in [Trouble::Cut { after: 0 }, Trouble::Malformed { after: 1 }, Trouble::Error { after: 0 }, Trouble::Stall { after: 0 }] {
        let stage = troubled(trouble).await;
        let mut recognition = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
        stage.simulator.behave(Vendor::Deepgram, Behaviour::default());
        recognition.start();
        push(&mut *recognition, 8000, 1500, 100);
        recognition.finish();
        assert!(outcome(&mut *recognition).await.unwrap().text.split(' ').count() > 1, "{trouble:?}");
        assert_eq!(stage.seen().requests, 2, "{trouble:?}");
        assert_eq!(stage.guard.view().counts.failed, 1, "{trouble:?}");
        heard(&mut *recognition, 8000).await;
        assert_eq!(stage.seen().requests, 2, "{trouble:?}: the new socket stays");
    }
}

#[tokio::test]
async fn a_socket_that_breaks_again_loses_the_utterance_and_not_the_next() {
    let table = [
        (Trouble::Cut { after: 0 }, "the connection broke off"),
        (Trouble::Malformed { after: 0 }, "makes no sense"),
        (Trouble::Error { after: 0 }, "status 1011"),
        (Trouble::Stall { after: 0 }, "stopped for 500 ms"),
    ];
    for (trouble, message) in table {
        let stage = troubled(trouble).await;
        let mut recognition = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
        recognition.start();
        push(&mut *recognition, 8000, 1500, 100);
        recognition.finish();
        let since = Instant::now();
        let error = outcome(&mut *recognition).await.unwrap_err().to_string();
        assert!(error.contains(message), "{trouble:?}: {error}");
        assert!(since.elapsed() < Duration::from_secs(2), "{trouble:?} took {:?}", since.elapsed());
        stage.simulator.behave(Vendor::Deepgram, Behaviour::default());
        assert!(!heard(&mut *recognition, 8000).await.is_empty(), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_taken_is_said_so_and_is_no_outage() {
    let stage = Stage::with_key(quick(), "wrong-key").await;
    for _ in 0..5 {
        assert_eq!(fault(stage.outcome().await.unwrap_err()), Fault::Key(401));
    }
    assert_eq!(stage.guard.view().state, State::Closed);
    assert_eq!(fault(stage.ears.check().await.unwrap_err()), Fault::Key(401));
}

#[tokio::test]
async fn too_many_requests_pause_the_road_and_do_not_open_the_breaker() {
    let stage = troubled(Trouble::TooMany { retry_after: Some(7) }).await;
    assert_eq!(fault(stage.outcome().await.unwrap_err()), Fault::Throttled(Some(Duration::from_secs(7))));
    assert_ne!(stage.guard.view().state, State::Open);
    let Fault::NotAsked(rejected) = fault(stage.outcome().await.unwrap_err()) else { panic!("it was asked") };
    assert_eq!((rejected.why, stage.seen().requests), (Why::Paused, 1));
}

#[tokio::test]
async fn the_breaker_opens_after_some_outages_and_a_check_closes_it_again() {
    let stage = troubled(Trouble::Unavailable { status: 503 }).await;
    for _ in 0..3 {
        assert_eq!(fault(stage.outcome().await.unwrap_err()), Fault::Unavailable(503));
    }
    assert_eq!(stage.guard.view().state, State::Open);
    assert!(matches!(fault(stage.outcome().await.unwrap_err()), Fault::NotAsked(_)));
    stage.simulator.behave(Vendor::Deepgram, Behaviour::default());
    let end = Instant::now() + Duration::from_secs(5);
    while !stage.guard.wants_probe() {
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stage.ears.check().await.unwrap();
    assert_eq!(stage.guard.view().state, State::Closed);
    assert!(stage.outcome().await.is_ok());
}

#[tokio::test]
async fn one_that_is_silent_or_slow_is_not_waited_for() {
    for trouble in [Trouble::Silent, Trouble::SlowFirst { ms: 60_000 }] {
        let stage = troubled(trouble).await;
        let limit = quick().connect;
        assert_eq!(fault(stage.outcome().await.unwrap_err()), Fault::NoAnswer(limit));
        assert_eq!(fault(stage.ears.check().await.unwrap_err()), Fault::NoAnswer(limit));
        assert_eq!(stage.guard.view().counts.timed_out, 2);
        stage.all_gone().await;
    }
}

#[tokio::test]
async fn a_check_wants_an_answer_and_not_only_a_socket() {
    let stage = troubled(Trouble::Stall { after: 0 }).await;
    assert_eq!(fault(stage.ears.check().await.unwrap_err()), Fault::NoAnswer(quick().check));
    let stage = troubled(Trouble::Malformed { after: 0 }).await;
    assert!(matches!(fault(stage.ears.check().await.unwrap_err()), Fault::Malformed(_)));
    stage.simulator.behave(Vendor::Deepgram, Behaviour::default());
    stage.ears.check().await.unwrap();
}

#[tokio::test]
async fn an_engine_that_never_answers_short_utterances_does_not_pass_for_one_that_hears_nothing() {
    let stage = Stage::new(DeepgramConfig { finalize: Duration::from_millis(50), rescue: Duration::ZERO, ..quick() }).await;
    stage.simulator.behave(Vendor::Deepgram, Behaviour::with(Trouble::Stall { after: 0 }));
    let mut recognition = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
    assert_eq!(heard(&mut *recognition, 8000).await, "", "Finalize need not be answered");
    recognition.start();
    push(&mut *recognition, 8000, 300, 100);
    recognition.finish();
    assert!(matches!(fault(outcome(&mut *recognition).await.unwrap_err()), Fault::Stalled(_)));
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_caller_says_is_in_no_log_line() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let stage = Stage::new(quick()).await;
    assert_eq!(stage.outcome().await.unwrap().text, "good morning");
    stage.simulator.behave(Vendor::Deepgram, Behaviour::with(Trouble::Error { after: 1 }));
    let error = stage.outcome().await.unwrap_err();
    drop(guard);
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the socket broke"), "{logged}");
    for canary in ["good", "morning", "double room", "a-key"] {
        assert!(!logged.to_lowercase().contains(canary) && !error.to_string().contains(canary), "{canary} in {logged}");
    }
}
