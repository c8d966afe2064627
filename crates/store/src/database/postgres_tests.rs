//! What is particular to a PostgreSQL server: who may start, what fails while it is gone, and that it works again.

use std::time::{Duration, Instant};

use testkit::postgres::PostgresServer;
use tokio::task::JoinSet;

use super::*;
use crate::{ANSWER_TIMEOUT, PoolState, Records, SqlRecords, contract, query};

async fn empty() -> String {
    PostgresServer::shared().await.unwrap().database().await.unwrap()
}

#[tokio::test]
async fn instances_may_start_at_once() {
    let url = empty().await;
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        starts.spawn(async move { Database::connect(&url).await.map(drop) });
    }
    for started in starts.join_all().await {
        started.unwrap();
    }
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_refused() {
    let url = empty().await;
    let database = Database::connect(&url).await.unwrap();
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', true, '', 0)";
    query(newer).execute(database.writer()).await.unwrap();
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
    let database = Database::connect(&server.database().await.unwrap()).await.unwrap();
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
    let database = Database::connect(&empty().await).await.unwrap();
    let mut tx = database.begin().await.unwrap();
    query("INSERT INTO probes (id, value) VALUES (gen_random_uuid(), 'lost')").execute(&mut *tx).await.unwrap();
    drop(tx);
    let (left,): (i64,) = query("SELECT COUNT(*) FROM probes").one(database.readers()).await.unwrap();
    assert_eq!(left, 0);
}

/// Whoever asks for the same subject waits; another subject does not.
#[tokio::test]
async fn transactions_of_one_subject_come_one_after_the_other() {
    let database = Database::connect(&empty().await).await.unwrap();
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
    let database = Database::connect_with(&empty().await, 2).await.unwrap();
    assert_eq!(database.pool_state(), PoolState { in_use: 0, idle: 0, max: 2 });
    let held = [database.begin().await.unwrap(), database.begin().await.unwrap()];
    assert_eq!(database.pool_state(), PoolState { in_use: 2, idle: 0, max: 2 });
    tokio::time::pause();
    assert!(matches!(database.begin().await, Err(StoreError::Unavailable { .. })));
    drop(held);
}

/// The server ends what goes on for too long, and sooner than its caller gives up on it.
#[tokio::test]
async fn every_connection_asks_the_server_for_limits() {
    let database = Database::connect(&empty().await).await.unwrap();
    for (limit, expected) in
        [("statement_timeout", "5s"), ("lock_timeout", "4s"), ("idle_in_transaction_session_timeout", "10s"), ("timezone", "UTC")]
    {
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
