//! `voicenoob bench media`: the server's echo agent beside the bare echo, in the same minutes, under the same callers.

mod verdicts;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use server::keys::DEV_KEYS_FILE;

use super::load::{Outcome, Progress, TOKEN_VARIABLE};
use super::place::Place;
use super::process::{Launch, Memory, Running};
use crate::{say, say_error};

/// The server's core, and the callers'.
const SERVER_CORE: u32 = 0;
const LOAD_CORE: u32 = 1;
/// Starting includes training the demo agent's language models.
const START_LIMIT: Duration = Duration::from_secs(180);
/// Most calls that are tried: what the server under test is told to take.
const MOST_CALLS: usize = 5000;
/// Open files beside one per call: database, listener, webhooks under way.
const OTHER_FILES: u64 = 512;
/// Silence of the callers' process that is waited for, beyond what it has to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// Slowest that the callers' set-up may get, calls a second.
const SLOWEST_RING: u64 = 20;

/// A measurement whose callers were later than this (99th percentile, milliseconds) is none: half the time between two frames.
const LATE_MS: f64 = 10.0;
/// How often a disturbed measurement is tried.
const TRIES: u32 = 3;

/// Calls over loopback with the real codec path; server on one core, callers on the other.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Numbers of calls to hold, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "100,500,1000", value_parser = clap::value_parser!(u64).range(1..=MOST_CALLS as u64))]
    calls: Vec<u64>,
    /// Length of each measurement, after a warm-up.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Go on until the 99th percentile of a frame's way reaches 20 ms or frames are lost.
    #[arg(long)]
    find_limit: bool,
}

/// Who echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Bare,
    Server,
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare echo",
            Self::Server => "voicenoob",
        }
    }
}

/// One subject under so many calls.
#[derive(Debug, Clone)]
struct Measured {
    subject: Subject,
    calls: usize,
    /// CPU time of the server's process for one second of one call.
    cpu_ms: f64,
    /// More allocated memory than before the calls, for each.
    memory_kib: f64,
    /// Memory in RAM before the calls, MiB.
    rest_mib: f64,
    outcome: Outcome,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let most = if args.find_limit { MOST_CALLS } else { args.calls.iter().copied().max().unwrap_or(1) as usize };
    let launch = Launch::prepare(most as u64 + OTHER_FILES).await?;
    let place = Place::make("media")?;
    let bench = Bench { launch, place, seconds: args.seconds };
    say(&format!(
        "Media path: {} s at each number of calls, after a warm-up. Callers and server are processes of their own.",
        args.seconds
    ));
    for notice in &bench.launch.notices {
        say(&format!("Note: {notice}."));
    }
    // The first start trains the demo agent's language models; what that leaves in memory is no call's.
    say_error("starting the server once ...");
    bench.server().await?.0.stop().await?;
    let mut all = Vec::new();
    for &calls in &args.calls {
        for subject in [Subject::Bare, Subject::Server] {
            say_error(&format!("measuring {calls} calls with the {} ...", subject.name()));
            all.push(bench.measure_in_peace(subject, calls as usize).await?);
        }
    }
    let limit = if args.find_limit { Some(bench.find_limit(&mut all).await?) } else { None };
    say(&format!("\n{}", verdicts::figures(&all)));
    say(&verdicts::judgement(&all, limit));
    Ok(ExitCode::SUCCESS)
}

struct Bench {
    launch: Launch,
    place: Place,
    seconds: u64,
}

impl Bench {
    /// Measures again when something else on the machine made the callers late; the last try stands.
    async fn measure_in_peace(&self, subject: Subject, calls: usize) -> anyhow::Result<Measured> {
        let mut measured = self.measure(subject, calls).await?;
        for _ in 1..TRIES {
            if !measured.is_disturbed() {
                break;
            }
            say_error(&format!(
                "the callers were late by {:.0} ms: something else runs on this machine; once more ...",
                measured.late_ms()
            ));
            measured = self.measure(subject, calls).await?;
        }
        Ok(measured)
    }

    async fn measure(&self, subject: Subject, calls: usize) -> anyhow::Result<Measured> {
        let (server, address, token) = match subject {
            Subject::Bare => self.bare().await?,
            Subject::Server => self.server().await?,
        };
        let measured = self.callers(subject, calls, &server, address, &token).await;
        server.stop().await?;
        measured.with_context(|| format!("{calls} calls with the {}", subject.name()))
    }

    async fn bare(&self) -> anyhow::Result<(Running, SocketAddr, String)> {
        let mut server = self.launch.start(SERVER_CORE, &["bench", "bare-echo"], self.place.path(), &[])?;
        let address = address(&server.line(START_LIMIT).await?)?;
        Ok((server, address, String::new()))
    }

