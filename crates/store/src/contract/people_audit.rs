//! The audit trail, as stories: what it keeps, and what it notices.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::TenantId;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::at;
use super::people::{tenant, written};
use crate::audit::{self, Actor, ActorKind, AuditEntry, AuditFilter, AuditRow, Fault, Head, MAX_DETAIL, Outcome, TRIM_ACTION, Verified};
use crate::{Database, StoreError, Target, query};

/// An entry with every field set; a larger number is a later one.
fn entry(number: u32) -> AuditEntry {
    AuditEntry {
        tenant: Some(tenant(1).id),
        at: at(number.into()),
        actor: Actor { kind: ActorKind::User, id: Some("ann".into()) },
        action: "user.create".into(),
        target: ("user".into(), Some(number.to_string())),
        outcome: Outcome::Done,
        before: Some(audit::digest(&1)),
        after: Some(audit::digest(&2)),
        detail: json!({"fields": ["role", "name"], "count": number, "nothing": null}),
        request_id: format!("request-{number}"),
        address: "192.0.2.7".to_owned().into(),
    }
}

async fn append(db: &Database, entry: &AuditEntry) -> i64 {
    written!(db, |tx| audit::append(&mut tx, entry)).unwrap()
}

async fn have_entries(db: &Database, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        append(db, &entry(number)).await;
    }
}

async fn list(db: &Database, filter: AuditFilter) -> Vec<AuditRow> {
    audit::list(db, &AuditFilter { limit: 100, ..filter }).await.unwrap()
}

async fn numbers(db: &Database, filter: AuditFilter) -> Vec<i64> {
    list(db, filter).await.into_iter().map(|row| row.number).collect()
}

async fn head(db: &Database) -> Head {
    audit::verify(db).await.unwrap().head.unwrap()
}

/// Entries lie in the order in which they came, and two instances' clocks are not the same.
pub async fn clocks_that_differ_hide_no_entry_of_a_span_of_time(db: Database) {
    for second in [5_000, 4_000, 20_000, 19_000, 60_000] {
        append(&db, &AuditEntry { at: at(second), ..entry(1) }).await;
    }
    let span = async |since: Option<i64>, until: Option<i64>| {
        numbers(&db, AuditFilter { since: since.map(at), until: until.map(at), ..AuditFilter::default() }).await
    };
    assert_eq!(span(None, Some(4_500)).await, [2]);
    assert_eq!(span(None, Some(5_001)).await, [2, 1]);
    assert_eq!(span(Some(4_000), Some(19_500)).await, [4, 2, 1]);
    assert_eq!(span(Some(19_500), None).await, [5, 3]);
    assert_eq!(span(Some(19_000), Some(60_000)).await, [4, 3]);
    assert_eq!(span(Some(30_000), Some(50_000)).await, [0_i64; 0]);
    assert_eq!(span(Some(70_000), None).await, [0_i64; 0]);
}

/// What comes back is what was written, whatever the databases think of numbers and NUL.
pub async fn the_trail_keeps_what_happened(db: Database) {
    let bare = AuditEntry {
        tenant: None,
        actor: Actor { kind: ActorKind::System, id: None },
        target: ("installation".into(), None),
        outcome: Outcome::Failed,
        before: None,
        after: None,
        detail: Value::Null,
        request_id: String::new(),
        address: String::new().into(),
        ..entry(1)
    };
    let odd = json!({"z": [1.5, -0.0, 1e300, u64::MAX, i64::MIN], "a\0": "b\0", "é": "\u{1F600}\\\"\n", "": {"y": 1, "x": []}});
    let odd = AuditEntry { detail: odd, action: "a\0b".into(), ..entry(2) };
    for (number, entry) in [(1, &bare), (2, &odd), (3, &entry(3))] {
        assert_eq!(append(&db, entry).await, number);
    }
    let rows = list(&db, AuditFilter::default()).await;
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((&rows[0].entry, &rows[2].entry), (&entry(3), &bare));
    let kept = json!({"z": ["1.5", "-0.0", "1e+300", u64::MAX, i64::MIN], "a\u{FFFD}": "b\u{FFFD}", "é": "\u{1F600}\\\"\n", "": {"y": 1, "x": []}});
    assert_eq!((&rows[1].entry.detail, rows[1].entry.action.as_str()), (&kept, "a\u{FFFD}b"));
    let head = Some(Head { number: 3, hash: rows[0].hash });
    assert_eq!(audit::verify(&db).await.unwrap(), Verified { rows: 3, head, first_fault: None, kept_found: false });
    let long = AuditEntry { detail: json!("x".repeat(MAX_DETAIL)), ..entry(4) };
    let error = written!(db, |tx| audit::append(&mut tx, &long)).unwrap_err();
    assert!(matches!(error, StoreError::TooLong { size, limit: MAX_DETAIL, .. } if size == MAX_DETAIL + 2), "{error:?}");
}

