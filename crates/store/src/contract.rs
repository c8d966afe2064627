//! What every adapter of [`Records`] does, as stories. Each takes an adapter with nothing in it, and panics when the adapter breaks its word.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

pub mod business;
pub mod call_lists;
mod fill;
pub mod people;
pub mod people_audit;
pub mod people_sessions;
pub mod people_tenants;
pub mod people_tickets;
pub mod personal_data;
mod rungs;
pub mod tools;
mod transfers;
mod usage;

use std::sync::Arc;

use call::{
    AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, LatencyParts, NextStep, PhoneNumber, Speaker, TenantId,
    Timestamp, ToolOutcome, TurnRecord,
};
pub use fill::{fill, fill_rest, filled_id};
pub use rungs::changes_of_rung_are_kept_in_order;
use serde_json::{Value, json};
use sqlx::{Executor, SqlSafeStr};
use tokio::task::JoinSet;
pub use transfers::{a_call_that_is_being_put_through_is_its_carriers, a_transfer_ends_once_whatever_is_told_first};
pub use usage::what_a_call_used_is_added_up;
use uuid::Uuid;

use crate::{CallFilter, CallbackRequest, CallbackWhy, Database, Message, NewToolCall, Progress, Records, StoreError, Target, ToolClaim};

/// A moment, in seconds after an origin, with a microsecond part.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_microsecond(1_790_000_000_123_456 + second * 1_000_000).unwrap()
}

/// A call that was just offered; a larger number is a newer call.
pub fn record(number: u32) -> CallRecord {
    CallRecord {
        id: CallId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))),
        tenant: TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: format!("CA{number:032}"),
        direction: Direction::Inbound,
        from: PhoneNumber::new("+15005550006"),
        to: PhoneNumber::new("+15005550001"),
        agent_id: AgentId(Uuid::from_u128(7)),
        agent_name: "receptionist".into(),
        status: CallStatus::Ringing,
        offered_at: at(i64::from(number)),
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    }
}

/// A turn with every field set.
pub fn turn(index: u32) -> TurnRecord {
    TurnRecord {
        index,
        speaker: Speaker::Agent,
        text: format!("Good evening, {index} \"rooms\" are free."),
        heard: "Good evening".into(),
        interrupted: true,
        start_ms: 1_000,
        end_ms: 2_500,
        confidence: Some(0.8125),
        digits: Some("12#".into()),
        latency: Some(LatencyParts { endpoint_ms: 700, recognition_ms: 20, brain_ms: 3, first_audio_ms: 41 }),
    }
}

fn tool(key: &str) -> NewToolCall {
    NewToolCall { idempotency_key: key.into(), tool: "create_booking".into(), arguments: json!({"nights": 2}), start_ms: 9_000 }
}

/// The carrier asks twice; there is one record, the first.
pub async fn a_repeated_webhook_makes_one_record(records: Arc<dyn Records>) {
    let first = record(1);
    let mut again = CallRecord { carrier_call_id: first.carrier_call_id.clone(), ..record(2) };
    assert_eq!(records.open_call(&first).await.unwrap(), first);
    assert_eq!(records.open_call(&again).await.unwrap(), first);
    assert_eq!(records.calls(&CallFilter { limit: 10, before: None }).await.unwrap(), std::slice::from_ref(&first));
    again.carrier = Carrier::Telnyx;
    assert_eq!(records.open_call(&again).await.unwrap(), again, "the same id of another carrier is another call");
    assert_eq!(records.call_by_carrier(Carrier::Telnyx, &again.carrier_call_id).await.unwrap(), Some(again));
    assert_eq!(records.call_by_carrier(Carrier::Telnyx, "nobody").await.unwrap(), None);
}

/// Answer and end are each stored once; what comes later changes nothing.
pub async fn a_call_is_answered_and_ends_once(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    records.answer_call(id, at(3), Some("recordings/1.wav")).await.unwrap();
    records.answer_call(id, at(4), None).await.unwrap();
    records.end_call(id, at(9), EndReason::AgentHungUp).await.unwrap();
    records.end_call(id, at(11), EndReason::Drained).await.unwrap();
    records.answer_call(id, at(12), Some("recordings/2.wav")).await.unwrap();
    let expected = CallRecord {
        status: CallStatus::Completed,
        answered_at: Some(at(3)),
        ended_at: Some(at(9)),
        end_reason: Some(EndReason::AgentHungUp),
        recording: Some("recordings/1.wav".into()),
        ..record(1)
    };
    assert_eq!(records.call(id).await.unwrap(), Some(expected));
}

