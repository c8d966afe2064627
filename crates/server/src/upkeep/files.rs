//! The files of recorded calls.

use std::path::{Path, PathBuf};
use std::time::Duration;

use api::RecordingFiles;
use async_trait::async_trait;
use call::CallId;
use tracing::warn;

/// Most files of one look: the rest is found by the next.
const MOST: usize = 1_000;

/// Recordings in a folder that nobody has written to for so long: whose call each is, by its name, and the name.
pub(super) async fn old(folder: &Path, age: Duration) -> Vec<(CallId, String)> {
    let mut found = Vec::new();
    let mut entries = match tokio::fs::read_dir(folder).await {
        Ok(entries) => entries,
        // Nothing was recorded yet.
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return found,
        Err(fault) => {
            warn!(error = %fault, "the folder of recordings cannot be read: old files without a record stay");
            return found;
        }
    };
    while let Some(entry) = entries.next_entry().await.unwrap_or_else(|fault| {
        warn!(error = %fault, "the folder of recordings cannot be read to its end");
        None
    }) {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let Some(call) = name.strip_suffix(".wav").and_then(|id| id.parse().ok()) else { continue };
        let written = entry.metadata().await.and_then(|about| about.modified());
        if written.is_ok_and(|at| at.elapsed().is_ok_and(|since| since > age)) {
            found.push((call, name));
        }
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// The files of recorded calls, in the data directory.
pub(crate) struct Files(pub(crate) PathBuf);

#[async_trait]
impl RecordingFiles for Files {
    async fn remove(&self, path: &str) -> std::io::Result<bool> {
        if !crate::api::is_inside(Path::new(path)) {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the name of a recording leads out of the data directory"));
        }
        match tokio::fs::remove_file(self.0.join(path)).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}