/// An action and its entry are one: what is undone leaves neither entry nor gap.
pub async fn an_entry_that_is_undone_leaves_no_gap(db: Database) {
    have_entries(&db, [1]).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(audit::append(&mut tx, &entry(2)).await.unwrap(), 2);
    assert_eq!(audit::append(&mut tx, &entry(3)).await.unwrap(), 3);
    drop(tx);
    assert_eq!(append(&db, &entry(4)).await, 2);
    let verified = audit::verify(&db).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault), (2, None));
}

/// Many actions at once make one chain.
pub async fn entries_that_come_at_once_make_one_chain(db: Database) {
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let db = db.clone();
        tasks.spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..3 {
                numbers.push(append(&db, &entry(task)).await);
            }
            numbers
        });
    }
    let mut numbers = tasks.join_all().await.concat();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    let verified = audit::verify(&db).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault), (60, None));
}

/// Each filter alone and all together, page by page; a workspace sees its own entries only.
pub async fn the_trail_is_searched(db: Database) {
    let key = Actor { kind: ActorKind::ApiKey, id: Some("key".into()) };
    have_entries(&db, [1]).await;
    append(&db, &AuditEntry { tenant: Some(tenant(2).id), ..entry(2) }).await;
    append(&db, &AuditEntry { actor: key, action: "user.remove".into(), outcome: Outcome::Refused, ..entry(3) }).await;
    append(&db, &AuditEntry { action: "users".into(), target: ("agent".into(), Some("1".into())), ..entry(4) }).await;
    append(&db, &AuditEntry { tenant: None, ..entry(5) }).await;
    let (tenant_1, user) = (Some(tenant(1).id), Some("user".to_owned()));
    let text = |text: &str| Some(text.to_owned());
    let cases: [(AuditFilter, &[i64]); 16] = [
        (AuditFilter::default(), &[5, 4, 3, 2, 1]),
        (AuditFilter { tenant: tenant_1, ..Default::default() }, &[4, 3, 1]),
        (AuditFilter { tenant: Some(TenantId::DEFAULT), ..Default::default() }, &[]),
        (AuditFilter { actor_id: text("key"), ..Default::default() }, &[3]),
        (AuditFilter { action: text("user.create"), ..Default::default() }, &[5, 2, 1]),
        (AuditFilter { action: text("user.create"), tenant: tenant_1, ..Default::default() }, &[1]),
        (AuditFilter { action: text("user."), ..Default::default() }, &[5, 3, 2, 1]),
        (AuditFilter { action: text("user."), tenant: tenant_1, ..Default::default() }, &[3, 1]),
        (AuditFilter { target_kind: text("agent"), ..Default::default() }, &[4]),
        (AuditFilter { target_kind: user.clone(), target_id: text("1"), ..Default::default() }, &[1]),
        (AuditFilter { target_kind: user.clone(), target_id: text("2"), tenant: tenant_1, ..Default::default() }, &[]),
        (AuditFilter { outcome: Some(Outcome::Refused), ..Default::default() }, &[3]),
        (AuditFilter { since: Some(at(2)), until: Some(at(4)), ..Default::default() }, &[3, 2]),
        (AuditFilter { actor_id: text("ann"), since: Some(at(2)), tenant: tenant_1, ..Default::default() }, &[4]),
        (AuditFilter { before: Some(3), ..Default::default() }, &[2, 1]),
        (
            AuditFilter {
                tenant: tenant_1,
                actor_id: text("key"),
                action: text("user.remove"),
                target_kind: user,
                target_id: text("3"),
                since: Some(at(3)),
                until: Some(at(4)),
                outcome: Some(Outcome::Refused),
                before: Some(4),
                limit: 0,
            },
            &[3],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(numbers(&db, filter.clone()).await, expected, "{filter:?}");
    }
    let page = AuditFilter { limit: 2, before: Some(5), ..Default::default() };
    let page: Vec<_> = audit::list(&db, &page).await.unwrap().into_iter().map(|row| row.number).collect();
    assert_eq!(page, [4, 3]);
}

/// Times with and without a part of a second are in order.
pub async fn moments_within_a_second_are_told_apart(db: Database) {
    let second = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let moments = [0, 1, 100_000, 500_000, 999_999].map(|micros| second + jiff::SignedDuration::from_micros(micros));
    for moment in moments {
        append(&db, &AuditEntry { at: moment, ..entry(1) }).await;
    }
    for (index, moment) in moments.into_iter().enumerate() {
        let since = numbers(&db, AuditFilter { since: Some(moment), ..Default::default() }).await.len();
        let until = numbers(&db, AuditFilter { until: Some(moment), ..Default::default() }).await.len();
        assert_eq!((since, until), (5 - index, index), "{moment}");
    }
}

/// Nobody changes a row by accident.
pub async fn the_trail_refuses_changes(db: Database) {
    have_entries(&db, [1]).await;
    let error = query("UPDATE audit SET action = 'nothing'").execute(db.writer()).await.unwrap_err();
    assert!(error.to_string().contains("the audit trail is append only"), "{error}");
    assert_eq!(list(&db, AuditFilter::default()).await[0].entry, entry(1));
}

/// What somebody does who has the database to himself.
async fn tamper(db: &Database, sql: &'static str) {
    let drop_trigger = match db.writer() {
        Target::PostgresPool(..) | Target::Postgres(_) => "DROP TRIGGER IF EXISTS audit_keeps ON audit",
        Target::SqlitePool(..) | Target::Sqlite(_) => "DROP TRIGGER IF EXISTS audit_keeps",
    };
    query(drop_trigger).execute(db.writer()).await.unwrap();
    assert!(query(sql).execute(db.writer()).await.unwrap() > 0, "{sql}");
}

async fn fault(db: &Database, kept: Option<Head>) -> Option<(i64, &'static str)> {
    audit::verify_from(db, kept).await.unwrap().first_fault.map(|Fault { number, what }| (number, what))
}

/// There is no field that can be changed without being noticed.
pub async fn a_changed_row_is_found(db: Database) {
    have_entries(&db, 1..=4).await;
    let changes = [
        (
            "UPDATE audit SET tenant_id = NULL WHERE number = 2",
            "UPDATE audit SET tenant_id = (SELECT tenant_id FROM audit WHERE number = 1) WHERE number = 2",
        ),
        ("UPDATE audit SET at = '2026-01-01T00:00:00Z' WHERE number = 2", ""),
    ];
    for (change, undo) in changes {
        tamper(&db, change).await;
        assert_eq!(fault(&db, None).await, Some((2, "the row was changed")), "{change}");
        if !undo.is_empty() {
            tamper(&db, undo).await;
            assert_eq!(fault(&db, None).await, None, "{undo}");
        }
    }
    // One more at a time, each before the one that was found last, so that the first fault moves.
    tamper(&db, "UPDATE audit SET previous = hash WHERE number = 1").await;
    assert_eq!(fault(&db, None).await, Some((1, "the row does not follow the one before it")));
}

/// The texts of a row, one after the other; each is put back before the next.
pub async fn every_changed_text_is_found(db: Database) {
    have_entries(&db, 1..=3).await;
    let changes = [
        ("UPDATE audit SET actor_kind = 'system' WHERE number = 2", "UPDATE audit SET actor_kind = 'user' WHERE number = 2"),
        ("UPDATE audit SET actor_id = NULL WHERE number = 2", "UPDATE audit SET actor_id = 'ann' WHERE number = 2"),
        ("UPDATE audit SET action = 'user.creatE' WHERE number = 2", "UPDATE audit SET action = 'user.create' WHERE number = 2"),
        ("UPDATE audit SET target_kind = 'key' WHERE number = 2", "UPDATE audit SET target_kind = 'user' WHERE number = 2"),
        ("UPDATE audit SET target_id = '3' WHERE number = 2", "UPDATE audit SET target_id = '2' WHERE number = 2"),
        ("UPDATE audit SET outcome = 'failed' WHERE number = 2", "UPDATE audit SET outcome = 'done' WHERE number = 2"),
        ("UPDATE audit SET request_id = 'request-3' WHERE number = 2", "UPDATE audit SET request_id = 'request-2' WHERE number = 2"),
        ("UPDATE audit SET address = '192.0.2.8' WHERE number = 2", "UPDATE audit SET address = '192.0.2.7' WHERE number = 2"),
        // From one field into its neighbour: the texts together are the same.
        (
            "UPDATE audit SET request_id = 'request-2192.', address = '0.2.7' WHERE number = 2",
            "UPDATE audit SET request_id = 'request-2', address = '192.0.2.7' WHERE number = 2",
        ),
        (
            "UPDATE audit SET before_digest = after_digest, after_digest = before_digest WHERE number = 2",
            "UPDATE audit SET before_digest = after_digest, after_digest = before_digest WHERE number = 2",
        ),
        (
            "UPDATE audit SET detail = '{\"fields\": [\"name\", \"role\"], \"count\": 2, \"nothing\": null}' WHERE number = 2",
            "UPDATE audit SET detail = '{\"nothing\": null, \"count\": 2, \"fields\": [\"role\", \"name\"]}' WHERE number = 2",
        ),
    ];
    for (change, undo) in changes {
        tamper(&db, change).await;
        assert_eq!(fault(&db, None).await, Some((2, "the row was changed")), "{change}");
        tamper(&db, undo).await;
        assert_eq!(fault(&db, None).await, None, "{undo}");
    }
    tamper(&db, "UPDATE audit SET hash = previous WHERE number = 2").await;
    assert_eq!(fault(&db, None).await, Some((2, "the row was changed")));
}

/// In the middle, at the beginning, and in another order.
pub async fn a_removed_or_moved_row_is_found(db: Database) {
    have_entries(&db, 1..=6).await;
    tamper(&db, "DELETE FROM audit WHERE number = 4").await;
    assert_eq!(fault(&db, None).await, Some((4, "the row is missing")));
    tamper(&db, "UPDATE audit SET number = 4 WHERE number = 5").await;
    assert_eq!(fault(&db, None).await, Some((4, "the row does not follow the one before it")));
    tamper(&db, "UPDATE audit SET number = -number WHERE number IN (2, 3)").await;
    tamper(&db, "UPDATE audit SET number = number + 5 WHERE number < 0").await;
    assert_eq!(fault(&db, None).await, Some((2, "the row does not follow the one before it")), "the second and the third changed places");
    tamper(&db, "DELETE FROM audit WHERE number = 1").await;
    assert_eq!(fault(&db, None).await, Some((1, "the row is missing")));
    tamper(&db, "UPDATE audit SET number = 0 WHERE number = 2").await;
    assert_eq!(fault(&db, None).await, Some((0, "there are rows before the beginning that is noted")));
}

/// The end leaves no trace in what remains, but an operator who kept a row finds it missing.
pub async fn a_removed_end_is_found_by_the_row_that_was_kept(db: Database) {
    have_entries(&db, 1..=3).await;
    let middle = head(&db).await;
    have_entries(&db, 4..=5).await;
    let last = head(&db).await;
    let found = async |kept| audit::verify_from(&db, Some(kept)).await.unwrap();
    assert!(found(last).await.kept_found && found(middle).await.kept_found);
    tamper(&db, "DELETE FROM audit WHERE number > 3").await;
    assert_eq!(fault(&db, None).await, None, "nothing in the trail says that it went on");
    assert_eq!(fault(&db, Some(middle)).await, None);
    let missing = Some((4, "the row is missing, and all after it up to the one that was kept"));
    assert_eq!((fault(&db, Some(last)).await, found(last).await.kept_found), (missing, false));
    // New rows in the place of those that were removed.
    have_entries(&db, 14..=15).await;
    assert_eq!(fault(&db, None).await, None);
    assert_eq!(fault(&db, Some(last)).await, Some((5, "the row is not the one that was kept: the trail was written anew")));
    tamper(&db, "DELETE FROM audit").await;
    assert_eq!(fault(&db, None).await, None);
    assert_eq!(fault(&db, Some(last)).await.unwrap().0, 1);
}

/// Retention takes the oldest, and what remains is verified as before.
pub async fn a_trimmed_trail_is_still_verified(db: Database) {
    have_entries(&db, 1..=4).await;
    // A clock that is behind: nothing after it is taken before it is old itself.
    append(&db, &entry(2)).await;
    have_entries(&db, 5..=6).await;
    let old = head(&db).await;
    let trim = async |second, now| written!(db, |tx| audit::trim(&mut tx, at(second), at(now))).unwrap();
    assert_eq!(trim(1, 50).await, 0);
    assert_eq!(numbers(&db, AuditFilter::default()).await.len(), 7, "nothing was old, and nothing is noted");
    assert_eq!(trim(4, 50).await, 3);
    let rows = list(&db, AuditFilter::default()).await;
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [8, 7, 6, 5, 4]);
    let noted = &rows[0].entry;
    assert_eq!((noted.action.as_str(), noted.target.1.as_deref(), noted.at), (TRIM_ACTION, Some("3"), at(50)));
    assert_eq!((noted.actor.kind, &noted.detail), (ActorKind::System, &json!({"removed": 3})));
    let verified = audit::verify_from(&db, Some(old)).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault.clone(), verified.kept_found), (5, None, true));
    assert_eq!(trim(7, 51).await, 4, "all but the note");
    let verified = audit::verify_from(&db, Some(old)).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault.clone(), verified.kept_found), (2, None, true), "it is the row before the beginning");
    assert_eq!(trim(100, 52).await, 2);
    assert_eq!(append(&db, &entry(100)).await, 11);
    let verified = audit::verify_from(&db, Some(old)).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault, verified.kept_found), (2, None, false), "the row that was kept is gone");
    tamper(&db, "UPDATE audit SET action = 'x' WHERE number = 11").await;
    assert_eq!(fault(&db, None).await, Some((11, "the row was changed")));
}

