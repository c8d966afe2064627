//! Events of Telnyx Call Control that come again, because what they led to was not taken.

use anyhow::{Result, bail, ensure};
use serde_json::json;
use testkit::telnyx_api::{ApiFault, Obeyed, TransferWanted};

use super::{SORRY, said};
use crate::call_control::{Desk, TRIES, open};
use crate::hand::until;

/// The caller wants a person, and the agent has left.
async fn leaves(desk: &Desk, call: &str) -> Result<String> {
    let mut stream = desk.answered(call).await?;
    stream.sentence().await?;
    stream.press('0').await;
    let stream_id = stream.stream_id.clone();
    ensure!(stream.closed().await?.code == Some(1000));
    desk.api.stream_ends(call);
    Ok(stream_id)
}

async fn stopped(desk: &Desk, call: &str, stream_id: &str) -> Result<u16> {
    desk.event(&format!("{stream_id}-stopped"), "streaming.stopped", call, json!({ "stream_id": stream_id })).await
}

/// The person's phone rings.
async fn rings(desk: &Desk, call: &str) -> Result<TransferWanted> {
    let stream_id = leaves(desk, call).await?;
    ensure!(stopped(desk, call, &stream_id).await? == 200);
    match desk.api.order().await?.obeyed {
        Obeyed::Transfer(wanted) => Ok(wanted),
        other => bail!("nobody is called but {other:?}"),
    }
}

/// The person's leg is over, because of this.
async fn leg_over(desk: &Desk, leg: &TransferWanted, call: &str, cause: &str) -> Result<u16> {
    let more = json!({ "hangup_cause": cause, "client_state": leg.leg_state });
    desk.event(&format!("{call}-leg-over"), "call.hangup", &format!("{call}-leg"), more).await
}

async fn taken(desk: &Desk) -> Result<u64> {
    Ok(desk.server.json("/api/v1/calls/active").await?["taken"].as_u64().unwrap_or(u64::MAX))
}

#[tokio::test]
async fn who_may_not_be_put_through_is_taken_up_by_the_process_that_follows() -> Result<()> {
    let desk = Desk::open(&[]).await?;
    let stream_id = leaves(&desk, "v3:refused").await?;
    // The account may not dial out; and the stream cannot be asked for at the moment.
    desk.api.will_fail([403, 503, 503, 503].map(ApiFault::Status));
    ensure!(stopped(&desk, "v3:refused", &stream_id).await? == 503 && desk.api.faults_left() == 0);
    let desk = desk.killed_and_started_again().await?;
    ensure!(stopped(&desk, "v3:refused", &stream_id).await? == 200);
    let mut stream = open("v3:refused", &desk.wanted().await?).await?;
    stream.sentence().await?;
    until("the caller is told", async || Ok((said(&desk.record("v3:refused").await?, SORRY) == 1).then_some(()))).await?;
    ensure!(stopped(&desk, "v3:refused", &stream_id).await? == 200, "old news");
    ensure!(stream.stop().await?.code == Some(1000));
    desk.hung_up("v3:refused").await?;
    ensure!(desk.record("v3:refused").await?["call"]["end_reason"] == "caller_hung_up");
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_transfer_is_commanded_until_the_carrier_takes_it() -> Result<()> {
    let desk = Desk::open(&[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let leg = rings(&desk, "v3:back").await?;
    ensure!(stopped(&desk, "v3:back", "another").await? == 200, "that any other stream has ended is old news");
    desk.server.expect_idle().await?;
    let mut other = desk.answered("v3:other").await?;
    other.audio().await?;
    desk.api.will_fail(vec![ApiFault::Status(503); TRIES]);
    ensure!(leg_over(&desk, &leg, "v3:back", "user_busy").await? == 503 && desk.api.faults_left() == 0);
    ensure!(desk.record("v3:back").await?["call"]["end_reason"] == "refused");
    ensure!(leg_over(&desk, &leg, "v3:back", "user_busy").await? == 200);
    match desk.api.order().await?.obeyed {
        Obeyed::Speak(said) => ensure!(said.contains("busy"), "{said}"),
        other => bail!("nothing said but {other:?}"),
    }
    ensure!(desk.event("e-spoken", "call.speak.ended", "v3:back", json!({})).await? == 200);
    ensure!(matches!(desk.api.order().await?.obeyed, Obeyed::HangUp));
    ensure!(other.stop().await?.code == Some(1000));
    desk.hung_up("v3:other").await?;
    desk.server.expect_idle().await?;

    let leg = rings(&desk, "v3:reached").await?;
    let bridged = json!({ "client_state": leg.leg_state });
    ensure!(desk.event("e-bridged", "call.bridged", "v3:reached-leg", bridged).await? == 200);
    desk.api.will_fail(vec![ApiFault::Status(503); TRIES]);
    ensure!(leg_over(&desk, &leg, "v3:reached", "normal_clearing").await? == 503 && desk.api.faults_left() == 0);
    ensure!(leg_over(&desk, &leg, "v3:reached", "normal_clearing").await? == 200);
    ensure!(matches!(desk.api.order().await?.obeyed, Obeyed::HangUp));
    ensure!(desk.record("v3:reached").await?["call"]["end_reason"] == "transferred");
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_caller_who_is_gone_by_the_time_of_the_return_holds_no_place_and_has_hung_up() -> Result<()> {
    let desk = Desk::open(&[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let leg = rings(&desk, "v3:gone").await?;
    desk.server.expect_idle().await?;
    desk.api.call_ends("v3:gone");
    // The person's leg is told of before the caller's own.
    ensure!(leg_over(&desk, &leg, "v3:gone", "originator_cancel").await? == 200);
    ensure!(desk.record("v3:gone").await?["call"]["end_reason"] == "caller_hung_up" && taken(&desk).await? == 0);
    desk.hung_up("v3:gone").await?;
    desk.server.stop().await?;
    Ok(())
}
