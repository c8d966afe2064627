//! What stories are made of.

use std::collections::BTreeMap;
use std::time::Duration;

use call::PhoneNumber;

use super::{Live, Stage};
use crate::{Beat, CallEntry, Enqueued, InstanceName, Limits, NewQueueEntry, PermitRequest, Place, Pulse};

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) fn name(name: &str) -> InstanceName {
    InstanceName::new(name).unwrap()
}

/// An instance with this much room says that it lives.
pub(super) async fn beat(state: &Live, instance: &str, limit: u32) -> Pulse {
    state.beat(&Beat { instance: name(instance), limit, draining: false, url: None }).await.unwrap()
}

/// The same, but it takes nothing new.
pub(super) async fn beat_draining(state: &Live, instance: &str, limit: u32) -> Pulse {
    state.beat(&Beat { instance: name(instance), limit, draining: true, url: None }).await.unwrap()
}

/// Lets time pass while these instances live on, each with room for `limit` calls.
pub(super) async fn live_on(stage: &dyn Stage, instances: &[&str], limit: u32, time: Duration) {
    let mut left = time;
    while !left.is_zero() {
        let step = left.min(seconds(5));
        stage.advance(step).await;
        left -= step;
        for instance in instances {
            beat(&stage.state(), instance, limit).await;
        }
    }
}

pub(super) fn entry(call_id: &str, instance: &str) -> CallEntry {
    CallEntry {
        call_id: call_id.into(),
        agent_id: "desk".into(),
        started_at: 1_790_000_000.25,
        phone_number: Some(PhoneNumber::new("+15005550006")),
        metadata: Some(BTreeMap::from([("provider".into(), "twilio".into()), ("session_id".into(), "0190".into())])),
        instance: name(instance),
    }
}

/// A call for the desk of the hotel, with no shared limits.
pub(super) fn permit(call_id: &str, instance: &str) -> PermitRequest {
    PermitRequest {
        call_id: call_id.into(),
        instance: name(instance),
        agent_id: "desk".into(),
        tenant: "hotel".into(),
        limits: Limits::default(),
    }
}

/// A caller for the desk of the hotel, with no shared limits.
pub(super) fn caller(call_id: &str, holder: Option<&str>) -> NewQueueEntry {
    NewQueueEntry {
        call_id: call_id.into(),
        agent_id: "desk".into(),
        phone_number: Some(PhoneNumber::new("+15005550006")),
        priority: 0,
        metadata: None,
        holder: holder.map(name),
        tenant: "hotel".into(),
        limits: Limits::default(),
        queued_at: None,
    }
}

pub(super) async fn wait_in_line(state: &Live, callers: &[&str], holder: Option<&str>) {
    for call_id in callers {
        assert!(matches!(state.enqueue(&caller(call_id, holder)).await.unwrap(), Enqueued::Queued(_)), "{call_id}");
    }
}

pub(super) fn place(enqueued: Enqueued) -> Place {
    match enqueued {
        Enqueued::Queued(place) | Enqueued::Already(place) => place,
        Enqueued::Full => panic!("the queue is full"),
    }
}

/// Everybody who waits, in order.
pub(super) async fn line(state: &Live) -> Vec<String> {
    state.peek(0).await.unwrap().into_iter().map(|entry| entry.call_id).collect()
}

/// Calls that may be served by the instance now.
pub(super) async fn granted(state: &Live, instance: &str) -> Vec<String> {
    state.inbox(&name(instance)).await.unwrap().grants.into_iter().map(|grant| grant.entry.call_id).collect()
}

pub(super) async fn registered(state: &Live) -> Vec<String> {
    ids(&state.active_calls().await.unwrap())
}

pub(super) fn ids(calls: &[CallEntry]) -> Vec<String> {
    calls.iter().map(|call| call.call_id.clone()).collect()
}

/// Takes callers out one by one until nobody waits.
pub(super) async fn served_in_order(state: &Live) -> Vec<String> {
    let mut order = Vec::new();
    while let Some(entry) = state.dequeue().await.unwrap() {
        assert!(state.confirm(&entry.call_id).await.unwrap());
        order.push(entry.call_id);
    }
    order
}

/// `found` is `expected`, or up to the real time that a story may take (400 ms) more; a millisecond less where it was rounded down.
pub(super) fn assert_about(found: Duration, expected: Duration) {
    let from = expected.saturating_sub(Duration::from_millis(1));
    assert!(found >= from && found <= expected + Duration::from_millis(400), "{found:?} is not about {expected:?}");
}