/// A caller who gave up in the queue, and a call of ours that was refused.
pub async fn an_unanswered_call_becomes_final_too(records: Arc<dyn Records>) {
    for (number, why, status) in [
        (1, EndReason::CallerHungUp, CallStatus::Canceled),
        (2, EndReason::Refused, CallStatus::Failed),
        (3, EndReason::NotConnected, CallStatus::Busy),
    ] {
        let call = records.open_call(&record(number)).await.unwrap();
        if status == CallStatus::Busy {
            assert!(records.report_status(call.carrier, &call.carrier_call_id, status, "busy", at(5)).await.unwrap());
        }
        records.end_call(call.id, at(6), why).await.unwrap();
        let ended = records.call(call.id).await.unwrap().unwrap();
        assert_eq!((ended.status, ended.answered_at, ended.end_reason), (status, None, Some(why)));
    }
}

/// Callbacks arrive in any order.
pub async fn a_status_never_goes_back(records: Arc<dyn Records>) {
    let call = records.open_call(&record(1)).await.unwrap();
    use CallStatus::{Completed, InProgress, Initiated, Ringing};
    for (reported, expected) in
        [(Initiated, Ringing), (InProgress, InProgress), (Ringing, InProgress), (Completed, Completed), (InProgress, Completed)]
    {
        assert!(records.report_status(call.carrier, &call.carrier_call_id, reported, "raw", at(2)).await.unwrap());
        assert_eq!(records.call(call.id).await.unwrap().unwrap().status, expected);
    }
    assert!(!records.report_status(Carrier::Telnyx, &call.carrier_call_id, Completed, "raw", at(2)).await.unwrap(), "an unknown call");
}

/// A carrier's callbacks come on several connections; whatever their order, the furthest status stands.
pub async fn reports_that_come_at_once_do_not_undo_each_other(records: Arc<dyn Records>) {
    use CallStatus::{Completed, InProgress, Initiated, Ringing};
    for number in 0..10 {
        let call = records.open_call(&record(number)).await.unwrap();
        let mut tasks = JoinSet::new();
        for status in [Initiated, InProgress, Ringing, Completed, Ringing, InProgress] {
            let (records, call) = (Arc::clone(&records), call.clone());
            tasks.spawn(async move { records.report_status(call.carrier, &call.carrier_call_id, status, "raw", at(2)).await.unwrap() });
        }
        assert_eq!(tasks.join_all().await, [true; 6]);
        assert_eq!(records.call(call.id).await.unwrap().unwrap().status, Completed);
    }
}

/// PostgreSQL has no NUL in texts and JSON; the replacement character stands for it, on every database.
pub async fn what_postgresql_cannot_keep_is_replaced(records: Arc<dyn Records>) {
    let call = records.open_call(&record(1)).await.unwrap();
    records.add_turn(call.id, &TurnRecord { text: "a\0b".into(), ..turn(0) }).await.unwrap();
    assert_eq!(records.turns(call.id).await.unwrap()[0].text, "a\u{FFFD}b");
    let snapshot = json!({"a\0": [{"b": "\0"}]});
    records.save_progress(call.id, &Progress { snapshot, turns: 0, elapsed_ms: 0 }).await.unwrap();
    let kept = records.progress(call.id).await.unwrap().unwrap();
    assert_eq!(kept.snapshot, json!({"a\u{FFFD}": [{"b": "\u{FFFD}"}]}));
}

/// Turns keep every field; the same index again replaces.
pub async fn turns_come_back_in_order_and_can_be_replaced(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    let bare = TurnRecord { speaker: Speaker::Caller, interrupted: false, confidence: None, digits: None, latency: None, ..turn(0) };
    for turn in [&turn(1), &turn(0), &bare] {
        records.add_turn(id, turn).await.unwrap();
    }
    assert_eq!(records.turns(id).await.unwrap(), [bare, turn(1)]);
    assert!(records.turns(record(2).id).await.unwrap().is_empty());
}

