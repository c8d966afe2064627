//! Child processes under measurement: on a core of their own, with enough open files, and what they cost by the kernel's account.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Clock ticks in a second, as `/proc/PID/stat` counts CPU time: 100 on every Linux that Rust runs on (USER_HZ).
const TICKS: u64 = 100;

/// Memory has settled when it stayed the same, within a hundredth, over so many pauses in a row; so many are tried.
const SETTLE_PAUSE: Duration = Duration::from_secs(2);
const SETTLED: u32 = 6;
const SETTLE_TRIES: u32 = 45;

/// What children keep of our environment: where programs and speech engines are. Every setting has a variable of its name, so whatever else stands there
/// could change what is measured, or have it talk to a vendor for money.
const KEPT: [&str; 7] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "CACHE_DIR", "SPEECH_MODEL_DIR"];

/// What all children are started with, before their own settings.
const COMMON: [(&str, &str); 4] = [("HOST", "127.0.0.1"), ("PORT", "0"), ("DATA_DIR", "data"), ("LOG_LEVEL", "error")];

/// How children are started.
pub(super) struct Launch {
    program: PathBuf,
    pinned: bool,
    files: Option<u64>,
    /// What is not as it should be, for the reader of the figures.
    pub(super) notices: Vec<String>,
}

impl Launch {
    /// Looks at what this machine allows; `files` is the number of open files that the larger side needs.
    pub(super) async fn prepare(files: u64) -> anyhow::Result<Self> {
        let program =
            std::env::current_exe().context("cannot find this program's own file, which is started again as server and as client")?;
        let mut notices = Vec::new();
        let pinned = can_pin().await;
        if !pinned {
            notices.push(
                "taskset or a second core is missing: server and client share what there is, so figures are worse than they would be"
                    .to_owned(),
            );
        }
        let files = raise(files)?;
        Ok(Self { program, pinned, files, notices })
    }

    /// The same, and children take whichever core is free.
    pub(super) fn on_every_core(mut self) -> Self {
        self.pinned = false;
        self
    }

    /// Starts this program with these arguments on this core, at work in this folder, with these settings and no others.
    pub(super) fn start(&self, core: u32, arguments: &[&str], folder: &Path, environment: &[(&str, &str)]) -> anyhow::Result<Running> {
        let mut line: Vec<OsString> = Vec::new();
        if let Some(files) = self.files {
            line.extend(["prlimit".into(), format!("--nofile={files}:").into()]);
        }
        if self.pinned {
            line.extend(["taskset".into(), "-c".into(), core.to_string().into()]);
        }
        line.push(self.program.clone().into());
        line.extend(arguments.iter().map(OsString::from));
        let mut command = Command::new(&line[0]);
        command
            .args(&line[1..])
            .env_clear()
            .envs(surroundings())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .current_dir(folder)
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", line[0].display()))?;
        // Both tools become the program they start, so the process is the program's own.
        let id = child.id().context("a child process ended before it was measured")?;
        let output = child.stdout.take().context("a child process has no output")?;
        Ok(Running { child, id, lines: BufReader::new(output).lines() })
    }
}

/// The environment of a child, but for its own settings: the same on every machine, so that every run measures the same.
pub(super) fn surroundings() -> impl Iterator<Item = (&'static str, OsString)> {
    let kept = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    kept.chain(COMMON.map(|(name, value)| (name, value.into())))
}

async fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let tried = Command::new("taskset").args(["-c", "1", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    cores >= 2 && tried.is_ok_and(|status| status.success())
}

/// The limit to set for children; `None` when the present one is enough.
fn raise(needed: u64) -> anyhow::Result<Option<u64>> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("cannot read this process's limits")?;
    let (soft, hard) = open_files(&limits).context("the limit of open files is not in /proc/self/limits")?;
    if soft >= needed {
        return Ok(None);
    }
    if hard < needed {
        bail!(
            "so many calls need {needed} open files in one process, and the hard limit is {hard}: raise it (`ulimit -Hn`), or measure fewer calls"
        );
    }
    Ok(Some(needed))
}

fn open_files(limits: &str) -> Option<(u64, u64)> {
    let mut words = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    let mut next = || words.next().map(|word| if word == "unlimited" { Some(u64::MAX) } else { word.parse().ok() })?;
    Some((next()?, next()?))
}

/// A child at work.
pub(super) struct Running {
    child: Child,
    id: u32,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Its next line of output, within `limit`.
    pub(super) async fn line(&mut self, limit: Duration) -> anyhow::Result<String> {
        match tokio::time::timeout(limit, self.lines.next_line()).await {
            Err(_) => bail!("a child process said nothing for {limit:?}"),
            Ok(line) => line?.context("a child process ended; its own words are above"),
        }
    }

    /// CPU time used so far by all its threads, those that ended included.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let path = format!("/proc/{}/stat", self.id);
        let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        cpu(&stat).with_context(|| format!("{path} is not as documented"))
    }

    /// What it holds in RAM.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let path = format!("/proc/{}/smaps_rollup", self.id);
        let rollup = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Memory::read(&rollup).with_context(|| format!("{path} is not as documented"))
    }

    /// Waits until its memory stays as it is: a start goes on behind the scenes, and what it leaves behind is given back late.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let (mut last, mut same) = (self.memory()?, 0);
        for _ in 0..SETTLE_TRIES {
            tokio::time::sleep(SETTLE_PAUSE).await;
            let now = self.memory()?;
            same = if now.anonymous.abs_diff(last.anonymous) * 100 <= now.anonymous { same + 1 } else { 0 };
            if same == SETTLED {
                return Ok(());
            }
            last = now;
        }
        bail!("a child process's memory does not come to rest")
    }

    /// Ends it, and waits until it is gone.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("a child process could not be ended")
    }
}

/// User and system time: fields 14 and 15, counted behind the name, which may hold anything.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Memory of a process, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// All that is in RAM, the program's own code included.
    pub(super) resident: u64,
    /// What it has allocated: code that is read in later is not among it.
    pub(super) anonymous: u64,
}

impl Memory {
    fn read(rollup: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
        };
        Some(Self { resident: bytes("Rss:")?, anonymous: bytes("Anonymous:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_blanks_and_brackets() {
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 812 0 0 0 250 150 7 8 20 0 3 0 1234 1 2 3";
        assert_eq!(cpu(stat), Some(Duration::from_secs(4)));
        assert_eq!(cpu("4711 (x"), None);
    }

    #[test]
    fn limits_and_memory_are_read_as_the_kernel_writes_them() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 unlimited            files\n";
        assert_eq!(open_files(limits), Some((1024, u64::MAX)));
        let rollup = "00400000-7ffe [rollup]\nRss:               4321 kB\nPss:  1 kB\nAnonymous:          21 kB\n";
        assert_eq!(Memory::read(rollup), Some(Memory { resident: 4321 * 1024, anonymous: 21 * 1024 }));
    }
}
