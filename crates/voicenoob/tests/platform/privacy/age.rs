//! What is too old goes by itself, with everything that belongs to it, and what was removed is proved.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, PhoneNumber, TenantId, Timestamp};
use hotel::{BuiltInPms, NewBooking, Pms, Property, Stay};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::personal::{PrivacyKind, PrivacyLog};
use store::tenants::{Retention, TenantChange};
use store::{Change, Database, Records, SqlRecords, query};
use tempfile::TempDir;
use testkit::{ApiClient, Server};
use tokio::time::{Instant, interval};
use uuid::Uuid;

use crate::program;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The job comes every ten seconds here.
const LONG: Duration = Duration::from_secs(40);

/// An id of a call of so many days ago.
fn id(days: i64) -> CallId {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    CallId(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, millis / 1000, 0)))
}

/// A call of then that is over, and its recording's name.
async fn call(database: &Database, days: i64) -> Result<String> {
    let (records, id) = (SqlRecords::new(database.clone()), id(days));
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let record = CallRecord {
        id,
        tenant: TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: format!("CA{}", id.0.simple()),
        direction: Direction::Inbound,
        from: PhoneNumber::new("+4930901820461"),
        to: PhoneNumber::new("+15005550010"),
        agent_id: AgentId(Uuid::from_u128(7)),
        agent_name: "desk".into(),
        status: CallStatus::Ringing,
        offered_at: at,
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    };
    let file = format!("recordings/{id}.wav");
    records.open_call(&record).await?;
    records.answer_call(id, at, Some(&file)).await?;
    records.end_call(id, at, EndReason::CallerHungUp).await?;
    Ok(file)
}

/// A booking whose stay is over since so many days.
async fn booking(database: &Database, days: i64) -> Result<()> {
    let property = Property::harbour_view().context("time zones")?;
    let pms = BuiltInPms::open(database.clone(), Arc::new(Timestamp::now), fastrand::Rng::new(), &property).await?;
    let today = Timestamp::now().in_tz("Europe/Lisbon")?.date();
    let stay = Stay::of_nights(today.tomorrow()?, 2, 2, &property)?;
    let wanted =
        NewBooking { stay, room_type: "double".into(), name: "Ottoline Fernsby".into(), phone: Some(PhoneNumber::new("+4930901820461")) };
    let made = pms.create_booking(&wanted, &format!("of {days} days ago")).await?;
    let over = query("UPDATE reservations SET arrival = $1, departure = $1 WHERE code = $2");
    over.bind(today.checked_sub(jiff::Span::new().days(days))?).bind(&made.code).execute(database.writer()).await?;
    Ok(())
}

async fn note(database: &Database, days: i64) -> Result<()> {
    let (subject, removed) = (Some("0123456789abcdef".to_owned()), json!({}));
    let entry = PrivacyLog {
        id: id(days).0,
        tenant: TenantId::DEFAULT,
        at: Timestamp::now(),
        kind: PrivacyKind::Export,
        subject,
        left_over: removed.clone(),
        removed,
    };
    let mut tx = database.begin().await?;
    store::personal::log(&mut tx, &entry).await?;
    Ok(tx.commit().await?)
}

/// A file of so many days ago.
fn file(data: &TempDir, name: &str, days: u32) -> Result<()> {
    let path = data.path().join(name);
    std::fs::create_dir_all(path.parent().context("folder")?)?;
    std::fs::write(&path, "sound")?;
    Ok(std::fs::File::options().write(true).open(path)?.set_modified(SystemTime::now() - DAY * days)?)
}

async fn noted(admin: &ApiClient, what: impl Fn(&Value) -> bool) -> Result<Value> {
    let (deadline, mut look) = (Instant::now() + LONG, interval(Duration::from_millis(100)));
    loop {
        look.tick().await;
        let log = admin.get("/api/v1/privacy/log").await?;
        let items = log["items"].as_array().context("no entries")?;
        if let Some(entry) = items.iter().find(|entry| entry["kind"] == "retention" && what(entry)) {
            return Ok(entry.clone());
        }
        ensure!(Instant::now() < deadline, "retention does not come: {log}");
    }
}

#[tokio::test]
async fn what_is_too_old_goes_with_its_files_and_what_is_stuck_is_said_and_tried_again() -> Result<()> {
    let data = tempfile::tempdir()?;
    let database = Database::open(data.path()).await?;
    let (old, stuck, young) = (call(&database, 40).await?, call(&database, 41).await?, call(&database, 2).await?);
    file(&data, &old, 40)?;
    std::fs::create_dir_all(data.path().join(&stuck).join("in the way"))?;
    file(&data, &young, 2)?;
    let (stray, fresh) = (format!("recordings/{}.wav", id(40)), format!("recordings/{}.wav", id(2)));
    file(&data, &stray, 40)?;
    file(&data, &fresh, 2)?;
    booking(&database, 31).await?;
    booking(&database, 29).await?;
    note(&database, 400).await?;
    let limits = Retention { recordings_days: Some(30), transcripts_days: None, calls_days: Some(30), audit_days: Some(365) };
    let change = TenantChange { retention: Change::Set(limits), ..TenantChange::default() };
    let mut tx = database.begin().await?;
    store::tenants::change(&mut tx, TenantId::DEFAULT, &change, None, Timestamp::now()).await?;
    tx.commit().await?;
    database.close().await;

    let server = Server::start_in(program(), data, &[("RETENTION_INTERVAL", "10")]).await?;
    let admin = server.administrator().await?;
    let entry = noted(&admin, |entry| entry["removed"]["calls"] == 1).await?;
    let removed = json!({ "calls": 1, "files": 1, "privacy_log": 1, "recordings": 1, "reservations": 1 });
    ensure!(entry["removed"] == removed, "{entry}");
    ensure!(entry["left_over"] == json!({ "calls": 1, "recordings": 1 }), "what could not be removed is not forgotten: {entry}");
    let there = |name: &str| std::fs::symlink_metadata(server.data_dir().join(name)).is_ok();
    ensure!(!there(&old) && !there(&stray), "old files are gone, with and without a record");
    ensure!(there(&stuck) && there(&young) && there(&fresh));
    let log = admin.get("/api/v1/privacy/log").await?;
    ensure!(!log.to_string().contains("0123456789abcdef"), "notes as old as the trail are gone: {log}");
    let trail = admin.get("/api/v1/audit?action=retention.remove&everything=true").await?;
    ensure!(trail.to_string().contains("\"strays\":1"), "{trail}");

    std::fs::remove_dir_all(server.data_dir().join(&stuck))?;
    let entry = noted(&admin, |entry| entry["left_over"] == json!({})).await?;
    ensure!(entry["removed"]["calls"] == 1, "{entry}");
    let calls = admin.get("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 1), "{calls}");
    let books = admin.get("/api/v1/hotel/reservations").await?;
    let names: Vec<_> =
        books["reservations"].as_array().context("books")?.iter().map(|one| one["name"].as_str().unwrap_or_default()).collect();
    ensure!(names.len() == 2 && names.contains(&"") && names.contains(&"Ottoline Fernsby"), "the house keeps its books: {names:?}");
    server.stop().await?;
    Ok(())
}
