//! The console's doors, in a real browser.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::{OUTPUT, Server};
use tokio::process::Command;

use crate::program;
use crate::roles::house::within;

/// A browser that has not gone through all doors by then is stuck.
const LIMIT: Duration = Duration::from_secs(180);
/// The link is printed within this time after the address.
const PRINTED: Duration = Duration::from_secs(20);
/// Set to a folder: the pictures stay there.
const SHOTS: &str = "VOICENOOB_SHOTS";

/// What a browser that does what this script says has to tell.
pub(crate) async fn browse(script: &str, server: &Server, more: &[&str]) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let shots = std::env::var(SHOTS).unwrap_or_else(|_| folder.path().display().to_string());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/browser").join(script);
    let address = server.url().as_str().trim_end_matches('/');
    let run = Command::new("node")
        .arg(script)
        .args(["--server", address, "--shots", &shots])
        .args(more)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run).await.context("the browser took too long")??;
    let said = String::from_utf8_lossy(&output.stdout);
    let verdict: Value = serde_json::from_str(&said).with_context(|| format!("no verdict: {said}"))?;
    ensure!(output.status.success() && verdict["ok"] == true, "{verdict:#}");
    Ok(verdict)
}

#[tokio::test]
async fn people_come_in_by_every_door_and_nobody_else_does() -> Result<()> {
    let output = tempfile::tempdir()?;
    let folder = output.path().to_str().context("path")?;
    let server = Server::start_with(program(), &[("RATE_LIMIT_LOGIN", "1000000"), (OUTPUT, folder)]).await?;
    let mut link = String::new();
    within(PRINTED, "the server prints the first administrator's link", async || {
        let said = std::fs::read_to_string(output.path().join("stdout"))?;
        let line = said.lines().find(|line| line.contains("/first-admin#"));
        link = line.and_then(|line| line.split_whitespace().last()).unwrap_or_default().to_owned();
        Ok(!link.is_empty() && said.ends_with('\n'))
    })
    .await?;
    browse("doors.mjs", &server, &["--link", &link]).await.map(drop)
}
