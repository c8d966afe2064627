//! One person's data and what is too old, as stories. Each takes a database with nothing in it but the default workspace.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::{
    CallId, CallRecord, CallStatus, Dial, Direction, EndReason, NextStep, PhoneNumber, TenantId, Timestamp, ToolOutcome, TurnRecord, Unit,
};
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call_lists::STRANGER;
use super::people::{id, written};
use super::usage::used;
use super::{at, record, turn};
use crate::personal::{PrivacyKind, PrivacyLog};
use crate::tenants::Retention;
use crate::{
    CallbackRequest, CallbackWhy, Database, Message, NewToolCall, Page, Progress, Records, SqlRecords, StoreError, calls, personal, query,
    retention,
};

/// The person's number, as the carrier has it and as people write it.
const NUMBER: &str = "+351910000006";
const WRITTEN: &str = "(351) 910-000 006";
const DIGITS: &str = "351910000006";

fn person() -> PhoneNumber {
    PhoneNumber::new(NUMBER)
}

/// A call with everything that a call can have; its texts name `number`.
async fn whole_call(db: &Database, call: &CallRecord, number: &str, over: bool) {
    let records = SqlRecords::new(db.clone());
    records.open_call(call).await.unwrap();
    records.answer_call(call.id, at(2), Some(&format!("recordings/{}.wav", call.id))).await.unwrap();
    let said = TurnRecord { text: format!("my number is {number}"), heard: number.into(), digits: Some(number.into()), ..turn(0) };
    records.add_turn(call.id, &said).await.unwrap();
    let tool = NewToolCall {
        idempotency_key: format!("key {}", call.id),
        tool: "create_booking".into(),
        arguments: json!({"phone": number, "nights": 2}),
        start_ms: 1,
    };
    records.claim_tool(call.id, &tool).await.unwrap();
    records.finish_tool(call.id, &tool.idempotency_key, ToolOutcome::Ok, &json!({"sent_to": [number]}), 5).await.unwrap();
    let raw = format!("From={number}&CallStatus=in-progress");
    records.report_status(call.carrier, &call.carrier_call_id, CallStatus::InProgress, &raw, at(3)).await.unwrap();
    let message = Message { call_id: call.id, at: at(4), name: "Ann".into(), phone: number.into(), text: format!("call {number}") };
    records.add_message(&message, &tool.idempotency_key).await.unwrap();
    let number = PhoneNumber::new(number);
    let callback =
        CallbackRequest { call_id: call.id, agent_id: call.agent_id, number: number.clone(), at: at(5), why: CallbackWhy::Queue };
    records.add_callback(&callback).await.unwrap();
    records.set_next(call.id, &NextStep::Dial(Dial::new(number.clone(), "en".into(), at(1), None))).await.unwrap();
    let snapshot = json!({"phone": number});
    records.save_progress(call.id, &Progress { snapshot, turns: 1, elapsed_ms: 9 }).await.unwrap();
    records.save_usage(call.id, &[used("model", Unit::InputTokens, 9, None)]).await.unwrap();
    if over {
        records.end_call(call.id, at(9), EndReason::CallerHungUp).await.unwrap();
    }
}

