//! More callers than lines: they wait, are told so, and are served in their order; or they are refused in words.

mod limits;
mod operators;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::{Carrier, PhoneNumber};
use dial::{CallReport, Script, Step};
use serde_json::json;
use telephony::twilio;
use testkit::Server;
use testkit::carrier::{CallEnd, CallPlan, HangUp, Move};

use crate::centre::{Centre, DESK_ID, Listener, number, until, within};
use crate::words::Heard;

/// A caller who is gone is noticed within this time.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Longer than any of these stories.
const PATIENCE: Duration = Duration::from_secs(60);

on_both_carriers!(
    a_caller_over_capacity_waits_and_is_put_through_on_the_same_line,
    a_caller_who_hangs_up_while_waiting_is_gone_at_once,
    a_waiting_callers_broken_line_keeps_its_place_for_a_while_only,
    key_1_stores_a_callback_and_ends_the_call_after_its_confirmation,
    a_full_queue_refuses_in_words,
);

/// Waits until the caller who waits longest has waited so long.
async fn waited(centre: &Centre, ms: u64) -> Result<()> {
    until("somebody waits for long", async || {
        let stats = centre.server.json("/api/v1/queue/stats").await?;
        Ok(stats["depth"] == 1 && stats["oldest_ms"].as_u64().is_some_and(|oldest| oldest >= ms))
    })
    .await
}

async fn a_caller_over_capacity_waits_and_is_put_through_on_the_same_line(carrier: Carrier) -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let first = centre.talking("echo").await?;
    let caller = Listener::calls(&centre, Script::new(carrier).step(Step::Silence(PATIENCE))).await?;
    until("the caller waits", async || Ok(centre.queue().await?.len() == 1)).await?;

    let (status, queue) = centre.get("/api/v1/queue").await?;
    let entry = &queue["calls"][0];
    let call_id = entry["call_id"].as_str().context("no id")?.to_owned();
    ensure!(status == 200 && queue["enabled"] == true && queue["depth"] == 1 && queue["waiting_here"] == 1, "{queue}");
    ensure!(entry["agent_id"] == DESK_ID && entry["phone_number"] == "+15005550006" && entry["priority"] == 0, "{entry}");
    ensure!(entry["queued_at"].is_f64() && entry["metadata"]["provider"] == carrier.as_str(), "{entry}");
    ensure!(entry["metadata"]["session_id"] == centre.record(&call_id).await?["id"], "{entry}");
    let stats = centre.server.json("/api/v1/queue/stats").await?;
    let of_the_reference = json!([stats["enabled"], stats["depth"], stats["max_size"], stats["total_queued"], stats["total_dequeued"]]);
    ensure!(of_the_reference == json!([1, 1, 1000, 1, 0]), "{stats}");
    ensure!(centre.metric("voicenoob_queue_depth", &[]).await? == 1.0 && centre.metric("voicenoob_queue_waiting_here", &[]).await? == 1.0);
    ensure!(centre.metric("voicenoob_active_calls_current", &[]).await? == 1.0, "who waits does not talk");
    let (ready, _) = centre.get("/health/ready").await?;
    ensure!(ready == 200, "with the queue on, a full house still takes calls");

    waited(&centre, 8000).await?;
    first.leaves().await?;
    until("the agent talks to the caller", async || Ok(!centre.said(&call_id).await?.is_empty())).await?;
    let report = caller.hangs_up().await?;
    centre.ended(&call_id, "caller_hung_up").await?;
    ensure!(report.carrier_call_id == call_id && centre.said(&call_id).await? == ["The front desk is speaking."]);
    let calls = centre.server.json("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 2), "one record for each call: {calls}");

    let stats = centre.server.json("/api/v1/queue/stats").await?;
    let waited = stats["wait_total_ms"].as_u64().unwrap_or(0);
    ensure!(stats["total_dequeued"] == 1 && stats["depth"] == 0 && stats["within_threshold"] == 1 && waited >= 8000, "{stats}");
    ensure!(centre.metric("voicenoob_queue_promoted_total", &[]).await? == 1.0);
    ensure!(centre.metric("voicenoob_queue_wait_seconds_count", &[]).await? == 1.0);
    ensure!(centre.metric("voicenoob_queue_wait_seconds_sum", &[]).await? >= 8.0);
    what_a_wait_sounds_like(&report).await?;
    centre.server.stop().await?;
    Ok(())
}

