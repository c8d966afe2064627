//! Calls that are cut off and go on: on another instance, after a crash, with an effect under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{Tool, ToolAnswer, ToolContext, Toolbox};
use async_trait::async_trait;
use call::{EndReason, ToolOutcome};
use serde_json::Value;
use session::{Ending, Interrupted, Order, Session};
use store::Progress;
use tokio::sync::Notify;

use super::far_end::connect;
use super::house::{House, booked, until};

/// Books rooms, and keeps each key with its effect as a tool must. It outlives processes, like a hotel's own system.
#[derive(Default)]
struct Desk {
    effects: Mutex<HashMap<String, Value>>,
    asked: Mutex<Vec<String>>,
    /// Set: the process dies while the tool works, before the effect or after it.
    dies: Mutex<Option<bool>>,
    reached: Notify,
    /// It says that it keeps no keys.
    forgets: bool,
}

#[async_trait]
impl Tool for Desk {
    fn name(&self) -> &'static str {
        "create_booking"
    }

    fn keeps_keys(&self) -> bool {
        !self.forgets
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> ToolAnswer {
        self.asked.lock().unwrap().push(context.idempotency_key.clone());
        let dies = self.dies.lock().unwrap().take();
        if dies != Some(false) {
            self.effects.lock().unwrap().entry(context.idempotency_key.clone()).or_insert_with(|| arguments.clone());
        }
        if dies.is_some() {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        ToolAnswer::Ok(booked())
    }
}

#[tokio::test]
async fn a_call_that_was_handed_over_goes_on_with_its_question() {
    let first = House::open(Vec::new()).await;
    let (socket, stream, mut caller) = connect();
    let (setup, orders, mut endings) = first.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&first.services)));
    caller.hears(|ear| ear.marks == 1).await;
    until(async || first.records.progress(first.call.id).await.unwrap().is_some()).await;
    orders.send_replace(Order::HandOver);
    let ear = caller.hears(|ear| ear.closed.is_some()).await;
    // What whoever takes it up needs is stored by the time the socket closes.
    let progress = first.records.progress(first.call.id).await.unwrap().unwrap();
    assert_eq!((ear.closed, progress.turns), (Some(4010), 1));
    let ending = served.await.unwrap();
    assert_eq!((ending.interrupted, endings.recv().await), (Some(Interrupted::HandedOver), Some(ending)));

    let second = first.again(Vec::new());
    let (socket, stream, mut caller) = connect();
    let elapsed = progress.elapsed_ms;
    let (setup, _orders, _endings) = second.setup(socket, stream, Some(progress));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&second.services)));
    caller.hears(|ear| ear.marks == 2).await;
    assert_eq!(second.said(), "Sorry, we were cut off for a moment. How can I help you?");
    caller.hangs_up();
    assert_eq!(served.await.unwrap().why, EndReason::CallerHungUp);
    let turns = second.records.turns(second.call.id).await.unwrap();
    assert_eq!(turns.iter().map(|turn| turn.index).collect::<Vec<_>>(), [0, 1]);
    assert!(turns[1].start_ms >= elapsed, "the call clock goes on: {turns:?}");
}

#[tokio::test]
async fn without_a_snapshot_a_resumed_call_begins_anew_behind_its_turns() {
    let house = House::open(Vec::new()).await;
    for (resumed, turns) in [(false, 1), (true, 2)] {
        let (socket, stream, mut caller) = connect();
        let (mut setup, _orders, _endings) = house.setup(socket, stream, None);
        setup.resumed = resumed;
        let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
        caller.hears(|ear| ear.marks == 1).await;
        until(async || house.records.turns(house.call.id).await.unwrap().len() == turns).await;
        caller.loses_the_line();
        served.await.unwrap();
    }
    let stored = house.records.turns(house.call.id).await.unwrap();
    assert!(stored.iter().all(|turn| turn.text.starts_with("Harbour View")), "{stored:?}");
    assert!(stored[1].start_ms >= stored[0].end_ms);
    // A snapshot that is none is no reason to hang up.
    let wrong = Progress { snapshot: serde_json::json!({ "brain": 1 }), turns: 2, elapsed_ms: 5000 };
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, Some(wrong));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.marks == 1).await;
    caller.hangs_up();
    assert_eq!(served.await.unwrap().why, EndReason::CallerHungUp);
}

