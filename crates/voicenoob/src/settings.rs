//! Where settings come from on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context;
use server::settings::Settings;
use server::wiring::WorkerCommand;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "voicenoob.toml";

/// Reads the settings. A named file must be there; the default one may be missing.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Settings> {
    let file: Option<PathBuf> = match file {
        Some(path) => Some(path.into()),
        None => std::fs::metadata(DEFAULT_FILE).is_ok().then(|| DEFAULT_FILE.into()),
    };
    Ok(Settings::load(file.as_deref(), |name| std::env::var(name).ok())?)
}

/// This program as its own recogniser worker.
pub(crate) fn worker() -> anyhow::Result<WorkerCommand> {
    let program = std::env::current_exe().context("cannot find this program's own file, which is needed to start speech workers")?;
    Ok(WorkerCommand(vec![program.into(), "speech-worker".into()]))
}
