//! Instances that live, die and leave: defects 11 (orphans stayed and blocked the shutdown) and 12 (a failed call was never counted).

use std::collections::BTreeSet;
use std::time::Duration;

use super::steps::*;
use super::{Stage, Stages};
use crate::{Beat, InstanceInfo, Limit, Rules, Verdict};

/// An empty cluster finds nothing.
pub async fn a_first_beat_is_unknown_and_the_next_is_known(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    let first = beat(&state, "a", 5).await;
    assert!(!first.known && first.lost.is_empty() && first.given_up.is_empty() && first.abandoned.is_empty());
    stage.advance(seconds(14)).await;
    assert!(beat(&state, "a", 5).await.known, "the lease runs for 15 s");
    assert!(!beat(&state, "b", 5).await.known, "it is another");
    state.leave(&name("a")).await.unwrap();
    assert!(!beat(&state, "a", 5).await.known, "it had left");
}

/// By name, and only those that live.
pub async fn instances_are_listed_with_what_they_hold(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "gone", 1).await;
    stage.advance(seconds(10)).await;
    let url = Some("https://b.example.com".to_owned());
    state.beat(&Beat { instance: name("b"), limit: 7, draining: true, url: url.clone() }).await.unwrap();
    beat(&state, "a", 5).await;
    for call_id in ["CA1", "CA2"] {
        assert_eq!(state.admit(&permit(call_id, "a")).await.unwrap(), Verdict::Admitted);
    }
    stage.advance(seconds(6)).await;
    let listed = state.instances().await.unwrap();
    for instance in &listed {
        assert_about(instance.silent_for, seconds(6));
    }
    let a = InstanceInfo { instance: name("a"), limit: 5, taken: 2, draining: false, url: None, silent_for: Duration::ZERO };
    let b = InstanceInfo { instance: name("b"), limit: 7, taken: 0, draining: true, url, silent_for: Duration::ZERO };
    let without_time = listed.into_iter().map(|instance| InstanceInfo { silent_for: Duration::ZERO, ..instance });
    assert_eq!(without_time.collect::<Vec<_>>(), [a, b]);
}

/// An instance with two calls dies.
async fn crash(stage: &dyn Stage) {
    let state = stage.state();
    beat(&state, "a", 5).await;
    state.register(&entry("CA1", "a")).await.unwrap();
    state.register(&entry("CA2", "a")).await.unwrap();
    others_go_on(stage).await;
}

/// 16 s, in which an instance that says nothing dies, and another one is heard.
async fn others_go_on(stage: &dyn Stage) {
    live_on(stage, &["witness"], 0, seconds(10)).await;
    stage.advance(seconds(6)).await;
}

/// The server was out of reach, or its clock jumped: nobody was heard, so nobody is dead yet. Who is silent for another lease is.
pub async fn when_nobody_was_heard_nobody_is_dead(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 5).await;
    beat(&state, "b", 5).await;
    state.register(&entry("CA1", "a")).await.unwrap();
    stage.advance(seconds(600)).await;
    assert!(beat(&state, "b", 5).await.lost.is_empty());
    assert_eq!(registered(&state).await, ["CA1"]);
    live_on(&*stage, &["b"], 5, seconds(10)).await;
    assert_eq!(registered(&state).await, ["CA1"], "it has a lease to be heard again");
    stage.advance(seconds(6)).await;
    let lost = beat(&state, "b", 5).await.lost;
    assert_eq!(lost.into_iter().map(|call| call.call_id).collect::<Vec<_>>(), ["CA1"]);
}

/// Who has a lease to be heard again keeps its calls that long, and the count and the list agree at every time.
pub async fn a_lease_to_be_heard_again_is_one_for_the_calls_too(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 5).await;
    state.register(&entry("CA1", "a")).await.unwrap();
    stage.advance(seconds(1700)).await;
    assert!(beat(&state, "b", 5).await.lost.is_empty());
    for (passed, left) in [(200, 1), (1700, 0)] {
        stage.advance(seconds(passed)).await;
        assert_eq!((state.call_count().await.unwrap(), registered(&state).await.len()), (left, left as usize));
    }
}

/// Defect 11 and "beyond": a crash leaves no entry longer than one heartbeat interval after the lease.
pub async fn a_crash_leaves_no_call_longer_than_one_heartbeat(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (a, b) = (stage.state(), stage.second().await);
    beat(&a, "a", 5).await;
    beat(&b, "b", 5).await;
    a.register(&entry("CA1", "a")).await.unwrap();
    b.register(&entry("CB1", "b")).await.unwrap();
    live_on(&*stage, &["b"], 5, seconds(10)).await;
    assert_eq!(b.call_count().await.unwrap(), 2, "the lease still runs");
    live_on(&*stage, &["b"], 5, seconds(10)).await;
    assert_eq!(registered(&b).await, ["CB1"]);
    assert_eq!(b.call_count().await.unwrap(), 1);
    assert_eq!(b.instances().await.unwrap().len(), 1);
}

/// Defect 12: two that beat at the same moment count a lost call once between them.
pub async fn a_lost_call_is_told_exactly_once(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    crash(&*stage).await;
    let mut lost = Vec::new();
    let (one, two) = (stage.state(), stage.second().await);
    for round in 0..3 {
        let (b, c) = tokio::join!(beat(&one, "b", 5), beat(&two, "c", 5));
        assert!(round == 0 || (b.known && c.known));
        lost.extend(b.lost.into_iter().chain(c.lost));
    }
    lost.sort_by(|x, y| x.call_id.cmp(&y.call_id));
    assert_eq!(lost, [entry("CA1", "a"), entry("CA2", "a")]);
}

