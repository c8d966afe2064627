//! What is particular to a PostgreSQL server: who may start, what fails while it is gone, and that it works again.

use std::time::{Duration, Instant};

use testkit::postgres::PostgresServer;
use tokio::task::JoinSet;

use super::*;
use crate::{ANSWER_TIMEOUT, PoolState, Records, SqlRecords, contract, query};

async fn empty() -> String {
    PostgresServer::shared().await.unwrap().database().await.unwrap()
}

/// A database with this program's schema.
async fn migrated() -> String {
    let url = empty().await;
    Database::migrate(&url).await.unwrap();
    url
}

fn guard() -> resilience::Guard {
    resilience::Guard::new(resilience::Service::Database, resilience::Service::Database.policy())
}

#[tokio::test]
async fn instances_may_bring_the_schema_up_at_once() {
    let url = empty().await;
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        starts.spawn(async move { Database::migrate(&url).await });
    }
    for done in starts.join_all().await {
        done.unwrap();
    }
    Database::connect(&url).await.unwrap();
    Database::migrate(&url).await.unwrap();
}

/// A start changes nothing in a database that others may be using with another version.
#[tokio::test]
async fn a_schema_of_another_version_is_refused_with_the_command_to_run() {
    let url = empty().await;
    let error = Database::connect(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::SchemaVersion { found: None, needed } if needed == Database::SCHEMA_VERSION), "{error:?}");
    assert!(error.to_string().contains("voicenoob migrate"), "{error}");
    Database::migrate(&url).await.unwrap();
    let database = Database::connect(&url).await.unwrap();
    let older = "DELETE FROM _sqlx_migrations WHERE version > 4";
    let mut tx = database.begin().await.unwrap();
    query(older).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let error = Database::connect(&url).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, StoreError::SchemaVersion { found: Some(4), .. }), "{error:?}");
    assert!(said.contains('4') && said.contains(&Database::SCHEMA_VERSION.to_string()) && said.contains("voicenoob migrate"), "{said}");
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_refused() {
    let url = migrated().await;
    let database = Database::connect(&url).await.unwrap();
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', true, '', 0)";
    query(newer).execute(database.writer()).await.unwrap();
    assert!(matches!(Database::connect(&url).await, Err(StoreError::SchemaVersion { found: Some(9999), .. })));
    assert!(matches!(Database::migrate(&url).await, Err(StoreError::Migration { .. })));
}

/// The same number with other tables under it, as a program of somebody's own branch would leave behind.
#[tokio::test]
async fn a_schema_that_only_has_the_number_is_refused() {
    let url = migrated().await;
    let database = Database::connect(&url).await.unwrap();
    query("UPDATE _sqlx_migrations SET checksum = '' WHERE version = 3").execute(database.writer()).await.unwrap();
    assert!(matches!(Database::connect(&url).await, Err(StoreError::Migration { .. })));
}

