//! Limits of agents and tenants, beside those of the instance.

use anyhow::{Result, ensure};
use call::Carrier;

use crate::centre::{Centre, until};

#[tokio::test]
async fn an_agents_limit_makes_its_callers_wait_and_nobody_elses() -> Result<()> {
    let limits = [("MAX_CONCURRENT_CALLS", "10"), ("MAX_CONCURRENT_CALLS_PER_AGENT", "1"), ("ENABLE_CALL_QUEUE", "true")];
    let centre = Centre::open(&limits).await?;
    let first = centre.talking("desk").await?;
    let second = centre.waiting(Carrier::Telnyx, "desk", 1).await?;
    let other = centre.talking("echo").await?;
    ensure!(centre.queue().await? == [second.id()], "the echo agent's caller has not waited behind the desk's");
    first.leaves().await?;
    until("the second one is served", async || Ok(!centre.said(&second.id()).await?.is_empty())).await?;
    second.leaves().await?;
    other.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_tenants_limit_holds_over_all_agents() -> Result<()> {
    let limits = [("MAX_CONCURRENT_CALLS", "10"), ("MAX_CONCURRENT_CALLS_PER_TENANT", "2"), ("ENABLE_CALL_QUEUE", "true")];
    let centre = Centre::open(&limits).await?;
    let (first, second) = (centre.talking("desk").await?, centre.talking("echo").await?);
    let third = centre.waiting(Carrier::Twilio, "desk", 1).await?;
    second.leaves().await?;
    until("the third one is served", async || Ok(!centre.said(&third.id()).await?.is_empty())).await?;
    first.leaves().await?;
    third.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_number_that_calls_too_often_is_told_that_all_lines_are_busy_and_others_are_served() -> Result<()> {
    let centre = Centre::open(&[("CALLS_PER_MINUTE_PER_CALLER", "2"), ("ENABLE_CALL_QUEUE", "true")]).await?;
    for carrier in [Carrier::Twilio, Carrier::Telnyx] {
        let served = centre.rings(carrier, "desk", 1);
        until("the call is served", async || Ok(!centre.said(&served.id()).await.unwrap_or_default().is_empty())).await?;
        served.leaves().await?;
    }
    let refused = centre.rings(Carrier::Twilio, "desk", 1);
    let id = refused.id();
    let heard = refused.over().await?;
    ensure!(heard.said.iter().any(|said| said.ends_with("busy.wav")), "{heard:?}");
    centre.ended(&id, "refused").await?;
    ensure!(centre.metric("voicenoob_calls_refused_total", &[("reason", "caller_rate")]).await? == 1.0);
    let other = centre.rings(Carrier::Twilio, "desk", 2);
    until("another number is served", async || Ok(!centre.said(&other.id()).await.unwrap_or_default().is_empty())).await?;
    other.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_workspace_that_is_called_too_often_takes_no_more_for_a_while() -> Result<()> {
    let centre = Centre::open(&[("CALLS_PER_MINUTE_PER_TENANT", "1")]).await?;
    let first = centre.talking("desk").await?;
    let refused = centre.rings(Carrier::Telnyx, "desk", 1).over().await?;
    ensure!(refused.said.iter().any(|said| said.ends_with("busy.wav")), "{refused:?}");
    ensure!(centre.metric("voicenoob_calls_refused_total", &[("reason", "tenant_rate")]).await? == 1.0);
    first.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn without_the_queue_every_limit_refuses_under_its_own_name() -> Result<()> {
    for (limit, reason) in [
        ("MAX_CONCURRENT_CALLS", "instance_limit"),
        ("MAX_CONCURRENT_CALLS_PER_AGENT", "agent_limit"),
        ("MAX_CONCURRENT_CALLS_PER_TENANT", "tenant_limit"),
    ] {
        let centre = Centre::open(&[(limit, "1")]).await?;
        let talking = centre.talking("desk").await?;
        let refused = centre.rings(Carrier::Telnyx, "desk", 1).over().await?;
        ensure!(refused.said.iter().any(|said| said.ends_with("busy.wav")), "{reason}: {refused:?}");
        ensure!(centre.metric("voicenoob_calls_refused_total", &[("reason", reason)]).await? == 1.0, "{reason}");
        talking.leaves().await?;
        centre.server.stop().await?;
    }
    Ok(())
}