/// A booking of Ann Smith under a number.
async fn booking(db: &Database, tenant: TenantId, number: u32, phone: &PhoneNumber) {
    let property = format!("hotel {tenant}");
    let house = query(
        "INSERT INTO properties (code, name, time_zone, currency, max_nights, horizon_days, free_cancel_hour, tenant_id) \
         VALUES ($1, 'Hotel', 'UTC', 'EUR', 30, 365, 18, $2) ON CONFLICT (code) DO NOTHING",
    );
    house.bind(&property).bind(tenant.0).execute(db.writer()).await.unwrap();
    let room = query(
        "INSERT INTO room_types (property, code, name, spoken, capacity, nightly_cents, units, tenant_id) \
         VALUES ($1, 'single', 'Single', 'a single', 1, 9000, 5, $2) ON CONFLICT (property, code) DO NOTHING",
    );
    room.bind(&property).bind(tenant.0).execute(db.writer()).await.unwrap();
    let reservation = query(
        "INSERT INTO reservations (id, property, code, idempotency_key, status, room_type, arrival, departure, guests, full_name, first_name, \
         last_name, phone, phone_digits, total_cents, currency, created_at, changed_at, tenant_id) \
         VALUES ($1, $2, $3, $3, 'confirmed', 'single', $4, $5, 1, 'Ann Smith', 'Ann', 'Smith', $6, $7, 9000, 'EUR', $8, $8, $9)",
    );
    let (arrival, departure) = (date(2027, 1, 20), date(2027, 1, 21));
    let reservation = reservation.bind(id(number)).bind(&property).bind(format!("code {number} {tenant}")).bind(arrival).bind(departure);
    let reservation = reservation.bind(phone.expose()).bind(phone.digits()).bind(at(1)).bind(tenant.0);
    reservation.execute(db.writer()).await.unwrap();
    let night = "INSERT INTO reservation_nights (reservation_id, night, property, room_type, cents, tenant_id) VALUES ($1, $2, $3, 'single', 9000, $4)";
    query(night).bind(id(number)).bind(arrival).bind(&property).bind(tenant.0).execute(db.writer()).await.unwrap();
    let effect = "INSERT INTO reservation_effects (idempotency_key, reservation_id, kind, amount_cents, at, tenant_id) VALUES ($1, $2, 'change', 0, $3, $4)";
    let effect = query(effect).bind(format!("effect {number}")).bind(id(number)).bind(at(2)).bind(tenant.0);
    effect.execute(db.writer()).await.unwrap();
}

/// Every text of every table that can hold a number, of one workspace.
async fn everything(db: &Database, tenant: TenantId) -> String {
    let mut all = String::new();
    for texts in [
        "SELECT from_number || '|' || to_number || '|' || COALESCE(recording, '') || COALESCE(CAST(next_step AS TEXT), '') || COALESCE(CAST(progress AS TEXT), '') FROM calls WHERE tenant_id = $1",
        "SELECT said || '|' || heard || '|' || COALESCE(digits, '') FROM turns WHERE tenant_id = $1",
        "SELECT CAST(arguments AS TEXT) || '|' || CAST(result AS TEXT) FROM tool_calls WHERE tenant_id = $1",
        "SELECT raw FROM status_events WHERE tenant_id = $1",
        "SELECT name || '|' || phone || '|' || said FROM messages WHERE tenant_id = $1",
        "SELECT number FROM callbacks WHERE tenant_id = $1",
        "SELECT service || '|' || model || '|' || unit FROM call_usage WHERE tenant_id = $1",
        "SELECT full_name || '|' || first_name || '|' || last_name || '|' || phone || '|' || phone_digits FROM reservations WHERE tenant_id = $1",
    ] {
        let rows: Vec<(String,)> = query(texts).bind(tenant.0).all(db.readers()).await.unwrap();
        all.extend(rows.into_iter().map(|(text,)| text + "\n"));
    }
    all
}

/// The digits of everything, so that no way of writing a number hides it.
async fn digits_of_everything(db: &Database, tenant: TenantId) -> String {
    everything(db, tenant).await.chars().filter(char::is_ascii_digit).collect()
}

