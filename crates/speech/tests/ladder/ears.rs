//! A call is heard by the first engine that can, and by the next when that one fails.

use std::sync::Arc;
use std::time::Duration;

use speech::ladder::Rung;
use speech::ladder::ears::Ears;
use speech::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText};
use tokio::time::{Instant, sleep, timeout};

use crate::listener::{Act, Listener};
use crate::{Changes, Gate};

struct House {
    first: Arc<Listener>,
    second: Arc<Listener>,
    gate: Gate,
    changes: Changes,
    ears: Ears,
}

fn house() -> House {
    let (first, second) = (Listener::new("first"), Listener::new("second"));
    let (gate, changes) = (Gate::open(), Changes::default());
    let rungs =
        vec![Rung::outside(first.clone() as Arc<dyn SpeechToText>, gate.ask()), Rung::here(second.clone() as Arc<dyn SpeechToText>)];
    let ears = Ears::new(rungs).reporting(changes.noting());
    House { first, second, gate, changes, ears }
}

fn domain() -> Arc<Domain> {
    Arc::new(Domain { name: "test".into(), states: Default::default(), background: Vec::new() })
}

async fn open(house: &House) -> Box<dyn Recognition> {
    house.ears.open(Listening::plain(domain(), 8_000)).await.unwrap()
}

/// 100 ms of an utterance, all different.
fn sound(from: i16) -> Vec<i16> {
    (from..from + 800).collect()
}

fn say(recognition: &mut dyn Recognition) {
    recognition.start();
    recognition.push(&sound(0));
    recognition.push(&sound(800));
    recognition.finish();
}

async fn heard(recognition: &mut dyn Recognition) -> String {
    match recognition.next().await {
        RecognitionEvent::Final(transcript) => transcript.text,
        RecognitionEvent::Failed(fault) => format!("failed: {fault}"),
        other => panic!("{other:?}"),
    }
}

