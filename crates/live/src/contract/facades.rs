//! The reference's functions over an adapter: cases R, Q and L of section 23, its "beyond" list, and defect 1 (a drain that was a no-op, or waited
//! for others) and 11 (a count of zero while the server was gone).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use call::PhoneNumber;
use serde_json::json;

use super::steps::*;
use super::{Cut, Live, Stages};
use crate::{CallQueue, CallRegistry, Count, Rules};

fn registry(state: &Live, instance: &str) -> Arc<CallRegistry> {
    Arc::new(CallRegistry::new(state.clone(), name(instance), true, Duration::from_secs(120)))
}

/// R1, R2, R5, R6, R8, R9, R11, R12, R14 to R16, L1 to L3.
pub async fn the_registry_keeps_the_reference_functions(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let calls = registry(&stage.state(), "a");
    assert_eq!((calls.get_active_calls().await, calls.get_call_count().await), (vec![], Count::Known(0)));
    let metadata = BTreeMap::from([("provider".to_owned(), "telnyx".to_owned())]);
    let number = PhoneNumber::new("+15005550006");
    assert!(calls.register_call("CA1", "desk", Some(number.clone()), Some(metadata.clone())).await);
    assert!(calls.register_call("CA2", "desk", None, None).await);
    let listed = calls.get_active_calls().await;
    assert_eq!(ids(&listed), ["CA1", "CA2"]);
    assert_eq!((&listed[0].phone_number, &listed[0].metadata, listed[0].agent_id.as_str()), (&Some(number), &Some(metadata), "desk"));
    assert_eq!((&listed[1].phone_number, &listed[1].metadata), (&None, &None));
    assert!(listed[0].started_at > 1.7e9 && listed[0].instance == name("a"));
    assert_eq!((calls.get_call_count().await, calls.local_count()), (Count::Known(2), 2));
    assert!(calls.unregister_call("CA1").await && calls.unregister_call("CA1").await && calls.unregister_call("nobody").await);
    assert!(calls.interrupt_call("CA2").await && !calls.interrupt_call("CA2").await);
    assert_eq!((calls.get_call_count().await, calls.local_count()), (Count::Known(0), 0));
    assert!(!calls.is_shutting_down());
    calls.set_shutting_down(true).await;
    assert!(calls.is_shutting_down());
    calls.set_shutting_down(false).await;
    assert!(!calls.is_shutting_down());
}

/// R3, R7, R10, R13, R20.
pub async fn a_registry_that_is_off_answers_like_an_empty_one(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    state.register(&entry("other", "b")).await.unwrap();
    let calls = CallRegistry::new(state.clone(), name("a"), false, seconds(120));
    assert!(calls.register_call("CA1", "desk", None, None).await && calls.unregister_call("other").await);
    assert_eq!((calls.get_active_calls().await, calls.get_call_count().await), (vec![], Count::Known(0)));
    assert!(calls.wait_for_calls_to_drain(None).await);
    calls.set_shutting_down(true).await;
    assert!(calls.is_shutting_down());
    assert_eq!(registered(&state).await, ["other"], "it touched nothing");
}

/// R4, defect 11: unknown is not zero; the flag of the process needs no server, and neither does a drain.
pub async fn a_registry_without_live_state_says_unknown(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let cut = Arc::new(Cut::new(stage.state()));
    let calls = CallRegistry::new(cut.clone(), name("a"), true, seconds(120));
    assert!(calls.register_call("CA1", "desk", None, None).await);
    cut.cut(true);
    assert!(!calls.register_call("CA2", "desk", None, None).await);
    assert_eq!((calls.get_active_calls().await, calls.get_call_count().await), (vec![], Count::Unknown));
    calls.set_shutting_down(true).await;
    assert!(calls.is_shutting_down());
    assert_eq!(calls.local_count(), 2);
    assert!(!calls.wait_for_calls_to_drain(Some(Duration::from_millis(10))).await, "two calls are live, reachable or not");
    assert!(!calls.unregister_call("CA1").await && !calls.unregister_call("CA2").await);
    assert!(calls.wait_for_calls_to_drain(Some(Duration::from_millis(10))).await);
}