/// The person called, was called, left a message from elsewhere, and was named by others; a stranger and another workspace did the same.
async fn busy_house(db: &Database) -> [CallRecord; 4] {
    let inbound = CallRecord { from: person(), ..record(1) };
    let outbound = CallRecord { direction: Direction::Outbound, from: record(2).to, to: PhoneNumber::new("351910000006"), ..record(2) };
    let stranger = record(3);
    let elsewhere = CallRecord { tenant: STRANGER, from: person(), ..record(4) };
    whole_call(db, &inbound, NUMBER, true).await;
    whole_call(db, &outbound, "unrelated", true).await;
    whole_call(db, &stranger, WRITTEN, true).await;
    whole_call(db, &elsewhere, NUMBER, true).await;
    booking(db, TenantId::DEFAULT, 1, &PhoneNumber::new(WRITTEN)).await;
    booking(db, TenantId::DEFAULT, 2, &record(3).from).await;
    booking(db, STRANGER, 3, &person()).await;
    [inbound, outbound, stranger, elsewhere]
}

/// Erasure takes the person out of every table and leaves everybody else; the search afterwards is empty.
pub async fn a_person_is_erased_from_every_table(db: Database) {
    let [inbound, outbound, stranger, elsewhere] = busy_house(&db).await;
    let untouched = everything(&db, STRANGER).await;
    let found = personal::find(&db, TenantId::DEFAULT, &PhoneNumber::new(WRITTEN)).await.unwrap();
    assert!(found.open_calls().is_empty() && !found.is_partial());
    let counts: Vec<_> = found.counts().into_iter().collect();
    let expected =
        [("callbacks", 3), ("calls", 3), ("messages", 3), ("reservations", 1), ("status_events", 3), ("tool_calls", 3), ("turns", 3)];
    assert_eq!(counts, expected, "two calls with all their parts, and what the stranger's call says of the person");
    let erased = written!(db, |tx| personal::erase(&mut tx, &found)).unwrap();
    assert_eq!(erased.counts, found.counts());
    let mut recordings = erased.recordings;
    recordings.sort_unstable();
    assert_eq!(recordings, [&inbound, &outbound].map(|call| format!("recordings/{}.wav", call.id)));

    assert!(personal::search(&db, TenantId::DEFAULT, &person()).await.unwrap().is_empty());
    let left = digits_of_everything(&db, TenantId::DEFAULT).await;
    assert!(!left.contains(DIGITS), "{}", everything(&db, TenantId::DEFAULT).await);
    let kept = calls::get(&db, TenantId::DEFAULT, inbound.id).await.unwrap().unwrap();
    assert_eq!((kept.from.expose(), kept.to, kept.agent_id, kept.recording), ("", inbound.to, inbound.agent_id, None), "it still counts");
    let kept = calls::get(&db, TenantId::DEFAULT, outbound.id).await.unwrap().unwrap();
    assert_eq!((kept.from, kept.to.expose()), (outbound.from, ""));
    let used = crate::usage::of(&db, TenantId::DEFAULT, inbound.id).await.unwrap();
    assert_eq!(used[0].usage.amount, 9, "what was used was paid for, and says nothing of the person");
    assert!(crate::usage::of(&db, STRANGER, inbound.id).await.unwrap().is_empty());
    let theirs = calls::get(&db, TenantId::DEFAULT, stranger.id).await.unwrap().unwrap();
    assert_eq!((theirs.from, theirs.recording.is_some()), (stranger.from.clone(), true));
    assert_eq!(calls::turns(&db, TenantId::DEFAULT, stranger.id).await.unwrap()[0].text, "my number is [erased]");
    let tools = calls::tools(&db, TenantId::DEFAULT, stranger.id).await.unwrap();
    assert_eq!(tools[0].arguments, json!({"phone": "[erased]", "nights": 2}));
    let (booked,): (i64,) =
        query("SELECT COUNT(*) FROM reservations WHERE full_name = '' AND phone_digits = ''").one(db.readers()).await.unwrap();
    let (nights,): (i64,) = query("SELECT COUNT(*) FROM reservation_nights").one(db.readers()).await.unwrap();
    assert_eq!((booked, nights), (1, 3), "the rooms stay taken");
    assert!(everything(&db, TenantId::DEFAULT).await.contains("Ann Smith"), "the other guest is still there");
    assert_eq!(everything(&db, STRANGER).await, untouched, "another workspace's data is not touched");
    assert_eq!(personal::search(&db, STRANGER, &person()).await.unwrap().get("calls"), Some(&1));
    assert_eq!(SqlRecords::new(db).call(elsewhere.id).await.unwrap().unwrap().from, person());
}

