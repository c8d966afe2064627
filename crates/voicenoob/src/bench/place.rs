//! A folder for the time of a measurement.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::say_error;

/// A new folder that goes away with this value.
pub(super) struct Place(PathBuf);

impl Place {
    /// Makes it, for `what` is measured.
    pub(super) fn make(what: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("voicenoob-bench-{what}-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(fault) = std::fs::remove_dir_all(&self.0) {
            say_error(&format!("the folder {} could not be removed: {fault}", self.0.display()));
        }
    }
}
