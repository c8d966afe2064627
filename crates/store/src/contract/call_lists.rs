//! Calls as a workspace sees them, as stories. Each takes a database with nothing in it but the default workspace.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, PhoneNumber, TenantId, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{at, record, turn};
use crate::calls::{CallQuery, NumberPage};
use crate::{CallbackRequest, CallbackWhy, Database, Message, NewToolCall, Page, Records, SqlRecords, calls};

/// A workspace that is not the default one; calls need no row of it.
pub const STRANGER: TenantId = TenantId(Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0099));

/// A call made at this millisecond.
fn made_at(millis: i64, tail: u32) -> CallRecord {
    let head = u128::try_from(millis).unwrap() << 80;
    let id = Uuid::from_u128(head | 0x7000_8000_0000_0000_0000 | u128::from(tail));
    CallRecord { id: CallId(id), carrier_call_id: format!("CA{millis}-{tail}"), ..record(1) }
}

async fn seen(db: &Database, wanted: CallQuery) -> Vec<CallId> {
    calls::list(db, &wanted).await.unwrap().rows.into_iter().map(|call| call.id).collect()
}

fn all() -> CallQuery {
    CallQuery::all(TenantId::DEFAULT, Page::first(10))
}

/// A carrier that asks again, even in the name of another workspace, makes no second call.
pub async fn a_repeated_webhook_makes_one_call_in_one_workspace(db: Database) {
    let records = SqlRecords::new(db.clone());
    let first = records.open_call(&record(1)).await.unwrap();
    let again = CallRecord { id: record(2).id, tenant: STRANGER, ..record(1) };
    assert_eq!(records.open_call(&again).await.unwrap(), first);
    assert_eq!(seen(&db, all()).await, [first.id]);
    assert!(seen(&db, CallQuery::all(STRANGER, Page::first(10))).await.is_empty());
}

/// Each filter alone, all together, and none.
pub async fn calls_are_filtered_by_everything_at_once(db: Database) {
    let records = SqlRecords::new(db.clone());
    let special = CallRecord {
        direction: Direction::Outbound,
        from: PhoneNumber::new("+15005550100"),
        to: PhoneNumber::new("+15005550200"),
        agent_id: AgentId(Uuid::from_u128(8)),
        status: CallStatus::Completed,
        ended_at: Some(at(9)),
        end_reason: Some(EndReason::AgentHungUp),
        ..record(3)
    };
    for call in [&record(1), &record(2), &special, &CallRecord { tenant: STRANGER, ..record(4) }] {
        records.open_call(call).await.unwrap();
    }
    let (one, two, three) = (record(1).id, record(2).id, special.id);
    assert_eq!(seen(&db, all()).await, [three, two, one]);
    let filters = [
        CallQuery { from: Some(special.from.clone()), ..all() },
        CallQuery { to: Some(special.to.clone()), ..all() },
        CallQuery { agent: Some(special.agent_id), ..all() },
        CallQuery { status: Some(special.status), ..all() },
        CallQuery { direction: Some(special.direction), ..all() },
        CallQuery { end_reason: special.end_reason, ..all() },
    ];
    for filter in filters {
        assert_eq!(seen(&db, filter.clone()).await, [three], "{filter:?}");
        let calls = seen(&db, CallQuery { direction: Some(Direction::Inbound), ..filter.clone() }).await;
        let only_direction = filter.direction.is_some();
        assert_eq!(calls, if only_direction { vec![two, one] } else { vec![] }, "every filter must fit: {filter:?}");
    }
    let everything = CallQuery {
        from: Some(special.from),
        to: Some(special.to),
        agent: Some(special.agent_id),
        status: Some(special.status),
        direction: Some(special.direction),
        end_reason: special.end_reason,
        ..all()
    };
    assert_eq!(seen(&db, everything).await, [three]);
    assert_eq!(seen(&db, CallQuery { direction: Some(Direction::Inbound), ..all() }).await, [two, one]);
    assert_eq!(seen(&db, CallQuery { agent: Some(special.agent_id), tenant: STRANGER, ..all() }).await, []);
}

/// From the millisecond of `since`, up to that of `until` without it.
pub async fn a_span_of_time_is_half_open_in_milliseconds(db: Database) {
    let records = SqlRecords::new(db.clone());
    let start = 1_790_000_000_500;
    let made = [made_at(start - 1, 9), made_at(start, 0), made_at(start, 5), made_at(start + 1, 0)];
    for call in &made {
        records.open_call(call).await.unwrap();
    }
    let ids = made.map(|call| call.id);
    let time = |millis, micros: i64| Some(Timestamp::from_microsecond(millis * 1_000 + micros).unwrap());
    assert_eq!(seen(&db, CallQuery { since: time(start, 0), ..all() }).await, [ids[3], ids[2], ids[1]]);
    assert_eq!(seen(&db, CallQuery { since: time(start, 999), ..all() }).await, [ids[3], ids[2], ids[1]], "what is finer is cut off");
    assert_eq!(seen(&db, CallQuery { until: time(start, 999), ..all() }).await, [ids[0]]);
    assert_eq!(seen(&db, CallQuery { since: time(start, 0), until: time(start + 1, 0), ..all() }).await, [ids[2], ids[1]]);
    let before_everything = Some(Timestamp::from_second(-5).unwrap());
    assert_eq!(seen(&db, CallQuery { since: before_everything, ..all() }).await.len(), 4);
    assert!(seen(&db, CallQuery { until: before_everything, ..all() }).await.is_empty());
    let from = CallQuery { from: Some(record(1).from), since: time(start, 0), until: time(start + 1, 0), ..all() };
    assert_eq!(seen(&db, from).await, [ids[2], ids[1]], "beside a filter too");
}

