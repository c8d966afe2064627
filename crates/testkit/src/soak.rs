//! Hours of traffic in minutes: calls of every kind against vendors with ordinary troubles, and what they leave behind.
//!
//! The promise: memory does not grow, and after the last call nothing is left: no live call, no permit, no call to a vendor but what stands by,
//! no open file, no thread.

mod callers;
mod probe;
mod troubles;
mod verdict;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use simulator::{Simulator, Vendor};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

pub use probe::Sample;
pub use verdict::{Verdict, judge};

use crate::Server;

/// A key that the simulated vendors take.
const KEY: &str = "key-of-the-soak";
/// After the last call everything is free within this time. Connections that are kept for the next request live on for a while: 90 s with the
/// HTTP client, 60 s with what stands by.
const FREE_LIMIT: Duration = Duration::from_secs(150);
const TICK: Duration = Duration::from_secs(2);

/// How much.
#[derive(Debug, Clone)]
pub struct SoakOptions {
    /// The program.
    pub program: PathBuf,
    /// How long calls are made.
    pub length: Duration,
    /// Callers at once.
    pub callers: usize,
    /// How often is measured.
    pub every: Duration,
}

/// What a soak found.
#[derive(Debug)]
pub struct Soak {
    /// One a measurement, the first before the first call.
    pub samples: Vec<Sample>,
    /// After the last call, when all was free or should have been.
    pub after: Sample,
    /// Calls that were made.
    pub calls: u64,
    /// Of them those that could not be made or were ended by the server.
    pub broken: u64,
    /// Minutes of talk, all calls together.
    pub talked: Duration,
    /// What ended calls otherwise than their callers did, some of it.
    pub why: Vec<String>,
}

/// Runs it; each sample is also said at once.
pub async fn run(options: &SoakOptions, say: impl Fn(&str)) -> Result<Soak> {
    let vendors = Arc::new(Simulator::quick().await?);
    let server = serve(options, &vendors).await?;
    let admin = server.administrator().await?;
    let body = json!({ "name": "Receptionist", "tier": "balanced", "system_prompt": "You are the receptionist of a small hotel." });
    let agent = server.add_agent(&admin, &body).await?;
    // What the first calls make for good is nobody's leak.
    callers::warm_up(&server, &agent).await?;
    sleep(Duration::from_secs(5)).await;
    let mut probe = probe::Probe::new(&server, &vendors).await?;
    let mut samples = vec![probe.sample(Duration::ZERO).await?];
    say(probe::HEAD);
    say(&samples[0].row());
    let crowd = callers::Crowd::start(&server, &agent, options).await?;
    let troubles = tokio::spawn(troubles::make(Arc::clone(&vendors)));
    let begun = Instant::now();
    let mut tick = interval(options.every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.tick().await;
    while begun.elapsed() + options.every / 2 < options.length {
        tick.tick().await;
        let sample = probe.sample(begun.elapsed()).await?;
        say(&sample.row());
        samples.push(sample);
    }
    let talks = crowd.finish().await?;
    troubles.abort();
    Vendor::ALL.iter().for_each(|vendor| vendors.behave(*vendor, Default::default()));
    let after = settled(&mut probe, &samples[0], begun).await?;
    say(&after.row());
    server.signal("TERM").await?;
    let status = server.ended().await?.status;
    ensure!(status.success(), "the server ended with {status}");
    Ok(Soak { samples, after, calls: talks.calls, broken: talks.broken, talked: talks.talked, why: talks.why })
}

async fn serve(options: &SoakOptions, vendors: &Simulator) -> Result<Server> {
    let used = [Vendor::Deepgram, Vendor::OpenAi, Vendor::ElevenLabs, Vendor::AzureSpeech, Vendor::Anthropic];
    let mut settings: Vec<(&str, String)> =
        used.iter().flat_map(|vendor| [(vendor.setting(), vendors.url(*vendor)), (vendor.key_setting(), KEY.to_owned())]).collect();
    settings.push(("MAX_CONCURRENT_CALLS", (options.callers * 2).to_string()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Server::start_with(&options.program, &settings).await
}

/// The sample in which all is free, or the last of those in which it was not.
async fn settled(probe: &mut probe::Probe<'_>, first: &Sample, begun: Instant) -> Result<Sample> {
    let deadline = Instant::now() + FREE_LIMIT;
    loop {
        sleep(TICK).await;
        let sample = probe.sample(begun.elapsed()).await?;
        if verdict::left_over(first, &sample).is_empty() || Instant::now() >= deadline {
            return Ok(sample);
        }
    }
}

/// For programs that print as they go; nobody may be looking.
pub fn to_stdout(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