/// A call that goes on is left alone, and said so; when it is over it is erased too.
pub async fn a_call_that_goes_on_is_erased_when_it_is_over(db: Database) {
    let call = CallRecord { from: person(), ..record(1) };
    whole_call(&db, &call, NUMBER, false).await;
    let found = personal::find(&db, TenantId::DEFAULT, &person()).await.unwrap();
    assert_eq!(found.open_calls(), [call.id]);
    let erased = written!(db, |tx| personal::erase(&mut tx, &found)).unwrap();
    assert!(erased.counts.is_empty() && erased.recordings.is_empty());
    assert_eq!(personal::search(&db, TenantId::DEFAULT, &person()).await.unwrap().get("calls"), Some(&1));
    SqlRecords::new(db.clone()).end_call(call.id, at(9), EndReason::CallerHungUp).await.unwrap();
    let found = personal::find(&db, TenantId::DEFAULT, &person()).await.unwrap();
    written!(db, |tx| personal::erase(&mut tx, &found)).unwrap();
    assert!(personal::search(&db, TenantId::DEFAULT, &person()).await.unwrap().is_empty());
}

/// The person gets everything of their own, and of others only where their number stands.
pub async fn an_export_holds_all_of_a_person_and_nothing_of_others(db: Database) {
    let [inbound, outbound, stranger, _] = busy_house(&db).await;
    let export = personal::export(&db, TenantId::DEFAULT, &person()).await.unwrap();
    let ids = |values: &[Value], key: &str| -> Vec<CallId> {
        values.iter().map(|value| serde_json::from_value(value[key].clone()).unwrap()).collect()
    };
    let own = vec![inbound.id, outbound.id];
    assert_eq!(ids(&export.calls, "id"), own);
    for parts in [&export.turns, &export.tool_calls, &export.status_events] {
        assert_eq!(ids(parts, "call_id"), own);
    }
    // The stranger's call left a message and a request with the person's number.
    assert_eq!(ids(&export.messages, "call_id"), [inbound.id, outbound.id, stranger.id]);
    assert_eq!(ids(&export.callbacks, "call_id"), [inbound.id, outbound.id, stranger.id]);
    assert_eq!(export.turns[0]["text"], json!(format!("my number is {NUMBER}")));
    assert_eq!((export.recordings.len(), export.partial), (2, false));
    let booked = &export.reservations[..];
    assert_eq!((booked.len(), &booked[0]["name"], &booked[0]["nights"][0]["cents"]), (1, &json!("Ann Smith"), &json!(9000)));
    assert_eq!(booked[0]["effects"][0]["kind"], json!("change"));
    let tables: Vec<_> = export.mentions.iter().map(|mention| mention["table"].as_str().unwrap()).collect();
    assert_eq!(tables, ["calls", "turns", "tool_calls", "status_events"]);
    assert_eq!(ids(&export.mentions, "call_id"), [stranger.id; 4]);
    let text = serde_json::to_string(&export.mentions).unwrap();
    assert!(!text.contains("my number") && !text.contains(DIGITS), "{text}");
}

/// Too few digits would be many people.
pub async fn a_number_of_nobody_is_refused(db: Database) {
    for nobody in ["anonymous", "", "+4930", "client:ann"] {
        let number = PhoneNumber::new(nobody);
        assert!(matches!(personal::find(&db, TenantId::DEFAULT, &number).await, Err(StoreError::NoNumber { .. })));
        assert!(matches!(personal::export(&db, TenantId::DEFAULT, &number).await, Err(StoreError::NoNumber { .. })));
    }
    assert!(personal::search(&db, TenantId::DEFAULT, &person()).await.unwrap().is_empty());
}

