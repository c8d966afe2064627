//! schemathesis, as `crates/testkit/sdk/fuzz_api.py` starts it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::stock::Stock;

/// One round takes a minute or two; a longer run is asked for by FUZZ_EXAMPLES, and takes what it takes.
const LIMIT: Duration = Duration::from_secs(200);
/// Test cases of each operation and phase, so that the usual run ends within two minutes on two busy cores.
const EXAMPLES: u32 = 8;
/// Always the same requests, so that a failure is one of the change and not of the hour.
const SEED: u64 = 20_260_301;
/// Lines of a failed run that are shown.
const SHOWN: usize = 400;

/// What is tried.
pub(super) struct Round {
    /// As schemathesis names them.
    pub(super) phases: &'static str,
    /// Operations by name; none are all.
    pub(super) only: &'static [&'static str],
    pub(super) never: &'static [&'static str],
}

/// What was tried.
pub(super) struct Tried {
    pub(super) operations: usize,
}

/// Tries it. Every fault is an error, with the request as a curl line and the answer.
pub(super) async fn try_all(stock: &Stock, round: &Round) -> Result<Tried> {
    let examples: u32 = setting("FUZZ_EXAMPLES", EXAMPLES)?;
    let run = json!({
        "har": kept(round)?,
        "document": stock.house.server.url().join("/api/v1/openapi.json")?,
        "account": stock.account,
        "tokens": stock.tokens,
        "known": stock.known,
        "phases": round.phases,
        "only": round.only,
        "never": round.never,
        "seed": setting("FUZZ_SEED", SEED)?,
        "examples": examples,
    });
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut child = Command::new(&python)
        .arg(here.join("../testkit/sdk/fuzz_api.py"))
        // It leaves folders of its own where it stands.
        .current_dir(stock.house.server.data_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} does not start: ./test installs it", python.display()))?;
    let mut input = child.stdin.take().context("no input")?;
    input.write_all(run.to_string().as_bytes()).await?;
    drop(input);
    let limit = if examples > EXAMPLES { Duration::MAX } else { LIMIT };
    let output = tokio::time::timeout(limit, child.wait_with_output()).await.context("the machine did not finish in time")??;
    let told = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{}", last(&told));
    }
    Ok(Tried { operations: tested(&told).with_context(|| format!("how many operations were tried is not said:\n{told}"))? })
}

/// Where all requests and answers of a round are kept, when they shall be: a file in the folder that FUZZ_HAR names.
fn kept(round: &Round) -> Result<Option<PathBuf>> {
    let Some(folder) = std::env::var_os("FUZZ_HAR") else { return Ok(None) };
    let name = if round.only.is_empty() { "all.har" } else { "last.har" };
    Ok(Some(std::path::absolute(folder)?.join(name)))
}

fn last(told: &str) -> String {
    let all: Vec<&str> = told.lines().collect();
    all[all.len().saturating_sub(SHOWN)..].join("\n")
}

/// From the line `Tested: 79`.
fn tested(told: &str) -> Option<usize> {
    told.lines().find_map(|line| line.trim().strip_prefix("Tested:")?.trim().parse().ok())
}

fn setting<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str, usual: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a whole number")),
        Err(_) => Ok(usual),
    }
}
