//! Half as many calls again as there are places: exactly as many as there are places are admitted, the rest wait (or, without a queue, are
//! told so), and those who are admitted notice nothing of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, interval, sleep};

use super::calls::{Calls, Quality};
use super::outcome::quantile;
use super::{ChaosOptions, Outcome, Scenario, faults};
use crate::Cluster;

/// Waiting callers are served within this time after places are free.
const PROMOTE_LIMIT: Duration = Duration::from_secs(10);
/// The crowd has found its places and its queue within this time.
const CROWD_LIMIT: Duration = Duration::from_secs(30);
/// How long each load is measured.
const MEASURED: Duration = Duration::from_secs(10);
/// What half as many callers again may cost those who are served, at most this factor, or this much on top: the machine serves two instances,
/// two stores and all callers on the same cores.
const FACTOR: u32 = 2;
const ON_TOP: Duration = Duration::from_millis(150);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Runs it: a full house, then a crowd with a queue, then a crowd without.
pub(super) async fn run(options: &ChaosOptions) -> Result<Outcome> {
    let places = options.calls.max(2);
    let crowd = places + places / 2;
    let mut outcome = Outcome::new(Scenario::Overload, crowd);

    let cluster = faults::cluster(Scenario::Overload, options, places, &[("ENABLE_CALL_QUEUE", "true")]).await?;
    let calls = Calls::ring(&cluster, faults::ways(Scenario::Overload), places).await?;
    calls.until_under_way().await?;
    sleep(MEASURED).await;
    let full = calls.quality(places);
    calls.leave(&cluster, &mut outcome).await?;

    let calls = Calls::ring_after(&cluster, faults::ways(Scenario::Overload), crowd, places).await?;
    expect_crowd(&cluster, places, crowd - places).await?;
    watch_places(&cluster, places, &mut outcome).await?;
    let crowded = calls.quality(places);
    compare(&full, &crowded, &mut outcome);
    calls.first_leave(crowd - places);
    match expect_crowd(&cluster, places, 0).await {
        Ok(()) => outcome.note(format!("{} waited and were served when places were free", crowd - places)),
        Err(why) => outcome.problem(format!("waiting callers were not served: {why:#}")),
    }
    calls.leave(&cluster, &mut outcome).await?;
    drop(cluster);

    let cluster = faults::cluster(Scenario::Overload, options, places, &[]).await?;
    let calls = Calls::ring(&cluster, faults::ways(Scenario::Overload), crowd).await?;
    sleep(LOOK * 5).await;
    let refused = calls.refused();
    if refused == crowd - places {
        outcome.note(format!("without a queue, {refused} were refused with a spoken reason"));
    } else {
        outcome.problem(format!("without a queue, {refused} of {crowd} callers were refused, not {}", crowd - places));
    }
    watch_places(&cluster, places, &mut outcome).await?;
    calls.all_leave().await?;
    Ok(outcome)
}

/// Places taken over all instances, and callers who wait.
async fn taken_and_waiting(cluster: &Cluster) -> Result<(u64, u64)> {
    let mut taken = 0;
    for text in cluster.texts("/api/v1/calls/active").await? {
        let active: serde_json::Value = serde_json::from_str(&text)?;
        taken += active["taken"].as_u64().context("no number of taken places")?;
    }
    let queue = cluster.any_json("/api/v1/queue").await?;
    Ok((taken, queue["depth"].as_u64().unwrap_or(0)))
}

/// Waits until all places are taken and so many wait.
async fn expect_crowd(cluster: &Cluster, places: usize, waiting: usize) -> Result<()> {
    let limit = if waiting == 0 { PROMOTE_LIMIT } else { CROWD_LIMIT };
    let deadline = Instant::now() + limit;
    let wanted = (places as u64, waiting as u64);
    loop {
        let seen = taken_and_waiting(cluster).await?;
        if seen == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "after {limit:?} (places taken, callers waiting) is {seen:?}, not {wanted:?}");
        sleep(LOOK).await;
    }
}

/// At no time more calls than places.
async fn watch_places(cluster: &Cluster, places: usize, outcome: &mut Outcome) -> Result<()> {
    let until = Instant::now() + MEASURED;
    let mut look = interval(LOOK);
    while Instant::now() < until {
        look.tick().await;
        let (taken, _) = taken_and_waiting(cluster).await?;
        if taken != places as u64 {
            outcome.problem(format!("{taken} of {places} places are taken under overload"));
            return Ok(());
        }
    }
    Ok(())
}

fn compare(full: &Quality, crowded: &Quality, outcome: &mut Outcome) {
    for (what, full, crowded) in [
        ("first audio", quantile(&full.first_audio, 0.95), quantile(&crowded.first_audio, 0.95)),
        ("lateness of audio", quantile(&full.late, 0.95), quantile(&crowded.late, 0.95)),
    ] {
        let (full, crowded) = (full.unwrap_or_default(), crowded.unwrap_or_default());
        outcome.note(format!("{what} (p95) {} ms full, {} ms crowded", full.as_millis(), crowded.as_millis()));
        if crowded > full * FACTOR + ON_TOP {
            outcome.problem(format!("{what} of admitted calls went from {full:?} to {crowded:?}"));
        }
    }
}
