//! Words that are owed: the line is never silent for long, and nothing is said over the caller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{Exit, Tool, ToolAnswer, ToolContext};
use async_trait::async_trait;
use serde_json::Value;
use session::Session;
use tokio::sync::Notify;

use super::far_end::{Ear, connect};
use super::house::{House, booked};
use super::talk_over::sentence;

const LONGEST_SILENCE: Duration = Duration::from_millis(2500);

/// The longest time without a sound, from the first one on.
fn longest_silence(ear: &Ear) -> Duration {
    ear.played.windows(2).map(|pair| pair[1].0.saturating_duration_since(pair[0].1)).max().unwrap_or_default()
}

#[tokio::test]
async fn while_the_voice_is_slow_fillers_are_said_and_the_words_follow_without_a_gap() {
    let house = House::open(Vec::new()).await;
    *house.voice.slow.lock().unwrap() = Some(("Harbour View", Duration::from_millis(8_200)));
    tokio::time::pause();
    let (socket, stream, mut caller) = connect();
    let began = tokio::time::Instant::now();
    let (setup, _orders, _endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.played.len() == 4).await;
    tokio::time::resume(); // The records are at work from here on.
    let ear = caller.hears(|ear| ear.played.len() == 5).await;
    assert!(ear.played[0].0 - began <= LONGEST_SILENCE && longest_silence(&ear) <= LONGEST_SILENCE, "{:?}", ear.played);
    let said = house.voice.said.lock().unwrap().clone();
    assert_eq!(
        said[1..],
        ["One moment, please.", "Just a second.", "Let me think.", "I'm sorry that this takes so long. Please stay on the line."]
    );
    caller.hears(|ear| ear.marks == 5).await;
    caller.hangs_up();
    served.await.unwrap();
    let turns = house.records.turns(house.call.id).await.unwrap();
    assert_eq!((turns.len(), &turns[0].text), (1, &said[0]), "fillers are no turns and no part of one");
    assert_eq!((turns[0].interrupted, &turns[0].heard), (false, &turns[0].text));
    assert!(turns[0].start_ms >= 8_000, "the turn begins with its own words: {turns:?}");
}

#[tokio::test]
async fn words_that_come_during_a_filler_follow_it_at_once() {
    let house = House::open(Vec::new()).await;
    // The filler begins at 1.8 s and lasts 100 ms.
    *house.voice.slow.lock().unwrap() = Some(("Harbour View", Duration::from_millis(1_850)));
    tokio::time::pause();
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    let ear = caller.hears(|ear| ear.marks == 2).await;
    assert_eq!((ear.played.len(), ear.speech, ear.clears), (1, 1600, 0), "one stretch of sound: {:?}", ear.played);
    caller.hangs_up();
    served.await.unwrap();
}

#[tokio::test]
async fn a_reply_that_never_comes_ends_with_a_way_out() {
    let house = House::open(Vec::new()).await;
    *house.voice.slow.lock().unwrap() = Some(("Harbour View", Duration::from_secs(3600)));
    tokio::time::pause();
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    let ear = caller.hears(|ear| ear.closed.is_some()).await;
    assert!(longest_silence(&ear) <= LONGEST_SILENCE, "{:?}", ear.played);
    assert!(house.said().ends_with("I'm sorry, I can't get this done just now. One moment please, I will put you through."));
    assert_eq!(served.await.unwrap().exit, Some(Exit::Transfer { to: "+12025550143".into() }));
}

#[tokio::test]
async fn a_filler_is_not_said_over_the_callers_voice() {
    let house = House::open(Vec::new()).await;
    *house.voice.slow.lock().unwrap() = Some(("Harbour View", Duration::from_secs(3600)));
    house.voice.length.store(1500, std::sync::atomic::Ordering::Relaxed);
    tokio::time::pause();
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.speech > 0).await;
    caller.speaks(sentence());
    let ear = caller.hears(|ear| !ear.voiceless.is_empty()).await;
    let (voiced, voiceless) = (ear.voiced[0], ear.voiceless[0]);
    let over = ear.played.iter().filter(|(_, until)| *until > voiced + Duration::from_millis(300)).count();
    assert_eq!((ear.clears, over), (1, 0), "{:?} and the caller spoke from {voiced:?} to {voiceless:?}", ear.played);
    caller.hangs_up();
    served.await.unwrap();
}

/// A desk that books when it is told to.
#[derive(Default)]
struct Desk {
    asked: Notify,
    answers: Notify,
    calls: Mutex<u32>,
}

#[async_trait]
impl Tool for Desk {
    fn name(&self) -> &'static str {
        "create_booking"
    }

    async fn call(&self, _: &ToolContext, _: &Value) -> ToolAnswer {
        *self.calls.lock().unwrap() += 1;
        self.asked.notify_one();
        self.answers.notified().await;
        ToolAnswer::Ok(booked())
    }
}

/// The caller speaks while a tool works, and its answer comes in the middle of that. In real time: the records are at work.
async fn spoken_over_a_tool(words: &'static str) -> (House, Ear) {
    let desk = Arc::new(Desk::default());
    let house = House::open(vec![Arc::clone(&desk) as Arc<dyn Tool>]).await;
    house.ears.lines.lock().unwrap().push_back(words);
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, Some(house.at_the_read_back()));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.marks == 2).await;
    caller.presses('1');
    desk.asked.notified().await;
    caller.speaks(sentence());
    caller.hears(|ear| !ear.voiced.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    desk.answers.notify_one();
    let ear = caller.hears(|ear| ear.played.last().is_some_and(|(from, _)| ear.voiceless.first().is_some_and(|end| from > end))).await;
    caller.hears(|_| house.said().contains("confirmation code is four, two")).await;
    caller.hangs_up();
    served.await.unwrap();
    assert_eq!(*desk.calls.lock().unwrap(), 1);
    (house, ear)
}

#[tokio::test]
async fn a_reply_that_is_ready_while_the_caller_speaks_waits_and_is_said_after_a_murmur() {
    let (house, ear) = spoken_over_a_tool("okay").await;
    let (from, until) = (ear.voiced[0] + Duration::from_millis(400), ear.voiceless[0]);
    let over: Vec<_> = ear.played.iter().filter(|(begin, end)| *end > from && *begin < until).collect();
    assert!(over.is_empty(), "the agent spoke over the caller: {over:?}, who spoke until {until:?}");
    assert_eq!(house.said().matches("confirmation code is").count(), 1);
}

#[tokio::test]
async fn a_reply_that_was_overtaken_by_new_words_is_dropped_but_what_was_done_is_told() {
    let (house, _) = spoken_over_a_tool("what time is breakfast").await;
    assert_eq!(house.said().matches("confirmation code is").count(), 1, "{}", house.said());
}
