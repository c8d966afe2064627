//! Registered calls: R1, R2, R5, R6, R8, R9, R11, R12, L1 to L3 of the reference, and defect 11 (entries ran out while their call lived, one bad
//! entry hid all, nobody knew whose a call was).

use std::collections::BTreeMap;

use super::Stages;
use super::steps::*;
use crate::{CallEntry, Rules};

/// R1, R2, R5, L1, L3: nothing of an entry is lost.
pub async fn a_registered_call_is_listed_until_it_is_unregistered(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (a, b) = (stage.state(), stage.second().await);
    assert_eq!((a.active_calls().await.unwrap(), a.call_count().await.unwrap()), (vec![], 0));
    a.register(&entry("CA1", "a")).await.unwrap();
    assert_eq!(b.active_calls().await.unwrap(), [entry("CA1", "a")]);
    assert_eq!(b.call_count().await.unwrap(), 1);
    assert!(a.unregister("CA1", &name("a")).await.unwrap());
    assert!(!a.unregister("CA1", &name("a")).await.unwrap(), "it is gone");
    assert_eq!((b.active_calls().await.unwrap(), b.call_count().await.unwrap()), (vec![], 0));
}

/// A resumed call belongs to the instance that entered it last.
pub async fn a_call_that_is_registered_again_is_one_call(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    state.register(&entry("CA1", "a")).await.unwrap();
    let again = CallEntry { agent_id: "night".into(), phone_number: None, metadata: None, ..entry("CA1", "b") };
    state.register(&again).await.unwrap();
    assert_eq!(state.active_calls().await.unwrap(), [again]);
    assert_eq!(state.call_count().await.unwrap(), 1);
    assert!(!state.unregister("CA1", &name("a")).await.unwrap(), "the former instance has no say");
    assert!(state.unregister("CA1", &name("b")).await.unwrap());
}

/// Defect 11: the original did not know whose a call was.
pub async fn only_its_own_instance_takes_a_call_out(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    state.register(&entry("CA1", "a")).await.unwrap();
    assert!(!state.unregister("CA1", &name("b")).await.unwrap());
    assert!(!state.unregister("CA2", &name("a")).await.unwrap());
    assert_eq!(registered(&state).await, ["CA1"]);
}

/// R9, R12, L2.
pub async fn calls_are_listed_oldest_first_and_counted(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    for (call_id, started_at) in [("CA5", 5.5), ("CA1", 1.25), ("CA4", 4.0), ("CA2", 2.0), ("CA3", 3.0)] {
        state.register(&CallEntry { started_at, ..entry(call_id, "a") }).await.unwrap();
    }
    assert_eq!(registered(&state).await, ["CA1", "CA2", "CA3", "CA4", "CA5"]);
    for call_id in ["CA2", "CA3", "CA5"] {
        assert!(state.unregister(call_id, &name("a")).await.unwrap());
    }
    assert_eq!(registered(&state).await, ["CA1", "CA4"]);
    assert_eq!(state.call_count().await.unwrap(), 2);
}

/// Ids and metadata come from outside: separators, quotes, wild signs and empty texts stay what they are.
pub async fn any_text_survives_the_registry(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    let texts = ["v3:Zm9v_-/=", "a b\"c'\\{}*?[x]", "Zimmer für zwei, 二人", ":meta:agent_id"];
    for (number, text) in texts.into_iter().enumerate() {
        let metadata =
            BTreeMap::from([(text.to_owned(), text.to_owned()), ("call_id".into(), "none".into()), ("empty".into(), String::new())]);
        let call = CallEntry { agent_id: text.into(), started_at: number as f64, metadata: Some(metadata), ..entry(text, "a.b_c-9") };
        state.register(&call).await.unwrap();
        assert_eq!(state.active_calls().await.unwrap().last(), Some(&call));
    }
    for text in texts {
        assert!(state.unregister(text, &name("a.b_c-9")).await.unwrap());
    }
    assert_eq!(state.call_count().await.unwrap(), 0);
}

/// Defect 11 and "beyond": the original never renewed an entry, so a long call vanished while it was talking.
pub async fn a_call_longer_than_the_time_to_live_stays_listed(on: &dyn Stages) {
    let stage = on.open(Rules { registry_ttl: seconds(30), ..Rules::default() }).await;
    let state = stage.state();
    beat(&state, "a", 5).await;
    state.register(&entry("CA1", "a")).await.unwrap();
    live_on(&*stage, &["a"], 5, seconds(90)).await;
    assert_eq!(registered(&state).await, ["CA1"]);
    assert_eq!(state.call_count().await.unwrap(), 1);
}

/// The list and the count agree on what is left.
pub async fn an_entry_that_nobody_renews_is_gone_after_its_time_to_live(on: &dyn Stages) {
    let stage = on.open(Rules { registry_ttl: seconds(30), ..Rules::default() }).await;
    let state = stage.state();
    state.register(&entry("CA1", "a")).await.unwrap();
    stage.advance(seconds(20)).await;
    state.register(&entry("CA2", "a")).await.unwrap();
    stage.advance(seconds(11)).await;
    assert_eq!(registered(&state).await, ["CA2"]);
    assert_eq!(state.call_count().await.unwrap(), 1);
    stage.advance(seconds(20)).await;
    assert_eq!((registered(&state).await, state.call_count().await.unwrap()), (vec![], 0));
}