/// The reason stands in the message, and the password does not.
#[tokio::test]
async fn an_address_that_does_not_work_is_a_clear_error() {
    let url = empty().await;
    let elsewhere = url.rsplit_once('/').unwrap().0;
    let stranger = url.replace("app:", "app:not-");
    for (address, said) in [
        ("mysql://app:secret@127.0.0.1/db", "it does not begin with postgres://"),
        ("postgres://app:secret@127.0.0.1:port/db", "the database address is wrong: invalid port number"),
        ("postgres://app:secret@127.0.0.1:1/db", "cannot connect to the database 127.0.0.1:1/db: "),
        (stranger.as_str(), "password authentication failed"),
        (&format!("{elsewhere}/nothing"), "database \"nothing\" does not exist"),
    ] {
        let error = Database::connect(address).await.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("DATABASE_URL"), "{error}");
        assert!(!error.contains("secret") && !error.contains("p%40ss") && !error.contains("p@ss"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_is_connected_to_again() {
    let mut server = PostgresServer::start().await.unwrap();
    let database = {
        let url = server.database().await.unwrap();
        Database::migrate(&url).await.unwrap();
        Database::connect(&url).await.unwrap()
    };
    let records = SqlRecords::new(database.clone());
    let call = records.open_call(&contract::record(1)).await.unwrap();
    for crash in [false, true] {
        // Several connections are open, and all of them are lost.
        let held = [database.begin().await.unwrap(), database.begin().await.unwrap()];
        drop(held);
        if crash {
            server.crash().await.unwrap()
        } else {
            server.stop().await.unwrap()
        }
        let asked = Instant::now();
        let error = records.call(call.id).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { doing: "read a call", .. }), "{error:?}");
        assert!(asked.elapsed() < Database::ACQUIRE_TIMEOUT + Duration::from_secs(1), "it took {:?}", asked.elapsed());
        assert!(matches!(database.begin().await, Err(StoreError::Unavailable { .. })));
        server.start_again().await.unwrap();
        for _ in 0..4 {
            assert_eq!(records.call(call.id).await.unwrap(), Some(call.clone()), "it works at the first try");
        }
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_undone() {
    let database = Database::connect(&migrated().await).await.unwrap();
    let mut tx = database.begin().await.unwrap();
    query("INSERT INTO probes (id, value) VALUES (gen_random_uuid(), 'lost')").execute(&mut *tx).await.unwrap();
    drop(tx);
    let (left,): (i64,) = query("SELECT COUNT(*) FROM probes").one(database.readers()).await.unwrap();
    assert_eq!(left, 0);
}

/// Whoever asks for the same subject waits; another subject does not.
#[tokio::test]
async fn transactions_of_one_subject_come_one_after_the_other() {
    let database = Database::connect(&migrated().await).await.unwrap();
    let mut first = database.begin().await.unwrap();
    first.alone("hotel A").await.unwrap();
    let mut other = database.begin().await.unwrap();
    other.alone("hotel B").await.unwrap();
    let mut second = database.begin().await.unwrap();
    let mut waiting = Box::pin(second.alone("hotel A"));
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    loop {
        assert!(futures_now(&mut waiting).await.is_none(), "the first is not over");
        let (waiters,): (i64,) = query(waits).one(database.readers()).await.unwrap();
        if waiters == 1 {
            break;
        }
    }
    first.commit().await.unwrap();
    waiting.await.unwrap();
}

/// What a future has come to, without waiting.
async fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn connections_have_a_limit_and_are_counted() {
    let settings = PoolSettings { max: 2, min: 0, ..PoolSettings::default() };
    let database = Database::connect_with(&migrated().await, settings, guard()).await.unwrap();
    let state = PoolState { in_use: 0, idle: 0, max: 2, waits: 0, waited: Duration::ZERO };
    assert_eq!(database.pool_state(), state);
    let held = [database.begin().await.unwrap(), database.begin().await.unwrap()];
    assert_eq!(database.pool_state(), PoolState { in_use: 2, ..state });
    tokio::time::pause();
    assert!(matches!(database.begin().await, Err(StoreError::Unavailable { .. })));
    let asked = query("SELECT 1").execute(database.readers()).await;
    assert!(asked.is_err());
    assert_eq!(database.pool_state().waits, 2, "who gives up has waited too");
    assert!(database.pool_state().waited > Duration::ZERO);
    drop(held);
}

/// The first calls after a start do not wait for connections to be made.
#[tokio::test]
async fn the_first_connections_are_open_from_the_start() {
    let settings = PoolSettings { max: 5, min: 3, ..PoolSettings::default() };
    let database = Database::connect_with(&migrated().await, settings, guard()).await.unwrap();
    let state = database.pool_state();
    assert_eq!((state.in_use + state.idle, state.max), (3, 5));
}

#[tokio::test]
async fn a_connection_is_replaced_when_it_is_old() {
    let settings = PoolSettings { max: 1, min: 1, max_lifetime: Duration::from_micros(1), ..PoolSettings::default() };
    let database = Database::connect_with(&migrated().await, settings, guard()).await.unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let (server,): (i32,) = query("SELECT pg_backend_pid()").one(database.readers()).await.unwrap();
        seen.insert(server);
    }
    assert_eq!(seen.len(), 3);
}

/// The server ends what goes on for too long, and sooner than its caller gives up on it.
#[tokio::test]
async fn every_connection_asks_the_server_for_limits() {
    let database = Database::connect(&migrated().await).await.unwrap();
    for (limit, expected) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "4s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("plan_cache_mode", "force_custom_plan"),
        ("timezone", "UTC"),
    ] {
        let (set,): (String,) = query("SELECT current_setting($1)").bind(limit).one(database.readers()).await.unwrap();
        assert_eq!(set, expected, "{limit}");
    }
    assert!(Duration::from_secs(5) < ANSWER_TIMEOUT);
    let slow = "SELECT set_config('statement_timeout', '50ms', true)";
    let mut tx = database.begin().await.unwrap();
    let _: (String,) = query(slow).one(&mut *tx).await.unwrap();
    let error = query("SELECT pg_sleep(60)").execute(&mut *tx).await.unwrap_err();
    assert!(error.to_string().contains("statement timeout"), "{error}");
}

/// A server that accepts connections and says nothing more is given up too.
#[tokio::test]
async fn a_silent_server_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://app@{}/db", silent.local_addr().unwrap());
    // The clock runs ahead whenever nothing happens.
    tokio::time::pause();
    let error = Database::connect(&url).await.unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");
}