/// One key, one effect, however many ask at once.
pub async fn one_of_twenty_claims_is_ours(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    let other = records.open_call(&record(2)).await.unwrap().id;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let records = Arc::clone(&records);
        let call = if number % 2 == 0 { id } else { other };
        tasks.spawn(async move { records.claim_tool(call, &tool("key")).await.unwrap() });
    }
    let claims = tasks.join_all().await;
    let known = claims.iter().filter(|claim| matches!(claim, ToolClaim::Known(tool) if tool.outcome == ToolOutcome::Pending)).count();
    assert_eq!((claims.len(), known), (20, 19));
}

/// The first outcome stands.
pub async fn a_tool_call_is_finished_once(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    for key in ["b", "a"] {
        assert_eq!(records.claim_tool(id, &tool(key)).await.unwrap(), ToolClaim::Ours);
    }
    records.finish_tool(id, "b", ToolOutcome::Ok, &json!({"code": "482915"}), 12).await.unwrap();
    records.finish_tool(id, "b", ToolOutcome::Failed, &Value::Null, 99).await.unwrap();
    let tools = records.tools(id).await.unwrap();
    let seen: Vec<_> = tools.iter().map(|tool| (tool.idempotency_key.as_str(), tool.outcome, tool.took_ms)).collect();
    assert_eq!(seen, [("b", ToolOutcome::Ok, 12), ("a", ToolOutcome::Pending, 0)]);
    assert_eq!((tools[0].result["code"].as_str(), &tools[0].arguments), (Some("482915"), &json!({"nights": 2})));
    assert_eq!(records.claim_tool(id, &tool("b")).await.unwrap(), ToolClaim::Known(tools[0].clone()));
    assert!(matches!(records.finish_tool(id, "c", ToolOutcome::Ok, &Value::Null, 0).await, Err(StoreError::UnknownToolCall { .. })));
}

/// Pages follow each other without gap or repeat.
pub async fn calls_are_paged_newest_first(records: Arc<dyn Records>) {
    for number in [3, 1, 5, 2, 4] {
        records.open_call(&record(number)).await.unwrap();
    }
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = records.calls(&CallFilter { limit: 2, before }).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page);
    }
    assert_eq!(seen, [record(5), record(4), record(3), record(2), record(1)]);
}

/// Messages keep what was said.
pub async fn messages_come_newest_first(records: Arc<dyn Records>) {
    let call_id = records.open_call(&record(1)).await.unwrap().id;
    let message = |second, text: &str| Message { call_id, at: at(second), name: "Ann".into(), phone: "+1".into(), text: text.into() };
    for (second, text) in [(1, "first"), (2, "second"), (3, "third")] {
        records.add_message(&message(second, text), text).await.unwrap();
    }
    assert_eq!(records.messages(2).await.unwrap(), [message(3, "third"), message(2, "second")]);
}

/// One key, one message, however many bring it at once; who brings it again is told that it is done.
pub async fn a_message_is_stored_once_for_each_key(records: Arc<dyn Records>) {
    let call_id = records.open_call(&record(1)).await.unwrap().id;
    let message = |text: &str| Message { call_id, at: at(1), name: "Ann".into(), phone: "+1".into(), text: text.into() };
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (records, message) = (Arc::clone(&records), message("first"));
        tasks.spawn(async move { records.add_message(&message, "a").await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.len(), 8);
    records.add_message(&message("again"), "a").await.unwrap();
    records.add_message(&message("second"), "b").await.unwrap();
    assert_eq!(records.messages(10).await.unwrap(), [message("second"), message("first")]);
}

/// Nothing is stored for a call that has no record, and whoever tries is told.
pub async fn what_belongs_to_no_call_is_refused(records: Arc<dyn Records>) {
    let id = record(1).id;
    let message = Message { call_id: id, at: at(1), name: "Ann".into(), phone: "+1".into(), text: "hello".into() };
    let (agent_id, number) = (record(1).agent_id, record(1).from);
    let callback = CallbackRequest { call_id: id, agent_id, number, at: at(1), why: CallbackWhy::Queue };
    let refused = [
        records.answer_call(id, at(1), None).await.unwrap_err(),
        records.end_call(id, at(1), EndReason::Failed).await.unwrap_err(),
        records.add_turn(id, &turn(0)).await.unwrap_err(),
        records.claim_tool(id, &tool("key")).await.unwrap_err(),
        records.add_message(&message, "key").await.unwrap_err(),
        records.claim_call(id, "a").await.unwrap_err(),
        records.save_progress(id, &Progress { snapshot: Value::Null, turns: 0, elapsed_ms: 0 }).await.unwrap_err(),
        records.note_resume(id, at(1)).await.unwrap_err(),
        records.set_next(id, &NextStep::Hangup).await.unwrap_err(),
        records.add_callback(&callback).await.unwrap_err(),
        records.save_usage(id, &[]).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, StoreError::UnknownCall { id: named } if named == id), "{error:?}");
    }
    assert_eq!(records.call(id).await.unwrap(), None);
}

