//! A process dies in the moments that matter most: between a caller's yes and the booking, and while the booking's code is being told. The room is
//! booked once, and the caller learns the code.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use testkit::carrier::{CallPlan, Journal, LiveCall, Move, Wish};
use testkit::chaos::errand;
use testkit::{BalancerOptions, Cluster, ClusterOptions, Stores};
use tokio::time::{interval, sleep, timeout};

use crate::program;

/// The whole booking, the restart and the repetition take about half of it.
const LONG: Duration = Duration::from_secs(90);
/// In the middle of "Your confirmation code is ...".
const WHILE_TELLING: Duration = Duration::from_millis(1500);
/// The carrier waits so long for the program that starts again.
const HOLD: Duration = Duration::from_secs(10);

async fn until(call: &LiveCall, what: &str, is: impl Fn(&Journal) -> bool) -> Result<()> {
    let mut look = interval(Duration::from_millis(5));
    let seen = async {
        while !call.look(&is) {
            look.tick().await;
        }
    };
    timeout(LONG, seen).await.with_context(|| format!("never: {what}; {:?}", call.journal()))
}

/// What strikes the call, and when.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strike {
    KillAfterTheYes,
    KillWhileTelling,
    StopWhileTelling,
}

async fn cluster(strike: Strike) -> Result<Cluster> {
    let stop = strike == Strike::StopWhileTelling;
    let settings = [("SHUTDOWN_DRAIN_TIMEOUT", "1"), ("DRAIN_SETTLE_TIME", "0")];
    Cluster::start(ClusterOptions {
        program: program(),
        instances: if stop { 2 } else { 1 },
        stores: if stop { Stores::Shared } else { Stores::Embedded },
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        clock_of: None,
        direct: false,
        balancer: BalancerOptions { hold: HOLD, ..BalancerOptions::default() },
    })
    .await
}

/// The instance that serves the only call.
async fn place_of_the_call(cluster: &Cluster) -> Result<usize> {
    for place in 0..cluster.running() {
        let active = cluster.json(place, "/api/v1/calls/active").await?;
        if active["calls"].as_array().is_some_and(|calls| !calls.is_empty()) {
            return Ok(place);
        }
    }
    anyhow::bail!("no instance serves the call")
}

async fn struck(strike: Strike) -> Result<()> {
    let mut cluster = cluster(strike).await?;
    let arrival = jiff::Zoned::now().date().checked_add(jiff::Span::new().days(30))?.strftime("%d%m").to_string();
    let wish = Wish { arrival, nights: 2, guests: 2, room: 2 };
    let plan = CallPlan::new(Carrier::Twilio).then(Move::Book(errand(vec![wish]).await?)).then(Move::Stay(LONG));
    let call = cluster.carrier()?.place(plan);
    until(&call, "the caller says yes", |journal| !journal.booked.confirmed.is_empty()).await?;
    if strike != Strike::KillAfterTheYes {
        let question = call.look(|journal| journal.last_sound);
        until(&call, "the agent tells the code", |journal| journal.last_sound > question).await?;
        sleep(WHILE_TELLING).await;
    }
    let place = place_of_the_call(&cluster).await?;
    if strike == Strike::StopWhileTelling {
        cluster.instance(place)?.signal("TERM").await?;
    } else {
        cluster.kill(place).await?;
        cluster.run(place).await?;
    }
    until(&call, "the stream ends and the agent is heard again", |journal| journal.breaks.iter().any(|broken| broken.talking.is_some()))
        .await?;
    until(&call, "the code is told", |journal| !journal.booked.told.is_empty() || journal.booked.forgotten > 0).await?;
    call.hang_up();
    let journal = call.ended().await?;
    let record = cluster.any_json(&format!("/api/v1/calls/{}", journal.call_id)).await?;
    ensure!(journal.booked.forgotten == 0, "the caller never learned the code: {}", record["turns"]);
    let books = cluster.any_json("/api/v1/hotel/reservations").await?;
    let booked = books["reservations"].as_array().context("reservations")?;
    ensure!(booked.len() == 1, "one booking expected: {booked:?}\n{}", record["turns"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_the_yes_and_the_booking_books_once() -> Result<()> {
    struck(Strike::KillAfterTheYes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_code_is_told_has_it_told_again() -> Result<()> {
    struck(Strike::KillWhileTelling).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_while_the_code_is_told_has_it_told_again() -> Result<()> {
    struck(Strike::StopWhileTelling).await
}
