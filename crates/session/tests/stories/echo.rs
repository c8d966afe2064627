//! The echo agent hears the same orders and ends the same ways.

use std::sync::Arc;

use agent::AgentDefinition;
use call::EndReason;
use session::{Ending, Interrupted, Order, Session};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::far_end::{Caller, connect};
use super::house::House;

async fn echo() -> (Caller, watch::Sender<Order>, JoinHandle<Ending>) {
    let mut house = House::open(Vec::new()).await;
    house.agent = Arc::new(AgentDefinition::echo());
    let (socket, stream, caller) = connect();
    let (setup, orders, _endings) = house.setup(socket, stream, None);
    (caller, orders, tokio::spawn(Session::serve(setup, Arc::clone(&house.services))))
}

#[tokio::test]
async fn an_echo_call_is_handed_over_closed_or_lost() {
    let (mut caller, orders, served) = echo().await;
    caller.hears(|ear| ear.frames > 2).await;
    orders.send_replace(Order::HandOver);
    caller.hears(|ear| ear.closed == Some(4010)).await;
    assert_eq!(served.await.unwrap().interrupted, Some(Interrupted::HandedOver));

    let (mut caller, orders, served) = echo().await;
    orders.send_replace(Order::SayGoodbye);
    caller.hears(|ear| ear.closed == Some(1001)).await;
    assert_eq!(served.await.unwrap().why, EndReason::Drained);

    let (mut caller, _orders, served) = echo().await;
    caller.hears(|ear| ear.frames > 0).await;
    caller.loses_the_line();
    assert_eq!(served.await.unwrap().interrupted, Some(Interrupted::StreamLost));

    let (mut caller, _orders, served) = echo().await;
    caller.hears(|ear| ear.frames > 0).await;
    caller.hangs_up();
    let ending = served.await.unwrap();
    assert_eq!((ending.why, ending.interrupted), (EndReason::CallerHungUp, None));
}