/// Lost first, over after the window, each told once.
pub async fn a_lost_call_that_nobody_takes_up_is_given_up(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    crash(&*stage).await;
    assert_eq!(ids(&beat(&state, "b", 5).await.lost), ["CA1", "CA2"]);
    for _ in 0..5 {
        stage.advance(seconds(11)).await;
        assert!(beat(&state, "b", 5).await.given_up.is_empty(), "a minute is not over");
    }
    stage.advance(seconds(6)).await;
    let pulse = beat(&state, "b", 5).await;
    assert_eq!((ids(&pulse.given_up), ids(&pulse.lost)), (vec!["CA1".to_owned(), "CA2".to_owned()], vec![]));
    stage.advance(seconds(6)).await;
    assert!(beat(&state, "b", 5).await.given_up.is_empty());
}

/// Registered, admitted, held or waiting: somebody has it.
pub async fn a_lost_call_that_is_taken_up_is_not_given_up(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    let calls = ["registered", "admitted", "held", "waiting", "nobody"];
    beat(&state, "a", 5).await;
    for call_id in calls {
        state.register(&entry(call_id, "a")).await.unwrap();
    }
    others_go_on(&*stage).await;
    assert_eq!(beat(&state, "b", 9).await.lost.len(), 5);
    state.register(&entry("registered", "b")).await.unwrap();
    assert_eq!(state.admit(&permit("admitted", "b")).await.unwrap(), Verdict::Admitted);
    state.hold(&permit("held", "b")).await.unwrap();
    wait_in_line(&state, &["waiting"], Some("b")).await;
    let mut given_up = BTreeSet::new();
    for _ in 0..7 {
        stage.advance(seconds(10)).await;
        given_up.extend(ids(&beat(&state, "b", 9).await.given_up));
    }
    assert_eq!(given_up, BTreeSet::from(["nobody".to_owned()]));
}

/// It stopped in order: its calls are open for resume, and nobody counts them as failed.
pub async fn who_leaves_loses_no_call(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 1).await;
    state.register(&entry("CA1", "a")).await.unwrap();
    let limited = |call_id: &str, instance: &str| {
        let mut request = permit(call_id, instance);
        request.limits.agent = Some(1);
        request
    };
    assert_eq!(state.admit(&limited("CA1", "a")).await.unwrap(), Verdict::Admitted);
    wait_in_line(&state, &["CA2"], Some("a")).await;
    state.leave(&name("a")).await.unwrap();
    assert_eq!(state.call_count().await.unwrap(), 0);
    assert_eq!(state.instances().await.unwrap().len(), 1);
    assert_eq!(state.peek(0).await.unwrap()[0].holder, None, "the caller keeps its place");
    assert_eq!(state.admit(&limited("CA3", "b")).await.unwrap(), Verdict::Admitted, "the permit is free");
    let mut pulses = Vec::new();
    for _ in 0..7 {
        stage.advance(seconds(10)).await;
        pulses.push(beat(&state, "b", 1).await);
    }
    assert!(pulses.iter().all(|pulse| pulse.lost.is_empty()), "no call failed");
    assert_eq!(pulses.iter().flat_map(|pulse| ids(&pulse.given_up)).collect::<Vec<_>>(), ["CA1"]);
    assert_eq!(pulses.iter().flat_map(|pulse| &pulse.abandoned).map(|entry| entry.call_id.as_str()).collect::<Vec<_>>(), ["CA2"]);
}

/// Its lease ran out while it was cut off: it counts as dead, and what it enters again is taken back.
pub async fn an_instance_that_was_silent_too_long_enters_everything_again(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    crash(&*stage).await;
    let pulse = beat(&state, "a", 5).await;
    assert!(!pulse.known);
    assert_eq!(ids(&pulse.lost), ["CA1", "CA2"], "a process of the same name may have started anew");
    state.register(&entry("CA1", "a")).await.unwrap();
    let mut given_up = Vec::new();
    for _ in 0..7 {
        stage.advance(seconds(10)).await;
        given_up.extend(ids(&beat(&state, "a", 5).await.given_up));
    }
    assert_eq!(given_up, ["CA2"]);
    assert_eq!(registered(&state).await, ["CA1"]);
}

/// One heartbeat does bounded work; the next goes on.
pub async fn few_dead_instances_are_cleared_at_a_time(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    for number in 0..6 {
        let instance = format!("a{number}");
        beat(&state, &instance, 1).await;
        state.register(&entry(&format!("CA{number}"), &instance)).await.unwrap();
    }
    others_go_on(&*stage).await;
    assert_eq!(beat(&state, "b", 1).await.lost.len(), Rules::DEAD_AT_ONCE);
    assert_eq!(beat(&state, "b", 1).await.lost.len(), 6 - Rules::DEAD_AT_ONCE);
    assert_eq!(beat(&state, "b", 1).await.lost.len(), 0);
}

/// A permit must not stay taken for ever because its instance died before it was known.
pub async fn what_was_entered_before_the_first_beat_is_cleared_too(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    let mut request = permit("CA1", "ghost");
    request.limits.tenant = Some(1);
    state.hold(&request).await.unwrap();
    wait_in_line(&state, &["CA2"], Some("ghost")).await;
    assert!(state.instances().await.unwrap().is_empty(), "it has not said yet that it lives");
    beat(&state, "b", 5).await;
    request.call_id = "CB1".into();
    request.instance = name("b");
    assert_eq!(state.admit(&request).await.unwrap(), Verdict::Full(Limit::Tenant));
    others_go_on(&*stage).await;
    beat(&state, "b", 5).await;
    assert_eq!(state.admit(&request).await.unwrap(), Verdict::Admitted);
    assert_eq!(state.peek(0).await.unwrap()[0].holder, None);
}