    async fn server(&self) -> anyhow::Result<(Running, SocketAddr, String)> {
        let calls = MOST_CALLS.to_string();
        let environment = [
            ("MAX_CONCURRENT_CALLS", calls.as_str()),
            // All calls come from one number.
            ("CALLS_PER_MINUTE_PER_CALLER", ""),
            ("RECORD_CALLS", "false"),
        ];
        let mut server = self.launch.start(SERVER_CORE, &["serve"], self.place.path(), &environment)?;
        let address = address(&server.line(START_LIMIT).await?)?;
        server.settle().await?;
        let path = self.place.path().join("data").join(DEV_KEYS_FILE);
        let keys =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read the server's development keys {}", path.display()))?;
        let keys: toml::Table = keys.parse().context("the server's development keys are damaged")?;
        let token = keys.get("twilio_auth_token").and_then(toml::Value::as_str).context("the development keys hold no Twilio token")?;
        Ok((server, address, token.to_owned()))
    }

    async fn callers(
        &self,
        subject: Subject,
        calls: usize,
        server: &Running,
        address: SocketAddr,
        token: &str,
    ) -> anyhow::Result<Measured> {
        let (address, calls_text, seconds) = (address.to_string(), calls.to_string(), self.seconds.to_string());
        let arguments = ["bench", "media-load", "--address", &address, "--calls", &calls_text, "--seconds", &seconds];
        let token = [(TOKEN_VARIABLE, token)];
        let environment = if subject == Subject::Bare { &token[..0] } else { &token[..] };
        let mut load = self.launch.start(LOAD_CORE, &arguments, self.place.path(), environment)?;
        let patience = PATIENCE + Duration::from_secs(self.seconds + calls as u64 / SLOWEST_RING);
        let (mut rest, mut held, mut before, mut after) = (Memory::default(), Memory::default(), Duration::ZERO, Duration::ZERO);
        let outcome = loop {
            match serde_json::from_str(&load.line(patience).await?).context("the callers said something else")? {
                Progress::Ready => rest = server.memory()?,
                Progress::Steady => before = server.cpu()?,
                Progress::Over => {
                    after = server.cpu()?;
                    held = server.memory()?;
                }
                Progress::Result(outcome) => break outcome,
            }
        };
        load.stop().await?;
        let call_seconds = calls as f64 * self.seconds as f64;
        Ok(Measured {
            subject,
            calls,
            cpu_ms: (after - before).as_secs_f64() * 1000.0 / call_seconds,
            memory_kib: (held.anonymous as f64 - rest.anonymous as f64) / 1024.0 / calls as f64,
            rest_mib: rest.resident as f64 / 1024.0 / 1024.0,
            outcome,
        })
    }

    /// Narrows down how many calls are held: the last number that was, and the first that was not, when one was found.
    async fn find_limit(&self, all: &mut Vec<Measured>) -> anyhow::Result<(usize, Option<usize>)> {
        loop {
            let (held, failed) = verdicts::held(all);
            let next = match failed {
                // Within a tenth is as good as it gets on a machine that does other things too.
                Some(failed) if failed - held <= (failed / 10).max(1) => return Ok((held, Some(failed))),
                Some(failed) => (held + failed) / 2,
                None if held >= MOST_CALLS => return Ok((held, None)),
                None => (held + held / 4 + 1).min(MOST_CALLS),
            };
            say_error(&format!("looking for the limit: {next} calls ..."));
            let measured = self.measure_in_peace(Subject::Server, next).await?;
            let over = !measured.is_held();
            all.push(measured);
            if over {
                all.push(self.measure_in_peace(Subject::Bare, next).await?);
            }
        }
    }
}

impl Measured {
    /// Every frame came back, and in time.
    fn is_held(&self) -> bool {
        let outcome = &self.outcome;
        outcome.frames > 0
            && outcome.lost + outcome.wrong + outcome.dropped == 0
            && !self.is_disturbed()
            && self.p99_ms() < verdicts::HELD_MS
    }

    /// The callers themselves were late: their frames came in bursts, which cost less and wait longer than frames in time.
    fn is_disturbed(&self) -> bool {
        self.late_ms() >= LATE_MS
    }

    fn late_ms(&self) -> f64 {
        self.outcome.late_p99_us as f64 / 1000.0
    }

    fn p99_ms(&self) -> f64 {
        self.outcome.p99_us as f64 / 1000.0
    }
}

/// The address in a server's first line.
pub(super) fn address(line: &str) -> anyhow::Result<SocketAddr> {
    let text = line.rsplit_once("http://").map(|(_, address)| address.trim());
    text.and_then(|text| text.parse().ok()).with_context(|| format!("a server did not say where it listens but {line:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_what_the_server_says_to_people() {
        assert_eq!(address("voicenoob 0.1.0 answers calls at http://127.0.0.1:4711").unwrap().port(), 4711);
        assert!(address("cannot listen").unwrap_err().to_string().contains("cannot listen"));
    }
}