/// The server came back empty, or had given the instance up: what ended meanwhile stays out.
pub async fn a_forgotten_call_is_written_again(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let cut = Arc::new(Cut::new(stage.state()));
    let calls = CallRegistry::new(cut.clone(), name("a"), true, seconds(120));
    beat(&stage.state(), "a", 5).await;
    for call_id in ["CA1", "CA2", "CA3"] {
        assert!(calls.register_call(call_id, "desk", None, None).await);
    }
    let before = calls.get_active_calls().await;
    cut.cut(true);
    assert!(!calls.unregister_call("CA2").await);
    assert!(calls.rewrite().await.is_err());
    live_on(&*stage, &["b"], 5, seconds(10)).await;
    stage.advance(seconds(6)).await;
    cut.cut(false);
    let other = stage.second().await;
    assert_eq!(beat(&other, "b", 5).await.lost.len(), 3);
    assert!(!beat(&stage.state(), "a", 5).await.known);
    assert_eq!(calls.rewrite().await.unwrap(), 2);
    assert_eq!(calls.get_active_calls().await, [before[0].clone(), before[2].clone()]);
}

/// R17, L4.
pub async fn drain_with_no_calls_is_over_at_once(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let calls = registry(&stage.state(), "a");
    let start = tokio::time::Instant::now();
    assert!(calls.wait_for_calls_to_drain(None).await);
    assert!(start.elapsed() < Duration::from_millis(100));
}

/// R18, L5: defect 1, where the drain never waited.
pub async fn drain_ends_with_the_last_call(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let calls = registry(&stage.state(), "a");
    for call_id in ["CA1", "CA2"] {
        assert!(calls.register_call(call_id, "desk", None, None).await);
    }
    let ending = calls.clone();
    let ends = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert!(ending.unregister_call("CA1").await);
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert!(ending.unregister_call("CA2").await);
    });
    let start = tokio::time::Instant::now();
    assert!(calls.wait_for_calls_to_drain(Some(seconds(10))).await);
    assert!(start.elapsed() >= Duration::from_millis(500) && start.elapsed() < seconds(2), "{:?}", start.elapsed());
    assert_eq!(calls.get_call_count().await, Count::Known(0), "the entry is gone before the drain is over");
    ends.await.unwrap();
}

/// R19, L6.
pub async fn drain_gives_up_at_its_timeout(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let calls = CallRegistry::new(stage.state(), name("a"), true, Duration::from_millis(150));
    assert!(calls.register_call("CA1", "desk", None, None).await);
    for timeout in [None, Some(Duration::ZERO), Some(Duration::from_millis(300))] {
        let start = tokio::time::Instant::now();
        assert!(!calls.wait_for_calls_to_drain(timeout).await);
        let expected = timeout.filter(|timeout| !timeout.is_zero()).unwrap_or(Duration::from_millis(150));
        assert!(start.elapsed() >= expected && start.elapsed() < expected + Duration::from_millis(400));
    }
}

/// "Beyond", defects 1 and 11: one instance's orphans or neighbours blocked the shutdown of another.
pub async fn drain_ignores_the_calls_of_other_instances(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (a, b) = (registry(&stage.state(), "a"), registry(&stage.second().await, "b"));
    assert!(b.register_call("CB1", "desk", None, None).await);
    assert_eq!(a.get_call_count().await, Count::Known(1));
    assert!(a.wait_for_calls_to_drain(Some(Duration::from_millis(50))).await);
    assert!(!b.wait_for_calls_to_drain(Some(Duration::from_millis(50))).await);
}

