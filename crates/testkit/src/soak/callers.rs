//! Callers of every kind: patient ones, those who interrupt, and those who hang up in the middle.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use call::Carrier;
use dial::{CallReport, DialError, DialOptions, Script, Step};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::SoakOptions;
use crate::Server;

/// Between two calls of one caller, milliseconds.
const REST_MS: std::ops::Range<u64> = 200..1_500;
/// A caller waits this long for an answer, and then goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// Reasons that are kept.
const MAX_WHY: usize = 20;

/// What became of all calls.
#[derive(Debug, Default)]
pub(super) struct Talks {
    pub(super) calls: u64,
    pub(super) broken: u64,
    pub(super) talked: Duration,
    pub(super) why: Vec<String>,
}

/// Callers at work.
pub(super) struct Crowd(JoinSet<Talks>);

impl Crowd {
    /// Each calls again and again until the time is over.
    pub(super) async fn start(server: &Server, agent: &str, options: &SoakOptions) -> Result<Self> {
        let mut dialling = server.dial_options().await?;
        (dialling.watch, dialling.keep_audio) = (false, false);
        let until = Instant::now() + options.length;
        let (agent, mut crowd): (Arc<str>, _) = (agent.into(), JoinSet::new());
        for number in 0..options.callers {
            crowd.spawn(caller(dialling.clone(), Arc::clone(&agent), number as u64, until));
        }
        Ok(Self(crowd))
    }

    pub(super) async fn finish(self) -> Result<Talks> {
        let mut all = Talks::default();
        for talks in self.0.join_all().await {
            all.calls += talks.calls;
            all.broken += talks.broken;
            all.talked += talks.talked;
            all.why.extend(talks.why);
        }
        all.why.truncate(MAX_WHY);
        Ok(all)
    }
}

/// One call of each kind.
pub(super) async fn warm_up(server: &Server, agent: &str) -> Result<()> {
    let mut dialling = server.dial_options().await?;
    (dialling.watch, dialling.keep_audio) = (false, false);
    for kind in 0..KINDS {
        dial::run(script(agent, kind, &mut fastrand::Rng::with_seed(1)), dialling.clone()).await?;
    }
    Ok(())
}

async fn caller(dialling: DialOptions, agent: Arc<str>, seed: u64, until: Instant) -> Talks {
    let (mut random, mut talks) = (fastrand::Rng::with_seed(seed), Talks::default());
    // Not all at once.
    sleep(Duration::from_millis(random.u64(..5_000))).await;
    while Instant::now() < until {
        let kind = random.u8(..KINDS);
        let outcome = dial::run(script(&agent, kind, &mut random), dialling.clone()).await;
        talks.calls += 1;
        match fault(kind, &outcome) {
            None => {}
            Some(why) => {
                talks.broken += 1;
                if talks.why.len() < MAX_WHY {
                    talks.why.push(why);
                }
            }
        }
        talks.talked += outcome.map(|report| report.duration).unwrap_or_default();
        sleep(Duration::from_millis(random.u64(REST_MS))).await;
    }
    talks
}

/// Kinds of callers.
const KINDS: u8 = 6;

fn script(agent: &str, kind: u8, random: &mut fastrand::Rng) -> Script {
    let wait = || Step::WaitForAgent { timeout: PATIENCE, quiet: Duration::from_millis(700) };
    let say = |text: &str| Step::say(text);
    let start = Script { agent: Some(agent.to_owned()), timeout: Duration::from_secs(90), ..Script::new(Carrier::Twilio) };
    let start = start.step(wait());
    match kind {
        0 | 1 => start.step(say("what time is breakfast")).step(wait()).step(say("I would like a double room for two nights")).step(wait()),
        2 => start
            .step(say("I would like a double room for two nights"))
            .step(Step::interrupt("no wait", Duration::from_millis(400)))
            .step(wait()),
        3 => start.step(Step::Say {
            speech: dial::Speech::words("I would like a double room for two nights"),
            hang_up_after: Some(Duration::from_millis(random.u64(200..1_800))),
        }),
        // In the middle of whatever the agent says or thinks.
        4 => start.step(say("what time is breakfast")).step(Step::Silence(Duration::from_millis(random.u64(100..2_500)))),
        _ => start.step(Step::Press { digits: "12#".to_owned(), in_band: false }).step(wait()).step(say("thank you goodbye")).step(wait()),
    }
    .step(Step::HangUp)
}

/// A call that could not be made, or that the server ended although nobody had said goodbye. Simulated ears hear their script, the goodbye in it too.
fn fault(kind: u8, outcome: &Result<CallReport, DialError>) -> Option<String> {
    match outcome {
        Err(error) => Some(format!("kind {kind}: {error}")),
        Ok(report) if report.closed_code.is_some_and(|code| code != 1000) => {
            Some(format!("kind {kind}: closed with {:?}", report.closed_code))
        }
        Ok(report) => {
            report.failures.iter().find(|failure| failure.contains("wait_for_agent")).map(|failure| format!("kind {kind}: {failure}"))
        }
    }
}
