//! Permits: at no time more than a limit, all or none, and each belongs to an instance.

use super::steps::*;
use super::{Live, Stages};
use crate::{Limit, Limits, PermitRequest, Rules, Verdict};

fn limited(call_id: &str, instance: &str, agent: u32, tenant: u32) -> PermitRequest {
    PermitRequest { limits: Limits { agent: Some(agent), tenant: Some(tenant) }, ..permit(call_id, instance) }
}

async fn taken(state: &Live, instance: &str) -> u32 {
    let listed = state.instances().await.unwrap();
    listed.into_iter().find(|info| info.instance == name(instance)).unwrap().taken
}

/// Whichever of the three limits is reached, nothing is taken of the others.
pub async fn all_permits_or_none(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 2).await;
    beat(&state, "b", 9).await;
    assert_eq!(state.admit(&limited("CA1", "a", 1, 9)).await.unwrap(), Verdict::Admitted);
    assert_eq!(
        state.admit(&limited("CA2", "b", 1, 9)).await.unwrap(),
        Verdict::Full(Limit::Agent),
        "agents are counted over all instances"
    );
    let other_agent =
        |call_id: &str, instance: &str, tenant| PermitRequest { agent_id: "night".into(), ..limited(call_id, instance, 1, tenant) };
    assert_eq!(state.admit(&other_agent("CA3", "a", 1)).await.unwrap(), Verdict::Full(Limit::Tenant));
    assert_eq!(state.admit(&other_agent("CA3", "a", 2)).await.unwrap(), Verdict::Admitted, "the refused had taken nothing");
    assert_eq!(state.admit(&permit("CA4", "a")).await.unwrap(), Verdict::Full(Limit::Instance));
    assert_eq!(state.admit(&limited("CA4", "b", 2, 3)).await.unwrap(), Verdict::Admitted);
    assert_eq!((taken(&state, "a").await, taken(&state, "b").await), (2, 1));
    let other_tenant = PermitRequest { tenant: "spa".into(), agent_id: "spa".into(), ..limited("CA5", "b", 1, 1) };
    assert_eq!(state.admit(&other_tenant).await.unwrap(), Verdict::Admitted);
}

/// Two handles, fifty at once, a limit of seven.
pub async fn fifty_calls_at_once_get_exactly_the_limit(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let handles = [stage.state(), stage.second().await];
    beat(&handles[0], "a", 50).await;
    beat(&handles[1], "b", 50).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (state, instance) = (handles[number % 2].clone(), ["a", "b"][number % 2]);
        calls.spawn(async move { state.admit(&limited(&format!("CA{number}"), instance, 7, 20)).await.unwrap() });
    }
    let verdicts = calls.join_all().await;
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Admitted).count(), 7);
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Admitted | Verdict::Full(Limit::Agent))));
    assert_eq!(taken(&handles[0], "a").await + taken(&handles[0], "b").await, 7);
}

/// A repeated webhook takes no second permit, and keeps the first even when the instance has no room any more.
pub async fn admitted_twice_is_one_permit(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    for _ in 0..2 {
        assert_eq!(state.admit(&limited("CA1", "a", 1, 1)).await.unwrap(), Verdict::Admitted);
    }
    beat_draining(&state, "a", 1).await;
    assert_eq!(state.admit(&limited("CA1", "a", 1, 1)).await.unwrap(), Verdict::Admitted);
    assert_eq!(taken(&state, "a").await, 1);
    assert!(state.release("CA1", &name("a")).await.unwrap());
    assert!(!state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(taken(&state, "a").await, 0);
}

/// Unknown, draining, dead, or with no room at all.
pub async fn an_instance_that_cannot_serve_is_full(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Full(Limit::Instance), "nobody knows it");
    beat(&state, "a", 0).await;
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Full(Limit::Instance), "it takes no call at all");
    beat_draining(&state, "a", 5).await;
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Full(Limit::Instance), "it drains");
    beat(&state, "a", 5).await;
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Admitted);
    stage.advance(seconds(16)).await;
    assert_eq!(state.admit(&permit("CA2", "a")).await.unwrap(), Verdict::Full(Limit::Instance), "it is dead");
}