/// Lets the call go on for a time in which nothing is to be reported.
async fn quiet(recognition: &mut dyn Recognition, time: Duration) {
    assert!(timeout(time, recognition.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_first_that_is_let_through_and_opens_in_time_hears_the_call() {
    let house = house();
    assert_eq!(heard_once(&house).await, "first");
    assert_eq!(house.changes.take(), [""; 0]);
    assert_eq!(house.second.tape(), "", "the next one is not opened before it is needed");

    house.gate.set(false);
    assert_eq!(heard_once(&house).await, "second");
    assert_eq!(house.changes.take(), ["first -> second: not_let_through"]);

    house.gate.set(true);
    house.first.opens(&[Act::Hang, Act::Fail]);
    let began = Instant::now();
    assert_eq!(heard_once(&house).await, "second");
    assert_eq!((began.elapsed(), house.changes.take()), (Duration::from_millis(1_500), vec!["first -> second: late".to_owned()]));
    assert_eq!(heard_once(&house).await, "second");
    assert_eq!(house.changes.take(), ["first -> second: failed"]);
}

async fn heard_once(house: &House) -> String {
    let mut recognition = open(house).await;
    say(recognition.as_mut());
    heard(recognition.as_mut()).await
}

#[tokio::test(start_paused = true)]
async fn when_no_engine_opens_the_last_ones_error_is_told() {
    let house = house();
    house.first.opens(&[Act::Fail]);
    house.second.opens(&[Act::Fail]);
    let fault = house.ears.open(Listening::plain(domain(), 8_000)).await.err().unwrap();
    assert!(matches!(fault, SpeechError::Stopped { engine: "second" }), "{fault}");
    let fault = Ears::new(Vec::new()).open(Listening::plain(domain(), 8_000)).await.err().unwrap();
    assert!(matches!(fault, SpeechError::NoEngine { .. }), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_breaks_in_the_middle_of_an_utterance_is_replaced_and_all_of_it_is_heard() {
    let house = house();
    house.first.hears(&[Act::Break(1_000)]);
    let mut recognition = open(&house).await;
    recognition.expect("dates");
    recognition.start();
    recognition.push(&sound(0));
    recognition.push(&sound(800));
    quiet(recognition.as_mut(), Duration::from_millis(10)).await;
    assert_eq!(house.second.tape(), "open, expect dates, start");
    recognition.push(&sound(1_600));
    recognition.finish();
    assert_eq!(heard(recognition.as_mut()).await, "second");
    assert_eq!(*house.second.audio.lock().unwrap(), (0..2_400).collect::<Vec<i16>>(), "every sample, once");
    assert_eq!(house.changes.take(), ["first -> second: failed"]);
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second", "the call stays with it");
}

#[tokio::test(start_paused = true)]
async fn words_that_do_not_come_in_time_are_asked_of_the_next_engine() {
    let house = house();
    house.first.hears(&[Act::Hang]);
    let mut recognition = open(&house).await;
    let began = Instant::now();
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second");
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
    assert_eq!(house.second.audio.lock().unwrap().len(), 1_600);
    assert!(house.first.tape().ends_with("finish, cancel"));
    assert_eq!(house.changes.take(), ["first -> second: late"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_again_and_audio_during_the_change_is_not_lost() {
    let house = house();
    house.first.hears(&[Act::Break(800)]);
    let mut recognition = open(&house).await;
    recognition.start();
    recognition.push(&sound(0));
    // The failure is there, and the loop has not looked yet.
    recognition.push(&sound(800));
    recognition.pause();
    let RecognitionEvent::Partial(partial) = recognition.next().await else { panic!("a partial was due") };
    assert_eq!(partial.text, "second");
    assert!(house.second.tape().ends_with("start, pause"));
    recognition.push(&sound(1_600));
    recognition.finish();
    assert_eq!(heard(recognition.as_mut()).await, "second");
    assert_eq!(house.second.audio.lock().unwrap().len(), 2_400);
}

#[tokio::test(start_paused = true)]
async fn an_utterance_that_nobody_hears_is_lost_and_the_next_one_is_heard() {
    let house = house();
    house.first.hears(&[Act::Fail]);
    house.second.hears(&[Act::Fail]);
    let mut recognition = open(&house).await;
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "failed: second was stopped");
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second");

    let house = self::house();
    house.first.hears(&[Act::Fail]);
    house.second.opens(&[Act::Hang]);
    let mut recognition = open(&house).await;
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "failed: first was stopped");
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "first", "nothing better was there: it may hear the next one");
    assert_eq!(house.changes.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_better_engine_comes_back_between_utterances_after_half_a_minute_when_its_guard_lets_through() {
    let house = house();
    house.first.hears(&[Act::Fail]);
    let mut recognition = open(&house).await;
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second");
    house.changes.take();
    house.first.tape();
    house.gate.set(false);
    quiet(recognition.as_mut(), Duration::from_secs(60)).await;
    assert_eq!(house.first.tape(), "", "its guard does not let through");
    recognition.start();
    recognition.push(&sound(0));
    house.gate.set(true);
    quiet(recognition.as_mut(), Duration::from_secs(10)).await;
    assert_eq!(house.first.tape(), "", "not while the caller speaks");
    recognition.finish();
    assert_eq!(heard(recognition.as_mut()).await, "second");
    quiet(recognition.as_mut(), Duration::from_secs(6)).await;
    assert_eq!(house.first.tape(), "open");
    assert_eq!(house.changes.take(), ["second -> first: recovered"]);
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "first");
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_go_up_before_its_time_and_a_failed_attempt_costs_it_nothing() {
    let house = house();
    house.first.hears(&[Act::Fail]);
    let mut recognition = open(&house).await;
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second");
    house.first.tape();
    house.first.opens(&[Act::Hang]);
    quiet(recognition.as_mut(), Duration::from_secs(29)).await;
    assert_eq!(house.first.tape(), "");
    quiet(recognition.as_mut(), Duration::from_millis(1_100)).await;
    assert_eq!(house.first.tape(), "open");
    // While it is being opened, the caller is heard as before.
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second");
    quiet(recognition.as_mut(), Duration::from_secs(29)).await;
    assert_eq!(house.first.tape(), "");
    quiet(recognition.as_mut(), Duration::from_secs(3)).await;
    assert_eq!(house.first.tape(), "open");
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_a_cancel_and_no_more_than_half_a_minute_is_kept() {
    let house = house();
    house.first.hears(&[Act::Break(1), Act::Hang]);
    let mut recognition = open(&house).await;
    recognition.start();
    recognition.push(&sound(0));
    recognition.cancel();
    quiet(recognition.as_mut(), Duration::from_secs(5)).await;

    recognition.start();
    for _ in 0..400 {
        recognition.push(&sound(0));
        sleep(Duration::from_millis(1)).await;
    }
    recognition.finish();
    assert_eq!(heard(recognition.as_mut()).await, "second");
    assert_eq!(house.second.audio.lock().unwrap().len(), 30 * 8_000);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_breaks_while_nobody_speaks_is_replaced_before_the_next_utterance() {
    let house = house();
    house.first.hears(&[Act::WorkAndBreak]);
    let mut recognition = open(&house).await;
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "first");
    quiet(recognition.as_mut(), Duration::from_secs(1)).await;
    assert_eq!(house.changes.take(), ["first -> second: failed"]);
    assert_eq!(house.second.tape(), "open");
    say(recognition.as_mut());
    assert_eq!(heard(recognition.as_mut()).await, "second");
}

#[tokio::test]
async fn all_engines_are_prepared_and_one_that_cannot_be_does_not_stop_the_others() {
    let house = house();
    house.first.opens(&[Act::Fail]);
    house.ears.prepare(&domain()).await.unwrap();
    assert_eq!((*house.first.prepared.lock().unwrap(), *house.second.prepared.lock().unwrap()), (1, 1));
    house.first.opens(&[Act::Fail]);
    house.second.opens(&[Act::Fail]);
    assert!(matches!(house.ears.prepare(&domain()).await, Err(SpeechError::Stopped { engine: "first" })));
    assert!(matches!(house.ears.check().await, Err(SpeechError::Stopped { engine: "first" })), "the check is the first one's");
    assert_eq!(house.ears.names(), ["first", "second"]);
}
