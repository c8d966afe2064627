//! The caller's voice over the agent's words: the agent pauses at once, and goes on or stops. Time is paused and runs when everybody waits; where
//! records are read, real time comes back before they are written: a database's thread does not know of paused time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use call::Speaker;
use session::{Ending, Session};
use tokio::task::JoinHandle;

use super::far_end::{Caller, connect};
use super::house::House;

/// Length of everything the agent says here.
const SPEECH: Duration = Duration::from_secs(4);

/// The sentence "I would like a double room for two nights, please.", as a line carries it.
pub(super) fn sentence() -> Vec<i16> {
    let mut pcm = Vec::new();
    audio::g711::decode_ulaw(include_bytes!("../../../audio/tests/fixtures/flite-slt.ulaw"), &mut pcm);
    let loud = pcm.iter().position(|sample| sample.unsigned_abs() > 1000).unwrap();
    pcm.split_off(loud)
}

/// The first part of it.
fn sound(ms: usize) -> Vec<i16> {
    sentence().into_iter().take(ms * 8).collect()
}

/// A caller who hears the greeting, and what will be understood of each utterance.
async fn greeted(lines: &[&'static str]) -> (House, Caller, JoinHandle<Ending>) {
    let house = House::open(Vec::new()).await;
    house.voice.length.store(SPEECH.as_millis() as usize, Ordering::Relaxed);
    house.ears.lines.lock().unwrap().extend(lines);
    tokio::time::pause();
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.speech > 8000).await;
    (house, caller, served)
}

/// Time of the agent's words that the caller really heard.
fn heard(caller: &Caller) -> Duration {
    caller.ear.borrow().played.iter().map(|(from, until)| *until - *from).sum()
}

#[tokio::test]
async fn after_a_murmur_the_rest_is_said_from_where_it_was_not_heard_any_more() {
    let (house, mut caller, served) = greeted(&["mhm"]).await;
    caller.speaks(sound(320));
    let ear = caller.hears(|ear| ear.played.len() == 2).await;
    tokio::time::resume();
    assert_eq!(ear.clears, 1);
    let [(_, until), (from, _)] = ear.played[..] else { panic!("one pause: {:?}", ear.played) };
    assert_eq!(until, ear.cleared[0], "quiet at once");
    assert!(from - until < Duration::from_millis(1000), "the pause took {:?}", from - until);
    caller.hears(|ear| ear.marks == 1).await;
    let lost = SPEECH.abs_diff(heard(&caller));
    assert!(lost <= Duration::from_millis(1), "nothing is left out and nothing is said twice: {lost:?}");
    assert_eq!(house.voice.said.lock().unwrap().len(), 1, "and nothing else was said");
    caller.hangs_up();
    served.await.unwrap();
    let turns = house.records.turns(house.call.id).await.unwrap();
    assert_eq!(turns.len(), 1, "a murmur is no turn: {turns:?}");
    assert!(!turns[0].interrupted && turns[0].heard == turns[0].text);
}

#[tokio::test]
async fn after_a_cough_the_agent_goes_on() {
    let (_house, mut caller, served) = greeted(&[]).await;
    caller.speaks(sound(160));
    let ear = caller.hears(|ear| ear.marks == 1).await;
    assert_eq!((ear.clears, ear.played.len()), (1, 2));
    assert!(SPEECH.abs_diff(heard(&caller)) <= Duration::from_millis(1));
    caller.hangs_up();
    served.await.unwrap();
}

#[tokio::test]
async fn marks_that_a_clear_brings_back_prove_nothing() {
    // Twice: with the second pause the mark of the first resume is old too.
    let (_house, mut caller, served) = greeted(&["mhm", "okay"]).await;
    caller.speaks(sound(320));
    caller.hears(|ear| ear.played.len() == 2).await;
    caller.speaks([vec![0; 2400], sound(320)].concat());
    caller.hears(|ear| ear.clears == 2).await;
    let ear = caller.hears(|ear| ear.marks == 1).await;
    assert!(SPEECH.abs_diff(heard(&caller)) <= Duration::from_millis(2));
    let names: std::collections::BTreeSet<_> = ear.names.iter().collect();
    assert_eq!(names.len(), ear.names.len(), "no name is sent twice: {:?}", ear.names);
    caller.hangs_up();
    served.await.unwrap();
}

#[tokio::test]
async fn a_real_interruption_cuts_the_turn_to_what_was_heard_and_loses_no_word_of_the_caller() {
    let (house, mut caller, served) = greeted(&["i would like a double room for two nights please"]).await;
    let words = sentence();
    let spoken = words.len();
    caller.speaks(words);
    let ear = caller.hears(|ear| ear.clears == 1).await;
    tokio::time::resume();
    let pause = ear.cleared[0] - ear.voiced[0];
    println!("barge-in: {pause:?} from the caller's first voiced frame to the clear on the wire");
    assert!(pause <= Duration::from_millis(260), "{pause:?}");
    let before = heard(&caller);
    caller.hears(|ear| ear.played.len() == 2).await;
    assert_eq!(caller.ear.borrow().clears, 1, "once is enough");
    assert!(house.ears.pushed.lock().unwrap()[0] >= spoken, "all of it reached the recogniser");
    caller.hangs_up();
    served.await.unwrap();
    let turns = house.records.turns(house.call.id).await.unwrap();
    assert!(turns[0].interrupted && turns[0].heard.len() < turns[0].text.len(), "{turns:?}");
    let share = before.as_secs_f64() / SPEECH.as_secs_f64();
    assert!(turns[0].heard.len() as f64 <= share * turns[0].text.len() as f64 + 1.0, "{:?} of {before:?}", turns[0].heard);
    assert_eq!((turns[1].speaker, turns[1].text.as_str()), (Speaker::Caller, "i would like a double room for two nights please"));
}
