//! Faults under live calls: real processes, real sockets, a carrier that follows the documents, and callers who are in the middle of booking a
//! room. Each scenario measures what its callers lived through and says whether that is what we promise.
//!
//! The promises: no call ends that its caller did not end; a call whose instance dies is talking again within [`BACK_LIMIT`]; no agent forgets
//! where it was; the hotel's books hold every confirmed booking once; afterwards nothing is left live, on any instance.

mod books;
mod calls;
mod faults;
mod metrics;
mod outcome;
mod overload;
mod scenario;
mod voice;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

pub use metrics::Scrape;
pub use outcome::{Outcome, table};
pub use scenario::Scenario;
pub use voice::errand;

use calls::Calls;

/// A call whose instance dies is talking again within this time.
pub const BACK_LIMIT: Duration = Duration::from_secs(5);

/// How big a run is.
#[derive(Debug, Clone)]
pub struct ChaosOptions {
    /// The program.
    pub program: PathBuf,
    /// Live calls.
    pub calls: usize,
    /// How long an outage lasts.
    pub outage: Duration,
    /// How long the calls are watched after the fault is over.
    pub watch: Duration,
    /// How long a stopping instance waits for its calls before it hands them over.
    pub drain: Duration,
}

impl ChaosOptions {
    /// A full run: what `docs/resilience.md` shows.
    pub fn full(program: PathBuf, calls: usize) -> Self {
        let (outage, watch, drain) = (Duration::from_secs(10), Duration::from_secs(40), Duration::from_secs(10));
        Self { program, calls, outage, watch, drain }
    }

    /// A short run, for tests.
    pub fn short(program: PathBuf) -> Self {
        let (outage, watch, drain) = (Duration::from_secs(10), Duration::from_secs(8), Duration::from_secs(3));
        Self { program, calls: 10, outage, watch, drain }
    }
}

/// Runs one scenario. An error means that it could not be run; what it found is in the outcome.
pub async fn run(scenario: Scenario, options: &ChaosOptions) -> Result<Outcome> {
    if scenario == Scenario::Overload {
        return overload::run(options).await;
    }
    let mut cluster = faults::cluster(scenario, options, faults::places(options), &[]).await?;
    let mut calls = Calls::ring(&cluster, faults::ways(scenario), options.calls).await?;
    calls.until_under_way().await?;

    let struck = Instant::now();
    let problems = faults::strike(scenario, &mut cluster, &mut calls, options).await?;
    sleep(options.watch).await;

    let mut outcome = calls.outcome(scenario, struck).await?;
    outcome.problems.extend(problems);
    faults::compare_counters(&Scrape::of(&cluster).await?, &mut outcome);
    calls.leave(&cluster, &mut outcome).await?;
    faults::judge(&mut outcome);
    Ok(outcome)
}