/// What was done is noted, by workspace, without the person.
pub async fn what_was_done_about_personal_data_is_noted(db: Database) {
    let entry = |number, kind, subject: Option<&str>| PrivacyLog {
        id: id(number),
        tenant: TenantId::DEFAULT,
        at: at(i64::from(number)),
        kind,
        subject: subject.map(Into::into),
        removed: json!({"calls": number}),
        left_over: json!({}),
    };
    let entries =
        [entry(1, PrivacyKind::Export, Some("ab12")), entry(2, PrivacyKind::Erasure, Some("ab12")), entry(3, PrivacyKind::Retention, None)];
    for entry in &entries {
        written!(db, |tx| personal::log(&mut tx, entry)).unwrap();
    }
    let [one, two, three] = entries;
    let first = personal::logged(&db, TenantId::DEFAULT, &Page::first(2)).await.unwrap();
    let last = personal::logged(&db, TenantId::DEFAULT, &Page { limit: 2, after: first.next }).await.unwrap();
    assert_eq!((first.rows, last.rows, last.next), (vec![three, two], vec![one], None));
    assert!(personal::logged(&db, STRANGER, &Page::first(9)).await.unwrap().rows.is_empty());
}

/// A call of this workspace made so many days before [`now`].
async fn aged(db: &Database, tenant: TenantId, days: i64, number: u32) -> CallRecord {
    let made = now().checked_sub(SignedDuration::from_hours(24 * days)).unwrap();
    let head = u128::try_from(made.as_millisecond()).unwrap() << 80;
    let id = CallId(Uuid::from_u128(head | 0x7000_8000_0000_0000_0000 | u128::from(number)));
    let call = CallRecord { id, tenant, carrier_call_id: format!("aged {number}"), ..record(number) };
    whole_call(db, &call, "+15005550006", true).await;
    call
}

fn now() -> Timestamp {
    at(1_000_000)
}

/// Walks a workspace as the job does; returns the files it would remove.
async fn keep_up(db: &Database, tenant: TenantId, limits: &Retention) -> (personal::Counts, Vec<String>) {
    let (mut after, mut removed, mut files) = (None, personal::Counts::new(), Vec::new());
    loop {
        let due = retention::due(db, tenant, limits, now(), after).await.unwrap();
        files.extend(due.recordings.iter().map(|(_, file)| file.clone()));
        for (table, rows) in written!(db, |tx| retention::apply(&mut tx, tenant, &due)).unwrap() {
            *removed.entry(table).or_default() += rows;
        }
        after = due.next;
        if after.is_none() {
            return (removed, files);
        }
    }
}

