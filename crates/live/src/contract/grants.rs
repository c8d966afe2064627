//! Grants: waiting callers get their place in order, with a permit and a lease.

use std::time::Duration;

use super::steps::*;
use super::{Live, Stages};
use crate::{Enqueued, Leaving, Limit, Limits, NewQueueEntry, Place, Rules, Verdict};

async fn permits(state: &Live) -> u32 {
    state.instances().await.unwrap().iter().map(|instance| instance.taken).sum()
}

/// The permit is held before the caller is told, and is the call's when it is taken up.
pub async fn a_grant_holds_its_permit(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    stage.advance(seconds(3)).await;
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(state.serve_queue().await.unwrap(), 0, "there is no room for a second");
    assert_eq!((line(&state).await, permits(&state).await), (vec!["CA2".to_owned()], 1));
    for _ in 0..2 {
        let inbox = state.inbox(&name("a")).await.unwrap();
        assert_eq!(inbox.grants.len(), 1, "it is shown until it is taken up");
        assert_eq!((inbox.grants[0].entry.call_id.as_str(), inbox.grants[0].entry.holder.clone()), ("CA1", Some(name("a"))));
        assert!(inbox.grants[0].remaining <= seconds(5) && inbox.grants[0].remaining > seconds(4));
    }
    assert_about(state.take_up("CA1", &name("a")).await.unwrap().unwrap(), seconds(3));
    assert!(granted(&state, "a").await.is_empty());
    stage.advance(seconds(6)).await;
    assert_eq!((permits(&state).await, state.serve_queue().await.unwrap()), (1, 0), "taken up, it does not lapse");
    let stats = state.stats().await.unwrap();
    assert_eq!((stats.total_dequeued, stats.lapsed, stats.within_threshold, stats.depth), (1, 0, 1, 1));
    assert!(state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(state.serve_queue().await.unwrap(), 1);
}

/// The first waits for an agent who is busy; the second for another.
pub async fn a_blocked_caller_does_not_block_the_next(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 5).await;
    assert_eq!(state.admit(&permit("CA0", "a")).await.unwrap(), Verdict::Admitted);
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    wait_in_line(&state, &["CB1", "CB2"], Some("b")).await;
    assert_eq!(state.serve_queue().await.unwrap(), 2);
    assert_eq!((granted(&state, "a").await, granted(&state, "b").await), (vec![], vec!["CB1".to_owned(), "CB2".to_owned()]));
    assert_eq!(line(&state).await, ["CA1", "CA2"]);
}

/// A call that comes in while others wait gets what they leave, and nothing when they leave nothing.
pub async fn a_newcomer_overtakes_nobody(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 2).await;
    for call_id in ["CA1", "CA2"] {
        assert_eq!(state.admit(&permit(call_id, "a")).await.unwrap(), Verdict::Admitted);
    }
    wait_in_line(&state, &["CA3", "CA4"], Some("a")).await;
    assert!(state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(state.admit(&permit("CA5", "a")).await.unwrap(), Verdict::Full(Limit::Instance));
    assert_eq!(granted(&state, "a").await, ["CA3"]);
    beat(&state, "a", 5).await;
    assert_eq!(state.admit(&permit("CA5", "a")).await.unwrap(), Verdict::Admitted, "there is room for all");
    assert_eq!(granted(&state, "a").await, ["CA3", "CA4"]);
}

/// Its instance hangs: the permit goes on, the caller keeps the place.
pub async fn a_lapsed_grant_goes_to_the_next_and_returns_to_its_place(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    wait_in_line(&state, &["CA1", "CA2", "CA3"], Some("a")).await;
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "a").await, ["CA1"]);
    stage.advance(seconds(6)).await;
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "a").await, ["CA2"]);
    assert_eq!((line(&state).await, permits(&state).await), (vec!["CA1".to_owned(), "CA3".to_owned()], 1));
    assert_eq!(state.stats().await.unwrap().lapsed, 1);
    assert!(state.take_up("CA2", &name("a")).await.unwrap().is_some());
    assert!(state.release("CA2", &name("a")).await.unwrap());
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "a").await, ["CA1"], "it is first again");
}

