//! A caller waits in line. Time is paused and runs when everybody waits: a minute of music takes a moment.

use std::sync::Arc;
use std::time::Duration;

use call::{EndReason, PhoneNumber};
use session::hold::{HoldEnd, HoldNews, HoldOver, HoldSetup, hold};
use session::{MediaSocket, Order, Session, close};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::far_end::{Caller, Socket, connect};
use super::house::House;

struct Waiting {
    house: House,
    caller: Caller,
    news: watch::Sender<HoldNews>,
    orders: watch::Sender<Order>,
    hangup: CancellationToken,
    leaving: oneshot::Receiver<HoldOver>,
    end: JoinHandle<HoldEnd<Socket>>,
}

fn place(position: u64) -> HoldNews {
    HoldNews::Waiting { position, expected_wait: None }
}

/// A caller with this number waits at this place.
async fn waiting(from: &str, first: HoldNews) -> Waiting {
    let mut house = House::open(Vec::new()).await;
    house.call.from = PhoneNumber::new(from);
    tokio::time::pause();
    let (socket, stream, caller) = connect();
    let (news, told) = watch::channel(first);
    let (orders, ordered) = watch::channel(Order::GoOn);
    let hangup = CancellationToken::new();
    let (leaves, leaving) = oneshot::channel();
    let setup = HoldSetup {
        socket,
        stream,
        call: house.call.clone(),
        agent: Arc::clone(&house.agent),
        news: told,
        hangup: hangup.clone(),
        orders: ordered,
        on_leaving: Box::new(move |over| {
            let _ = leaves.send(over);
        }),
    };
    let end = tokio::spawn(hold(Box::new(setup), Arc::clone(&house.services)));
    Waiting { house, caller, news, orders, hangup, leaving, end }
}

impl Waiting {
    async fn over(self) -> HoldOver {
        self.end.await.unwrap().over
    }
}

/// What the tune itself needs; a twentieth more for the line's coarse steps.
fn steepest_of_the_tune() -> i32 {
    let mut pcm = vec![0; 8000 * 20];
    audio::hold::HoldMusic::new(8000).fill(&mut pcm);
    let steepest = pcm.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap();
    steepest + steepest / 20
}

#[tokio::test]
async fn a_waiting_caller_hears_place_wait_offer_and_music() {
    let first = HoldNews::Waiting { position: 3, expected_wait: Some(Duration::from_secs(240)) };
    let mut wait = waiting("+12025550199", first).await;
    let ear = wait.caller.hears(|ear| ear.marks == 4 && ear.music > 8000 * 30).await;
    let said = wait.house.said();
    let expected = "All our agents are busy at the moment. You are number three in line. The expected wait is about four minutes. \
                    If you would like us to call you back, press 1.";
    assert_eq!(said, expected);
    assert!(ear.steepest <= steepest_of_the_tune(), "a click in the music: {}", ear.steepest);
    assert_eq!(ear.clears, 0);
    // Nothing new: the same again after 45 seconds, from the cache.
    let started = Instant::now();
    wait.caller.hears(|ear| ear.marks == 7).await;
    assert!(started.elapsed() < Duration::from_secs(46));
    assert_eq!(wait.house.said(), expected);
    wait.caller.hangs_up();
    assert_eq!(wait.over().await, HoldOver::HungUp);
}

