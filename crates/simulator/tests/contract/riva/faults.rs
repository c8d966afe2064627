//! What goes wrong, and what the caller's ears make of it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use outbound::Fault;
use resilience::{State, Why};
use simulator::{Behaviour, Trouble};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

impl Scene {
    fn trouble(&self, trouble: Trouble) {
        self.simulator.behave(Vendor::Riva, Behaviour::with(trouble));
    }

    fn recover(&self) {
        self.simulator.behave(Vendor::Riva, Behaviour::default());
    }
}

fn fault(outcome: Result<Transcript, SpeechError>) -> Fault {
    match outcome {
        Err(SpeechError::Outside { engine: NAME, fault }) => fault,
        other => panic!("no fault of Riva's: {other:?}"),
    }
}

#[tokio::test]
async fn a_silent_or_slow_vendor_is_given_up_at_our_deadline() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    for trouble in [Trouble::Silent, Trouble::SlowFirst { ms: 60_000 }, Trouble::Stall { after: 0 }] {
        scene.trouble(trouble);
        let begun = Instant::now();
        assert_eq!(fault(utter(&mut *ears).await), Fault::NoAnswer(limits().finish), "{trouble:?}");
        assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    }
    assert_eq!(scene.guard.view().state, State::Open);
    eventually("a stream is left", PATIENCE, || scene.seen().open == 0).await;
}

#[tokio::test]
async fn words_that_came_before_a_stall_are_not_lost() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    scene.trouble(Trouble::Stall { after: 1 });
    assert_eq!(utter(&mut *ears).await.unwrap().text, "good");
    assert_eq!(scene.guard.view().counts.timed_out, 1);
}

#[tokio::test]
async fn a_vendor_that_takes_no_more_sound_does_not_hold_up_the_end() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    scene.trouble(Trouble::Stall { after: 1 });
    ears.start();
    // More than a connection takes before it is read.
    speak_for(&mut *ears, 1400);
    let RecognitionEvent::Partial(_) = next(&mut *ears).await else { panic!("no words") };
    let finished = Instant::now();
    ears.finish();
    assert_eq!(outcome(&mut *ears).await.unwrap().text, "good");
    assert!(finished.elapsed() < Duration::from_millis(900), "{:?}", finished.elapsed());
}

#[tokio::test]
async fn an_utterance_that_was_cut_is_heard_again_from_its_beginning() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    scene.trouble(Trouble::Cut { after: 1 });
    ears.start();
    // Enough for one result: the next one is cut.
    speak_for(&mut *ears, 20);
    assert!(matches!(next(&mut *ears).await, RecognitionEvent::Partial(_)));
    scene.recover();
    speak(&mut *ears);
    ears.finish();
    let heard = outcome(&mut *ears).await.unwrap();
    assert_eq!(heard.text, "i would like to book a double room for two nights", "the script's next line, as a whole");
    assert_eq!(scene.riva.channels().view().replaced, 1);
    assert!(scene.meter.usage()[0].amount > 1700, "what was heard twice is counted twice");
}

#[tokio::test]
async fn an_utterance_that_is_cut_twice_is_lost_and_the_next_one_is_not() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    scene.trouble(Trouble::Cut { after: 0 });
    let requests = scene.seen().requests;
    assert!(matches!(fault(utter(&mut *ears).await), Fault::Cut(_) | Fault::Connect(_)));
    assert_eq!(scene.seen().requests, requests + 2);
    scene.recover();
    assert!(utter(&mut *ears).await.is_ok());
}

#[tokio::test]
async fn an_error_within_the_stream_is_tried_once_more_and_a_message_that_makes_no_sense_is_not() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    let requests = scene.seen().requests;
    scene.trouble(Trouble::Error { after: 1 });
    assert_eq!(fault(utter(&mut *ears).await), Fault::Unavailable(13));
    assert_eq!(scene.seen().requests, requests + 2);
    scene.guard.reset();
    scene.trouble(Trouble::Malformed { after: 1 });
    assert_eq!(fault(utter(&mut *ears).await), Fault::Malformed("a message"));
    assert_eq!(scene.seen().requests, requests + 3);
    assert_eq!(scene.riva.channels().view().replaced, 0, "the connections are not at fault");
}

#[tokio::test]
async fn a_wrong_key_is_told_when_the_call_is_opened_and_the_breaker_stays_closed() {
    let (simulator, guard) = (Simulator::quick().await.unwrap(), guard());
    let config = channels(simulator.url(Vendor::Riva)).key(&"wrong-key".to_owned().into());
    let riva = Riva::new(config, guard.clone(), limits()).unwrap();
    for _ in 0..5 {
        let refused = riva.open(Listening::plain(domain(), 8000)).await.err().expect("it was opened");
        assert!(matches!(refused, SpeechError::Outside { fault: Fault::Key(401), .. }), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains("wrong-key"));
    }
    assert_eq!((guard.view().state, guard.view().counts.failed), (State::Closed, 0));
}

#[tokio::test]
async fn too_many_requests_pause_the_road_and_do_not_open_it() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    scene.trouble(Trouble::TooMany { retry_after: Some(2) });
    assert_eq!(fault(utter(&mut *ears).await), Fault::Throttled(Some(Duration::from_secs(2))));
    assert_eq!(scene.guard.view().state, State::Closed);
    assert!(matches!(fault(utter(&mut *ears).await), Fault::NotAsked(rejected) if rejected.why == Why::Paused));
}

#[tokio::test]
async fn the_breaker_opens_after_failures_in_a_row_and_a_check_closes_it() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    scene.trouble(Trouble::Unavailable { status: 503 });
    while scene.guard.view().state == State::Closed {
        assert_eq!(fault(utter(&mut *ears).await), Fault::Unavailable(14));
    }
    assert!(matches!(fault(utter(&mut *ears).await), Fault::NotAsked(rejected) if rejected.why == Why::Open));
    eventually("it is never probed", PATIENCE, || scene.guard.wants_probe()).await;
    assert!(within(scene.riva.check()).await.is_err());
    scene.recover();
    eventually("it is never probed", PATIENCE, || scene.guard.wants_probe()).await;
    within(scene.riva.check()).await.unwrap();
    assert_eq!(scene.guard.view().state, State::Closed);
    assert!(utter(&mut *ears).await.is_ok());
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn what_callers_say_is_in_no_log_line_and_in_no_error() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(log.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    assert_eq!(utter(&mut *ears).await.unwrap().text, "good morning");
    let mut errors = String::new();
    for trouble in [Trouble::Cut { after: 1 }, Trouble::Malformed { after: 1 }, Trouble::Error { after: 1 }] {
        scene.guard.reset();
        scene.trouble(trouble);
        let fault = utter(&mut *ears).await.unwrap_err();
        errors += &format!("{fault} {fault:?}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a connection failed and is replaced"), "nothing was logged: {log}");
    for word in ["morning", "book", "breakfast", "goodbye", "mezzanine"] {
        assert!(!log.contains(word) && !errors.contains(word), "{word}");
    }
}
