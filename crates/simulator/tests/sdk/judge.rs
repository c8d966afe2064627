//! Runs a vendor's SDK.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use simulator::{Simulator, Vendor};
use tokio::process::Command;

/// A judge that has not finished within this time hangs. Importing an SDK on a busy machine takes seconds.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a script of this folder; what it complains about is the error.
pub(crate) async fn judge(script: &str, arguments: &[&str]) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut command = Command::new(&python);
    // -P: a script is called as the SDK it imports, and must not be found in its place. What they share is in a folder of its own.
    command.args(["-P", "-B"]).arg(here.join("tests/sdk").join(script)).args(arguments).kill_on_drop(true);
    command.env("PYTHONPATH", here.join("tests/sdk/shared"));
    let output = tokio::time::timeout(LIMIT, command.output()).await.context("the judge did not finish")?;
    let output = output.with_context(|| format!("{} does not start: ./test installs the vendors' SDKs", python.display()))?;
    ensure!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Where a script orders what goes wrong at a vendor.
pub(crate) fn page(simulator: &Simulator, vendor: Vendor) -> String {
    format!("{}/{}", simulator.control_url(), vendor.as_str())
}