/// Welcome, place, offer; music; the agent's greeting.
async fn what_a_wait_sounds_like(report: &CallReport) -> Result<()> {
    let heard = Heard::of(report).await?;
    ensure!(report.first_audio_ms.is_some_and(|ms| ms < 1000), "something is heard at once: {:?}", report.first_audio_ms);
    let welcome = heard.expect("All lines are busy.").await?;
    let place = heard.expect("You are next in line.").await?;
    let offer = heard.expect("Press one to be called back.").await?;
    let ready = heard.expect("Here we go.").await?;
    let greeting = heard.expect("The front desk is speaking.").await?;
    let order = [&welcome, &place, &offer, &ready, &greeting];
    ensure!(order.windows(2).all(|pair| pair[0].end <= pair[1].start), "{order:?}");
    let music = offer.end + 8000..offer.end + 16_000;
    ensure!(music.end < ready.start, "there was no time for music: {order:?}");
    let tenths: Vec<_> = music.clone().step_by(800).map(|at| heard.level(at..at + 800)).collect();
    ensure!(tenths.iter().all(|level| *level > -50.0), "the music has holes: {tenths:?}");
    Ok(())
}

#[tokio::test]
async fn callers_are_served_in_the_order_they_came() -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let first = centre.waiting(Carrier::Twilio, "desk", 1).await?;
    let second = centre.waiting(Carrier::Telnyx, "desk", 2).await?;
    ensure!(centre.queue().await? == [first.id(), second.id()]);

    talking.leaves().await?;
    until("the first one is served", async || Ok(centre.queue().await? == [second.id()])).await?;
    until("the agent greets", async || Ok(!centre.said(&first.id()).await?.is_empty())).await?;
    ensure!(centre.live(&second.id()).await?.is_some_and(|call| call["waiting"] == true), "the second one waits on");
    let first = first.leaves().await?;
    until("the agent greets", async || Ok(!centre.said(&second.id()).await?.is_empty())).await?;
    let second = second.leaves().await?;
    ensure!(first.streams == 1 && second.streams == 1 && first.breaks.is_empty() && second.breaks.is_empty());
    ensure!(centre.metric("voicenoob_queue_promoted_total", &[]).await? == 2.0);
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_caller_whose_turn_comes_before_its_stream_is_put_through_when_it_is_there() -> Result<()> {
    let centre = Centre::with_one_line(&[("QUEUE_GRANT_LEASE", "2")]).await?;
    let talking = centre.talking("echo").await?;
    let plan = |index| CallPlan { agent: Some("echo".into()), from: number(index), ..CallPlan::new(Carrier::Twilio) };
    let mut in_time = centre.carrier.offered(&plan(1)).await?;
    let mut late = centre.carrier.offered(&plan(2)).await?;
    talking.leaves().await?;
    until("the first place is granted", async || Ok(centre.queue().await? == [late.call_id.clone()])).await?;
    let first = in_time.started().await?;
    until("it is put through", async || Ok(centre.live(&in_time.call_id).await?.is_some_and(|call| call["waiting"] == false))).await?;
    drop(first);
    until("the second grant runs out", async || {
        let stats = centre.server.json("/api/v1/queue/stats").await?;
        Ok(stats["lapsed"].as_u64().is_some_and(|lapsed| lapsed > 0))
    })
    .await?;
    let second = late.started().await?;
    until("it is put through", async || Ok(centre.live(&late.call_id).await?.is_some_and(|call| call["waiting"] == false))).await?;
    drop(second);
    Ok(())
}

async fn a_caller_who_hangs_up_while_waiting_is_gone_at_once(carrier: Carrier) -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let caller = centre.waiting(carrier, "desk", 1).await?;
    caller.hears_something().await?;
    let call_id = caller.id();
    caller.go_on();
    let took = within(AT_ONCE, "the place is free", async || {
        let record = centre.record(&call_id).await?;
        Ok(centre.queue().await?.is_empty() && centre.live(&call_id).await?.is_none() && record["end_reason"] == "caller_hung_up")
    });
    took.await?;
    ensure!(centre.record(&call_id).await?["answered_at"].is_null());
    let journal = caller.over().await?;
    ensure!(journal.breaks.is_empty(), "{journal:?}");
    until("the record has its status", async || Ok(centre.record(&call_id).await?["status"] == "canceled")).await?;
    let stats = centre.server.json("/api/v1/queue/stats").await?;
    ensure!(stats["abandoned"] == 1 && stats["total_dequeued"] == 0, "{stats}");
    ensure!(centre.metric("voicenoob_queue_abandoned_total", &[]).await? == 1.0);
    ensure!(centre.live(&talking.id()).await?.is_some(), "nobody else is touched");
    talking.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

