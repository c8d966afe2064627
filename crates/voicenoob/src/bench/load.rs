//! The callers of `bench media`: one thread that holds many calls, each speaking a frame every 20 ms, and times what comes back.

mod line;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use super::ring::{Call, Target};
use crate::say;
use line::{Line, Speech};

/// The variable that holds the token webhooks are signed with.
pub(super) const TOKEN_VARIABLE: &str = "BENCH_TWILIO_AUTH_TOKEN";
/// New calls a second: what is measured is calls that stand, not their set-up.
const RING_RATE: f64 = 200.0;
/// Every call sends a frame this often.
const PERIOD: Duration = Duration::from_millis(20);
/// After the last call has joined, before anything is counted.
const WARM_UP: Duration = Duration::from_secs(3);
/// Frames go on after the window, so that its end is measured under load.
const TAIL: Duration = Duration::from_millis(500);
/// Time for the last frames to come back; what is not back then is lost.
const DRAIN: Duration = Duration::from_secs(2);
/// Frames sent in one go before sockets are read again.
const BATCH: usize = 32;
/// Longest delay that is told apart, in microseconds; longer ones count as this.
const MAX_DELAY_US: u64 = 60_000_000;

/// Holds calls with the echo agent or the bare echo, and times their frames.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the server listens.
    #[arg(long)]
    address: SocketAddr,
    /// Calls at once.
    #[arg(long)]
    calls: usize,
    /// Length of the measured window.
    #[arg(long)]
    seconds: u64,
}

/// What the generator says while it works, one JSON object a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Progress {
    /// The server has served a few calls and has none now.
    Ready,
    /// Every call stands; the window begins.
    Steady,
    /// The window is over; frames go on for [`TAIL`].
    Over,
    /// All is done.
    Result(Outcome),
}

/// What came back in the window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Frames sent.
    pub(super) frames: u64,
    /// Frames that did not come back.
    pub(super) lost: u64,
    /// Frames that came back with another sound.
    pub(super) wrong: u64,
    /// Calls that the server ended.
    pub(super) dropped: u64,
    /// A frame's way there and back, microseconds.
    pub(super) p50_us: u64,
    /// The same.
    pub(super) p99_us: u64,
    /// The same.
    pub(super) max_us: u64,
    /// How late frames were sent: the generator's own weakness, 99th percentile, microseconds.
    pub(super) late_p99_us: u64,
}

/// Runs as the child process of `bench media`.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(args.calls > 0 && args.seconds > 0, "no calls or no time: nothing to measure");
    let token = std::env::var(TOKEN_VARIABLE).ok();
    let target = Target { address: args.address, token, agent: "echo".to_owned() };
    // What the first calls allocate for good is not memory per call.
    Generator::new(4)?.hold(&target, Duration::from_secs(1), |_| Ok(()))?;
    std::thread::sleep(Duration::from_millis(500));
    tell(&Progress::Ready)?;
    let outcome = Generator::new(args.calls)?.hold(&target, Duration::from_secs(args.seconds), |progress| tell(&progress))?;
    tell(&Progress::Result(outcome))?;
    Ok(ExitCode::SUCCESS)
}

fn tell(progress: &Progress) -> anyhow::Result<()> {
    say(&serde_json::to_string(progress)?);
    Ok(())
}

/// Where a measurement stands, and until when (on the generator's clock).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Joining,
    WarmUp(Duration),
    Steady(Duration),
    Tail(Duration),
    Drain(Duration),
    Done,
}

struct Generator {
    poll: Poll,
    lines: Vec<Line>,
    calls: usize,
    speech: Speech,
    origin: Instant,
    /// The number of the next frame of all: frame `g` belongs to call `g % calls`, so every call keeps its own pace and no two start together.
    next: u64,
    phase: Phase,
    delays: Histogram<u64>,
    lateness: Histogram<u64>,
    outcome: Outcome,
}