/// With nobody else there, it is granted again, and no newcomer gets past it.
pub async fn a_lapsed_grant_comes_back_when_nobody_else_waits(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    wait_in_line(&state, &["CA1"], Some("a")).await;
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    stage.advance(seconds(6)).await;
    assert_eq!(state.admit(&permit("CA2", "a")).await.unwrap(), Verdict::Full(Limit::Instance));
    assert_eq!(granted(&state, "a").await, ["CA1"]);
    assert!(state.take_up("CA1", &name("a")).await.unwrap().is_some());
}

/// Anybody else, and anybody too late, gets nothing.
pub async fn only_the_holder_takes_up_and_only_in_time(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    assert_eq!(state.take_up("CA1", &name("a")).await.unwrap(), None, "not granted yet");
    state.serve_queue().await.unwrap();
    assert_eq!(state.take_up("CA1", &name("b")).await.unwrap(), None);
    assert_eq!(state.take_up("CA2", &name("a")).await.unwrap(), None);
    assert_eq!(granted(&state, "a").await, ["CA1"]);
    stage.advance(seconds(6)).await;
    assert_eq!(state.take_up("CA1", &name("a")).await.unwrap(), None, "the lease ran out");
    assert!(granted(&state, "a").await.is_empty());
    assert_eq!(state.stats().await.unwrap().total_dequeued, 0);
}

/// They hung up after all.
pub async fn a_removed_grant_frees_its_permit(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    state.serve_queue().await.unwrap();
    assert!(state.remove("CA1", Leaving::Abandoned).await.unwrap());
    assert!(!state.remove("CA1", Leaving::Abandoned).await.unwrap());
    assert_eq!((permits(&state).await, granted(&state, "a").await), (0, vec![]));
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "a").await, ["CA2"]);
    assert_eq!(state.stats().await.unwrap().abandoned, 1);
}

/// Until then the permit is the queue's: freeing it would let one too many talk.
pub async fn a_grant_is_not_released_before_it_is_taken_up(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    wait_in_line(&state, &["CA1"], Some("a")).await;
    state.serve_queue().await.unwrap();
    assert!(!state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(permits(&state).await, 1);
    assert!(state.take_up("CA1", &name("a")).await.unwrap().is_some());
    assert!(state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(permits(&state).await, 0);
}

/// It is served as soon as another instance holds it.
pub async fn a_caller_of_a_draining_instance_keeps_its_place(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat_draining(&state, "a", 5).await;
    beat(&state, "b", 1).await;
    wait_in_line(&state, &["CA1"], Some("a")).await;
    wait_in_line(&state, &["CB1"], Some("b")).await;
    assert_eq!(state.admit(&permit("CB0", "b")).await.unwrap(), Verdict::Full(Limit::Instance), "the one who waits has it");
    assert_eq!((granted(&state, "a").await, granted(&state, "b").await), (vec![], vec!["CB1".to_owned()]));
    assert!(state.take_up("CB1", &name("b")).await.unwrap().is_some());
    wait_in_line(&state, &["CB2"], Some("b")).await;
    assert_eq!(place(state.enqueue(&caller("CA1", Some("b"))).await.unwrap()).position, 1);
    assert!(state.release("CB1", &name("b")).await.unwrap());
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "b").await, ["CA1"]);
}

