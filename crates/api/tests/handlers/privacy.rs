//! One caller's data.

use std::time::Duration;

use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, PhoneNumber, TenantId, Timestamp};
use serde_json::json;
use store::{Message, Records, SqlRecords};
use uuid::Uuid;

use crate::desk::Desk;

const CALLER: &str = "+4930123456";

/// A call that is over, with a message and a recording.
async fn call(desk: &Desk, recording: &str) -> CallId {
    let records = SqlRecords::new(desk.state.db.clone());
    let id = CallId(Uuid::now_v7());
    records.open_call(&record(id)).await.unwrap();
    records.answer_call(id, Timestamp::now(), Some(recording)).await.unwrap();
    let message =
        Message { call_id: id, at: Timestamp::now(), name: "Gerda Gast".into(), phone: CALLER.into(), text: "Please call.".into() };
    records.add_message(&message, &id.to_string()).await.unwrap();
    records.end_call(id, Timestamp::now(), EndReason::CallerHungUp).await.unwrap();
    id
}

fn record(id: CallId) -> CallRecord {
    CallRecord {
        id,
        tenant: TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: format!("CA{}", id.0.simple()),
        direction: Direction::Inbound,
        from: PhoneNumber::new(CALLER),
        to: PhoneNumber::new("+15005550001"),
        agent_id: AgentId(Uuid::from_u128(7)),
        agent_name: "Front desk".into(),
        status: CallStatus::Ringing,
        offered_at: Timestamp::now(),
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    }
}

async fn a_callers_data_is_handed_out_and_noted(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let id = call(&desk, "recordings/one.wav").await;
    let body = json!({ "phone_number": CALLER });
    let data = owner.post("privacy/export", body.clone()).await.is(200);
    assert_eq!(data.body["calls"].as_array().unwrap().len(), 1);
    assert!(data.body["calls"][0].to_string().contains(&id.to_string()));
    assert!(data.body["messages"].to_string().contains("Gerda Gast"));
    assert_eq!(data.body["recordings"], json!(["recordings/one.wav"]));
    let theirs = stranger.post("privacy/export", body.clone()).await.is(200);
    assert_eq!(theirs.body["calls"], json!([]));
    let log = owner.get("privacy/log").await.is(200);
    assert_eq!((log.text("/items/0/kind"), log.text("/items/0/subject")), ("export".into(), data.text("/subject")));
    assert!(!log.body.to_string().contains("30123456"));
    let operator = desk.colleague(&owner, "operator@example.com", "operator").await;
    operator.post("privacy/export", body).await.refused(403, "permission");
    assert_eq!(owner.post("privacy/export", json!({ "phone_number": "030 123456" })).await.bad_fields(), ["/phone_number"]);
}

async fn an_erasure_wants_the_number_twice_and_proves_itself(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let id = call(&desk, "one.wav").await;
    let file = desk.place.path().join("one.wav");
    std::fs::write(&file, "sound").unwrap();
    let body = json!({ "phone_number": CALLER, "confirmation": CALLER });
    let half = owner.post("privacy/erase", json!({ "phone_number": CALLER, "confirmation": "+4930123457" })).await;
    assert_eq!(half.bad_fields(), ["/confirmation"]);
    owner.post("privacy/erase", json!({ "phone_number": CALLER })).await.is(422);
    let theirs = stranger.post("privacy/erase", body.clone()).await.is(200);
    assert_eq!(theirs.body["removed"]["calls"].as_u64().unwrap_or_default(), 0);
    assert!(std::fs::read(&file).is_ok(), "nothing is gone yet");

    let erased = owner.post("privacy/erase", body).await.is(200);
    assert_eq!((&erased.body["complete"], &erased.body["left_over"]), (&json!(true), &json!({})));
    assert_eq!((&erased.body["removed"]["calls"], &erased.body["removed"]["recordings"]), (&json!(1), &json!(1)));
    assert!(std::fs::read(&file).is_err(), "the file is gone");
    let left = owner.post("privacy/export", json!({ "phone_number": CALLER })).await.is(200);
    assert_eq!((&left.body["calls"], &left.body["messages"]), (&json!([]), &json!([])));
    let record = SqlRecords::new(desk.state.db.clone()).call(id).await.unwrap().unwrap();
    assert_eq!(record.from.expose(), "", "the call stays for counting");
    let log = owner.get("privacy/log").await.is(200);
    assert_eq!(log.text("/items/1/id"), erased.text("/id"));
    owner.line("privacy.erase", &erased.text("/subject")).await;
}

async fn a_recording_that_cannot_be_removed_stops_the_erasure(desk: Desk) {
    let owner = desk.owner().await;
    call(&desk, "stuck.wav").await;
    // A folder is no file to remove.
    std::fs::create_dir(desk.place.path().join("stuck.wav")).unwrap();
    let body = json!({ "phone_number": CALLER, "confirmation": CALLER });
    owner.post("privacy/erase", body.clone()).await.refused(503, "recordings");
    let data = owner.post("privacy/export", json!({ "phone_number": CALLER })).await.is(200);
    assert_eq!(data.body["calls"].as_array().unwrap().len(), 1, "nothing is blank while its recording is there");
    std::fs::remove_dir(desk.place.path().join("stuck.wav")).unwrap();
    let erased = owner.post("privacy/erase", body).await.is(200);
    assert_eq!(erased.body["complete"], true);
}

/// Somebody who called so often that one round does not take them all, and whose erasure takes its time.
async fn frequent_caller(desk: &Desk) -> u64 {
    const CALLS: u64 = 2_050;
    let records = SqlRecords::new(desk.state.db.clone());
    for _ in 0..CALLS {
        let id = CallId(Uuid::now_v7());
        records.open_call(&record(id)).await.unwrap();
        records.end_call(id, Timestamp::now(), EndReason::CallerHungUp).await.unwrap();
    }
    CALLS
}

async fn an_erasure_is_finished_when_nobody_waits_for_it_any_more(desk: Desk) {
    let owner = desk.owner().await;
    let calls = frequent_caller(&desk).await;
    let body = json!({ "phone_number": CALLER, "confirmation": CALLER });
    // Hangs up after the first steps.
    let asked = tokio::time::timeout(Duration::from_millis(100), owner.post("privacy/erase", body.clone())).await;
    assert!(asked.is_err(), "it was over too soon to be left alone: {asked:?}");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let entry = loop {
        let log = owner.get("privacy/log").await.is(200);
        if let Some(entry) = log.body["items"].as_array().unwrap().first() {
            break entry.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "the erasure was dropped with its connection");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((&entry["kind"], &entry["removed"]["calls"], &entry["left_over"]), (&json!("erasure"), &json!(calls), &json!({})));

    // A stop waits for what is under way, and nothing new begins.
    frequent_caller(&desk).await;
    let (erased, settled) = tokio::join!(owner.post("privacy/erase", body.clone()), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        desk.state.erasures.settle(Duration::from_secs(60)).await
    });
    assert!(settled);
    assert_eq!(erased.is(200).body["complete"], true);
    owner.post("privacy/erase", body).await.refused(503, "erasures");
}

stories! {
    a_callers_data_is_handed_out_and_noted,
    an_erasure_wants_the_number_twice_and_proves_itself,
    a_recording_that_cannot_be_removed_stops_the_erasure,
    an_erasure_is_finished_when_nobody_waits_for_it_any_more,
}
