//! Calls between two instances that share Redis and PostgreSQL.

use anyhow::{Context, Result, ensure};
use call::Carrier;
use reqwest::Method;
use testkit::carrier::{CallPlan, CarrierSimulator, HangUp, Move, Verb};
use testkit::{BalancerOptions, Cluster, ClusterOptions, Server, Stores};

use super::{booked_once, booking, echo, end_reason, plan, record, scrape, seen};
use crate::hand::{Hand, LONG, connect, until};
use crate::program;

/// Two instances that share their stores, and tell carriers their own addresses.
async fn two(settings: &[(&str, &str)]) -> Result<Cluster> {
    let own = [("HEARTBEAT_INTERVAL", "1"), ("INSTANCE_LEASE", "3"), ("MAX_CONCURRENT_CALLS", "4")];
    Cluster::start(ClusterOptions {
        program: program().to_owned(),
        instances: 2,
        stores: Stores::Shared,
        settings: own.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        clock_of: None,
        balancer: BalancerOptions::default(),
        direct: true,
    })
    .await
}

/// The carrier at one instance's own address.
fn at(cluster: &Cluster, place: usize) -> Result<CarrierSimulator> {
    Ok(cluster.carrier()?.at(cluster.instance(place)?.url().clone()))
}

/// Permits held by each instance, as the whole cluster sees it.
async fn permits(server: &Server) -> Result<Vec<u64>> {
    let all = server.json("/api/v1/instances").await?;
    Ok(all["instances"].as_array().context("instances")?.iter().filter_map(|one| one["taken"].as_u64()).collect())
}

