//! What operators do with the queue, and who is one.

use anyhow::{Context, Result, ensure};
use call::Carrier;
use dial::{Script, Step};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Server;
use testkit::carrier::CallEnd;

use crate::centre::{Centre, Listener, until};
use crate::program;
use crate::words::Heard;

#[tokio::test]
async fn an_operator_takes_callers_out_and_they_are_told() -> Result<()> {
    let centre = Centre::with_one_line(&[]).await?;
    let talking = centre.talking("echo").await?;
    let one = Listener::calls(&centre, Script::new(Carrier::Twilio).step(Step::wait_for_end())).await?;
    until("the caller waits", async || Ok(centre.queue().await?.len() == 1)).await?;
    let call_id = centre.queue().await?.remove(0);
    let second = centre.waiting(Carrier::Telnyx, "desk", 1).await?;
    let third = centre.waiting(Carrier::Twilio, "desk", 2).await?;

    let (status, _) = centre.ask(Method::DELETE, "/api/v1/queue/CA-nobody").await?;
    ensure!(status == 404);
    let (status, _) = centre.ask(Method::DELETE, &format!("/api/v1/queue/{call_id}")).await?;
    ensure!(status == 204 && centre.queue().await? == [second.id(), third.id()]);
    let report = one.ended().await?;
    Heard::of(&report).await?.expect("Nobody can take your call today.").await?;
    ensure!(report.closed_code == Some(1000) && report.end_reason.is_some_and(|why| why.as_str() == "refused"), "{report:?}");

    let (status, body) = centre.ask(Method::POST, "/api/v1/queue/clear").await?;
    ensure!(status == 200 && body == json!({ "removed": 2 }), "{body}");
    for told in [second, third] {
        let journal = told.over().await?;
        ensure!(journal.end.is_some_and(|(_, end)| end == CallEnd::HungUp) && journal.breaks[0].code == Some(1000));
        centre.ended(&journal.call_id, "refused").await?;
    }
    until("all are counted", async || Ok(centre.metric("voicenoob_queue_removed_total", &[]).await? == 3.0)).await?;
    ensure!(centre.live(&talking.id()).await?.is_some(), "who talks is not in the queue");
    talking.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

/// What operators may see and do.
const FOR_OPERATORS: [(Method, &str); 7] = [
    (Method::GET, "/api/v1/queue"),
    (Method::GET, "/api/v1/queue/stats"),
    (Method::DELETE, "/api/v1/queue/CA1"),
    (Method::POST, "/api/v1/queue/clear"),
    (Method::GET, "/api/v1/callbacks"),
    (Method::POST, "/api/v1/drain"),
    (Method::POST, "/api/v1/calls/CA1/hangup"),
];

#[tokio::test]
async fn without_a_token_only_this_machine_is_answered() -> Result<()> {
    let server = Server::start_with(program(), &[("HOST", "0.0.0.0")]).await?;
    // Nothing is sent: the system only says by which address it would go out.
    let outward = std::net::UdpSocket::bind("0.0.0.0:0")?;
    outward.connect("192.0.2.1:9").context("this machine has no address but loopback")?;
    let mut from_outside = server.url().clone();
    from_outside.set_host(Some(&outward.local_addr()?.ip().to_string()))?;
    for (method, path) in FOR_OPERATORS {
        let answer = server.http().request(method, from_outside.join(path)?).send().await?;
        ensure!(answer.status() == 403, "{path}: {}", answer.status());
        ensure!(answer.json::<Value>().await?["detail"].as_str().is_some_and(|detail| detail.contains("OPERATOR_TOKEN")));
    }
    ensure!(server.json("/api/v1/queue").await?["depth"] == 0, "loopback is answered");
    for header in [("Host", "evil.example"), ("X-Forwarded-For", "192.0.2.1")] {
        let answer = server.http().get(server.url().join("/api/v1/queue")?).header(header.0, header.1).send().await?;
        ensure!(answer.status() == 403, "{header:?}");
    }
    ensure!(server.http().get(from_outside.join("/health/ready")?).send().await?.status() == 200, "probes are open");
    Ok(())
}

#[tokio::test]
async fn with_a_token_nobody_is_answered_without_it() -> Result<()> {
    let server = Server::start_with(program(), &[("OPERATOR_TOKEN", "open-sesame-open-sesame")]).await?;
    for (method, path) in FOR_OPERATORS {
        for wrong in [None, Some("Bearer open-sesame-open-sesamE"), Some("open-sesame-open-sesame")] {
            let request = server.http().request(method.clone(), server.url().join(path)?);
            let answer =
                wrong.map_or(request.try_clone().context("request")?, |wrong| request.header("Authorization", wrong)).send().await?;
            ensure!(answer.status() == 401, "{path} with {wrong:?}: {}", answer.status());
        }
    }
    let request = server.http().get(server.url().join("/api/v1/queue")?).bearer_auth("open-sesame-open-sesame");
    ensure!(request.send().await?.status() == 200);
    ensure!(server.json("/health/ready").await?["status"] == "ready", "and nothing was drained");
    Ok(())
}
