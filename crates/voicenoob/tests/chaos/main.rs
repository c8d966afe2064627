//! Faults under live calls, as real processes with real sockets: the scenarios behind `docs/resilience.md`, with few callers.
//!
//! What each promises is checked by the runner itself (`testkit::chaos`); here they only have to keep their promises.

mod effects;
mod honesty;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use testkit::chaos::{ChaosOptions, Scenario, run, table};

/// The program under test.
fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_voicenoob"))
}

async fn keeps_its_promises(scenario: Scenario) -> Result<()> {
    let outcome = run(scenario, &ChaosOptions::short(program())).await?;
    ensure!(outcome.passed(), "{}\n{}", outcome.problems.join("\n"), table(&[outcome]));
    Ok(())
}

macro_rules! scenarios {
    ($($name:ident: $scenario:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")] async fn $name() -> Result<()> { keeps_its_promises(Scenario::$scenario).await })*
    };
}

scenarios!(
    calls_of_an_instance_that_is_told_to_stop_move_to_the_other: Sigterm,
    calls_of_an_instance_that_is_killed_are_talking_again_on_the_other: Kill,
    calls_of_the_only_instance_wait_for_its_restart: Restart,
    redis_is_gone_for_ten_seconds_and_nobody_notices: RedisStopped,
    sentinels_make_the_replica_the_master_and_nobody_notices: SentinelFailover,
    an_instance_is_cut_off_from_redis_and_nobody_notices: RedisCut,
    redis_does_not_answer_an_instance_and_nobody_notices: RedisSilent,
    postgres_is_gone_for_ten_seconds_and_calls_go_on: PostgresStopped,
    a_clock_jumps_an_hour_and_nobody_notices: ClockJump,
    more_calls_than_places_wait_or_are_told_so: Overload,
);
