//! The carriers' own SDKs as judges: small Python programs under `sdk/` that read cases as JSON and print verdicts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A judge that has not finished within this time hangs. Importing an SDK on a busy machine takes seconds.
const JUDGE_LIMIT: Duration = Duration::from_secs(120);

/// Gives `cases` to the judge (a file name under `sdk/`) and reads its verdict. What it complains about on its standard error is shown.
pub async fn judge(name: &str, cases: &Value) -> Result<Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut child = Command::new(&python)
        .arg(here.join("sdk").join(name))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} does not start: ./test installs the carriers' SDKs", python.display()))?;
    let mut input = child.stdin.take().context("no input")?;
    input.write_all(cases.to_string().as_bytes()).await?;
    drop(input);
    let output = tokio::time::timeout(JUDGE_LIMIT, child.wait_with_output()).await.context("the judge did not finish")??;
    let verdict = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "the judge could not judge: {verdict}");
    Ok(serde_json::from_str(&verdict)?)
}