#[tokio::test]
async fn words_that_were_cut_off_are_said_again() {
    let house = House::open(vec![Arc::new(Desk::default())]).await;
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, Some(house.at_the_read_back()));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.marks == 2).await;
    caller.presses('1');
    // The line breaks in the middle of the confirmation code.
    until(async || house.said().contains("Your confirmation code")).await;
    caller.loses_the_line();
    let ending = served.await.unwrap();
    assert_eq!((ending.interrupted, ending.why), (Some(Interrupted::StreamLost), EndReason::ConnectionLost));

    let progress = house.records.progress(house.call.id).await.unwrap();
    let second = house.again(Vec::new());
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = second.setup(socket, stream, progress);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&second.services)));
    caller.hears(|ear| ear.marks == 3).await;
    assert!(second.said().contains("cut off") && second.said().contains("Your confirmation code is four, two"), "{}", second.said());
    caller.hangs_up();
    served.await.unwrap();
}

/// The process dies while the booking is made.
async fn dies_while_booking(desk: &Arc<Desk>, after_the_effect: bool) -> House {
    *desk.dies.lock().unwrap() = Some(after_the_effect);
    let first = House::open(vec![Arc::clone(desk) as Arc<dyn Tool>]).await;
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = first.setup(socket, stream, Some(first.at_the_read_back()));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&first.services)));
    caller.hears(|ear| ear.marks == 2).await;
    assert!(first.said().contains("two hundred euros"), "{}", first.said());
    caller.presses('1');
    desk.reached.notified().await;
    served.abort();
    assert!(served.await.unwrap_err().is_cancelled());
    let claimed = first.records.tools(first.call.id).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].outcome), (1, ToolOutcome::Pending));
    first
}

/// Another process takes the call up.
async fn books_once(after_the_effect: bool) {
    let desk = Arc::new(Desk::default());
    let first = dies_while_booking(&desk, after_the_effect).await;
    let second = first.again(vec![Arc::clone(&desk) as Arc<dyn Tool>]);
    let progress = second.records.progress(second.call.id).await.unwrap();
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = second.setup(socket, stream, progress);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&second.services)));
    caller.hears(|_| second.said().contains("Your confirmation code is four, two")).await;
    caller.hangs_up();
    served.await.unwrap();
    assert_eq!(desk.effects.lock().unwrap().len(), 1, "one yes, one booking");
    let asked = desk.asked.lock().unwrap().clone();
    assert_eq!((asked.len(), &asked[0]), (2, &asked[1]), "the same request under the same key");
    let tools = second.records.tools(second.call.id).await.unwrap();
    assert_eq!((tools.len(), tools[0].outcome), (1, ToolOutcome::Ok));
}

#[tokio::test]
async fn a_crash_between_claim_and_effect_books_once() {
    books_once(false).await;
}

#[tokio::test]
async fn a_crash_between_effect_and_its_record_books_once() {
    books_once(true).await;
}

#[tokio::test]
async fn a_tool_that_keeps_no_keys_is_not_asked_again_after_a_crash() {
    let desk = Arc::new(Desk { forgets: true, ..Desk::default() });
    let first = dies_while_booking(&desk, true).await;
    let second = first.again(vec![Arc::clone(&desk) as Arc<dyn Tool>]);
    let progress = second.records.progress(second.call.id).await.unwrap();
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = second.setup(socket, stream, progress);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&second.services)));
    caller.hears(|_| second.said().contains("I'm sorry, that is not possible.")).await;
    caller.hangs_up();
    served.await.unwrap();
    assert_eq!(desk.asked.lock().unwrap().len(), 1, "whether it was booked is not known, so nobody books again");
    let tools = second.records.tools(second.call.id).await.unwrap();
    let told = (tools.len(), tools[0].outcome, tools[0].result["code"].as_str());
    assert_eq!(told, (1, ToolOutcome::Refused, Some("not_known")));
}

/// Books as slowly as a tool may, in paused time.
#[derive(Default)]
struct SlowDesk {
    asked: Notify,
}

