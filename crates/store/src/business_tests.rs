//! The stories of what a workspace has, on every database; and the plans of its lists.

use testkit::postgres::PostgresServer;

use crate::contract::{self, business, call_lists, personal_data, tools};
use crate::{Database, agents, calls, directory, numbers, personal, provider_keys, retention, rungs, sealed, tools as declared, usage};

mod plans;

async fn postgres() -> Database {
    let url = PostgresServer::shared().await.unwrap().database().await.unwrap();
    Database::migrate(&url).await.unwrap();
    Database::connect(&url).await.unwrap()
}

/// Every story on a database of its own: in memory, in a file, and on a server; there a suite is one test, so that few servers are started.
macro_rules! stories {
    ($($module:ident: $($story:ident),*;)*) => {
        $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            $module::$story(Database::in_memory().await.unwrap()).await;
            let place = tempfile::tempdir().unwrap();
            $module::$story(Database::open(place.path()).await.unwrap()).await;
        })*)*

        mod postgresql {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $module() {
                $(println!("{}", stringify!($story));
                on_server($module::$story).await;)*
            })*
        }
    };
}

/// Runs a story on a database of its own. Its future is in the heap: those of all stories together would not fit on a test's stack.
async fn on_server<S: Future<Output = ()>>(story: impl FnOnce(Database) -> S) {
    let database = postgres().await;
    Box::pin(story(database.clone())).await;
    database.close().await;
}

stories! {
    business:
        an_agents_settings_are_set_cleared_and_left,
        an_old_version_of_an_agent_is_not_changed,
        an_agents_name_is_its_own_in_a_workspace,
        what_another_workspace_set_up_is_not_there,
        a_number_belongs_to_one_workspace_of_all,
        agents_and_numbers_are_paged_newest_first,
        every_change_of_the_directory_is_counted_once_it_stands,
        a_vendors_key_is_kept_sealed_by_workspace;
    tools:
        a_tool_is_made_changed_listed_and_removed,
        a_tool_that_an_agent_names_stays,
        a_tools_secret_is_sealed_again_unless_it_was_changed;
    call_lists:
        a_repeated_webhook_makes_one_call_in_one_workspace,
        calls_are_filtered_by_everything_at_once,
        a_span_of_time_is_half_open_in_milliseconds,
        call_lists_are_paged_newest_first,
        a_call_and_its_parts_belong_to_one_workspace,
        messages_and_callbacks_are_paged_newest_first;
    personal_data:
        a_person_is_erased_from_every_table,
        a_call_that_goes_on_is_erased_when_it_is_over,
        an_export_holds_all_of_a_person_and_nothing_of_others,
        a_number_of_nobody_is_refused,
        what_was_done_about_personal_data_is_noted,
        what_is_too_old_goes_by_its_kind,
        without_limits_everything_is_kept,
        old_calls_go_in_steps;
}

#[tokio::test]
async fn every_statement_fits_both_schemas() {
    let modules = [
        agents::ALL,
        calls::ALL,
        declared::ALL,
        directory::ALL,
        numbers::ALL,
        personal::sql::ALL,
        provider_keys::ALL,
        retention::ALL,
        sealed::ALL,
        rungs::ALL,
        usage::ALL,
    ];
    let (file, server) = (Database::in_memory().await.unwrap(), postgres().await);
    for statements in modules {
        contract::statements_fit(&file, statements).await;
        contract::statements_fit(&server, statements).await;
    }
    contract::statements_fit(&file, calls::IN_FILE).await;
    contract::statements_fit(&server, calls::ON_SERVER).await;
}