async fn asked(server: &Server, method: Method, path: &str) -> Result<u16> {
    Ok(server.http().request(method, server.url().join(path)?).send().await?.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_reach_another_instance_than_its_webhook() -> Result<()> {
    let cluster = two(&[]).await?;
    let (a, b) = (cluster.instance(0)?, cluster.instance(1)?);
    let offered = at(&cluster, 0)?.offered(&echo(Carrier::Twilio)).await?;
    let mut to_b = offered.connect.clone();
    to_b.url = to_b.url.replace(&format!(":{}/", a.url().port().context("port")?), &format!(":{}/", b.url().port().context("port")?));
    ensure!(to_b.url != offered.connect.url);
    ensure!(permits(a).await? == [1, 0]);
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, &to_b).await?;
    stream.audio().await?;
    until("a forgets the call", async || {
        let known = scrape(a).await?.sum("voicenoob_offers_waiting", &[]) + scrape(a).await?.sum("voicenoob_permits_taken", &[]);
        Ok((known == 0.0).then_some(()))
    })
    .await?;
    ensure!(permits(a).await? == [0, 1] && permits(b).await? == [0, 1], "one call holds one permit");
    for connect in [&offered.connect, &to_b] {
        let again = Hand::open(Carrier::Twilio, &offered.call_id, connect).await?;
        ensure!(again.closed().await?.code == Some(4001), "a token opens one stream, on whichever instance");
    }
    stream.audio().await?;

    // The operator may ask either of them.
    ensure!(asked(a, Method::POST, &format!("/api/v1/calls/{}/hangup", offered.call_id)).await? == 200);
    ensure!(stream.closed().await?.code == Some(1000));
    ensure!(end_reason(a, &offered.call_id).await? == "agent_hung_up");
    until("nothing is left", async || Ok((permits(b).await? == [0, 0]).then_some(()))).await?;
    let verbs = at(&cluster, 0)?.ask_action(Carrier::Twilio, &offered.call_id).await?;
    ensure!(verbs == [Verb::Hangup], "a call that ended on one is over on the other: {verbs:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_moves_to_another_instance_when_its_own_stops() -> Result<()> {
    let mut cluster = two(&[("DRAIN_SETTLE_TIME", "0"), ("SHUTDOWN_DRAIN_TIMEOUT", "1")]).await?;
    let call = cluster.carrier()?.place(plan(Carrier::Twilio).then(booking().await?));
    seen(&call, "the caller is in the middle of the booking", |journal| journal.booked.answers >= 2).await?;
    let there = cluster.json(0, "/api/v1/calls/active").await?["calls"].as_array().is_some_and(|calls| calls.len() == 1);
    let (from, to) = if there { (0, 1) } else { (1, 0) };
    cluster.instance(from)?.signal("TERM").await?;
    seen(&call, "the agent is heard on the other", |journal| journal.breaks.iter().any(|broken| broken.talking.is_some())).await?;
    let status = cluster.gone(from).await?;
    ensure!(status.success(), "{status}");
    let other = cluster.instance(to)?;
    ensure!(other.json("/api/v1/calls/active").await?["calls"].as_array().is_some_and(|calls| calls.len() == 1));
    let journal = call.ended().await?;
    ensure!(journal.breaks.len() == 1 && journal.breaks[0].code == Some(4010), "{journal:?}");
    booked_once(other, &journal).await?;
    other.expect_idle().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_may_report_the_end_of_an_interrupted_call_to_any_instance() -> Result<()> {
    let cluster = two(&[]).await?;
    let (a, carrier) = (cluster.instance(0)?, at(&cluster, 0)?);
    let live = carrier.place(plan(Carrier::Twilio).then(Move::Stay(LONG)));
    seen(&live, "the agent speaks", |journal| journal.first_sound.is_some()).await?;
    let broken = CallPlan { hang_up: HangUp::Reset, ..CallPlan::new(Carrier::Twilio) };
    let broken = carrier.place(broken.then(Move::Listen)).ended().await?;
    until("the stream is gone", async || Ok((scrape(a).await?.sum("voicenoob_calls_interrupted_total", &[]) == 1.0).then_some(()))).await?;
    until("its place is free", async || Ok((permits(a).await? == [1, 0]).then_some(()))).await?;
    for id in [&broken.call_id, &live.id()] {
        at(&cluster, 1)?.report(Carrier::Twilio, id, "completed").await?;
    }
    ensure!(record(a, &broken.call_id).await?["call"]["end_reason"] == "caller_hung_up");
    let talking = record(a, &live.id()).await?;
    ensure!(talking["call"]["ended_at"].is_null(), "the stream of a live call knows better: {talking}");
    live.hang_up();
    ensure!(end_reason(a, &live.ended().await?.call_id).await? == "caller_hung_up");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_dead_instance_is_lost_when_nobody_asks_for_it() -> Result<()> {
    let mut cluster = two(&[("RESUME_WINDOW", "5")]).await?;
    let offered = at(&cluster, 0)?.offered(&echo(Carrier::Telnyx)).await?;
    let mut stream = Hand::open(Carrier::Telnyx, &offered.call_id, &offered.connect).await?;
    stream.audio().await?;
    // Known to both; one that dies before is found by the look through the records, a minute later.
    until("the call is registered", async || {
        let active = cluster.json(1, "/api/v1/calls/active").await?;
        Ok(active["registered"].as_array().is_some_and(|calls| calls.len() == 1).then_some(()))
    })
    .await?;
    cluster.kill(0).await?;
    let b = cluster.instance(1)?;
    ensure!(end_reason(b, &offered.call_id).await? == "instance_lost");
    let scrape = scrape(b).await?;
    ensure!(scrape.sum("voicenoob_calls_failed_total", &[("error_type", "instance_lost")]) == 1.0, "{scrape:?}");
    ensure!(scrape.sum("voicenoob_calls_lost_total", &[]) == 1.0, "{scrape:?}");
    let verbs = at(&cluster, 1)?.ask_action(Carrier::Telnyx, &offered.call_id).await?;
    ensure!(verbs == [Verb::Hangup], "{verbs:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_repeated_elsewhere_costs_nothing() -> Result<()> {
    let cluster = two(&[]).await?;
    let (a, b) = (cluster.instance(0)?, cluster.instance(1)?);
    let first = at(&cluster, 0)?.ask_voice(&echo(Carrier::Twilio), "CA-repeated").await?;
    let second = at(&cluster, 1)?.ask_voice(&echo(Carrier::Twilio), "CA-repeated").await?;
    ensure!(connect(&second)?.url != connect(&first)?.url);
    // The carrier has both answers, and goes by the first.
    let mut stream = Hand::open(Carrier::Twilio, "CA-repeated", connect(&first)?).await?;
    stream.audio().await?;
    until("b waits for nothing", async || Ok((scrape(b).await?.sum("voicenoob_offers_waiting", &[]) == 0.0).then_some(()))).await?;
    ensure!(permits(a).await? == [1, 0] && permits(b).await? == [1, 0], "the call is where its stream is");
    ensure!(asked(b, Method::POST, "/api/v1/calls/CA-repeated/hangup").await? == 200, "and is found there");
    ensure!(stream.closed().await?.code == Some(1000));
    ensure!(end_reason(b, "CA-repeated").await? == "agent_hung_up");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_instance_sends_callers_to_one_with_room_and_then_refuses() -> Result<()> {
    let cluster = two(&[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let b = cluster.instance(1)?.url().to_string();
    let _first = at(&cluster, 0)?.offered(&echo(Carrier::Twilio)).await?;
    let sent = at(&cluster, 0)?.ask_voice(&echo(Carrier::Twilio), "CA-second").await?;
    ensure!(matches!(&sent[..], [Verb::Redirect(url)] if url.starts_with(&b) && url.contains("hop=1")), "{sent:?}");
    let taken = at(&cluster, 1)?.ask_voice(&echo(Carrier::Twilio), "CA-second").await?;
    let mut stream = Hand::open(Carrier::Twilio, "CA-second", connect(&taken)?).await?;
    stream.audio().await?;
    let refused = at(&cluster, 0)?.ask_voice(&echo(Carrier::Twilio), "CA-third").await?;
    ensure!(matches!(&refused[..], [Verb::Play(_) | Verb::Say(_), Verb::Hangup]), "everybody is full: {refused:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_transfer_may_be_told_to_any_instance() -> Result<()> {
    let cluster = two(&[]).await?;
    let (a, b) = (cluster.instance(0)?, cluster.instance(1)?);
    let offered = at(&cluster, 0)?.offered(&CallPlan::new(Carrier::Twilio)).await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, &offered.connect).await?;
    stream.sentence().await?;
    stream.press('0').await;
    ensure!(stream.closed().await?.code == Some(1000));
    let dial = at(&cluster, 1)?.ask_action(Carrier::Twilio, &offered.call_id).await?;
    ensure!(matches!(&dial[..], [Verb::Dial { .. }]), "{dial:?}");
    until("its place is free", async || Ok((permits(a).await? == [0, 0]).then_some(()))).await?;
    for instance in [a, b] {
        let hang_up = asked(instance, Method::POST, &format!("/api/v1/calls/{}/hangup", offered.call_id)).await?;
        ensure!(hang_up == 409, "no instance has the line: {hang_up}");
    }
    let verbs = at(&cluster, 1)?.ask_after_dial(Carrier::Twilio, &offered.call_id, "in-progress", "busy").await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, connect(&verbs)?).await?;
    stream.sentence().await?;
    ensure!(permits(a).await? == [0, 1], "the caller is back on the other");
    let told = |record: &serde_json::Value| record.to_string().matches("nobody could be reached").count() > 0;
    until("the caller is told", async || Ok(told(&record(b, &offered.call_id).await?).then_some(()))).await?;
    ensure!(stream.stop().await?.code == Some(1000));
    ensure!(end_reason(a, &offered.call_id).await? == "caller_hung_up");
    Ok(())
}
