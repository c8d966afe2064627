//! The queue: Q4 to Q6, Q9 to Q11, Q13 to Q25 of the reference, and defect 10 (priority ignored, capacity a race, no lease).

use std::collections::BTreeMap;
use std::time::Duration;

use super::steps::*;
use super::{Live, Stages};
use crate::{Enqueued, Leaving, NewQueueEntry, Place, QueueEntry, Rules};

async fn urgent(state: &Live, call_id: &str, priority: i32) {
    let entry = NewQueueEntry { priority, ..caller(call_id, None) };
    assert!(matches!(state.enqueue(&entry).await.unwrap(), Enqueued::Queued(_)));
}

/// Q4, Q5, Q9 to Q11: what went in comes out, first in, first out.
pub async fn callers_of_equal_priority_are_served_in_order(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (state, other) = (stage.state(), stage.second().await);
    assert_eq!(state.dequeue().await.unwrap(), None);
    let metadata = Some(BTreeMap::from([("room".to_owned(), "12:\"b\"".to_owned())]));
    let first = NewQueueEntry { metadata: metadata.clone(), ..caller("CA9", Some("a")) };
    assert_eq!(state.enqueue(&first).await.unwrap(), Enqueued::Queued(Place { position: 1, depth: 1, expected_wait: None }));
    // The names run against the order, so that sorting by name would be noticed.
    for (call_id, position) in [("CA8", 2), ("CA7", 3), ("CA6", 4)] {
        assert_eq!(place(other.enqueue(&caller(call_id, None)).await.unwrap()).position, position);
    }
    let entry = other.dequeue().await.unwrap().unwrap();
    assert!(entry.queued_at > 1.7e9, "{} are no Unix seconds", entry.queued_at);
    let expected = QueueEntry {
        call_id: "CA9".into(),
        agent_id: "desk".into(),
        phone_number: first.phone_number,
        queued_at: entry.queued_at,
        priority: 0,
        metadata,
        holder: Some(name("a")),
        tenant: "hotel".into(),
    };
    assert_eq!(entry, expected);
    assert!(state.confirm("CA9").await.unwrap());
    assert_eq!(served_in_order(&state).await, ["CA8", "CA7", "CA6"]);
}

/// Defect 10 and "beyond": the original stored the priority and ignored it.
pub async fn the_more_urgent_come_first(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    for (call_id, priority) in [("CA1", 0), ("CA2", 10), ("CA3", -1), ("CA4", 10), ("CA5", 3)] {
        urgent(&state, call_id, priority).await;
    }
    assert_eq!(place(state.enqueue(&caller("CA5", None)).await.unwrap()), Place { position: 3, depth: 5, expected_wait: None });
    assert_eq!(line(&state).await, ["CA2", "CA4", "CA5", "CA1", "CA3"]);
    assert_eq!(served_in_order(&state).await, ["CA2", "CA4", "CA5", "CA1", "CA3"]);
}

/// One step of priority counts like two minutes of waiting: nobody waits for ever.
pub async fn waiting_makes_up_for_priority(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    urgent(&state, "patient", 0).await;
    stage.advance(seconds(115)).await;
    urgent(&state, "soon", 1).await;
    stage.advance(seconds(10)).await;
    urgent(&state, "late", 1).await;
    urgent(&state, "very urgent", 2).await;
    assert_eq!(line(&state).await, ["very urgent", "soon", "patient", "late"]);
}

/// Taken into -1000..=1000.
pub async fn priority_is_bounded(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    urgent(&state, "least", i32::MIN).await;
    urgent(&state, "most", 1000).await;
    urgent(&state, "endless", i32::MAX).await;
    let priorities = state.peek(0).await.unwrap().into_iter().map(|entry| (entry.call_id, entry.priority)).collect::<Vec<_>>();
    assert_eq!(priorities, [("most".to_owned(), 1000), ("endless".to_owned(), 1000), ("least".to_owned(), -1000)]);
}

/// Q6, defect 10 and "beyond": the original let all fifty in.
pub async fn fifty_callers_at_once_fill_exactly_five_places(on: &dyn Stages) {
    let stage = on.open(Rules { queue_capacity: 5, ..Rules::default() }).await;
    let handles = [stage.state(), stage.second().await];
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..50 {
        let state = handles[number % 2].clone();
        callers.spawn(async move { state.enqueue(&caller(&format!("CA{number}"), None)).await.unwrap() });
    }
    let outcomes = callers.join_all().await;
    let mut positions: Vec<_> =
        outcomes.iter().filter_map(|o| if let Enqueued::Queued(place) = o { Some(place.position) } else { None }).collect();
    positions.sort_unstable();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Enqueued::Full).count(), 45);
    let stats = handles[0].stats().await.unwrap();
    assert_eq!((stats.depth, stats.max_size, stats.total_queued), (5, 5, 5));
    let waiting = line(&handles[0]).await;
    let again = handles[1].enqueue(&caller(&waiting[2], None)).await.unwrap();
    assert_eq!(again, Enqueued::Already(Place { position: 3, depth: 5, expected_wait: None }), "who waits needs no room");
}