/// The instance died: its callers keep their place while they come back.
pub async fn an_orphan_keeps_its_place(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 0).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    stage.advance(seconds(1)).await;
    beat(&state, "b", 1).await;
    wait_in_line(&state, &["CB1"], Some("b")).await;
    live_on(&*stage, &["b"], 1, seconds(20)).await;
    let holders: Vec<_> = state.peek(0).await.unwrap().into_iter().map(|entry| (entry.call_id, entry.holder)).collect();
    assert_eq!(holders, [("CA1".to_owned(), None), ("CA2".to_owned(), None), ("CB1".to_owned(), Some(name("b")))]);
    assert_eq!(
        state.enqueue(&caller("CA2", Some("b"))).await.unwrap(),
        Enqueued::Already(Place { position: 2, depth: 3, expected_wait: None })
    );
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "b").await, ["CA2"], "before the one who came later");
    live_on(&*stage, &["b"], 1, seconds(61)).await;
    assert_eq!(line(&state).await, ["CA2", "CB1"], "the one who came back is not abandoned");
}

/// Nobody comes back: they left the queue, are counted, and told once.
pub async fn an_orphan_that_nobody_takes_is_abandoned_once(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (one, two) = (stage.state(), stage.second().await);
    beat(&one, "a", 0).await;
    wait_in_line(&one, &["CA1", "CA2"], Some("a")).await;
    let mut abandoned = Vec::new();
    for second in (0..100).step_by(5) {
        stage.advance(seconds(5)).await;
        let (b, c) = tokio::join!(beat(&one, "b", 1), beat(&two, "c", 1));
        abandoned.extend(b.abandoned.into_iter().chain(c.abandoned).map(|entry| entry.call_id));
        assert!(second < 75 || abandoned.len() == 2, "15 s of lease, a beat, 60 s of window, a beat");
        assert!(second > 65 || abandoned.is_empty(), "a minute is not over");
    }
    assert_eq!(abandoned, ["CA1", "CA2"]);
    assert_eq!((one.depth().await.unwrap(), one.stats().await.unwrap().abandoned), (0, 2));
    assert_eq!(place(one.enqueue(&caller("CA1", Some("b"))).await.unwrap()).position, 1, "they begin anew");
}

/// The stream broke off and the carrier has not asked yet.
pub async fn a_caller_without_a_socket_keeps_its_place_and_is_given_up(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 0).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    assert!(matches!(state.enqueue(&caller("CA1", None)).await.unwrap(), Enqueued::Already(Place { position: 1, .. })));
    beat(&state, "a", 1).await;
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "a").await, ["CA2"], "who has no socket is not granted");
    live_on(&*stage, &["a"], 0, seconds(30)).await;
    assert_eq!(line(&state).await, ["CA1", "CA2"]);
    assert!(matches!(state.enqueue(&caller("CA1", Some("a"))).await.unwrap(), Enqueued::Already(Place { position: 1, .. })));
    live_on(&*stage, &["a"], 0, seconds(70)).await;
    assert_eq!(line(&state).await, ["CA1", "CA2"], "it came back");
    state.enqueue(&caller("CA1", None)).await.unwrap();
    live_on(&*stage, &["a"], 0, seconds(70)).await;
    assert_eq!(line(&state).await, ["CA2"]);
    assert_eq!(state.stats().await.unwrap().abandoned, 1);
}

/// Died between grant and taking up.
pub async fn grants_of_a_dead_instance_return(on: &dyn Stages) {
    let stage = on.open(Rules { grant_lease: seconds(600), ..Rules::default() }).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    let one_at_a_time =
        |call_id: &str, holder: &str| NewQueueEntry { limits: Limits { agent: Some(1), tenant: None }, ..caller(call_id, Some(holder)) };
    for (call_id, holder) in [("CA1", "a"), ("CB1", "b")] {
        assert!(matches!(state.enqueue(&one_at_a_time(call_id, holder)).await.unwrap(), Enqueued::Queued(_)));
    }
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    stage.advance(seconds(9)).await;
    live_on(&*stage, &["b"], 1, seconds(10)).await;
    assert_eq!(state.take_up("CA1", &name("a")).await.unwrap(), None);
    assert_eq!((line(&state).await, state.peek(1).await.unwrap()[0].holder.clone()), (vec!["CA1".to_owned(), "CB1".to_owned()], None));
    assert_eq!(state.serve_queue().await.unwrap(), 1, "the permit is free");
    assert_eq!(granted(&state, "b").await, ["CB1"]);
}

