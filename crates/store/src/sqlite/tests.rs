//! What is particular to SQLite; what every adapter does is in [`crate::contract`].

use std::sync::Arc;

use super::*;
use crate::contract;

async fn fresh() -> Arc<dyn Records> {
    Arc::new(SqliteRecords::new(Database::in_memory().await.unwrap()))
}

/// The whole contract, on an empty database for each story, in memory and in a file.
macro_rules! contract {
    ($($story:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            contract::$story(fresh().await).await;
            let place = tempfile::tempdir().unwrap();
            contract::$story(Arc::new(SqliteRecords::new(Database::open(place.path()).await.unwrap()))).await;
        })*
    };
}

contract!(
    a_repeated_webhook_makes_one_record,
    a_call_is_answered_and_ends_once,
    an_unanswered_call_becomes_final_too,
    a_status_never_goes_back,
    turns_come_back_in_order_and_can_be_replaced,
    one_of_twenty_claims_is_ours,
    a_tool_call_is_finished_once,
    calls_are_paged_newest_first,
    messages_come_newest_first,
    calls_left_open_are_closed,
    what_belongs_to_no_call_is_refused,
    parallel_writers_do_not_fail,
    a_check_works_and_leaves_nothing,
);

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let database = Database::in_memory().await.unwrap();
    contract::statements_fit(&database, sql::ALL).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let record = contract::record(1);
    {
        let database = Database::open(place.path()).await.unwrap();
        let records = SqliteRecords::new(database.clone());
        records.open_call(&record).await.unwrap();
        records.add_turn(record.id, &contract::turn(0)).await.unwrap();
        database.close().await;
    }
    let records = SqliteRecords::new(Database::open(place.path()).await.unwrap());
    assert_eq!(records.call(record.id).await.unwrap(), Some(record.clone()));
    assert_eq!(records.turns(record.id).await.unwrap(), [contract::turn(0)]);
}

#[tokio::test]
async fn a_word_of_another_version_is_named() {
    let database = Database::in_memory().await.unwrap();
    let records = SqliteRecords::new(database.clone());
    records.open_call(&contract::record(1)).await.unwrap();
    query("UPDATE calls SET carrier = 'pigeon'").execute(database.writer()).await.unwrap();
    let error = records.call(contract::record(1).id).await.unwrap_err();
    assert!(error.to_string().contains("carrier \"pigeon\""), "{error}");
}

#[tokio::test]
async fn status_reports_of_one_call_have_a_limit() {
    let database = Database::in_memory().await.unwrap();
    let records = SqliteRecords::new(database.clone());
    let record = contract::record(1);
    records.open_call(&record).await.unwrap();
    for _ in 0..SqliteRecords::MAX_STATUS_EVENTS + 5 {
        let report = records.report_status(record.carrier, &record.carrier_call_id, CallStatus::Ringing, "ringing", record.offered_at);
        assert!(report.await.unwrap());
    }
    let kept: u32 = query_scalar("SELECT COUNT(*) FROM status_events").fetch_one(database.readers()).await.unwrap();
    assert_eq!(kept, SqliteRecords::MAX_STATUS_EVENTS);
}