/// Q4 to Q6, Q9 to Q11, Q13, Q14, Q16, Q17, Q19, Q21, Q22, Q24, Q25.
pub async fn the_queue_keeps_the_reference_functions(on: &dyn Stages) {
    let stage = on.open(Rules { queue_capacity: 3, ..Rules::default() }).await;
    let queue = CallQueue::new(stage.state(), true);
    assert_eq!((queue.dequeue_call().await, queue.peek_queue(CallQueue::PEEK).await, queue.get_queue_depth().await), (None, vec![], 0));
    assert_eq!((queue.clear_queue().await, queue.remove_from_queue("nobody").await), (0, false));
    let metadata = Some(BTreeMap::from([("room".to_owned(), "12".to_owned())]));
    assert!(queue.enqueue_call("CA1", "desk", Some(PhoneNumber::new("+15005550006")), 0, metadata.clone()).await);
    assert!(queue.enqueue_call("CA2", "desk", None, 0, None).await && queue.enqueue_call("CA3", "desk", None, 5, None).await);
    assert!(!queue.enqueue_call("CA4", "desk", None, 0, None).await, "it is full");
    assert!(queue.enqueue_call("CA2", "desk", None, 0, None).await, "it waits already");
    let waiting = queue.peek_queue(2).await;
    assert_eq!(waiting.iter().map(|entry| entry.call_id.as_str()).collect::<Vec<_>>(), ["CA3", "CA1"]);
    assert_eq!((waiting[1].metadata.clone(), waiting[1].holder.clone()), (metadata, None));
    assert_eq!(queue.dequeue_call().await.map(|entry| entry.call_id).as_deref(), Some("CA3"));
    let stats = serde_json::to_value(queue.get_queue_stats().await).unwrap();
    for (key, number) in [("enabled", 1), ("depth", 2), ("max_size", 3), ("total_queued", 3), ("total_dequeued", 1)] {
        assert_eq!(stats[key], number, "{key} in {stats}");
    }
    assert_eq!(stats.get("error"), None);
    assert_eq!(queue.take().await.map(|entry| entry.call_id).as_deref(), Some("CA1"));
    assert!(queue.confirm("CA1").await && !queue.confirm("CA1").await);
    assert!(queue.remove_from_queue("CA2").await);
    assert!(queue.enqueue_call("CA5", "desk", None, 0, None).await);
    assert_eq!((queue.clear_queue().await, queue.get_queue_depth().await), (1, 0));
}

/// Q7, Q12, Q15, Q18, Q20, Q23, Q26.
pub async fn a_queue_that_is_off_answers_like_an_empty_one(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    wait_in_line(&state, &["CA1"], None).await;
    let queue = CallQueue::new(state.clone(), false);
    assert!(
        !queue.enqueue_call("CA2", "desk", None, 0, None).await && !queue.remove_from_queue("CA1").await && !queue.confirm("CA1").await
    );
    assert_eq!((queue.dequeue_call().await, queue.peek_queue(0).await), (None, vec![]));
    assert_eq!((queue.get_queue_depth().await, queue.clear_queue().await), (0, 0));
    assert_eq!(serde_json::to_value(queue.get_queue_stats().await).unwrap(), json!({"enabled": 0, "depth": 0}));
    assert_eq!(line(&state).await, ["CA1"], "it touched nothing");
}

/// Q8 and the column "Redis fails".
pub async fn a_queue_without_live_state_answers_nothing(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let cut = Arc::new(Cut::new(stage.state()));
    let queue = CallQueue::new(cut.clone(), true);
    assert!(queue.enqueue_call("CA1", "desk", None, 0, None).await);
    cut.cut(true);
    assert!(
        !queue.enqueue_call("CA2", "desk", None, 0, None).await && !queue.remove_from_queue("CA1").await && !queue.confirm("CA1").await
    );
    assert_eq!((queue.dequeue_call().await, queue.peek_queue(0).await), (None, vec![]));
    assert_eq!((queue.get_queue_depth().await, queue.clear_queue().await), (0, 0));
    assert_eq!(serde_json::to_value(queue.get_queue_stats().await).unwrap(), json!({"enabled": 1, "depth": 0, "error": 1}));
    cut.cut(false);
    assert_eq!(queue.dequeue_call().await.map(|entry| entry.call_id).as_deref(), Some("CA1"), "nobody was lost");
}

/// L10.
pub async fn registry_and_queue_stand_side_by_side(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (calls, queue) = (registry(&stage.state(), "a"), CallQueue::new(stage.state(), true));
    assert!(calls.register_call("CA1", "desk", None, None).await && queue.enqueue_call("CA2", "desk", None, 0, None).await);
    assert_eq!((calls.get_call_count().await, queue.get_queue_depth().await), (Count::Known(1), 1));
    assert_eq!(queue.clear_queue().await, 1);
    assert_eq!(registered(&stage.state()).await, ["CA1"]);
}
