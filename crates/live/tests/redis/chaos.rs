//! Servers that die, hang, forget and change places.

use std::sync::Arc;
use std::time::{Duration, Instant};

use live::contract::Stage;
use live::{Beat, CallEntry, InstanceName, LiveError, LiveState, Pulse, RedisState, Rules};
use testkit::redis::{RedisSentinels, RedisServer};
use tokio::time::sleep;

use super::stage::Place;

/// What an operation may take, with some room for a busy machine.
pub(crate) const AT_MOST: Duration = Duration::from_millis(1200);
/// What one may take while the server is known to be away.
const AT_ONCE: Duration = Duration::from_millis(100);

fn name(name: &str) -> InstanceName {
    InstanceName::new(name).unwrap()
}

pub(crate) fn call(call_id: &str, instance: &str) -> CallEntry {
    CallEntry {
        call_id: call_id.into(),
        agent_id: "desk".into(),
        started_at: 1.5,
        phone_number: None,
        metadata: None,
        instance: name(instance),
    }
}

pub(crate) async fn beat(state: &RedisState, instance: &str) -> Result<Pulse, LiveError> {
    state.beat(&Beat { instance: name(instance), limit: 5, draining: false, url: None }).await
}

/// The operation fails as one that found nobody, and in time.
async fn is_away(state: &RedisState, within: Duration) {
    let began = Instant::now();
    let found = state.call_count().await;
    assert!(matches!(found, Err(LiveError::Unavailable { .. })), "{found:?}");
    assert!(began.elapsed() < within, "it took {:?}", began.elapsed());
}

/// Until it works again.
async fn is_back(state: &RedisState) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(fault) = state.check().await {
        assert!(Instant::now() < deadline, "it does not come back: {fault}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_dies_is_told_at_once_and_used_again_when_it_is_back() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    beat(&state, "a").await.unwrap();
    state.register(&call("CA1", "a")).await.unwrap();
    assert!(beat(&state, "a").await.unwrap().known);

    place.server().stop();
    is_away(&state, AT_MOST).await;
    for _ in 0..20 {
        is_away(&state, AT_ONCE).await;
    }

    place.server().restart().await.unwrap();
    is_back(&state).await;
    assert!(!beat(&state, "a").await.unwrap().known, "its calls must be entered again");
    state.register(&call("CA1", "a")).await.unwrap();
    assert_eq!(state.call_count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_wait_and_no_more() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    state.register(&call("CA1", "a")).await.unwrap();
    place.server().freeze().unwrap();
    is_away(&state, AT_MOST).await;
    for _ in 0..20 {
        is_away(&state, AT_ONCE).await;
    }
    place.server().thaw().unwrap();
    is_back(&state).await;
    assert_eq!(state.call_count().await.unwrap(), 1);
}

#[tokio::test]
async fn fifty_operations_at_a_hanging_server_wait_together() {
    let mut place = Place::alone(Rules::default()).await;
    place.redis().check().await.unwrap();
    place.server().freeze().unwrap();
    let began = Instant::now();
    let all: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let state = Arc::clone(place.redis());
                async move { state.call_count().await }
            })
        })
        .collect();
    for one in all {
        assert!(matches!(one.await.unwrap(), Err(LiveError::Unavailable { .. })));
    }
    assert!(began.elapsed() < AT_MOST, "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_was_never_there_is_not_waited_for() {
    let mut server = RedisServer::start().await.unwrap();
    server.stop();
    let state = RedisState::connect(&server.url(), "voicenoob", Rules::default()).unwrap();
    is_away(&state, AT_MOST).await;
    is_away(&state, AT_ONCE).await;
    server.restart().await.unwrap();
    is_back(&state).await;
}

#[tokio::test]
async fn a_connection_that_was_cut_is_made_again_without_anyone_noticing() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    for number in 0..5 {
        state.register(&call(&format!("CA{number}"), "a")).await.unwrap();
        place.server().ask("CLIENT KILL TYPE normal").await.unwrap();
    }
    assert_eq!(state.call_count().await.unwrap(), 5);
}

#[tokio::test]
async fn a_server_that_forgot_its_scripts_learns_them_again() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    for number in 0..3 {
        state.register(&call(&format!("CA{number}"), "a")).await.unwrap();
        place.server().ask("SCRIPT FLUSH").await.unwrap();
    }
    assert_eq!(state.call_count().await.unwrap(), 3);
}

#[tokio::test]
async fn hints_come_again_after_the_server_was_away() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    let mut hints = state.hints(&name("a"));
    hints.changed().await.unwrap();
    place.server().stop();
    place.server().restart().await.unwrap();
    // The first hint tells that the subscription is there again.
    tokio::time::timeout(Duration::from_secs(10), hints.changed()).await.unwrap().unwrap();
    is_back(&state).await;
    state.send(&name("a"), &live::Command::Hangup { call_id: "CA1".into() }).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), hints.changed()).await.unwrap().unwrap();
    assert_eq!(state.inbox(&name("a")).await.unwrap().commands.len(), 1);
}

#[tokio::test]
async fn after_a_failover_the_new_master_is_asked_and_nothing_is_lost() {
    let mut sentinels = RedisSentinels::start().await.unwrap();
    let state = RedisState::connect(&sentinels.url(), "voicenoob", Rules::default()).unwrap();
    beat(&state, "a").await.unwrap();
    state.register(&call("CA1", "a")).await.unwrap();
    sentinels.replicated().await.unwrap();

    sentinels.fail_over();
    is_away(&state, AT_MOST).await;
    sentinels.failed_over().await.unwrap();
    is_back(&state).await;
    assert_eq!(state.active_calls().await.unwrap(), [call("CA1", "a")]);
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    state.check().await.unwrap();
    place.server().ask("REPLICAOF 127.0.0.1 1").await.unwrap();
    let found = state.register(&call("CA1", "a")).await;
    assert!(matches!(found, Err(LiveError::Unavailable { .. })), "{found:?}");
    place.server().ask("REPLICAOF NO ONE").await.unwrap();
    is_back(&state).await;
}

#[tokio::test]
async fn two_instances_that_beat_at_once_find_a_dead_one_exactly_once() {
    let place = Place::alone(Rules::default()).await;
    for round in 0..10 {
        let (one, two) = (place.redis().clone(), place.other());
        let (dead, lost) = (format!("dead{round}"), format!("CA{round}"));
        beat(&one, &dead).await.unwrap();
        one.register(&call(&lost, &dead)).await.unwrap();
        place.advance(Duration::from_secs(10)).await;
        beat(&one, "a").await.unwrap();
        beat(&two, "b").await.unwrap();
        place.advance(Duration::from_secs(10)).await;
        let (one, two) = tokio::join!(beat(&one, "a"), beat(&two, "b"));
        let lost_calls: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flat_map(|pulse| pulse.lost).collect();
        assert_eq!(lost_calls, [call(&lost, &dead)]);
    }
}