#[async_trait]
impl Tool for SlowDesk {
    fn name(&self) -> &'static str {
        "create_booking"
    }

    fn deadline(&self) -> Duration {
        Toolbox::LONGEST
    }

    async fn call(&self, _: &ToolContext, _: &Value) -> ToolAnswer {
        self.asked.notify_one();
        tokio::time::sleep(Toolbox::LONGEST - Duration::from_secs(1)).await;
        tokio::time::resume(); // The records are at work from here on.
        ToolAnswer::Ok(booked())
    }
}

#[tokio::test]
async fn an_effect_as_slow_as_it_may_be_is_recorded_after_the_caller_has_hung_up() {
    let desk = Arc::new(SlowDesk::default());
    let house = House::open(vec![Arc::clone(&desk) as Arc<dyn Tool>]).await;
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, Some(house.at_the_read_back()));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.marks == 2).await;
    caller.presses('1');
    desk.asked.notified().await;
    caller.hangs_up();
    caller.hears(|ear| ear.closed.is_some()).await;
    tokio::time::pause();
    served.await.unwrap();
    let tools = house.records.tools(house.call.id).await.unwrap();
    assert_eq!((tools.len(), tools[0].outcome), (1, ToolOutcome::Ok));
}

#[tokio::test]
async fn an_outcome_that_was_stored_is_told_without_asking_the_tool_again() {
    let desk = Arc::new(Desk::default());
    let first = House::open(vec![Arc::clone(&desk) as Arc<dyn Tool>]).await;
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = first.setup(socket, stream, Some(first.at_the_read_back()));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&first.services)));
    caller.hears(|ear| ear.marks == 2).await;
    caller.presses('1');
    // The process dies with the outcome in the records and its words unsaid.
    until(async || first.records.tools(first.call.id).await.unwrap().iter().any(|tool| tool.outcome == ToolOutcome::Ok)).await;
    served.abort();
    let _ = served.await;
    let progress = first.records.progress(first.call.id).await.unwrap();

    let second = first.again(vec![Arc::clone(&desk) as Arc<dyn Tool>]);
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = second.setup(socket, stream, progress);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&second.services)));
    caller.hears(|_| second.said().contains("Your confirmation code")).await;
    caller.hangs_up();
    served.await.unwrap();
    assert_eq!(desk.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stop_of_the_service_ends_a_call_politely() {
    let house = House::open(Vec::new()).await;
    let (socket, stream, mut caller) = connect();
    let (setup, orders, mut endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.marks == 1).await;
    orders.send_replace(Order::SayGoodbye);
    let ear = caller.hears(|ear| ear.closed.is_some()).await;
    assert_eq!((ear.closed, ear.marks), (Some(1001), 2));
    assert!(house.said().ends_with("We will call you back. Goodbye!"));
    let Ending { why, interrupted, .. } = served.await.unwrap();
    assert_eq!((why, interrupted), (EndReason::Drained, None));
    assert_eq!(endings.recv().await.unwrap().why, EndReason::Drained);
}

#[tokio::test]
async fn an_end_that_cannot_be_stored_keeps_no_socket_open_for_long() {
    let house = House::open(Vec::new()).await;
    let (socket, stream, mut caller) = connect();
    let (mut setup, orders, _endings) = house.setup(socket, stream, None);
    setup.on_end = Box::new(|_| Box::pin(std::future::pending()));
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.marks == 1).await;
    let asked = tokio::time::Instant::now();
    orders.send_replace(Order::HandOver);
    caller.hears(|ear| ear.closed.is_some()).await;
    assert!(asked.elapsed() >= session::END_LIMIT && asked.elapsed() < session::END_LIMIT + Duration::from_secs(3));
    served.await.unwrap();
}

#[tokio::test]
async fn a_caller_who_hung_up_before_the_break_was_seen_has_hung_up() {
    let house = House::open(Vec::new()).await;
    let (socket, stream, mut caller) = connect();
    let (setup, _orders, _endings) = house.setup(socket, stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    caller.hears(|ear| ear.speech > 0).await;
    caller.hangs_up();
    let ending = served.await.unwrap();
    assert_eq!((ending.why, ending.interrupted), (EndReason::CallerHungUp, None));
}
