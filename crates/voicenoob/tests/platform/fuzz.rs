//! The API's document, and a machine that tries everything it allows and forbids.
//!
//! `FUZZ_SEED` and `FUZZ_EXAMPLES` (for each operation) make another and a longer run; see docs/api.md.

mod machine;
mod stock;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testkit::Server;

use self::machine::{Round, try_all};
use self::stock::Stock;

/// Tried when all else was: a drained server takes no calls any more.
const LAST: [&str; 2] = ["beginDrain", "cancelDrain"];

#[tokio::test]
async fn a_machine_finds_nothing_but_what_the_document_says() -> Result<()> {
    let output = tempfile::tempdir()?;
    let stock = Stock::open(output.path()).await?;
    let all = try_all(&stock, &Round { phases: "examples,coverage,fuzzing,stateful", only: &[], never: &LAST }).await?;
    ensure!(all.operations > 70, "only {} operations were tried", all.operations);
    let me = stock.house.ann.get("/api/v1/auth/me").await?;
    ensure!(me["account"]["system_admin"] == true && me["role"] == "owner", "the caller is not who they were, so less was tried: {me}");
    expect_well(&stock.house.server, &output).await?;

    let ends = try_all(&stock, &Round { phases: "examples,coverage,fuzzing", only: &LAST, never: &[] }).await?;
    ensure!(ends.operations == LAST.len(), "only {} operations were tried", ends.operations);
    expect_whole(&stock.house.server, &output).await
}

/// Ready for calls, and nothing else is wrong either.
async fn expect_well(server: &Server, output: &TempDir) -> Result<()> {
    for path in ["/health/live", "/health/ready"] {
        let answer = server.http().get(server.url().join(path)?).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    expect_whole(server, output).await
}

/// The trail of what was done is whole, and the log has no fault of the program.
async fn expect_whole(server: &Server, output: &TempDir) -> Result<()> {
    let verified = server.command(&["audit", "verify"]).output().await?;
    ensure!(verified.status.success(), "the audit trail: {}", String::from_utf8_lossy(&verified.stderr));
    let log = std::fs::read_to_string(output.path().join("stderr")).context("the server's log")?;
    let faults: Vec<&str> = log.lines().filter(|line| line.contains("ERROR") || line.contains("panicked")).take(20).collect();
    ensure!(faults.is_empty(), "the server's log has faults:\n{}", faults.join("\n"));
    Ok(())
}
