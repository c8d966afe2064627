//! Runs an SDK's script against a simulator.

use std::path::{Path, PathBuf};
use std::time::Duration;

use simulator::{Simulator, Vendor};

/// Importing an SDK on a busy machine takes seconds.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `tests/sdk/<name>` with the base address of a vendor; what it complains about is shown.
pub(super) async fn run(name: &str, vendor: Vendor) {
    let simulator = Simulator::quick().await.unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut command = tokio::process::Command::new(&python);
    command.arg(here.join("tests/sdk").join(name)).arg(simulator.url(vendor)).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.expect("the SDK did not finish");
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; ./test installs the SDKs", python.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}{said}", String::from_utf8_lossy(&output.stdout));
}