async fn a_waiting_callers_broken_line_keeps_its_place_for_a_while_only(carrier: Carrier) -> Result<()> {
    let centre = Centre::with_one_line(&[("RESUME_WINDOW", "5")]).await?;
    let talking = centre.talking("echo").await?;
    let plan = CallPlan { agent: Some("desk".into()), hang_up: HangUp::Reset, ..CallPlan::new(carrier) };
    let broken = centre.places(plan);
    until("the caller waits", async || Ok(centre.live(&broken.id()).await?.is_some_and(|call| call["waiting"] == true))).await?;
    let next = centre.waiting(carrier, "desk", 2).await?;
    let broken = broken.leaves().await?.call_id;
    within(AT_ONCE, "the socket is gone", async || Ok(centre.live(&broken).await?.is_none())).await?;
    ensure!(centre.queue().await? == [broken.clone(), next.id()], "the caller may come back");
    ensure!(centre.record(&broken).await?["end_reason"].is_null());

    talking.leaves().await?;
    until("the next one is served", async || Ok(!centre.said(&next.id()).await?.is_empty())).await?;
    ensure!(centre.queue().await? == [broken.clone()], "nobody is put through to a dead line");
    centre.ended(&broken, "caller_hung_up").await?;
    ensure!(centre.queue().await?.is_empty() && centre.metric("voicenoob_queue_abandoned_total", &[]).await? == 1.0);
    next.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

async fn key_1_stores_a_callback_and_ends_the_call_after_its_confirmation(carrier: Carrier) -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let before = jiff::Timestamp::now();
    // Pressed twice, as impatient people do; as tones in the sound on one carrier, as messages on the other.
    let press = || Step::Press { digits: "1".into(), in_band: carrier == Carrier::Twilio };
    let script = Script::new(carrier).step(Step::Silence(Duration::from_secs(3))).step(press()).step(press()).step(Step::wait_for_end());
    let report = Listener::calls(&centre, script).await?.ended().await?;
    ensure!(report.passed() && report.closed_code == Some(1000), "{report:?}");
    ensure!(report.end_reason.is_some_and(|why| why.as_str() == "callback_requested"), "{report:?}");
    Heard::of(&report).await?.expect("We will call you back soon.").await?;

    let callbacks = centre.callbacks().await?;
    let [callback] = callbacks.as_slice() else { anyhow::bail!("one callback expected: {callbacks:?}") };
    ensure!(callback["number"] == "+15005550006" && callback["agent_id"] == DESK_ID && callback["why"] == "queue", "{callback}");
    ensure!(callback["call_id"] == centre.record(&report.carrier_call_id).await?["id"], "{callback}");
    let at: jiff::Timestamp = callback["at"].as_str().context("no time")?.parse()?;
    ensure!(before < at && at < jiff::Timestamp::now(), "{callback}");
    until("the place is free", async || Ok(centre.queue().await?.is_empty())).await?;
    let stats = centre.server.json("/api/v1/queue/stats").await?;
    ensure!(stats["callbacks"] == 1 && stats["abandoned"] == 0 && stats["total_dequeued"] == 0, "{stats}");
    ensure!(centre.metric("voicenoob_queue_callbacks_total", &[]).await? == 1.0);
    talking.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_line_that_is_free_while_a_callback_is_confirmed_goes_to_the_next_one() -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let plan = CallPlan { agent: Some("desk".into()), ..CallPlan::new(Carrier::Twilio) };
    let asks = centre.places(plan.then(Move::Stay(Duration::from_secs(2))).then(Move::Press("1".into())));
    until("the caller waits", async || Ok(centre.queue().await?.len() == 1)).await?;
    let next = centre.waiting(Carrier::Twilio, "desk", 2).await?;
    asks.until("the key is confirmed", |journal| journal.frames_out > 0).await?;
    within(Duration::from_secs(5), "who is called back waits no more", async || Ok(centre.queue().await? == [next.id()])).await?;
    ensure!(centre.live(&asks.id()).await?.is_some(), "the confirmation is being said");
    talking.leaves().await?;
    until("the next one is served", async || Ok(!centre.said(&next.id()).await?.is_empty())).await?;
    let asked = asks.over().await?;
    ensure!(asked.end.is_some_and(|(_, end)| end == CallEnd::HungUp));
    centre.ended(&asked.call_id, "callback_requested").await?;
    let stats = centre.server.json("/api/v1/queue/stats").await?;
    ensure!(stats["callbacks"] == 1 && stats["total_dequeued"] == 1, "{stats}");
    ensure!(centre.metric("voicenoob_queue_promoted_total", &[]).await? == 1.0);
    next.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn an_anonymous_caller_is_not_offered_a_callback() -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let script = Script { from: PhoneNumber::new("anonymous"), ..Script::new(Carrier::Twilio) };
    let press = Step::Press { digits: "1".into(), in_band: false };
    let caller =
        Listener::calls(&centre, script.step(Step::Silence(Duration::from_secs(1))).step(press).step(Step::Silence(PATIENCE))).await?;
    until("the caller waits", async || Ok(centre.queue().await?.len() == 1)).await?;
    waited(&centre, 7000).await?;
    let report = caller.hangs_up().await?;
    let heard = Heard::of(&report).await?;
    heard.expect("You are next in line.").await?;
    for never in ["Press one to be called back.", "We will call you back soon."] {
        ensure!(heard.find(never).await?.is_none(), "{never}");
    }
    centre.ended(&report.carrier_call_id, "caller_hung_up").await?;
    ensure!(centre.callbacks().await?.is_empty());
    talking.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

async fn a_full_queue_refuses_in_words(carrier: Carrier) -> Result<()> {
    let centre = Centre::with_one_line(&[("MAX_CALL_QUEUE_SIZE", "1")]).await?;
    let talking = centre.talking("echo").await?;
    let waiting = centre.waiting(carrier, "desk", 1).await?;
    let refused = centre.rings(carrier, "desk", 2).over().await?;
    // The carrier has fetched it, and it is a sound.
    ensure!(refused.said.len() == 1 && refused.said[0].ends_with(&format!("/audio/refusals/{DESK_ID}/busy.wav")), "{:?}", refused.said);
    ensure!(refused.end.is_some_and(|(_, end)| end == CallEnd::HungUp) && refused.streams == 0);
    centre.ended(&refused.call_id, "refused").await?;
    ensure!(centre.metric("voicenoob_calls_refused_total", &[("reason", "queue_full")]).await? == 1.0);
    ensure!(centre.queue().await? == [waiting.id()]);
    waiting.leaves().await?;
    talking.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_broken_line_whose_carrier_says_that_the_call_is_over_keeps_no_place() -> Result<()> {
    a_waiting_call_is_reported_over(false).await
}

#[tokio::test]
async fn a_line_that_breaks_after_its_carrier_said_that_the_call_is_over_keeps_no_place() -> Result<()> {
    a_waiting_call_is_reported_over(true).await
}

async fn a_waiting_call_is_reported_over(reported_first: bool) -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let plan = CallPlan { agent: Some("desk".into()), from: number(1), ..CallPlan::new(Carrier::Twilio) };
    let mut offered = centre.carrier.offered(&plan).await?;
    let socket = offered.started().await?;
    until("the caller waits", async || Ok(centre.live(&offered.call_id).await?.is_some())).await?;
    if reported_first {
        reported_completed(&centre.server, &offered.call_id).await?;
        ensure!(centre.queue().await? == [offered.call_id.clone()], "its line is still there");
        drop(socket);
    } else {
        drop(socket);
        until("the socket is gone", async || Ok(centre.live(&offered.call_id).await?.is_none())).await?;
        ensure!(centre.queue().await? == [offered.call_id.clone()], "the caller may come back");
        reported_completed(&centre.server, &offered.call_id).await?;
    }
    within(AT_ONCE, "nobody comes back", async || Ok(centre.queue().await?.is_empty())).await?;
    centre.ended(&offered.call_id, "caller_hung_up").await?;
    ensure!(centre.metric("voicenoob_queue_abandoned_total", &[]).await? == 1.0);
    talking.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

/// Twilio's status callback at the end of a call.
async fn reported_completed(server: &Server, call_id: &str) -> Result<()> {
    let keys = std::fs::read_to_string(server.data_dir().join("dev-keys.toml"))?;
    let token = keys.lines().find_map(|line| line.strip_prefix("twilio_auth_token = ")).context("no token")?.trim_matches('"').to_owned();
    let form = [("CallSid", call_id), ("AccountSid", "AC1"), ("CallStatus", "completed"), ("CallDuration", "3")];
    let form: Vec<_> = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let url = server.url().join("/webhooks/twilio/status")?;
    let body: String = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let request = server.http().post(url.clone()).header("X-Twilio-Signature", twilio::signature::sign(url.as_str(), &form, &token));
    let answer = request.header("Content-Type", "application/x-www-form-urlencoded").body(body).send().await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    Ok(())
}
