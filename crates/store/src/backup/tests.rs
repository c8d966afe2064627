//! Copies made beside writers and put back where nobody is, with the real file.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use call::{CallRecord, EndReason};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use super::*;
use crate::contract::{at, record, turn};
use crate::{Query, Records, SqlRecords, query};

/// A data directory with one call in it.
async fn house() -> (TempDir, Database) {
    let place = tempfile::tempdir().unwrap();
    let database = Database::open(place.path()).await.unwrap();
    SqlRecords::new(database.clone()).open_call(&record(1)).await.unwrap();
    (place, database)
}

async fn count(database: &Database, rows: Query<'_>) -> i64 {
    let (count,): (i64,) = rows.one(database.readers()).await.unwrap();
    count
}

/// What lies in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Each writer opens a call, writes its turns and ends it, in one transaction; a copy has all of it or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_made_beside_writers_is_one_moment_of_the_database() {
    let (place, database) = house().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4_u32 {
        let (database, stop) = (database.clone(), Arc::clone(&stop));
        writers.spawn(async move {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                let mut tx = database.begin().await.unwrap();
                let value = format!("{writer} {written}");
                for half in ["a", "b"] {
                    let insert = query("INSERT INTO probes (id, value) VALUES ($1, $2)");
                    insert.bind(Uuid::now_v7()).bind(format!("{value}{half}")).execute(&mut *tx).await.unwrap();
                    tokio::task::yield_now().await;
                }
                tx.commit().await.unwrap();
                written += 1;
            }
            written
        });
    }
    let (mut copies, outside) = (Vec::new(), tempfile::tempdir().unwrap());
    while copies.len() < 5 {
        let target = outside.path().join(format!("copy {}.db", copies.len()));
        let copied = create(place.path(), &target, false).await.unwrap();
        assert_eq!((copied.version, copied.bytes), (Database::SCHEMA_VERSION, std::fs::metadata(&target).unwrap().len()));
        copies.push(target);
    }
    stop.store(true, Ordering::Relaxed);
    let written: i64 = writers.join_all().await.into_iter().sum();
    let mut before = 0;
    for copy in copies {
        let other = tempfile::tempdir().unwrap();
        restore(other.path(), &copy, false).await.unwrap();
        let restored = Database::open(other.path()).await.unwrap();
        let rows = count(&restored, query("SELECT COUNT(*) FROM probes")).await;
        let whole =
            count(&restored, query("SELECT COUNT(*) FROM (SELECT rtrim(value, 'ab') v FROM probes GROUP BY v HAVING COUNT(*) = 2)")).await;
        assert_eq!(rows, 2 * whole, "no transaction is there by half");
        assert!(before <= rows && rows <= 2 * written, "later copies hold more: {before}, {rows}, {written}");
        assert_eq!(SqlRecords::new(restored).call(record(1).id).await.unwrap(), Some(record(1)));
        before = rows;
    }
    assert!(before > 0, "the writers wrote while copies were made");
}

#[tokio::test]
async fn a_copy_is_for_this_user_only_and_leaves_nothing_beside_it() {
    let (place, _database) = house().await;
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("deep/copy.db");
    create(place.path(), &target, false).await.unwrap();
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(target.parent().unwrap()), ["copy.db"]);
}

#[tokio::test]
async fn a_file_is_replaced_only_when_asked_to() {
    let (place, _database) = house().await;
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("copy.db");
    std::fs::write(&target, "precious").unwrap();
    let refused = create(place.path(), &target, false).await.unwrap_err();
    assert!(matches!(refused, StoreError::Exists { .. }), "{refused:?}");
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    create(place.path(), &target, true).await.unwrap();
    assert!(std::fs::read(&target).unwrap().starts_with(b"SQLite format 3"));
    assert_eq!(names(outside.path()), ["copy.db"]);
}

#[tokio::test]
async fn a_directory_without_a_database_has_no_copy_and_gets_none() {
    let place = tempfile::tempdir().unwrap();
    let error = create(place.path(), &place.path().join("copy.db"), false).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { doing: "read", .. }), "{error:?}");
    assert!(names(place.path()).is_empty());
}

#[tokio::test]
async fn nothing_is_put_back_while_a_program_uses_the_directory() {
    let (place, database) = house().await;
    let outside = tempfile::tempdir().unwrap();
    let copy = outside.path().join("copy.db");
    create(place.path(), &copy, false).await.unwrap();
    SqlRecords::new(database.clone()).open_call(&record(2)).await.unwrap();
    let second = Database::open(place.path()).await.unwrap();
    for database in [database, second] {
        let refused = restore(place.path(), &copy, true).await.unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
        assert_eq!(count(&database, query("SELECT COUNT(*) FROM calls")).await, 2);
        database.close().await;
    }
    restore(place.path(), &copy, true).await.unwrap();
    let database = Database::open(place.path()).await.unwrap();
    assert_eq!(count(&database, query("SELECT COUNT(*) FROM calls")).await, 1);
}

/// A program that was killed has left its last writes in the journal; they must not come up again in the copy.
#[tokio::test]
async fn what_a_killed_program_left_does_not_mix_with_the_copy() {
    let (place, database) = house().await;
    let outside = tempfile::tempdir().unwrap();
    let copy = outside.path().join("copy.db");
    create(place.path(), &copy, false).await.unwrap();
    let records = SqlRecords::new(database.clone());
    records.open_call(&record(2)).await.unwrap();
    records.add_turn(record(1).id, &turn(0)).await.unwrap();
    let killed = tempfile::tempdir().unwrap();
    for name in names(place.path()).into_iter().filter(|name| name.starts_with(Database::FILE)) {
        std::fs::copy(place.path().join(&name), killed.path().join(&name)).unwrap();
    }
    assert!(names(killed.path()).contains(&format!("{}-wal", Database::FILE)));
    let refused = restore(killed.path(), &copy, false).await.unwrap_err();
    assert!(matches!(refused, StoreError::Exists { .. }), "{refused:?}");
    restore(killed.path(), &copy, true).await.unwrap();
    let restored = Database::open(killed.path()).await.unwrap();
    assert_eq!(count(&restored, query("SELECT COUNT(*) FROM calls")).await, 1);
    assert_eq!(count(&restored, query("SELECT COUNT(*) FROM turns")).await, 0);
    SqlRecords::new(restored).end_call(record(1).id, at(9), EndReason::CallerHungUp).await.unwrap();
}

