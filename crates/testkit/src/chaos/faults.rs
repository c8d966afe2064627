//! What each scenario does to the cluster, and what is expected of the calls under it.

use std::time::Duration;

use anyhow::Result;
use call::Carrier;
use tokio::time::{sleep, timeout};

use super::calls::Calls;
use super::{BACK_LIMIT, ChaosOptions, Outcome, Scenario, Scrape};
use crate::{BalancerOptions, Cluster, ClusterOptions, Stores};

/// New calls in the middle of a fault.
const NEWCOMERS: usize = 2;
/// They ring this long after its beginning.
const NEWCOMERS_AFTER: Duration = Duration::from_secs(3);
/// A single instance's carrier is held this long while the program starts again.
const HOLD: Duration = Duration::from_secs(10);
/// After a restart in place, a call is talking again within this time: the start comes on top.
const RESTART_LIMIT: Duration = Duration::from_secs(10);
/// After its calls are gone, an instance ends within this time.
const EXIT_LIMIT: Duration = Duration::from_secs(15);
/// One hour.
const JUMP_SECONDS: i64 = 3600;

/// How a call comes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) carrier: Carrier,
    /// Steered by command and not by documents.
    pub(super) by_command: bool,
}

const TWILIO: Way = Way { carrier: Carrier::Twilio, by_command: false };
const TELNYX: Way = Way { carrier: Carrier::Telnyx, by_command: false };
const TELNYX_BY_COMMAND: Way = Way { carrier: Carrier::Telnyx, by_command: true };

/// How the calls come in, in turn. Telnyx signs the time of its webhooks: an instance an hour ahead must refuse them, so that scenario has none.
pub(super) const fn ways(scenario: Scenario) -> &'static [Way] {
    match scenario {
        Scenario::ClockJump => &[TWILIO],
        _ => &[TWILIO, TELNYX, TELNYX_BY_COMMAND],
    }
}

/// Whether streams go to the instance that answered, or through the balancer to any: both are ways to run it, and both are tried. Without Redis,
/// an instance cannot know what another one has answered.
const fn direct(scenario: Scenario) -> bool {
    matches!(scenario, Scenario::RedisStopped | Scenario::SentinelFailover | Scenario::RedisCut | Scenario::RedisSilent)
}

/// The instances for a scenario. Each alone has places for all calls.
pub(super) async fn cluster(scenario: Scenario, options: &ChaosOptions, places: usize, more: &[(&str, &str)]) -> Result<Cluster> {
    let (instances, stores) = match scenario {
        Scenario::Restart => (1, Stores::Embedded),
        // With several, how evenly calls come decides how many find a place: that is the balancer's business, not what is measured.
        Scenario::Overload => (1, Stores::Shared),
        Scenario::SentinelFailover => (2, Stores::Sentinels),
        _ => (2, Stores::Shared),
    };
    let settings = [
        ("MAX_CONCURRENT_CALLS", places.to_string()),
        ("SHUTDOWN_DRAIN_TIMEOUT", options.drain.as_secs().to_string()),
        ("DRAIN_SETTLE_TIME", "1".to_owned()),
    ];
    let mut settings: Vec<_> = settings.map(|(name, value)| (name.to_owned(), value)).into();
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Cluster::start(ClusterOptions {
        program: options.program.clone(),
        instances,
        stores,
        settings,
        clock_of: (scenario == Scenario::ClockJump).then_some(1),
        direct: direct(scenario),
        balancer: BalancerOptions { hold: if scenario == Scenario::Restart { HOLD } else { Duration::ZERO }, ..BalancerOptions::default() },
    })
    .await
}

/// Places enough for one instance to serve everybody.
pub(super) const fn places(options: &ChaosOptions) -> usize {
    options.calls + NEWCOMERS
}

