//! Deepgram's SDK.

use std::path::{Path, PathBuf};
use std::time::Duration;

use simulator::{Simulator, Vendor};
use tokio::process::Command;
use tokio::time::timeout;

/// Importing an SDK on a busy machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn deepgrams_own_sdk_understands_the_simulator() {
    let simulator = Simulator::quick().await.unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut judge = Command::new(python);
    // Without -P the script, which has the package's name, would be imported instead of it.
    judge.arg("-P").arg(here.join("tests/sdk/deepgram.py")).arg(simulator.url(Vendor::Deepgram)).kill_on_drop(true);
    let verdict = timeout(PATIENCE, judge.output()).await.expect("it hangs").expect("./test installs the SDKs");
    assert!(verdict.status.success(), "{}", String::from_utf8_lossy(&verdict.stderr));
}
