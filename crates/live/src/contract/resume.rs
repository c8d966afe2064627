//! Calls that are open for resume without their instance having died.

use super::steps::*;
use super::{Live, Stage, Stages};
use crate::{Limit, Rules, Verdict};

/// Everything that is given up within the next minute and ten seconds.
async fn given_up(stage: &dyn Stage, state: &Live, instance: &str) -> Vec<String> {
    let mut calls = Vec::new();
    for _ in 0..7 {
        stage.advance(seconds(10)).await;
        let pulse = beat(state, instance, 5).await;
        assert!(pulse.lost.is_empty(), "no instance died");
        calls.extend(ids(&pulse.given_up));
    }
    calls
}

/// The stream closed and nobody knows why: the permit is free at once, and the call may go on anywhere.
pub async fn an_interrupted_call_is_open_for_resume(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    for call_id in ["CA1", "CA2"] {
        state.register(&entry(call_id, "a")).await.unwrap();
    }
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Admitted);
    assert!(state.interrupt("CA1", &name("a")).await.unwrap());
    assert_eq!(registered(&state).await, ["CA2"]);
    assert_eq!(state.admit(&permit("CA2", "a")).await.unwrap(), Verdict::Admitted, "the permit was free");
    assert!(!state.interrupt("CA1", &name("a")).await.unwrap(), "it is not served any more");
    assert!(state.interrupt("CA2", &name("a")).await.unwrap());
    state.register(&entry("CA2", "b")).await.unwrap();
    assert_eq!(given_up(&*stage, &state, "b").await, ["CA1"], "the other was taken up");
}

/// A stream that closes late must not take the call from the instance that serves it now.
pub async fn an_interrupted_call_belongs_to_its_instance(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 1).await;
    state.register(&entry("CA1", "b")).await.unwrap();
    assert_eq!(state.admit(&permit("CA1", "b")).await.unwrap(), Verdict::Admitted);
    assert!(!state.interrupt("CA1", &name("a")).await.unwrap());
    assert!(!state.interrupt("CA2", &name("b")).await.unwrap());
    assert_eq!(registered(&state).await, ["CA1"]);
    assert_eq!(state.admit(&permit("CB2", "b")).await.unwrap(), Verdict::Full(Limit::Instance), "it still holds its permit");
}

/// The same name again, within the lease: what the former process had is not renewed for ever.
pub async fn a_restart_opens_its_calls_for_resume(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    state.register(&entry("CA1", "a")).await.unwrap();
    assert_eq!(state.admit(&permit("CA1", "a")).await.unwrap(), Verdict::Admitted);
    state.recover(&[entry("CA1", "a"), entry("CA2", "a")]).await.unwrap();
    assert_eq!(state.call_count().await.unwrap(), 0);
    assert_eq!(state.admit(&permit("CA2", "a")).await.unwrap(), Verdict::Admitted, "and the permit is free");
    assert_eq!(given_up(&*stage, &state, "a").await, ["CA1"], "the other was taken up");
}

/// The records of a restarted instance may not know yet who took a call up.
pub async fn a_restart_does_not_touch_what_another_instance_serves(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "b", 1).await;
    state.register(&entry("CA1", "b")).await.unwrap();
    state.recover(&[entry("CA1", "a")]).await.unwrap();
    assert_eq!(registered(&state).await, ["CA1"]);
    assert!(given_up(&*stage, &state, "b").await.is_empty());
    assert_eq!(registered(&state).await, ["CA1"]);
}