/// Does it, and returns when it is over. What it finds broken by itself comes back.
pub(super) async fn strike(scenario: Scenario, cluster: &mut Cluster, calls: &mut Calls, options: &ChaosOptions) -> Result<Vec<String>> {
    match scenario {
        Scenario::Sigterm => return terminate(cluster, calls, options).await,
        Scenario::Kill => cluster.kill(0).await?,
        Scenario::Restart => {
            cluster.kill(0).await?;
            cluster.run(0).await?;
        }
        Scenario::RedisStopped => {
            cluster.redis()?.stop();
            newcomers(calls, options).await;
            cluster.redis()?.restart().await?;
        }
        Scenario::SentinelFailover => {
            cluster.sentinels()?.fail_over();
            newcomers(calls, options).await;
            cluster.sentinels()?.failed_over().await?;
        }
        Scenario::RedisCut => {
            cluster.redis_line(0)?.cut().await;
            newcomers(calls, options).await;
            cluster.redis_line(0)?.heal().await;
        }
        Scenario::RedisSilent => {
            cluster.redis_line(0)?.freeze();
            newcomers(calls, options).await;
            cluster.redis_line(0)?.heal().await;
        }
        Scenario::PostgresStopped => {
            // The lines are cut as well: nobody knocks while it starts.
            for place in 0..cluster.running() {
                cluster.postgres_line(place)?.cut().await;
            }
            cluster.postgres()?.crash().await?;
            sleep(options.outage).await;
            cluster.postgres()?.start_again().await?;
            for place in 0..cluster.running() {
                cluster.postgres_line(place)?.heal().await;
            }
        }
        Scenario::ClockJump => {
            cluster.clock(1)?.jump(JUMP_SECONDS)?;
            newcomers(calls, options).await;
        }
        Scenario::Overload => {}
    }
    Ok(Vec::new())
}

/// The outage lasts, and in the middle of it new calls come.
async fn newcomers(calls: &mut Calls, options: &ChaosOptions) {
    let first = NEWCOMERS_AFTER.min(options.outage);
    sleep(first).await;
    (0..NEWCOMERS).for_each(|_| calls.join());
    sleep(options.outage - first).await;
}

async fn terminate(cluster: &mut Cluster, calls: &mut Calls, options: &ChaosOptions) -> Result<Vec<String>> {
    cluster.instance(0)?.signal("TERM").await?;
    sleep(NEWCOMERS_AFTER.min(options.drain)).await;
    (0..NEWCOMERS).for_each(|_| calls.join());
    Ok(match timeout(options.drain + EXIT_LIMIT, cluster.gone(0)).await {
        Ok(status) => {
            let status = status?;
            if status.success() { Vec::new() } else { vec![format!("the stopping instance ended with {status}")] }
        }
        Err(_) => vec!["the stopping instance did not end in time".to_owned()],
    })
}

/// What the instances that still run have counted, against what the carrier saw. Counters of a process that is gone are gone with it.
pub(super) fn compare_counters(scrape: &Scrape, outcome: &mut Outcome) {
    let count = |name: &str, labels: &[(&str, &str)]| scrape.sum(name, labels) as usize;
    let resumed = count("voicenoob_calls_resumed_total", &[]);
    if resumed != outcome.resumed {
        outcome.problem(format!("the metrics count {resumed} resumed calls, the carrier saw {}", outcome.resumed));
    }
    let (lost, failed) =
        (count("voicenoob_calls_lost_total", &[]), count("voicenoob_calls_failed_total", &[("error_type", "instance_lost")]));
    if lost != failed || lost > outcome.resumed {
        outcome.problem(format!(
            "{lost} calls are counted as lost and {failed} as failed, of {} that an instance left behind",
            outcome.resumed
        ));
    }
    if outcome.scenario == Scenario::Kill {
        outcome.note(format!("lost by the metrics: {lost}"));
    }
}

/// What is expected beyond what holds for every scenario.
pub(super) fn judge(outcome: &mut Outcome) {
    let (resumed, handed_over, slowest) = (outcome.resumed, outcome.handed_over, outcome.slowest());
    let mut expect = |kept: bool, what: String| {
        if !kept {
            outcome.problems.push(what);
        }
    };
    match outcome.scenario {
        Scenario::Kill | Scenario::Restart => {
            let limit = if outcome.scenario == Scenario::Kill { BACK_LIMIT } else { RESTART_LIMIT };
            expect(resumed > 0, "no call was on the instance that was killed: nothing was tried".to_owned());
            expect(
                slowest.is_some_and(|slowest| slowest <= limit),
                format!("a call was talking again after {slowest:?}, later than {limit:?}"),
            );
        }
        Scenario::Sigterm => {
            expect(handed_over > 0, "no call was handed over: nothing was tried".to_owned());
            expect(resumed == handed_over, format!("{resumed} calls were resumed, but {handed_over} handed over"));
            expect(slowest.is_some_and(|slowest| slowest <= BACK_LIMIT), format!("a call was talking again after {slowest:?}"));
        }
        _ => expect(resumed == 0, format!("{resumed} calls were interrupted by a fault that does not concern them")),
    }
}
