//! The contract on every database, and what is particular to one; what every adapter does is in [`crate::contract`].

use std::sync::Arc;

use testkit::postgres::PostgresServer;

use super::*;
use crate::contract;

/// A database with nothing in it on a real PostgreSQL server.
async fn postgres() -> Database {
    let server = PostgresServer::shared().await.unwrap();
    let url = server.database().await.unwrap();
    Database::migrate(&url).await.unwrap();
    Database::connect(&url).await.unwrap()
}

fn records(database: Database) -> Arc<dyn Records> {
    Arc::new(SqlRecords::new(database))
}

/// The whole contract, on an empty database for each story: in memory, in a file, and on a server.
///
/// On the server all stories are one test, so that a test runner with a process for each test starts one server and not twenty.
macro_rules! contract {
    ($($story:ident),* $(,)?) => {
        mod sqlite {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                contract::$story(records(Database::in_memory().await.unwrap())).await;
                let place = tempfile::tempdir().unwrap();
                contract::$story(records(Database::open(place.path()).await.unwrap())).await;
            })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn every_story_holds_on_postgresql() {
            $(let database = postgres().await;
            println!("{}", stringify!($story));
            contract::$story(records(database.clone())).await;
            database.close().await;)*
        }
    };
}

contract!(
    reports_that_come_at_once_do_not_undo_each_other,
    what_postgresql_cannot_keep_is_replaced,
    a_repeated_webhook_makes_one_record,
    a_call_is_answered_and_ends_once,
    an_unanswered_call_becomes_final_too,
    a_status_never_goes_back,
    turns_come_back_in_order_and_can_be_replaced,
    one_of_twenty_claims_is_ours,
    a_tool_call_is_finished_once,
    calls_are_paged_newest_first,
    messages_come_newest_first,
    a_message_is_stored_once_for_each_key,
    a_dead_instances_calls_are_found_oldest_first,
    progress_lives_as_long_as_its_call,
    resumes_are_noted_one_after_the_other,
    the_next_step_outlives_the_call,
    a_call_that_is_being_put_through_is_its_carriers,
    a_transfer_ends_once_whatever_is_told_first,
    a_callback_is_stored_once_for_each_call,
    the_callback_that_was_asked_for_last_stands,
    what_belongs_to_no_call_is_refused,
    what_a_call_used_is_added_up,
    changes_of_rung_are_kept_in_order,
    parallel_writers_do_not_fail,
    a_check_works_and_leaves_nothing,
);

#[tokio::test]
async fn every_statement_fits_both_schemas() {
    for database in [Database::in_memory().await.unwrap(), postgres().await] {
        contract::statements_fit(&database, sql::ALL).await;
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let record = contract::record(1);
    {
        let database = Database::open(place.path()).await.unwrap();
        let records = SqlRecords::new(database.clone());
        records.open_call(&record).await.unwrap();
        records.add_turn(record.id, &contract::turn(0)).await.unwrap();
        database.close().await;
    }
    let records = SqlRecords::new(Database::open(place.path()).await.unwrap());
    assert_eq!(records.call(record.id).await.unwrap(), Some(record.clone()));
    assert_eq!(records.turns(record.id).await.unwrap(), [contract::turn(0)]);
}

#[tokio::test]
async fn a_word_of_another_version_is_named() {
    let database = Database::in_memory().await.unwrap();
    let records = SqlRecords::new(database.clone());
    records.open_call(&contract::record(1)).await.unwrap();
    query("UPDATE calls SET carrier = 'pigeon'").execute(database.writer()).await.unwrap();
    let error = records.call(contract::record(1).id).await.unwrap_err();
    assert!(error.to_string().contains("carrier \"pigeon\""), "{error}");
}

#[tokio::test]
async fn status_reports_of_one_call_have_a_limit() {
    let database = Database::in_memory().await.unwrap();
    let records = SqlRecords::new(database.clone());
    let record = contract::record(1);
    records.open_call(&record).await.unwrap();
    for _ in 0..SqlRecords::MAX_STATUS_EVENTS + 5 {
        let report = records.report_status(record.carrier, &record.carrier_call_id, CallStatus::Ringing, "ringing", record.offered_at);
        assert!(report.await.unwrap());
    }
    let (kept,): (i64,) = query("SELECT COUNT(*) FROM status_events").one(database.readers()).await.unwrap();
    assert_eq!(kept, i64::from(SqlRecords::MAX_STATUS_EVENTS));
}
