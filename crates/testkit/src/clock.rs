//! A wall clock that can be moved for one process: libfaketime, loaded in front of it. Monotonic time goes on untouched, as it does on a real
//! machine whose clock is corrected.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Where Debian's package `faketime` puts the library for programs with threads.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// The clock of one process.
pub struct WallClock {
    folder: TempDir,
    library: PathBuf,
}

impl WallClock {
    /// A clock that shows the right time. An error when libfaketime is not installed (Debian: `faketime`).
    pub fn new() -> Result<Self> {
        let readable = |path: &&&str| std::fs::File::open(path).is_ok();
        let library = LIBRARIES.iter().find(readable).context("libfaketime is missing: install the package `faketime`")?;
        let clock = Self { folder: tempfile::tempdir()?, library: PathBuf::from(library) };
        clock.jump(0)?;
        Ok(clock)
    }

    /// What the process must have in its environment.
    pub fn settings(&self) -> Vec<(String, String)> {
        let file = self.file().display().to_string();
        let library = self.library.display().to_string();
        let settings = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            // The file is read again at each look at the clock: a jump is seen at once.
            ("FAKETIME_NO_CACHE", "1"),
            // The library has had two names for this.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// From now on the clock is this many seconds off the right time.
    pub fn jump(&self, seconds: i64) -> Result<()> {
        // Renamed into place: a reader never sees half of it.
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{seconds:+}s\n"))?;
        Ok(std::fs::rename(new, self.file())?)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    fn seconds_of(clock: &WallClock) -> i64 {
        let shown = Command::new("date").arg("+%s").envs(clock.settings()).output().unwrap();
        String::from_utf8(shown.stdout).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn the_clock_of_a_process_jumps_and_comes_back() {
        let clock = WallClock::new().unwrap();
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        assert!((seconds_of(&clock) - now).abs() <= 5);
        clock.jump(3600).unwrap();
        assert!((seconds_of(&clock) - now - 3600).abs() <= 5);
        clock.jump(0).unwrap();
        assert!((seconds_of(&clock) - now).abs() <= 5);
    }

    #[test]
    fn monotonic_time_is_untouched() {
        let clock = WallClock::new().unwrap();
        // The kernel's own count, and what the C library tells a process with the moved clock.
        let monotonic = |clock: Option<&WallClock>| -> f64 {
            let mut command = Command::new("python3");
            command.args(["-c", "import time; print(time.clock_gettime(time.CLOCK_MONOTONIC))"]);
            command.envs(clock.map(WallClock::settings).unwrap_or_default());
            String::from_utf8(command.output().unwrap().stdout).unwrap().trim().parse().unwrap()
        };
        clock.jump(3600).unwrap();
        let (real, moved) = (monotonic(None), monotonic(Some(&clock)));
        assert!((moved - real).abs() < 30.0, "{real} {moved}");
    }
}