/// Defect 10: the original queued one id twice. Who comes back keeps the place, and is where it came back.
pub async fn nobody_waits_twice(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    wait_in_line(&state, &["CA1", "CA2", "CA3"], Some("a")).await;
    stage.advance(seconds(1)).await;
    let again = NewQueueEntry { priority: 5, ..caller("CA2", Some("b")) };
    assert_eq!(state.enqueue(&again).await.unwrap(), Enqueued::Already(Place { position: 2, depth: 3, expected_wait: None }));
    let waiting = state.peek(0).await.unwrap();
    assert_eq!(line(&state).await, ["CA1", "CA2", "CA3"]);
    assert_eq!((waiting[1].holder.clone(), waiting[1].priority), (Some(name("b")), 0));
    assert_eq!(state.stats().await.unwrap().total_queued, 3);
}

/// After live state has forgotten everything, in whatever order the callers are entered again. A time ahead of now is now.
pub async fn an_entry_that_is_written_again_has_its_old_place(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    urgent(&state, "new", 0).await;
    let now = state.peek(1).await.unwrap()[0].queued_at;
    for (call_id, priority, queued_at) in
        [("second", 0, now - 30.0), ("first", 0, now - 60.0), ("urgent", 1, now - 5.0), ("future", 0, now + 900.0)]
    {
        let entry = NewQueueEntry { priority, queued_at: Some(queued_at), ..caller(call_id, None) };
        assert!(matches!(state.enqueue(&entry).await.unwrap(), Enqueued::Queued(_)));
    }
    urgent(&state, "last", 0).await;
    assert_eq!(line(&state).await, ["urgent", "first", "second", "new", "future", "last"]);
    let waiting = state.peek(0).await.unwrap();
    assert!((waiting[1].queued_at - (now - 60.0)).abs() < 1e-3 && waiting[4].queued_at < now + 1.0);
    assert!(state.stats().await.unwrap().oldest_ms.abs_diff(60_000) < 400);
}

/// Q13, Q14, Q16, Q17: peek and depth.
pub async fn looking_changes_nothing(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    assert_eq!((state.peek(10).await.unwrap(), state.depth().await.unwrap()), (vec![], 0));
    let callers: Vec<_> = (0..12).map(|number| format!("CA{number}")).collect();
    for call_id in &callers {
        wait_in_line(&state, &[call_id.as_str()], None).await;
    }
    let first = |count| callers.iter().take(count).cloned().collect::<Vec<_>>();
    for (asked, shown) in [(1, 1), (10, 10), (0, 12), (99, 12)] {
        let seen: Vec<_> = state.peek(asked).await.unwrap().into_iter().map(|entry| entry.call_id).collect();
        assert_eq!(seen, first(shown), "peek {asked}");
    }
    assert_eq!(state.depth().await.unwrap(), 12);
    assert_eq!(served_in_order(&state).await, callers);
}

/// Q21, Q22, and why each left.
pub async fn a_removed_caller_is_gone_and_the_others_stay(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    wait_in_line(&state, &["CA1", "CA2", "CA3", "CA4", "CA5"], None).await;
    assert!(state.remove("CA2", Leaving::Abandoned).await.unwrap());
    assert!(state.remove("CA4", Leaving::Callback).await.unwrap());
    assert!(state.remove("CA5", Leaving::Removed).await.unwrap());
    for gone in ["CA2", "CA6"] {
        assert!(!state.remove(gone, Leaving::Abandoned).await.unwrap());
    }
    assert_eq!(line(&state).await, ["CA1", "CA3"]);
    let stats = state.stats().await.unwrap();
    assert_eq!((stats.depth, stats.total_queued, stats.total_dequeued, stats.abandoned, stats.callbacks), (2, 5, 0, 1, 1));
    assert_eq!(place(state.enqueue(&caller("CA2", None)).await.unwrap()).position, 3, "who comes again begins anew");
}

/// Q24, Q25.
pub async fn clearing_keeps_the_totals(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    assert_eq!(state.clear().await.unwrap(), 0);
    wait_in_line(&state, &["CA1", "CA2", "CA3", "CA4"], Some("a")).await;
    let first = state.dequeue().await.unwrap().unwrap();
    assert!(state.confirm(&first.call_id).await.unwrap());
    assert_eq!(state.clear().await.unwrap(), 3);
    let stats = state.stats().await.unwrap();
    assert_eq!((stats.depth, stats.total_queued, stats.total_dequeued, stats.oldest_ms), (0, 4, 1, 0));
    assert!(line(&state).await.is_empty() && state.places(&name("a")).await.unwrap().is_empty());
    wait_in_line(&state, &["CA2"], None).await;
}

