//! An instance stops while people talk and wait: it says so, calls go on to their end, and what is left at the deadline ends in words.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::{Carrier, PhoneNumber};
use dial::{Script, Step};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Server;
use testkit::carrier::{CallEnd, CallPlan};
use tokio::time::Instant;

use crate::centre::{Centre, DESK_ID, Listener, number, until, within};
use crate::program;
use crate::words::Heard;

/// What is done at once is done within this time.
const AT_ONCE: Duration = Duration::from_secs(2);

on_both_carriers!(
    a_live_call_goes_on_to_its_own_end_after_a_signal,
    a_call_at_the_deadline_hears_closing_words_and_is_called_back,
    waiting_callers_are_told_and_called_back,
);

/// Waits until the drain stands there.
async fn reaches(centre: &Centre, state: &str) -> Result<()> {
    until(&format!("the drain is {state}"), async || {
        let (_, body) = centre.get("/api/v1/drain").await?;
        Ok(body["state"] == state && centre.metric("voicenoob_drain_state", &[("state", state)]).await? == 1.0)
    })
    .await
}

/// Readiness as a balancer asks for it, over a connection of its own.
async fn readiness(centre: &Centre) -> Result<(u16, Value)> {
    let answer = centre.carrier.http().get(centre.server.url().join("/health/ready")?).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

async fn is_not_ready(centre: &Centre) -> Result<()> {
    let wanted = (503, json!({ "status": "not_ready", "reason": "shutdown_in_progress" }));
    within(AT_ONCE, "readiness says no", async || Ok(readiness(centre).await? == wanted)).await.map(drop)
}

/// Ends the server and gives the record of a call from what it left.
async fn record_afterwards(server: Server, call_id: &str) -> Result<Value> {
    let hung = server.ended().await?;
    ensure!(hung.status.success(), "{:?}", hung.status);
    let again = Server::start_in(program(), hung.data, &[]).await?;
    Ok(again.json(&format!("/api/v1/calls/{call_id}")).await?["call"].clone())
}

async fn a_live_call_goes_on_to_its_own_end_after_a_signal(carrier: Carrier) -> Result<()> {
    let centre = Centre::open(&[]).await?;
    let caller = centre.rings(carrier, "echo", 1);
    caller.until("something comes back", |journal| journal.frames_in > 10).await?;
    centre.server.signal(if carrier == Carrier::Twilio { "TERM" } else { "INT" }).await?;
    is_not_ready(&centre).await?;
    let then = centre.get("/api/v1/drain").await?.1;
    ensure!(then["remaining_calls"] == 1 && then["seconds_to_deadline"].as_f64().is_some_and(|left| left > 110.0), "{then}");
    // A second of talk, while the listener stays open.
    let sofar = caller_frames(&caller);
    caller.until("the call goes on", |journal| journal.frames_in > sofar + 50).await?;
    is_not_ready(&centre).await?;
    let left = Instant::now();
    let journal = caller.leaves().await?;
    ensure!(journal.breaks.is_empty() && journal.end.is_some_and(|(_, end)| end == CallEnd::CallerLeft));
    let record = record_afterwards(centre.server, &journal.call_id).await?;
    ensure!(record["end_reason"] == "caller_hung_up" && record["status"] == "completed", "{record}");
    ensure!(left.elapsed() < Duration::from_secs(10), "nothing is waited for that is not there");
    Ok(())
}

fn caller_frames(caller: &crate::centre::Caller) -> u64 {
    caller.look(|journal| journal.frames_in)
}

#[tokio::test]
async fn while_it_settles_new_calls_are_served_and_then_they_are_told() -> Result<()> {
    let centre = Centre::open(&[("DRAIN_SETTLE_TIME", "2")]).await?;
    let first = centre.talking("echo").await?;
    centre.server.signal("TERM").await?;
    is_not_ready(&centre).await?;
    ensure!(centre.metric("voicenoob_drain_state", &[("state", "settling")]).await? == 1.0);
    let second = centre.talking("desk").await?;
    reaches(&centre, "refusing").await?;
    let refused = centre.rings(Carrier::Telnyx, "desk", 2).over().await?;
    ensure!(refused.streams == 0 && refused.said.len() == 1, "{:?}", refused.said);
    ensure!(refused.said[0].ends_with(&format!("/audio/refusals/{DESK_ID}/closing.wav")), "{:?}", refused.said);
    ensure!(centre.metric("voicenoob_calls_refused_total", &[("reason", "draining")]).await? == 1.0);
    ensure!(centre.metric("voicenoob_drain_remaining_calls", &[]).await? == 2.0);
    ensure!(centre.live(&second.id()).await?.is_some() && centre.live(&first.id()).await?.is_some(), "live calls go on");
    first.leaves().await?;
    until("its outcome is counted", async || Ok(centre.metric("voicenoob_drain_calls_total", &[("outcome", "finished")]).await? == 1.0))
        .await?;
    second.leaves().await?;
    ensure!(centre.server.ended().await?.status.success());
    Ok(())
}

async fn a_call_at_the_deadline_hears_closing_words_and_is_called_back(carrier: Carrier) -> Result<()> {
    let centre = Centre::open(&[("SHUTDOWN_DRAIN_TIMEOUT", "2")]).await?;
    let caller = Listener::calls(&centre, Script::new(carrier).step(Step::wait_for_end())).await?;
    until("the call is live", async || Ok(centre.server.json("/api/v1/calls/active").await?["calls"][0].is_object())).await?;
    let (status, body) = centre.ask(Method::POST, "/api/v1/drain").await?;
    ensure!(status == 202 && (body["state"] == "settling" || body["state"] == "refusing") && body["remaining_calls"] == 1, "{body}");
    ensure!(body["seconds_to_deadline"].as_f64().is_some_and(|left| left > 0.0 && left <= 2.0), "{body}");
    ensure!(centre.ask(Method::POST, "/api/v1/drain").await?.0 == 200, "it is under way already");
    is_not_ready(&centre).await?;
    let detailed = centre.server.json("/health/detailed").await?;
    ensure!(detailed["drain"]["state"] == "refusing" && detailed["calls"]["shutting_down"] == true, "{detailed}");

    reaches(&centre, "handover").await?;
    let (status, body) = centre.ask(Method::DELETE, "/api/v1/drain").await?;
    ensure!(status == 409 && body["detail"].as_str().is_some_and(|detail| detail.contains("too late")), "{body}");
    let report = caller.ended().await?;
    ensure!(report.closed_code == Some(1001) && report.end_reason.is_some_and(|why| why.as_str() == "drained"), "{report:?}");
    Heard::of(&report).await?.expect("We close now, and we will call you.").await?;
    ensure!(centre.said(&report.carrier_call_id).await?.last().is_some_and(|said| said == "We close now, and we will call you."));
    let callbacks = centre.callbacks().await?;
    ensure!(callbacks.len() == 1 && callbacks[0]["why"] == "drain" && callbacks[0]["number"] == "+15005550006", "{callbacks:?}");
    ensure!(callbacks[0]["agent_id"] == DESK_ID, "{callbacks:?}");

    reaches(&centre, "stopped").await?;
    ensure!(centre.metric("voicenoob_drain_calls_total", &[("outcome", "closed")]).await? == 1.0);
    ensure!(centre.metric("voicenoob_drain_calls_total", &[]).await? == 1.0, "no call has two outcomes");
    ensure!(centre.get("/health/live").await?.0 == 200, "the process waits for a signal");
    let began = Instant::now();
    centre.server.signal("TERM").await?;
    ensure!(centre.server.ended().await?.status.success() && began.elapsed() < Duration::from_secs(4));
    Ok(())
}

#[tokio::test]
async fn a_caller_without_a_number_is_promised_nothing_at_the_deadline() -> Result<()> {
    let centre = Centre::open(&[("SHUTDOWN_DRAIN_TIMEOUT", "1")]).await?;
    let script = Script { from: PhoneNumber::new("anonymous"), ..Script::new(Carrier::Twilio) };
    let caller = Listener::calls(&centre, script.step(Step::wait_for_end())).await?;
    until("the call is live", async || Ok(centre.server.json("/api/v1/calls/active").await?["calls"][0].is_object())).await?;
    centre.ask(Method::POST, "/api/v1/drain").await?;
    let report = caller.ended().await?;
    ensure!(report.closed_code == Some(1001), "{report:?}");
    ensure!(centre.said(&report.carrier_call_id).await?.last().is_some_and(|said| said == "We close now, please call again."));
    ensure!(centre.callbacks().await?.is_empty());
    Ok(())
}

async fn waiting_callers_are_told_and_called_back(carrier: Carrier) -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let caller = Listener::calls(&centre, Script::new(carrier).step(Step::wait_for_end())).await?;
    until("the caller waits", async || Ok(centre.queue().await?.len() == 1)).await?;
    until("with its line", async || {
        Ok(centre.server.json("/api/v1/calls/active").await?["calls"].as_array().is_some_and(|all| all.len() == 2))
    })
    .await?;
    centre.ask(Method::POST, "/api/v1/drain").await?;
    until("the place is free", async || Ok(centre.queue().await?.is_empty())).await?;
    let report = caller.ended().await?;
    ensure!(report.closed_code == Some(1001) && report.end_reason.is_some_and(|why| why.as_str() == "drained"), "{report:?}");
    Heard::of(&report).await?.expect("We close now, and we will call you.").await?;
    let callbacks = centre.callbacks().await?;
    ensure!(callbacks.len() == 1 && callbacks[0]["why"] == "drain", "{callbacks:?}");
    ensure!(centre.metric("voicenoob_queue_removed_total", &[]).await? == 1.0);
    let sofar = caller_frames(&talking);
    talking.until("who talks goes on", |journal| journal.frames_in > sofar + 50).await?;
    talking.leaves().await?;
    reaches(&centre, "stopped").await?;
    ensure!(centre.metric("voicenoob_queue_promoted_total", &[]).await? == 0.0, "nobody was put through meanwhile");
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_that_comes_while_the_drain_is_under_way_is_told_too() -> Result<()> {
    let centre = Centre::with_one_line(&[("SHUTDOWN_DRAIN_TIMEOUT", "3")]).await?;
    let plan = |index| CallPlan { agent: Some("desk".into()), from: number(index), ..CallPlan::new(Carrier::Twilio) };
    let mut with_a_line = centre.carrier.offered(&plan(1)).await?;
    let mut without = centre.carrier.offered(&plan(2)).await?;
    ensure!(centre.queue().await? == [without.call_id.clone()]);
    centre.ask(Method::POST, "/api/v1/drain").await?;
    reaches(&centre, "refusing").await?;
    let waiting = without.started().await?;
    let closed = tokio::time::timeout(Duration::from_secs(10), waiting.closed()).await.context("who waits is not told")??;
    ensure!(closed.code == Some(1001), "{closed:?}");
    centre.ended(&without.call_id, "drained").await?;

    reaches(&centre, "handover").await?;
    let talking = with_a_line.started().await?;
    let closed = tokio::time::timeout(Duration::from_secs(10), talking.closed()).await.context("who talks is not told")??;
    ensure!(closed.code == Some(1001), "{closed:?}");
    centre.ended(&with_a_line.call_id, "drained").await?;
    reaches(&centre, "stopped").await?;
    ensure!(centre.callbacks().await?.len() == 2);
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_drain_that_is_called_off_leaves_everything_as_it_was() -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    ensure!(centre.ask(Method::DELETE, "/api/v1/drain").await?.0 == 409, "there is nothing to call off");
    let (status, body) = centre.get("/api/v1/drain").await?;
    ensure!(status == 200 && body["state"] == "running" && body["seconds_to_deadline"].is_null(), "{body}");
    let talking = centre.talking("echo").await?;
    ensure!(centre.metric("voicenoob_drain_remaining_calls", &[]).await? == 0.0, "nothing is waited for");
    centre.ask(Method::POST, "/api/v1/drain").await?;
    reaches(&centre, "refusing").await?;
    let refused = centre.rings(Carrier::Twilio, "desk", 1).over().await?;
    ensure!(refused.said[0].ends_with("closing.wav"), "{:?}", refused.said);

    let (status, body) = centre.ask(Method::DELETE, "/api/v1/drain").await?;
    ensure!(status == 200 && body["state"] == "running", "{body}");
    ensure!(readiness(&centre).await? == (200, json!({ "status": "ready" })));
    ensure!(centre.ask(Method::DELETE, "/api/v1/drain").await?.0 == 409);
    ensure!(centre.metric("voicenoob_drain_state", &[("state", "running")]).await? == 1.0);
    let waiting = centre.waiting(Carrier::Telnyx, "desk", 2).await?;
    let sofar = caller_frames(&talking);
    talking.until("who talks goes on", |journal| journal.frames_in > sofar + 10).await?;
    talking.leaves().await?;
    until("who waits is served", async || Ok(!centre.said(&waiting.id()).await?.is_empty())).await?;
    let journal = waiting.leaves().await?;
    ensure!(journal.breaks.is_empty());
    ensure!(centre.metric("voicenoob_drain_calls_total", &[]).await? == 0.0, "no call has ended while it was under way");
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_signal_after_a_drain_that_was_called_off_is_a_first_one() -> Result<()> {
    let centre = Centre::open(&[]).await?;
    let caller = centre.talking("echo").await?;
    centre.server.signal("TERM").await?;
    is_not_ready(&centre).await?;
    ensure!(centre.ask(Method::DELETE, "/api/v1/drain").await?.0 == 200);
    ensure!(readiness(&centre).await?.0 == 200);
    centre.server.signal("TERM").await?;
    is_not_ready(&centre).await?;
    let sofar = caller_frames(&caller);
    caller.until("the call goes on", |journal| journal.frames_in > sofar + 25).await?;
    let journal = caller.leaves().await?;
    let record = record_afterwards(centre.server, &journal.call_id).await?;
    ensure!(record["end_reason"] == "caller_hung_up", "{record}");
    Ok(())
}

#[tokio::test]
async fn a_stream_that_never_comes_does_not_hold_the_stop_up() -> Result<()> {
    let centre = Centre::open(&[("SHUTDOWN_DRAIN_TIMEOUT", "0")]).await?;
    let plan = CallPlan { agent: Some("echo".into()), ..CallPlan::new(Carrier::Twilio) };
    let offered = centre.carrier.offered(&plan).await?;
    let began = Instant::now();
    centre.server.signal("TERM").await?;
    let record = record_afterwards(centre.server, &offered.call_id).await?;
    // What is left at the deadline has twenty seconds.
    ensure!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    ensure!(record["end_reason"] == "not_connected", "{record}");
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_everything_at_once() -> Result<()> {
    let centre = Centre::open(&[]).await?;
    let caller = centre.talking("echo").await?;
    centre.server.signal("TERM").await?;
    is_not_ready(&centre).await?;
    let began = Instant::now();
    centre.server.signal("INT").await?;
    let hung = centre.server.ended().await?;
    ensure!(hung.status.code() == Some(130), "{:?}", hung.status);
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    let call_id = caller.id();
    // The call was cut off, not ended: its record is open for resume.
    let again = Server::start_in(program(), hung.data, &[]).await?;
    let record = again.json(&format!("/api/v1/calls/{call_id}")).await?;
    ensure!(record["call"]["end_reason"].is_null(), "{record}");
    Ok(())
}

#[tokio::test]
async fn with_draining_switched_off_a_signal_ends_calls_at_once() -> Result<()> {
    let off = [("ENABLE_CONNECTION_DRAINING", "false"), ("MAX_CONCURRENT_CALLS", "1"), ("ENABLE_CALL_QUEUE", "true")];
    let centre = Centre::open(&off).await?;
    ensure!(centre.server.json("/health/detailed").await?["features"]["connection_draining"] == false);
    let (status, body) = centre.ask(Method::POST, "/api/v1/drain").await?;
    ensure!(status == 409 && body["detail"].as_str().is_some_and(|detail| detail.contains("ENABLE_CONNECTION_DRAINING")), "{body}");
    ensure!(readiness(&centre).await?.0 == 200, "nothing was begun");
    let caller = centre.talking("echo").await?;
    let waiting = centre.waiting(Carrier::Telnyx, "desk", 1).await?;
    let began = Instant::now();
    centre.server.signal("TERM").await?;
    for cut in [&caller, &waiting] {
        cut.until("the line is closed", |journal| journal.breaks.first().is_some_and(|closed| closed.code == Some(1000))).await?;
    }
    let (cut, waited) = (caller.id(), waiting.id());
    let hung = centre.server.ended().await?;
    ensure!(hung.status.success() && began.elapsed() < Duration::from_secs(4), "{:?} after {:?}", hung.status, began.elapsed());
    let again = Server::start_in(program(), hung.data, &[]).await?;
    for call_id in [cut, waited] {
        let record = again.json(&format!("/api/v1/calls/{call_id}")).await?;
        ensure!(record["call"]["end_reason"] == "agent_hung_up", "{record}");
    }
    Ok(())
}
