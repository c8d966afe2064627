//! Vendors that fail in the middle of calls, as a table: `cargo build --release && cargo run --release -p testkit --bin vendor-faults`.
//!
//! `--only VENDOR` runs one row (more than once for several), `--fault KIND` one column, `--at-once N` so many calls beside each other,
//! `--keep FOLDER` keeps the sound of each call, `--program PATH` runs another build than the one beside this program.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, stream};
use testkit::vendor_faults::{FAULTS, Fault, FaultOptions, Outcome, ROWS, Row, run, table};

/// Calls beside each other without `--at-once`: each has a server of its own.
const AT_ONCE: usize = 3;

struct Wanted {
    options: FaultOptions,
    rows: Vec<Row>,
    faults: Vec<Fault>,
    at_once: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let wanted = wanted(std::env::args().skip(1))?;
    let cells = wanted.rows.iter().flat_map(|row| wanted.faults.iter().map(move |fault| (row, *fault)));
    let options = &wanted.options;
    let outcomes: Vec<Outcome> = stream::iter(cells).map(|(row, fault)| one(row, fault, options)).buffered(wanted.at_once).collect().await;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", table(&outcomes))?;
    Ok(if outcomes.iter().all(Outcome::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one(row: &Row, fault: Fault, options: &FaultOptions) -> Outcome {
    let outcome = run(row, fault, options).await.unwrap_or_else(|why| Outcome::not_run(row, fault, &format!("{why:#}")));
    // Progress goes beside the table, so that the table can be redirected into a file; nobody may be looking.
    let verdict = if outcome.passed() { "kept".to_owned() } else { outcome.problems.join("; ") };
    let _ = writeln!(std::io::stderr().lock(), "{}, {}: {:.1} s, {verdict}", outcome.row, outcome.fault, outcome.silence.as_secs_f64());
    outcome
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted> {
    let beside = std::env::current_exe()?.with_file_name("voicenoob");
    let mut wanted = Wanted { options: FaultOptions::new(&beside), rows: Vec::new(), faults: Vec::new(), at_once: AT_ONCE };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--only" => wanted.rows.push(value()?.parse()?),
            "--fault" => wanted.faults.push(value()?.parse()?),
            "--at-once" => wanted.at_once = value()?.parse::<usize>().context("--at-once is a number")?.max(1),
            "--keep" => wanted.options.keep = Some(PathBuf::from(value()?)),
            "--program" => wanted.options.program = PathBuf::from(value()?),
            other => bail!("unknown argument {other}: use --only VENDOR, --fault KIND, --at-once N, --keep FOLDER, --program PATH"),
        }
    }
    let program = &wanted.options.program;
    std::fs::File::open(program).with_context(|| format!("{} cannot be read: build the program first", program.display()))?;
    if let Some(folder) = &wanted.options.keep {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    if wanted.rows.is_empty() {
        wanted.rows = ROWS.to_vec();
    }
    if wanted.faults.is_empty() {
        wanted.faults = FAULTS.to_vec();
    }
    Ok(wanted)
}