impl Generator {
    fn new(calls: usize) -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            lines: Vec::with_capacity(calls),
            calls,
            speech: Speech::new(),
            origin: Instant::now(),
            next: 0,
            phase: Phase::Joining,
            delays: Histogram::new_with_bounds(1, MAX_DELAY_US, 3)?,
            lateness: Histogram::new_with_bounds(1, MAX_DELAY_US, 3)?,
            outcome: Outcome::default(),
        })
    }

    /// Sets the calls up, warms up, counts for `window`, and hangs up.
    fn hold(mut self, target: &Target, window: Duration, tell: impl Fn(Progress) -> anyhow::Result<()>) -> anyhow::Result<Outcome> {
        let newcomers = ring_all(target.clone(), self.calls);
        let mut events = Events::with_capacity(1024);
        while self.phase != Phase::Done {
            self.join(&newcomers)?;
            self.turn(window, &tell)?;
            if !matches!(self.phase, Phase::Drain(_)) {
                self.send_due();
            }
            match self.poll.poll(&mut events, Some(self.pause())) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                done => done.context("cannot wait for sockets")?,
            }
            for event in &events {
                let Some(line) = self.lines.get_mut(event.token().0) else { continue };
                line.read(&self.speech, self.origin, &mut self.delays, &mut self.outcome);
            }
        }
        Ok(self.finish())
    }

    /// The next phase, when this one is over.
    fn turn(&mut self, window: Duration, tell: &impl Fn(Progress) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let now = self.origin.elapsed();
        self.phase = match self.phase {
            Phase::Joining if self.lines.len() == self.calls => Phase::WarmUp(now + WARM_UP),
            Phase::WarmUp(until) if now >= until => {
                tell(Progress::Steady)?;
                Phase::Steady(now + window)
            }
            Phase::Steady(until) if now >= until => {
                tell(Progress::Over)?;
                Phase::Tail(now + TAIL)
            }
            Phase::Tail(until) if now >= until => Phase::Drain(now + DRAIN),
            Phase::Drain(until) if now >= until || self.lines.iter().all(Line::is_quiet) => Phase::Done,
            same => same,
        };
        Ok(())
    }

    /// Takes in the calls that have been set up.
    fn join(&mut self, newcomers: &Receiver<anyhow::Result<Call>>) -> anyhow::Result<()> {
        while self.lines.len() < self.calls {
            match newcomers.try_recv() {
                Ok(call) => {
                    let mut line = Line::new(call.with_context(|| format!("after {} calls the next one failed", self.lines.len()))?)?;
                    let token = Token(self.lines.len());
                    self.poll.registry().register(line.stream(), token, Interest::READABLE | Interest::WRITABLE)?;
                    self.lines.push(line);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => anyhow::bail!("the thread that sets calls up broke down"),
            }
        }
        Ok(())
    }

    /// Sends what is due, a bounded number of frames at a time.
    fn send_due(&mut self) {
        for _ in 0..BATCH {
            let (due, now) = (self.due(), self.origin.elapsed());
            if due > now {
                return;
            }
            let place = (self.next % self.calls as u64) as usize;
            self.next += 1;
            let counted = matches!(self.phase, Phase::Steady(_));
            let Some(line) = self.lines.get_mut(place) else { continue };
            line.speak(&mut self.speech, now, counted, &mut self.outcome);
            if counted {
                self.lateness.saturating_record(micros(now - due));
            }
        }
    }

    fn due(&self) -> Duration {
        Duration::from_nanos((u128::from(self.next) * PERIOD.as_nanos() / self.calls as u128) as u64)
    }

    /// How long sockets may be waited for. Under load the generator never sleeps: a wake-up that comes late would be taken for the server's delay.
    fn pause(&self) -> Duration {
        let idle = if matches!(self.phase, Phase::Drain(_)) {
            Duration::from_millis(10)
        } else {
            self.due().saturating_sub(self.origin.elapsed())
        };
        // Waiting is counted in whole milliseconds and rounded up.
        if idle > Duration::from_millis(2) { idle - Duration::from_millis(1) } else { Duration::ZERO }
    }

    fn finish(mut self) -> Outcome {
        for line in &mut self.lines {
            self.outcome.lost += line.hang_up();
        }
        self.outcome.p50_us = self.delays.value_at_quantile(0.50);
        self.outcome.p99_us = self.delays.value_at_quantile(0.99);
        self.outcome.max_us = self.delays.max();
        self.outcome.late_p99_us = self.lateness.value_at_quantile(0.99);
        self.outcome
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// Sets calls up one after the other, at a bounded rate, in a thread of its own. The first failure is the last thing it says.
fn ring_all(target: Target, calls: usize) -> Receiver<anyhow::Result<Call>> {
    let (sender, receiver) = sync_channel(16);
    std::thread::spawn(move || {
        let origin = Instant::now();
        for number in 0..calls {
            let due = Duration::from_secs_f64(number as f64 / RING_RATE);
            std::thread::sleep(due.saturating_sub(origin.elapsed()));
            let call = target.ring();
            let failed = call.is_err();
            if sender.send(call).is_err() || failed {
                return;
            }
        }
    });
    receiver
}
