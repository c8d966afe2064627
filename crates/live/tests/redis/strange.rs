//! Keys that somebody else wrote: they hide nothing of ours.

use live::{Limits, LiveState, NewQueueEntry, Rules};

use super::chaos::call;
use super::stage::Place;

#[tokio::test]
async fn a_broken_entry_never_hides_the_others() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    for number in 0..250 {
        state.register(&call(&format!("CA{number:03}"), "a")).await.unwrap();
    }
    for command in [
        "SET voicenoob:calls:CA007 text",
        "HDEL voicenoob:calls:CA108 started_at",
        "HSET voicenoob:calls:CA109 started_at yesterday",
        "HSET voicenoob:calls:CA110 instance two|words",
        "DEL voicenoob:calls:CA249",
    ] {
        place.server().ask(command).await.unwrap();
    }
    let listed = state.active_calls().await.unwrap();
    assert_eq!(listed.len(), 245);
    assert!(listed.iter().all(|call| !["CA007", "CA108", "CA109", "CA110", "CA249"].contains(&call.call_id.as_str())));
    state.register(&call("CA007", "a")).await.unwrap();
    assert_eq!(state.active_calls().await.unwrap().len(), 246, "what stood in the way is overwritten");
}

#[tokio::test]
async fn the_registry_can_be_read_with_the_tools_of_the_reference() {
    let mut place = Place::alone(Rules::default()).await;
    let mut entry = call("CA1", "pod-1");
    entry.phone_number = Some(call::PhoneNumber::new("+15005550006"));
    entry.metadata = Some([("provider".to_owned(), "twilio".to_owned())].into());
    place.redis().register(&entry).await.unwrap();
    let mut fields = place.server().ask("HGETALL voicenoob:calls:CA1").await.unwrap();
    let mut pairs: Vec<_> = fields.chunks_mut(2).map(|pair| pair.concat()).collect();
    pairs.sort();
    assert_eq!(pairs, ["agent_iddesk", "call_idCA1", "instancepod-1", "meta:providertwilio", "phone_number+15005550006", "started_at1.5"]);
    let left: u64 = place.server().ask("TTL voicenoob:calls:CA1").await.unwrap()[0].parse().unwrap();
    assert!((1790..=1800).contains(&left));
    place.redis().set_shutting_down(true, std::time::Duration::from_secs(9)).await.unwrap();
    assert_eq!(place.server().ask("GET voicenoob:shutdown").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_broken_queue_entry_never_hides_the_others() {
    let mut place = Place::alone(Rules::default()).await;
    let state = place.redis().clone();
    for number in 0..4 {
        let entry = NewQueueEntry {
            call_id: format!("CA{number}"),
            agent_id: "desk".into(),
            phone_number: None,
            priority: 0,
            metadata: None,
            holder: None,
            tenant: String::new(),
            limits: Limits::default(),
            queued_at: None,
        };
        state.enqueue(&entry).await.unwrap();
    }
    place.server().ask("HSET voicenoob:queue:entries CA1 no-json").await.unwrap();
    place.server().ask("HSET voicenoob:queue:entries CA2 {}").await.unwrap();
    place.server().ask("HDEL voicenoob:queue:entries CA0").await.unwrap();
    let ids: Vec<_> = state.peek(0).await.unwrap().into_iter().map(|entry| entry.call_id).collect();
    assert_eq!(ids, ["", "CA3"]);
    state.serve_queue().await.unwrap();
    state.stats().await.unwrap();
    assert_eq!(state.clear().await.unwrap(), 4);
    assert_eq!(state.depth().await.unwrap(), 0);
}