/// Pages follow each other without gap or repeat, also within filters and spans, while new calls come in.
pub async fn call_lists_are_paged_newest_first(db: Database) {
    let records = SqlRecords::new(db.clone());
    for number in [3, 1, 5, 2, 4] {
        records.open_call(&record(number)).await.unwrap();
    }
    for wanted in [all(), CallQuery { from: Some(record(1).from), ..all() }, CallQuery { since: Some(Timestamp::UNIX_EPOCH), ..all() }] {
        let (mut page, mut all) = (Page::first(2), Vec::new());
        loop {
            let part = calls::list(&db, &CallQuery { page, ..wanted.clone() }).await.unwrap();
            assert!(part.rows.len() <= 2);
            all.extend(part.rows);
            let newer = record(100 + u32::try_from(all.len()).unwrap());
            records.open_call(&CallRecord { from: PhoneNumber::new("+1"), carrier: Carrier::Telnyx, ..newer }).await.unwrap();
            match part.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        let older: Vec<_> = all.into_iter().filter(|call| call.offered_at <= at(5)).map(|call| call.id).collect();
        assert_eq!(older, [5, 4, 3, 2, 1].map(|number| record(number).id));
    }
}

/// One call with its parts; another workspace sees nothing of it, though it has the id.
pub async fn a_call_and_its_parts_belong_to_one_workspace(db: Database) {
    let records = SqlRecords::new(db.clone());
    let theirs = CallRecord { tenant: STRANGER, ..record(2) };
    for call in [&record(1), &theirs] {
        records.open_call(call).await.unwrap();
        records.add_turn(call.id, &turn(0)).await.unwrap();
        let tool = NewToolCall { idempotency_key: call.id.to_string(), tool: "find".into(), arguments: json!({}), start_ms: 0 };
        records.claim_tool(call.id, &tool).await.unwrap();
        let message = Message { call_id: call.id, at: at(1), name: "Ann".into(), phone: "+1".into(), text: "hello".into() };
        records.add_message(&message, &tool.idempotency_key).await.unwrap();
        let (agent_id, number) = (call.agent_id, call.from.clone());
        records.add_callback(&CallbackRequest { call_id: call.id, agent_id, number, at: at(1), why: CallbackWhy::Queue }).await.unwrap();
    }
    let page = NumberPage { limit: 10, before: None };
    for (tenant, own, foreign) in [(TenantId::DEFAULT, record(1), &theirs), (STRANGER, theirs.clone(), &record(1))] {
        assert_eq!(calls::get(&db, tenant, own.id).await.unwrap().as_ref(), Some(&own));
        assert_eq!(calls::get(&db, tenant, foreign.id).await.unwrap(), None);
        assert_eq!(calls::turns(&db, tenant, own.id).await.unwrap(), [turn(0)]);
        assert!(calls::turns(&db, tenant, foreign.id).await.unwrap().is_empty());
        assert_eq!(calls::tools(&db, tenant, own.id).await.unwrap().len(), 1);
        assert!(calls::tools(&db, tenant, foreign.id).await.unwrap().is_empty());
        let messages = calls::messages(&db, tenant, &page).await.unwrap();
        assert_eq!(messages.rows.iter().map(|message| message.call_id).collect::<Vec<_>>(), [own.id]);
        let callbacks = calls::callbacks(&db, tenant, &page).await.unwrap();
        assert_eq!(callbacks.rows.iter().map(|callback| callback.call_id).collect::<Vec<_>>(), [own.id]);
    }
}

/// Messages and requests to be called back have no ids of their own that a caller could guess; they are paged by the order they came in.
pub async fn messages_and_callbacks_are_paged_newest_first(db: Database) {
    let records = SqlRecords::new(db.clone());
    for number in 1..=3 {
        let call = records.open_call(&record(number)).await.unwrap();
        let message = Message { call_id: call.id, at: at(1), name: "Ann".into(), phone: "+1".into(), text: number.to_string() };
        records.add_message(&message, &message.text).await.unwrap();
        let callback = CallbackRequest { call_id: call.id, agent_id: call.agent_id, number: call.from, at: at(1), why: CallbackWhy::Drain };
        records.add_callback(&callback).await.unwrap();
    }
    let first = calls::messages(&db, TenantId::DEFAULT, &NumberPage { limit: 2, before: None }).await.unwrap();
    let last = calls::messages(&db, TenantId::DEFAULT, &NumberPage { limit: 2, before: first.next }).await.unwrap();
    let texts: Vec<_> = first.rows.iter().chain(&last.rows).map(|message| message.text.as_str()).collect();
    assert_eq!((texts, last.next), (vec!["3", "2", "1"], None));
    let first = calls::callbacks(&db, TenantId::DEFAULT, &NumberPage { limit: 2, before: None }).await.unwrap();
    let last = calls::callbacks(&db, TenantId::DEFAULT, &NumberPage { limit: 2, before: first.next }).await.unwrap();
    let ids: Vec<_> = first.rows.iter().chain(&last.rows).map(|callback| callback.call_id).collect();
    assert_eq!((ids, last.next), (vec![record(3).id, record(2).id, record(1).id], None));
}
