//! A few cells of the fault matrix of `docs/resilience.md`: one an adapter's part, with the fault that leaves the caller alone for longest.

use anyhow::{Result, ensure};
use testkit::vendor_faults::{FaultOptions, run};

use crate::program;

async fn cell(row: &str, fault: &str) -> Result<()> {
    let outcome = run(&row.parse()?, fault.parse()?, &FaultOptions::new(program())).await?;
    ensure!(outcome.passed(), "{outcome:?}");
    ensure!(outcome.rungs.contains("->"), "the record says who took over: {outcome:?}");
    Ok(())
}

#[tokio::test]
async fn ears_that_fall_silent_in_a_call_are_followed_by_others_and_nobody_waits_in_silence() -> Result<()> {
    cell("deepgram", "silent").await
}

#[tokio::test]
async fn a_model_that_stops_in_the_middle_of_a_sentence_is_followed_by_the_dialogue_and_nobody_waits_in_silence() -> Result<()> {
    cell("anthropic", "stall").await
}

#[tokio::test]
async fn a_model_that_hears_and_breaks_off_in_its_answer_is_followed_by_one_of_words_and_nobody_waits_in_silence() -> Result<()> {
    cell("realtime", "stall").await
}

#[tokio::test]
async fn a_voice_that_stops_in_the_middle_of_a_sentence_is_followed_by_another_and_nobody_waits_in_silence() -> Result<()> {
    cell("elevenlabs", "stall").await
}