/// Defect 10: in the original, what was taken by a worker that crashed was lost.
pub async fn an_unconfirmed_caller_returns_to_its_place(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    wait_in_line(&state, &["CA1", "CA2", "CA3"], None).await;
    for expected in ["CA1", "CA2"] {
        assert_eq!(state.dequeue().await.unwrap().unwrap().call_id, expected);
    }
    assert_eq!(line(&state).await, ["CA3"]);
    assert!(matches!(state.enqueue(&caller("CA2", None)).await.unwrap(), Enqueued::Already(_)), "it is in the queue, though handed out");
    assert!(state.confirm("CA2").await.unwrap());
    assert!(!state.confirm("CA2").await.unwrap(), "once");
    stage.advance(seconds(6)).await;
    assert!(!state.confirm("CA1").await.unwrap(), "too late");
    assert_eq!(served_in_order(&state).await, ["CA1", "CA3"]);
    assert_eq!(state.stats().await.unwrap().total_dequeued, 3);
}

/// The caller hung up between being handed out and being served.
pub async fn a_removed_caller_does_not_return(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    wait_in_line(&state, &["CA1", "CA2"], None).await;
    state.dequeue().await.unwrap().unwrap();
    assert!(state.remove("CA1", Leaving::Abandoned).await.unwrap());
    assert!(!state.confirm("CA1").await.unwrap());
    stage.advance(seconds(6)).await;
    assert_eq!(served_in_order(&state).await, ["CA2"]);
    let stats = state.stats().await.unwrap();
    assert_eq!((stats.total_queued, stats.total_dequeued, stats.abandoned), (2, 1, 1));
}

/// Q19, and what the original did not count.
pub async fn waiting_times_are_counted(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    wait_in_line(&state, &["CA1", "CA2", "CA3"], None).await;
    stage.advance(seconds(10)).await;
    state.dequeue().await.unwrap().unwrap();
    assert!(state.confirm("CA1").await.unwrap());
    let stats = state.stats().await.unwrap();
    assert_eq!((stats.depth, stats.total_queued, stats.total_dequeued, stats.within_threshold), (2, 3, 1, 1));
    assert_about(Duration::from_millis(stats.oldest_ms), seconds(10));
    stage.advance(seconds(20)).await;
    state.dequeue().await.unwrap().unwrap();
    assert!(state.confirm("CA2").await.unwrap());
    let stats = state.stats().await.unwrap();
    assert_about(Duration::from_millis(stats.wait_max_ms), seconds(30));
    assert_about(Duration::from_millis(stats.wait_total_ms), seconds(40));
    assert_eq!((stats.total_dequeued, stats.within_threshold, stats.lapsed), (2, 1, 0));
}

/// Each instance hears of its own callers only.
pub async fn places_are_told_to_the_holder(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    for (call_id, holder) in [("CA1", "a"), ("CB1", "b"), ("CA2", "a"), ("CB2", "b")] {
        wait_in_line(&state, &[call_id], Some(holder)).await;
    }
    let places =
        |of: Vec<(String, Place)>| of.into_iter().map(|(call_id, place)| (call_id, place.position, place.depth)).collect::<Vec<_>>();
    assert_eq!(places(state.places(&name("a")).await.unwrap()), [("CA1".to_owned(), 1, 4), ("CA2".to_owned(), 3, 4)]);
    assert!(state.remove("CA1", Leaving::Abandoned).await.unwrap());
    assert_eq!(places(state.places(&name("b")).await.unwrap()), [("CB1".to_owned(), 1, 3), ("CB2".to_owned(), 3, 3)]);
    assert!(state.places(&name("c")).await.unwrap().is_empty());
}

/// Measured while others wait; told after three measurements; forgotten after ten minutes.
pub async fn expected_wait_is_unknown_until_it_was_measured(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 100).await;
    wait_in_line(&state, &["CA0", "CA1", "CA2", "CA3", "CA4", "CA5", "CA6"], Some("a")).await;
    for number in 0..=Rules::MEASURED {
        let waits = state.places(&name("a")).await.unwrap();
        assert!(waits.iter().all(|(_, place)| place.expected_wait.is_none()), "{number} services are too few");
        let entry = state.dequeue().await.unwrap().unwrap();
        assert!(state.confirm(&entry.call_id).await.unwrap());
        live_on(&*stage, &["a"], 100, seconds(10)).await;
    }
    let waits = state.places(&name("a")).await.unwrap();
    assert_eq!(waits.len(), 3);
    for (position, (_, place)) in (1..).zip(&waits) {
        let expected = place.expected_wait.unwrap();
        assert!(expected.abs_diff(seconds(10 * position)) < Duration::from_millis(400) * position as u32, "{position}: {expected:?}");
    }
    let newcomer = place(state.enqueue(&caller("CA7", Some("a"))).await.unwrap());
    assert!(newcomer.expected_wait.unwrap().abs_diff(seconds(40)) < Duration::from_millis(1600));
    live_on(&*stage, &["a"], 0, seconds(601)).await;
    assert!(state.places(&name("a")).await.unwrap().iter().all(|(_, place)| place.expected_wait.is_none()), "that was ten minutes ago");
}