/// An instance stores where each conversation stands; when it dies, another finds its calls and takes them up.
pub async fn a_dead_instances_calls_are_found_oldest_first(records: Arc<dyn Records>) {
    for number in [3, 1, 2, 4] {
        records.open_call(&record(number)).await.unwrap();
        records.claim_call(record(number).id, if number == 4 { "b" } else { "a" }).await.unwrap();
    }
    records.open_call(&record(5)).await.unwrap();
    records.end_call(record(2).id, at(9), EndReason::CallerHungUp).await.unwrap();
    let open = async |instance, limit| {
        let calls = records.open_calls(instance, limit).await.unwrap();
        calls.iter().map(|call| call.offered_at).collect::<Vec<_>>()
    };
    assert_eq!(open(Some("a"), 10).await, [at(1), at(3)]);
    assert_eq!(open(Some("a"), 1).await, [at(1)]);
    assert_eq!(open(None, 10).await, [at(1), at(3), at(4), at(5)]);
    records.claim_call(record(1).id, "b").await.unwrap();
    assert_eq!(records.claimed_by(record(1).id).await.unwrap().as_deref(), Some("b"));
    records.claim_call(record(2).id, "b").await.unwrap();
    assert_eq!((open(Some("a"), 10).await, open(Some("b"), 10).await), (vec![at(3)], vec![at(1), at(4)]));
}

/// Progress is replaced, comes back whole, and is gone when the call is over, also for whoever is late.
pub async fn progress_lives_as_long_as_its_call(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    assert_eq!(records.progress(id).await.unwrap(), None);
    let snapshot = json!({"state": "ask_nights", "slots": {"name": "Ann \"Smith\"", "nights": 2}, "score": 0.25, "open": [null, true]});
    let first = Progress { snapshot, turns: 3, elapsed_ms: 12_345 };
    let second = Progress { turns: 4, snapshot: json!({}), elapsed_ms: u64::from(u32::MAX) + 7 };
    for progress in [&first, &second, &first] {
        records.save_progress(id, progress).await.unwrap();
        assert_eq!(records.progress(id).await.unwrap().as_ref(), Some(progress));
    }
    records.end_call(id, at(9), EndReason::CallerHungUp).await.unwrap();
    assert_eq!(records.progress(id).await.unwrap(), None);
    records.save_progress(id, &second).await.unwrap();
    assert_eq!(records.progress(id).await.unwrap(), None, "a call that is over is not taken up again");
}

/// The rule that ends a loop of resumes needs the last times, and two instances may ask at once.
pub async fn resumes_are_noted_one_after_the_other(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let records = Arc::clone(&records);
        tasks.spawn(async move { records.note_resume(id, at(1)).await.unwrap().len() });
    }
    let mut seen = tasks.join_all().await;
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5], "each sees all before it");
    for second in 2..=5 {
        records.note_resume(id, at(second)).await.unwrap();
    }
    let last = records.note_resume(id, at(6)).await.unwrap();
    assert_eq!(last, [at(1), at(1), at(1), at(1), at(2), at(3), at(4), at(5)], "the last eight, oldest first");
}