/// A resumed call takes its permits along, also where the shared limits are reached: by itself.
pub async fn a_permit_moves_with_its_call(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 1).await;
    assert_eq!(state.admit(&limited("CA1", "a", 1, 1)).await.unwrap(), Verdict::Admitted);
    assert_eq!(state.admit(&limited("CA1", "b", 1, 1)).await.unwrap(), Verdict::Admitted);
    assert_eq!((taken(&state, "a").await, taken(&state, "b").await), (0, 1));
    assert_eq!(state.admit(&limited("CA2", "a", 1, 1)).await.unwrap(), Verdict::Full(Limit::Agent), "one call, one permit");
    assert!(!state.release("CA1", &name("a")).await.unwrap(), "the former instance has nothing to give back");
    assert!(state.release("CA1", &name("b")).await.unwrap());
    assert_eq!(state.admit(&limited("CA2", "a", 1, 1)).await.unwrap(), Verdict::Admitted);
}

/// No room there: the call is still served here.
pub async fn a_permit_stays_when_there_is_no_room_for_it(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 1).await;
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Admitted);
    assert_eq!(state.admit(&permit("CB1", "b")).await.unwrap(), Verdict::Admitted);
    assert_eq!(state.admit(&permit("CA1", "b")).await.unwrap(), Verdict::Full(Limit::Instance));
    assert_eq!((taken(&state, "a").await, taken(&state, "b").await), (1, 1));
    assert!(state.release("CA1", &name("a")).await.unwrap());
}

/// Releasing twice, elsewhere, or what was never taken.
pub async fn a_wrong_instance_releases_nothing(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 1).await;
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Admitted);
    assert!(!state.release("CA1", &name("b")).await.unwrap());
    assert!(!state.release("CA2", &name("a")).await.unwrap());
    assert_eq!((taken(&state, "a").await, taken(&state, "b").await), (1, 0));
}

/// An instance that was cut off tells what it has; the limits count it from then on.
pub async fn holding_asks_for_no_room(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    for call_id in ["CA1", "CA2", "CA2"] {
        state.hold(&limited(call_id, "a", 1, 1)).await.unwrap();
    }
    assert_eq!(taken(&state, "a").await, 2);
    assert!(state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(state.admit(&limited("CA3", "a", 1, 1)).await.unwrap(), Verdict::Full(Limit::Instance));
    assert!(state.release("CA2", &name("a")).await.unwrap());
    assert_eq!(state.admit(&limited("CA3", "a", 1, 1)).await.unwrap(), Verdict::Admitted);
}

/// Permits are leases of an instance.
pub async fn a_dead_instance_holds_no_permits(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 5).await;
    beat(&state, "b", 5).await;
    for number in 0..3 {
        assert_eq!(state.admit(&limited(&format!("CA{number}"), "a", 3, 9)).await.unwrap(), Verdict::Admitted);
    }
    assert_eq!(state.admit(&limited("CB", "b", 3, 9)).await.unwrap(), Verdict::Full(Limit::Agent));
    live_on(&*stage, &["b"], 5, seconds(20)).await;
    for number in 0..3 {
        assert_eq!(state.admit(&limited(&format!("CB{number}"), "b", 3, 9)).await.unwrap(), Verdict::Admitted);
    }
    assert_eq!(state.admit(&limited("CB3", "b", 3, 9)).await.unwrap(), Verdict::Full(Limit::Agent));
}

/// L11: three talk, three wait; one ends, one is served, still three talk.
pub async fn at_capacity_one_ends_and_one_comes(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 3).await;
    for call_id in ["CA1", "CA2", "CA3"] {
        assert_eq!(state.admit(&permit(call_id, "a")).await.unwrap(), Verdict::Admitted);
        state.register(&entry(call_id, "a")).await.unwrap();
    }
    assert_eq!(state.admit(&permit("CA4", "a")).await.unwrap(), Verdict::Full(Limit::Instance));
    wait_in_line(&state, &["CA4", "CA5", "CA6"], Some("a")).await;
    assert_eq!(state.serve_queue().await.unwrap(), 0);
    assert!(state.release("CA2", &name("a")).await.unwrap());
    assert!(state.unregister("CA2", &name("a")).await.unwrap());
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert!(state.take_up("CA4", &name("a")).await.unwrap().is_some());
    state.register(&entry("CA4", "a")).await.unwrap();
    assert_eq!((state.call_count().await.unwrap(), taken(&state, "a").await), (3, 3));
    assert_eq!(line(&state).await, ["CA5", "CA6"]);
}