/// What is no copy of ours leaves the database as it was.
#[tokio::test]
async fn what_is_no_good_copy_is_refused() {
    let (place, database) = house().await;
    let outside = tempfile::tempdir().unwrap();
    let at_path = |name: &str| outside.path().join(name);
    create(place.path(), &at_path("newer.db"), false).await.unwrap();
    std::fs::copy(at_path("newer.db"), at_path("damaged.db")).unwrap();
    std::fs::copy(at_path("newer.db"), at_path("half.db")).unwrap();
    let options = SqliteConnectOptions::new();
    let newer = SqlitePool::connect_with(options.clone().filename(at_path("newer.db"))).await.unwrap();
    let later =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)";
    sqlx::raw_sql(later).execute(&newer).await.unwrap();
    newer.close().await;
    let other = SqlitePool::connect_with(options.filename(at_path("other.db")).create_if_missing(true)).await.unwrap();
    sqlx::raw_sql("CREATE TABLE songs (title TEXT)").execute(&other).await.unwrap();
    other.close().await;
    let mut bytes = std::fs::read(at_path("damaged.db")).unwrap();
    let pages = bytes.len();
    bytes[4096..pages / 2].fill(0xAA);
    std::fs::write(at_path("damaged.db"), bytes).unwrap();
    let half = std::fs::OpenOptions::new().write(true).open(at_path("half.db")).unwrap();
    half.set_len(u64::try_from(pages / 2).unwrap()).unwrap();
    std::fs::write(at_path("text.db"), "not a database at all, but long enough to be looked at").unwrap();
    database.close().await;
    for (name, said) in
        [("newer.db", "9999"), ("other.db", "_sqlx_migrations"), ("damaged.db", ""), ("half.db", ""), ("text.db", "not a database")]
    {
        let refused = restore(place.path(), &at_path(name), true).await.unwrap_err();
        let text = refused.to_string();
        assert!(matches!(refused, StoreError::NotABackup { .. }), "{name}: {refused:?}");
        assert!(text.contains(said) && text.contains(name), "{text}");
    }
    let missing = restore(place.path(), &at_path("missing.db"), true).await.unwrap_err();
    assert!(matches!(missing, StoreError::Io { doing: "read", .. }), "{missing:?}");
    let expected: Vec<String> = ["voicenoob.db", "voicenoob.in-use", "voicenoob.lock"].map(Into::into).into();
    assert_eq!(
        names(place.path()).into_iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect::<Vec<_>>(),
        expected
    );
    let database = Database::open(place.path()).await.unwrap();
    assert_eq!(count(&database, query("SELECT COUNT(*) FROM calls")).await, 1);
}

/// An older copy is put back as it is; the program brings it up.
#[tokio::test]
async fn a_copy_of_an_older_version_is_brought_up_at_the_next_start() {
    let (place, database) = house().await;
    let outside = tempfile::tempdir().unwrap();
    let copy = outside.path().join("copy.db");
    create(place.path(), &copy, false).await.unwrap();
    database.close().await;
    let old = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&copy)).await.unwrap();
    let undo = "DELETE FROM _sqlx_migrations WHERE version > 3; DROP TABLE audit_start; DROP TABLE audit;";
    sqlx::raw_sql(undo).execute(&old).await.unwrap();
    old.close().await;
    let other = tempfile::tempdir().unwrap();
    assert_eq!(restore(other.path(), &copy, false).await.unwrap().version, 3);
}

/// A copy has everything of a call.
#[tokio::test]
async fn a_copy_holds_the_records_as_they_are() {
    let (place, database) = house().await;
    let records = SqlRecords::new(database.clone());
    records.add_turn(record(1).id, &turn(0)).await.unwrap();
    let outside = tempfile::tempdir().unwrap();
    create(place.path(), &outside.path().join("copy.db"), false).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    restore(other.path(), &outside.path().join("copy.db"), false).await.unwrap();
    let restored = SqlRecords::new(Database::open(other.path()).await.unwrap());
    assert_eq!(restored.call(record(1).id).await.unwrap(), Some(CallRecord { ..record(1) }));
    assert_eq!(restored.turns(record(1).id).await.unwrap(), [turn(0)]);
}

#[tokio::test]
async fn a_damaged_database_that_is_replaced_keeps_its_journal_beside_it() {
    let (place, database) = house().await;
    let copy = place.path().join("copy.db");
    create(place.path(), &copy, false).await.unwrap();
    database.close().await;
    let other = tempfile::tempdir().unwrap();
    let there = |ending: &str| other.path().join(format!("{}{ending}", Database::FILE));
    std::fs::write(there(""), "this is no database any more").unwrap();
    std::fs::write(there("-wal"), "what it had not written back").unwrap();
    restore(other.path(), &copy, true).await.unwrap();
    assert_eq!(std::fs::read_to_string(there(BEFORE)).unwrap(), "this is no database any more");
    assert_eq!(std::fs::read_to_string(there(&format!("{BEFORE}-wal"))).unwrap(), "what it had not written back");
    assert!(!std::fs::exists(there("-wal")).unwrap(), "nothing of it is read with the new one");
}
