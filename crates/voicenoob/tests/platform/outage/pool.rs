//! Every connection is taken by a statement that takes long.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reqwest::{Method, Response, StatusCode, header};
use serde_json::Value;
use store::{Database, query};
use testkit::Server;
use testkit::chaos::Scrape;
use tokio::task::JoinSet;

use super::{ACQUIRE, Place};

/// The server ends a wait for a lock after 4 s; whoever waits for a connection is told sooner.
const LOCK: Duration = Duration::from_secs(4);

async fn scraped(server: &Server) -> Result<Scrape> {
    let text = server.http().get(server.url().join("/metrics")?).send().await?.text().await?;
    Ok(Scrape::read(&text))
}

fn connections(scrape: &Scrape) -> [f64; 3] {
    let state = |state| scrape.sum("voicenoob_database_connections", &[("state", state)]);
    [state("in_use"), state("idle"), scrape.sum("voicenoob_database_connections_limit", &[])]
}

#[tokio::test(flavor = "multi_thread")]
async fn while_every_connection_is_taken_requests_are_told_so_in_time_and_the_gauges_say_it() -> Result<()> {
    let place = Place::start(&[("DATABASE_MAX_CONNECTIONS", "3")]).await?;
    let ann = place.server.administrator().await?;
    ann.get("/api/v1/agents").await?;
    let before = scraped(&place.server).await?;

    // Whoever reads agents waits for this.
    let direct = Database::connect(&place.url).await?;
    let mut locked = direct.begin().await?;
    query("LOCK TABLE agents IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await?;
    let mut asking = JoinSet::new();
    for _ in 0..12 {
        let request = ann.request(Method::GET, "/api/v1/agents")?;
        asking.spawn(async move {
            let begun = Instant::now();
            Ok::<_, anyhow::Error>((request.send().await?, begun.elapsed()))
        });
    }
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let deadline = Instant::now() + LOCK;
    while connections(&scraped(&place.server).await?) != [3.0, 0.0, 3.0] {
        look.tick().await;
        ensure!(Instant::now() < deadline, "{:?}", connections(&scraped(&place.server).await?));
    }
    let mut times = Vec::new();
    while let Some(answered) = asking.join_next().await {
        let (answer, took) = answered??;
        is_refused(answer).await?;
        times.push(took);
    }
    times.sort();
    let slack = Duration::from_secs(2);
    let waited = times.iter().filter(|took| **took < Duration::from_secs(ACQUIRE) + slack).count();
    ensure!(waited >= 9, "those without a connection are told after {ACQUIRE} s: {times:?}");
    ensure!(times.iter().all(|took| *took < LOCK + slack), "{times:?}");
    let after = scraped(&place.server).await?;
    let grown = |name| after.sum(name, &[]) - before.sum(name, &[]);
    let (waits, seconds) = (grown("voicenoob_database_waits_total"), grown("voicenoob_database_wait_seconds_total"));
    ensure!(waits >= 9.0 && seconds >= waits * 0.5, "{waits} waits, {seconds} s");

    drop(locked);
    ann.get("/api/v1/agents").await?;
    Ok(())
}

async fn is_refused(answer: Response) -> Result<()> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body: Value = answer.json().await?;
    ensure!(status == StatusCode::SERVICE_UNAVAILABLE && body["code"] == "database", "{status} {body}");
    ensure!(headers.contains_key(header::RETRY_AFTER) && headers[header::CONTENT_TYPE] == "application/problem+json", "{headers:?}");
    Ok(())
}
