//! Faults under live calls, as a table: `cargo build --release && cargo run --release -p testkit --bin resilience -- --calls 50`.
//!
//! `--only NAME` runs one scenario (more than once for several), `--program PATH` another build than the one beside this program, `--short`
//! the lengths of the tests.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use testkit::chaos::{ChaosOptions, Outcome, Scenario, run, table};

/// Live calls without `--calls`.
const CALLS: usize = 50;

struct Wanted {
    options: ChaosOptions,
    scenarios: Vec<Scenario>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let wanted = wanted(std::env::args().skip(1))?;
    let mut outcomes = Vec::new();
    for scenario in wanted.scenarios {
        say(&format!("{}: {} calls ...", scenario.title(), wanted.options.calls))?;
        match run(scenario, &wanted.options).await {
            Ok(outcome) => {
                outcome.problems.iter().try_for_each(|problem| say(&format!("  broken: {problem}")))?;
                outcomes.push(outcome);
            }
            Err(why) => {
                let mut outcome = Outcome::not_run(scenario, wanted.options.calls, &format!("{why:#}"));
                outcome.problems.iter().try_for_each(|problem| say(&format!("  {problem}")))?;
                outcome.problems.truncate(1);
                outcomes.push(outcome);
            }
        }
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{}", table(&outcomes))?;
    Ok(if outcomes.iter().all(Outcome::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Progress goes beside the table, so that the table can be redirected into a file.
fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr().lock(), "{text}")
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted> {
    let beside = std::env::current_exe()?.with_file_name("voicenoob");
    let (mut program, mut calls, mut short, mut scenarios) = (beside, None, false, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--calls" => calls = Some(value()?.parse().context("--calls is a number")?),
            "--only" => scenarios.push(value()?.parse()?),
            "--program" => program = PathBuf::from(value()?),
            "--short" => short = true,
            other => bail!("unknown argument {other}: use --calls N, --only NAME, --program PATH, --short"),
        }
    }
    std::fs::File::open(&program).with_context(|| format!("{} cannot be read: build the program first", program.display()))?;
    let mut options = if short { ChaosOptions::short(program) } else { ChaosOptions::full(program, CALLS) };
    options.calls = calls.unwrap_or(options.calls);
    Ok(Wanted { options, scenarios: if scenarios.is_empty() { Scenario::ALL.to_vec() } else { scenarios } })
}
