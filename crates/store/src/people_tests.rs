//! The contract of people, workspaces and their trail on every database, and how their statements are carried out.

mod grants;
mod plans;

use testkit::postgres::PostgresServer;

use crate::contract::{people, people_audit, people_sessions, people_tenants, people_tickets};
use crate::{Database, api_keys, audit, contract, idempotency, sessions, tenants, throttle, tickets, users};

/// A database with nothing in it on a real PostgreSQL server.
async fn postgres() -> Database {
    let url = PostgresServer::shared().await.unwrap().database().await.unwrap();
    Database::migrate(&url).await.unwrap();
    Database::connect(&url).await.unwrap()
}

/// The whole contract, on an empty database for each story: in memory, in a file, and on a server.
///
/// On the server all stories are one test, so that a test runner with a process for each test starts one server and not fifty.
macro_rules! contract {
    ($($suite:ident: $($story:ident),*;)*) => {
        mod sqlite {
            use super::*;

            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                $suite::$story(Database::in_memory().await.unwrap()).await;
                let place = tempfile::tempdir().unwrap();
                $suite::$story(Database::open(place.path()).await.unwrap()).await;
            })*)*
        }

        mod postgresql {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $suite() {
                $(let database = postgres().await;
                println!("{}", stringify!($story));
                $suite::$story(database.clone()).await;
                database.close().await;)*
            })*
        }
    };
}

contract! {
    people:
        an_account_is_found_by_each_of_its_names,
        what_each_account_has_for_itself_is_taken_once,
        an_account_is_changed_in_the_version_that_was_read,
        one_of_twenty_changes_of_a_version_is_made,
        a_password_is_replaced_and_rehashed,
        a_step_of_a_second_factor_is_taken_once,
        a_recovery_code_is_taken_once,
        people_work_in_workspaces,
        members_are_paged,
        the_last_owner_stays,
        an_account_is_removed_with_what_is_its_own;
    people_tenants:
        a_workspace_comes_back_whole,
        workspaces_are_paged_newest_first,
        a_workspace_is_changed_in_the_version_that_was_read,
        only_an_unused_workspace_is_removed;
    people_sessions:
        a_session_comes_back_whole,
        a_secret_is_exchanged_for_the_next,
        a_secret_that_comes_again_ends_the_session,
        one_of_twenty_exchanges_is_made_and_the_session_ends,
        live_sessions_are_listed,
        sessions_are_ended,
        a_session_acts_in_a_workspace,
        old_sessions_are_removed;
    people_tickets:
        one_of_twenty_gets_the_ticket,
        a_ticket_works_for_its_purpose_only,
        wrong_tries_use_a_ticket_up,
        tickets_are_removed,
        failed_sign_ins_are_counted,
        an_api_key_is_its_workspaces,
        an_api_key_has_a_prefix_of_its_own,
        the_use_of_api_keys_is_noted,
        one_of_twenty_requests_is_ours,
        a_request_that_is_noted_as_done_keeps_its_key,
        a_claim_is_freed_and_forgotten;
    people_audit:
        the_trail_keeps_what_happened,
        an_entry_that_is_undone_leaves_no_gap,
        entries_that_come_at_once_make_one_chain,
        the_trail_is_searched,
        clocks_that_differ_hide_no_entry_of_a_span_of_time,
        moments_within_a_second_are_told_apart,
        the_trail_refuses_changes,
        a_changed_row_is_found,
        every_changed_text_is_found,
        a_removed_or_moved_row_is_found,
        a_removed_end_is_found_by_the_row_that_was_kept,
        a_trimmed_trail_is_still_verified,
        a_beginning_that_was_cut_off_is_found,
        trimming_and_writing_disturb_no_walk;
}

/// Every statement of these modules.
fn statements() -> impl Iterator<Item = &'static [(&'static str, &'static str)]> {
    let alone = [api_keys::ALL, idempotency::ALL, tenants::ALL, throttle::ALL, tickets::ALL];
    [audit::STATEMENTS, sessions::STATEMENTS, users::STATEMENTS].into_iter().flatten().copied().chain(alone)
}

#[tokio::test]
async fn every_statement_fits_both_schemas() {
    for database in [Database::in_memory().await.unwrap(), postgres().await] {
        for statements in statements() {
            contract::statements_fit(&database, statements).await;
        }
    }
}
