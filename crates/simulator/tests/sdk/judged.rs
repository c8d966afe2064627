//! Runs a script of an SDK, which says nothing and ends with 0 when all is as it should be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

/// Importing an SDK on a busy machine takes seconds; one that has not finished after this hangs.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) async fn judged(script: &str, arguments: &[&str]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut command = Command::new(&python);
    command.arg(here.join("tests/sdk").join(script)).args(arguments).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.expect("the SDK did not finish");
    let output = output.unwrap_or_else(|error| panic!("{} does not start ({error}): ./test installs the SDKs", python.display()));
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}
