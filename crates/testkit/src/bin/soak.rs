//! Hours of traffic in minutes: `cargo build --release && cargo run --release -p testkit --bin soak -- --minutes 20`.
//!
//! `--callers N` at once, `--program PATH` runs another build than the one beside this program. 24 callers for 20 minutes talk as long as one line
//! that is always taken does in 8 hours.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::soak::{SoakOptions, judge, run, to_stdout};

/// Without `--minutes`.
const MINUTES: f64 = 20.0;
/// Without `--callers`.
const CALLERS: usize = 48;
/// Measurements: one a minute, and no fewer than these.
const LEAST_SAMPLES: u32 = 12;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = wanted(std::env::args().skip(1))?;
    let soak = run(&options, to_stdout).await?;
    to_stdout(&format!("\n{} calls, {:.1} hours of talk\n", soak.calls, soak.talked.as_secs_f64() / 3600.0));
    soak.why.iter().for_each(|why| to_stdout(&format!("broken: {why}")));
    to_stdout("| Promise | found | |\n|---|---|---|");
    let verdicts = judge(&soak);
    for verdict in &verdicts {
        to_stdout(&format!("| {} | {} | {} |", verdict.what, verdict.found, if verdict.kept { "kept" } else { "**broken**" }));
    }
    Ok(if verdicts.iter().all(|verdict| verdict.kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<SoakOptions> {
    let mut program = std::env::current_exe()?.with_file_name("voicenoob");
    let (mut minutes, mut callers) = (MINUTES, CALLERS);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--minutes" => minutes = value()?.parse().context("--minutes is a number")?,
            "--callers" => callers = value()?.parse().context("--callers is a number")?,
            "--program" => program = PathBuf::from(value()?),
            other => bail!("unknown argument {other}: use --minutes N, --callers N, --program PATH"),
        }
    }
    std::fs::File::open(&program).with_context(|| format!("{} cannot be read: build the program first", program.display()))?;
    let length = Duration::try_from_secs_f64(minutes * 60.0).context("--minutes is more than nothing")?;
    let every = Duration::from_secs(60).min(length / LEAST_SAMPLES);
    Ok(SoakOptions { program, length, callers, every })
}