#[tokio::test]
async fn a_place_that_changes_is_told_at_most_every_ten_seconds_and_the_newest_counts() {
    let mut wait = waiting("anonymous", place(9)).await;
    wait.caller.hears(|ear| ear.marks == 2).await;
    let started = Instant::now();
    for position in (2..9).rev() {
        wait.news.send_replace(place(position));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    wait.news.send_replace(place(1));
    wait.caller.hears(|ear| ear.marks == 3).await;
    assert!((8..12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(wait.house.said(), "All our agents are busy at the moment. You are number nine in line. You are next in line.");
    // The line breaks; nobody said that the call is over.
    wait.caller.loses_the_line();
    assert_eq!(wait.over().await, HoldOver::StreamLost);
}

#[tokio::test]
async fn a_caller_who_presses_1_is_promised_a_call_and_hears_it() {
    let mut wait = waiting("+12025550199", place(2)).await;
    wait.caller.hears(|ear| ear.marks == 3 && ear.music > 0).await;
    wait.caller.presses('7');
    wait.caller.presses('1');
    wait.caller.hears(|ear| ear.clears == 1).await;
    assert_eq!(wait.leaving.await.unwrap(), HoldOver::Callback);
    assert!(!wait.end.is_finished(), "the place is given up while the promise is being said");
    let (house, mut caller) = (wait.house, wait.caller);
    let end = wait.end.await.unwrap();
    assert_eq!(end.over, HoldOver::Callback);
    assert!(house.said().ends_with("Thank you. We will call you back at this number. Goodbye!"), "{}", house.said());
    let ear = caller.hears(|_| true).await;
    assert_eq!((ear.names.len(), ear.marks), (4, 4), "every word was heard before it ended");
    assert_eq!(ear.closed, None, "the socket is left to the server");
}

#[tokio::test]
async fn a_caller_without_a_number_is_offered_no_callback() {
    let mut wait = waiting("client:browser", place(2)).await;
    wait.caller.hears(|ear| ear.marks == 2 && ear.music > 8000).await;
    wait.caller.presses('1');
    wait.caller.hears(|ear| ear.marks == 4).await;
    assert!(!wait.house.said().contains("press 1"));
    wait.hangup.cancel();
    assert_eq!(wait.over().await, HoldOver::Operator);
}

#[tokio::test]
async fn a_promoted_caller_goes_on_over_the_same_socket() {
    let mut wait = waiting("+12025550199", place(1)).await;
    let waited = wait.caller.hears(|ear| ear.music > 8000 * 5).await;
    wait.news.send_replace(HoldNews::Granted);
    let end = wait.end.await.unwrap();
    assert_eq!(end.over, HoldOver::Granted);
    assert!(wait.house.said().ends_with("Thank you for waiting."));
    assert_eq!(wait.caller.ear.borrow().clears, 1, "the music stops at once");
    // The conversation needs the database: from here on time is real.
    tokio::time::resume();
    let (setup, _orders, mut endings) = wait.house.setup(end.socket, end.stream, None);
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&wait.house.services)));
    let house = &wait.house;
    let ear = wait.caller.hears(|ear| ear.names.iter().any(|name| name == "p1") && ear.marks == ear.names.len()).await;
    assert!(house.said().contains("Harbour View Hotel"), "{}", house.said());
    let first_talk = ear.names.iter().position(|name| name == "p1").unwrap();
    assert!(first_talk > waited.marks && ear.names[..first_talk].iter().all(|name| name.starts_with("hold")), "{:?}", ear.names);
    wait.caller.hangs_up();
    assert_eq!(served.await.unwrap().why, EndReason::CallerHungUp);
    assert_eq!(endings.recv().await.unwrap().interrupted, None);
}

#[tokio::test]
async fn orders_end_a_wait() {
    let mut wait = waiting("+12025550199", place(1)).await;
    wait.caller.hears(|ear| ear.music > 0).await;
    wait.orders.send_replace(Order::HandOver);
    let asked = Instant::now();
    let mut end = wait.end.await.unwrap();
    assert_eq!((end.over, asked.elapsed() < Duration::from_millis(50)), (HoldOver::HandedOver, true));
    end.socket.close(close::HANDED_OVER.0, close::HANDED_OVER.1).await;
    wait.caller.hears(|ear| ear.closed == Some(4010)).await;
    tokio::time::resume();

    for (from, words) in [("+12025550199", "We will call you back"), ("anonymous", "Please call again in a few minutes")] {
        let mut wait = waiting(from, place(1)).await;
        wait.caller.hears(|ear| ear.music > 0).await;
        wait.orders.send_replace(Order::SayGoodbye);
        let (house, over) = (wait.house, wait.end.await.unwrap().over);
        assert_eq!(over, HoldOver::Goodbye);
        assert!(house.said().contains(words), "{}", house.said());
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_caller_who_was_taken_out_of_the_queue_is_told() {
    // Known before the first look, and nobody left to tell more.
    let wait = waiting("+12025550199", HoldNews::Removed).await;
    drop(wait.news);
    let (house, over) = (wait.house, wait.end.await.unwrap().over);
    assert_eq!(over, HoldOver::Removed);
    assert!(house.said().starts_with("We are sorry, nobody can take your call"), "{}", house.said());
}

#[tokio::test]
async fn a_promise_stands_when_the_caller_hangs_up_over_it() {
    let mut wait = waiting("+12025550199", place(2)).await;
    wait.caller.hears(|ear| ear.music > 0).await;
    wait.caller.presses('1');
    wait.caller.hangs_up();
    assert_eq!(wait.over().await, HoldOver::Callback);
}

#[tokio::test]
async fn a_long_wait_is_told_about_to_its_end() {
    let news = |position| HoldNews::Waiting { position, expected_wait: Some(Duration::from_secs(position * 60)) };
    let mut wait = waiting("+12025550199", news(2)).await;
    // Two sentences every ten seconds: more than one reply may have.
    for position in (3..5).cycle().take(105) {
        let marks = wait.caller.ear.borrow().marks;
        wait.news.send_replace(news(position));
        wait.caller.hears(|ear| ear.marks >= marks + 2).await;
    }
    wait.caller.hears(|ear| ear.marks > 210).await;
    wait.caller.hangs_up();
    assert_eq!(wait.over().await, HoldOver::HungUp);
}