/// Somebody who cuts off the beginning himself, and says it was retention, is found out by what is not in the trail.
pub async fn a_beginning_that_was_cut_off_is_found(db: Database) {
    have_entries(&db, 1..=6).await;
    written!(db, |tx| audit::trim(&mut tx, at(3), at(50))).unwrap();
    assert_eq!(fault(&db, None).await, None);
    tamper(&db, "UPDATE audit_start SET number = 4, hash = (SELECT hash FROM audit WHERE number = 4)").await;
    tamper(&db, "DELETE FROM audit WHERE number <= 4").await;
    assert_eq!(fault(&db, None).await, Some((4, "rows up to here were removed, and not by retention")));
    tamper(&db, "DELETE FROM audit_start").await;
    assert_eq!(fault(&db, None).await, Some((1, "the row is missing")));
}

/// Old rows are taken while others are written and the trail is walked: no walk sees a fault.
pub async fn trimming_and_writing_disturb_no_walk(db: Database) {
    have_entries(&db, 1..=40).await;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let db = db.clone();
        tasks.spawn(async move {
            for step in 1..=8 {
                match task {
                    0 => drop(written!(db, |tx| audit::trim(&mut tx, at(step * 4), at(1_000))).unwrap()),
                    1 => drop(append(&db, &entry(900)).await),
                    _ => assert_eq!(fault(&db, None).await, None),
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(fault(&db, None).await, None);
}
