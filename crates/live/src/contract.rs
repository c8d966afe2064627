//! What every adapter of [`LiveState`] does, as stories. Each takes the stages of an adapter and panics when the adapter breaks its word.
//!
//! An adapter runs all of them with `live::live_contract!(tokio::test, MyStages)` in its test file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test suite: it fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{LiveState, Rules};

/// Makes empty live states of one adapter.
#[async_trait]
pub trait Stages: Send + Sync {
    /// Live state with nothing in it, shared with no other stage.
    async fn open(&self, rules: Rules) -> Box<dyn Stage>;
}

/// One live state under test.
///
/// Stories let seconds to half an hour pass with [`Stage::advance`], and allow 400 ms of real time beside that. An adapter whose server has its
/// own clock gives the server a time that is ahead of it by what was advanced.
#[async_trait]
pub trait Stage: Send + Sync {
    /// As one instance sees it.
    fn state(&self) -> Arc<dyn LiveState>;
    /// As another instance sees the same state: a connection of its own, where there are connections. In process: the same handle.
    async fn second(&self) -> Arc<dyn LiveState>;
    /// Moves the clock of the state, for all its handles.
    async fn advance(&self, by: Duration);
}

/// Defines `stories` (names of all) and, in the caller's test file, one test per story.
///
/// `live_contract!(tokio::test, MyStages)`: the attribute of each test, and an expression that makes the [`Stages`].
#[macro_export]
macro_rules! live_contract {
    ($test:meta, $stages:expr) => {
        $crate::live_contract! { @tests $test, $stages;
            registry: a_registered_call_is_listed_until_it_is_unregistered, a_call_that_is_registered_again_is_one_call,
                only_its_own_instance_takes_a_call_out, calls_are_listed_oldest_first_and_counted, any_text_survives_the_registry,
                a_call_longer_than_the_time_to_live_stays_listed, an_entry_that_nobody_renews_is_gone_after_its_time_to_live;
            instances: when_nobody_was_heard_nobody_is_dead, a_lease_to_be_heard_again_is_one_for_the_calls_too, a_first_beat_is_unknown_and_the_next_is_known, instances_are_listed_with_what_they_hold,
                a_crash_leaves_no_call_longer_than_one_heartbeat, a_lost_call_is_told_exactly_once, a_lost_call_that_nobody_takes_up_is_given_up,
                a_lost_call_that_is_taken_up_is_not_given_up, who_leaves_loses_no_call, an_instance_that_was_silent_too_long_enters_everything_again,
                few_dead_instances_are_cleared_at_a_time, what_was_entered_before_the_first_beat_is_cleared_too;
            resume: an_interrupted_call_is_open_for_resume, an_interrupted_call_belongs_to_its_instance,
                a_restart_opens_its_calls_for_resume, a_restart_does_not_touch_what_another_instance_serves;
            permits: all_permits_or_none, fifty_calls_at_once_get_exactly_the_limit, admitted_twice_is_one_permit,
                an_instance_that_cannot_serve_is_full, a_permit_moves_with_its_call, a_permit_stays_when_there_is_no_room_for_it,
                a_wrong_instance_releases_nothing, holding_asks_for_no_room, a_dead_instance_holds_no_permits,
                at_capacity_one_ends_and_one_comes;
            queue: callers_of_equal_priority_are_served_in_order, the_more_urgent_come_first, waiting_makes_up_for_priority,
                priority_is_bounded, fifty_callers_at_once_fill_exactly_five_places, nobody_waits_twice,
                an_entry_that_is_written_again_has_its_old_place, looking_changes_nothing, a_removed_caller_is_gone_and_the_others_stay,
                clearing_keeps_the_totals, an_unconfirmed_caller_returns_to_its_place, a_removed_caller_does_not_return,
                waiting_times_are_counted, places_are_told_to_the_holder, expected_wait_is_unknown_until_it_was_measured;
            grants: a_grant_holds_its_permit, a_blocked_caller_does_not_block_the_next, a_newcomer_overtakes_nobody,
                a_lapsed_grant_goes_to_the_next_and_returns_to_its_place, a_lapsed_grant_comes_back_when_nobody_else_waits,
                only_the_holder_takes_up_and_only_in_time, a_removed_grant_frees_its_permit, a_grant_is_not_released_before_it_is_taken_up,
                a_caller_of_a_draining_instance_keeps_its_place, an_orphan_keeps_its_place, an_orphan_that_nobody_takes_is_abandoned_once, a_caller_without_a_socket_keeps_its_place_and_is_given_up,
                grants_of_a_dead_instance_return, a_granted_caller_who_comes_back_elsewhere_waits_again,
                an_admitted_caller_leaves_the_queue, a_caller_without_a_holder_is_never_granted, many_blocked_callers_do_not_hide_the_next,
                grants_respect_agent_and_tenant;
            mail: an_offer_is_taken_once, an_offer_runs_out, commands_are_shown_once_and_in_order, commands_are_bounded, hints_tell_to_look,
                a_check_passes;
            facades: the_registry_keeps_the_reference_functions, a_registry_that_is_off_answers_like_an_empty_one,
                a_registry_without_live_state_says_unknown, a_forgotten_call_is_written_again, drain_with_no_calls_is_over_at_once,
                drain_ends_with_the_last_call, drain_gives_up_at_its_timeout, drain_ignores_the_calls_of_other_instances,
                the_queue_keeps_the_reference_functions, a_queue_that_is_off_answers_like_an_empty_one,
                a_queue_without_live_state_answers_nothing, registry_and_queue_stand_side_by_side;
        }
    };
    (@tests $test:meta, $stages:expr; $($file:ident: $($story:ident),+;)+) => {
        $($(
            #[$test]
            async fn $story() {
                $crate::contract::$file::$story(&$stages).await;
            }
        )+)+
        /// All of them, one after the other: for servers that take long to start. Give `allow(dead_code)` as the attribute then.
        async fn every_story() {
            $($($crate::contract::$file::$story(&$stages).await;)+)+
        }
        /// The names of the stories that run here.
        const STORIES: &[&str] = &[$($(stringify!($story)),+),+];
        // Most adapters run each story as a test of its own, and some do not ask for the names.
        const _: () = {
            let _ = (every_story, STORIES);
        };
    };
}

pub mod facades;
pub mod grants;
pub mod instances;
pub mod mail;
pub mod permits;
pub mod queue;
pub mod registry;
pub mod resume;

mod crowd;
mod cut;
mod drive;
mod steps;

pub use crowd::{CROWD_RULES, ORDER_AGEING, crowd, popped_in_order};
pub use cut::Cut;
pub use drive::{DRIVE_RULES, Op, drive};

/// A handle on live state.
type Live = Arc<dyn LiveState>;