/// The carrier asks any instance how a call goes on, also after its end.
pub async fn the_next_step_outlives_the_call(records: Arc<dyn Records>) {
    let call = records.open_call(&record(1)).await.unwrap();
    let next = async || records.next_step(call.carrier, &call.carrier_call_id).await.unwrap();
    assert_eq!(next().await, None);
    let dial = transfers::dial();
    for step in [NextStep::Resume, NextStep::Hangup, dial.clone()] {
        records.set_next(call.id, &step).await.unwrap();
        assert_eq!(next().await, Some(step));
    }
    records.end_call(call.id, at(9), EndReason::Transferred).await.unwrap();
    assert_eq!(next().await, Some(dial));
    assert_eq!(records.next_step(Carrier::Telnyx, &call.carrier_call_id).await.unwrap(), None);
}

/// Who presses the key twice is called back once.
pub async fn a_callback_is_stored_once_for_each_call(records: Arc<dyn Records>) {
    let request = |number, why| CallbackRequest {
        call_id: record(number).id,
        agent_id: record(number).agent_id,
        number: record(number).from,
        at: at(i64::from(number)),
        why,
    };
    for number in [2, 1, 3] {
        records.open_call(&record(number)).await.unwrap();
        records.add_callback(&request(number, CallbackWhy::Queue)).await.unwrap();
    }
    records.add_callback(&request(2, CallbackWhy::Drain)).await.unwrap();
    let expected = [3, 1, 2].map(|number| request(number, CallbackWhy::Queue));
    assert_eq!(records.callbacks(10).await.unwrap(), expected);
    assert_eq!(records.callbacks(1).await.unwrap(), expected[..1]);
}

/// What the caller asks the agent for last stands; nothing else replaces what is there.
pub async fn the_callback_that_was_asked_for_last_stands(records: Arc<dyn Records>) {
    use CallbackWhy::{Asked, Drain, Queue};
    let call = records.open_call(&record(1)).await.unwrap();
    let request = |number: &str, second, why| CallbackRequest {
        call_id: call.id,
        agent_id: call.agent_id,
        number: PhoneNumber::new(number),
        at: at(second),
        why,
    };
    let last = request("+12025550143", 3, Asked);
    let first = [request("+12025550141", 1, Queue), request("+12025550142", 2, Asked), last.clone()];
    for request in first.into_iter().chain([request("+12025550144", 4, Drain), request("+12025550145", 5, Queue)]) {
        records.add_callback(&request).await.unwrap();
    }
    assert_eq!(records.callbacks(10).await.unwrap(), [last]);
}

/// As on a busy evening: fifty calls write their turns at once.
pub async fn parallel_writers_do_not_fail(records: Arc<dyn Records>) {
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let records = Arc::clone(&records);
        tasks.spawn(async move {
            let id = records.open_call(&record(number)).await.unwrap().id;
            for index in 0..4 {
                records.add_turn(id, &turn(index)).await.unwrap();
            }
            records.end_call(id, at(99), EndReason::CallerHungUp).await.unwrap();
            records.turns(id).await.unwrap().len()
        });
    }
    assert_eq!(tasks.join_all().await, [4; 50]);
}

/// A check is a real write, and it can be made again and again.
pub async fn a_check_works_and_leaves_nothing(records: Arc<dyn Records>) {
    for _ in 0..3 {
        records.check().await.unwrap();
    }
    assert!(records.calls(&CallFilter { limit: 200, before: None }).await.unwrap().is_empty());
}

/// Prepares every statement against the migrated schema: a wrong table or column is found here and not in a call.
pub async fn statements_fit(database: &Database, statements: &'static [(&'static str, &'static str)]) {
    assert!(!statements.is_empty());
    for (name, sql) in statements {
        let prepared = match database.writer() {
            Target::SqlitePool(pool, _) => pool.acquire().await.unwrap().prepare(sql.into_sql_str()).await.map(drop),
            Target::PostgresPool(pool, _) => pool.acquire().await.unwrap().prepare(sql.into_sql_str()).await.map(drop),
            Target::Sqlite(_) | Target::Postgres(_) => unreachable!("a database gives pools"),
        };
        assert!(prepared.is_ok(), "{name}: {}", prepared.err().map(|error| error.to_string()).unwrap_or_default());
    }
}