/// Its old instance has the permit, the caller is elsewhere: it waits at its old place, there.
pub async fn a_granted_caller_who_comes_back_elsewhere_waits_again(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 1).await;
    beat(&state, "b", 1).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    state.serve_queue().await.unwrap();
    assert_eq!(place(state.enqueue(&caller("CA1", Some("b"))).await.unwrap()).position, 1);
    assert!(granted(&state, "a").await.is_empty());
    assert_eq!(state.serve_queue().await.unwrap(), 2);
    assert_eq!((granted(&state, "a").await, granted(&state, "b").await), (vec!["CA2".to_owned()], vec!["CA1".to_owned()]));
    assert_eq!(permits(&state).await, 2);
}

/// Its call was resumed where there is room: it is served, and not granted a second time.
pub async fn an_admitted_caller_leaves_the_queue(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 0).await;
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    stage.advance(seconds(2)).await;
    beat(&state, "b", 5).await;
    assert_eq!(state.admit(&permit("CA1", "b")).await.unwrap(), Verdict::Admitted);
    assert_eq!(line(&state).await, ["CA2"]);
    let stats = state.stats().await.unwrap();
    assert_eq!((stats.total_dequeued, stats.abandoned), (1, 0));
    assert_about(Duration::from_millis(stats.wait_max_ms), seconds(2));
}

/// Only `dequeue` serves them.
pub async fn a_caller_without_a_holder_is_never_granted(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 5).await;
    wait_in_line(&state, &["CA1"], None).await;
    wait_in_line(&state, &["CA2"], Some("a")).await;
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!((granted(&state, "a").await, line(&state).await), (vec!["CA2".to_owned()], vec!["CA1".to_owned()]));
    assert_eq!(state.admit(&permit("CA3", "a")).await.unwrap(), Verdict::Admitted, "nobody who can be served waits");
}

/// One step looks at [`Rules::SCAN`] blocked callers.
pub async fn many_blocked_callers_do_not_hide_the_next(on: &dyn Stages) {
    let stage = on.open(Rules { queue_capacity: 2 * Rules::SCAN as u64, ..Rules::default() }).await;
    let state = stage.state();
    beat(&state, "a", 5).await;
    for number in 1..Rules::SCAN {
        wait_in_line(&state, &[&format!("blocked {number}")], None).await;
    }
    wait_in_line(&state, &["CA1", "CA2"], Some("a")).await;
    assert_eq!(state.serve_queue().await.unwrap(), 2);
    assert_eq!(granted(&state, "a").await, ["CA1", "CA2"]);
}

/// In order, and never more than a limit allows.
pub async fn grants_respect_agent_and_tenant(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    beat(&state, "a", 9).await;
    beat(&state, "b", 9).await;
    let limits = Limits { agent: Some(2), tenant: Some(3) };
    for (call_id, holder, agent) in
        [("CA1", "a", "desk"), ("CB1", "b", "desk"), ("CA2", "a", "desk"), ("CB2", "b", "spa"), ("CA3", "a", "spa"), ("CB3", "b", "spa")]
    {
        let entry = NewQueueEntry { agent_id: agent.into(), limits, ..caller(call_id, Some(holder)) };
        assert!(matches!(state.enqueue(&entry).await.unwrap(), Enqueued::Queued(_)));
    }
    assert_eq!(state.serve_queue().await.unwrap(), 3);
    assert_eq!(line(&state).await, ["CA2", "CA3", "CB3"], "two of the desk, three of the hotel");
    assert!(state.take_up("CA1", &name("a")).await.unwrap().is_some());
    assert!(state.release("CA1", &name("a")).await.unwrap());
    assert_eq!(state.serve_queue().await.unwrap(), 1);
    assert_eq!(granted(&state, "a").await, ["CA2"]);
}