/// Each kind of data has its own age; what is younger, still going on, or another workspace's stays.
pub async fn what_is_too_old_goes_by_its_kind(db: Database) {
    let [old, middle, young] =
        [aged(&db, TenantId::DEFAULT, 100, 1).await, aged(&db, TenantId::DEFAULT, 20, 2).await, aged(&db, TenantId::DEFAULT, 3, 3).await];
    let foreign = aged(&db, STRANGER, 100, 4).await;
    let limits = Retention { recordings_days: Some(7), transcripts_days: Some(30), calls_days: None, audit_days: Some(1) };
    let (removed, files) = keep_up(&db, TenantId::DEFAULT, &limits).await;
    let counts: Vec<_> = removed.into_iter().collect();
    assert_eq!(counts, [("recordings", 2), ("status_events", 1), ("tool_calls", 1), ("turns", 1)]);
    assert_eq!(files, [&old, &middle].map(|call| format!("recordings/{}.wav", call.id)));
    assert!(calls::turns(&db, TenantId::DEFAULT, old.id).await.unwrap().is_empty());
    assert_eq!(calls::tools(&db, TenantId::DEFAULT, old.id).await.unwrap()[0].arguments, json!({}));
    assert_eq!(calls::turns(&db, TenantId::DEFAULT, middle.id).await.unwrap().len(), 1);
    assert!(calls::get(&db, TenantId::DEFAULT, young.id).await.unwrap().unwrap().recording.is_some());
    let (again, files) = keep_up(&db, TenantId::DEFAULT, &limits).await;
    assert!(again.is_empty() && files.is_empty(), "what is gone is not removed again: {again:?}");

    let (removed, files) = keep_up(&db, TenantId::DEFAULT, &Retention { calls_days: Some(2), ..Retention::default() }).await;
    assert_eq!(removed.into_iter().collect::<Vec<_>>(), [("calls", 3), ("recordings", 1)]);
    assert_eq!(files, [format!("recordings/{}.wav", young.id)], "a call does not go without its file");
    for table in ["turns", "tool_calls", "status_events", "messages", "callbacks", "call_usage", "calls"] {
        let left = match table {
            "turns" => "SELECT COUNT(*) FROM turns WHERE tenant_id = $1",
            "tool_calls" => "SELECT COUNT(*) FROM tool_calls WHERE tenant_id = $1",
            "status_events" => "SELECT COUNT(*) FROM status_events WHERE tenant_id = $1",
            "messages" => "SELECT COUNT(*) FROM messages WHERE tenant_id = $1",
            "callbacks" => "SELECT COUNT(*) FROM callbacks WHERE tenant_id = $1",
            "call_usage" => "SELECT COUNT(*) FROM call_usage WHERE tenant_id = $1",
            _ => "SELECT COUNT(*) FROM calls WHERE tenant_id = $1",
        };
        for (tenant, expected) in [(TenantId::DEFAULT, 0), (STRANGER, 1)] {
            let (rows,): (i64,) = query(left).bind(tenant.0).one(db.readers()).await.unwrap();
            assert_eq!(rows, expected, "{table}");
        }
    }
    assert!(calls::get(&db, STRANGER, foreign.id).await.unwrap().unwrap().recording.is_some());
}

/// Nothing set, nothing removed; and a call that never ended is no call of the past.
pub async fn without_limits_everything_is_kept(db: Database) {
    aged(&db, TenantId::DEFAULT, 5_000, 1).await;
    let open = CallRecord { from: person(), ..record(2) };
    whole_call(&db, &open, NUMBER, false).await;
    let (removed, files) = keep_up(&db, TenantId::DEFAULT, &Retention::default()).await;
    assert!(removed.is_empty() && files.is_empty());
    let for_ever = Retention { calls_days: Some(u32::MAX), ..Retention::default() };
    assert!(keep_up(&db, TenantId::DEFAULT, &for_ever).await.0.is_empty());
    keep_up(&db, TenantId::DEFAULT, &Retention { calls_days: Some(0), ..Retention::default() }).await;
    assert!(calls::get(&db, TenantId::DEFAULT, open.id).await.unwrap().is_some());
}

/// More calls than one step holds.
pub async fn old_calls_go_in_steps(db: Database) {
    let records = SqlRecords::new(db.clone());
    let calls = retention::STEP + 3;
    for number in 0..calls {
        records.open_call(&record(number)).await.unwrap();
    }
    let done = query("UPDATE calls SET ended_at = offered_at").execute(db.writer()).await.unwrap();
    assert_eq!(done, u64::from(calls));
    let limits = Retention { calls_days: Some(1), ..Retention::default() };
    let first = retention::due(&db, TenantId::DEFAULT, &limits, now(), None).await.unwrap();
    assert_eq!((first.calls.len(), first.next.is_some()), (retention::STEP as usize, true));
    let (removed, _) = keep_up(&db, TenantId::DEFAULT, &limits).await;
    assert_eq!(removed.get("calls"), Some(&u64::from(calls)));
}
