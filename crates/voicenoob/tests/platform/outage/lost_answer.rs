//! The database commits, and nobody hears of it.

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Database, query};
use tokio::time::{interval, timeout};

use super::{LONG, Place, named, verified};

/// Whoever commits an API key waits, and commits nevertheless when nobody waits any more.
const SLOW_COMMIT: [&str; 2] = [
    "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON api_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION waits()",
];
const COMMITTING: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'";

/// What was repeated is not made again, although the first answer was that it is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_not_made_again_under_its_key() -> Result<()> {
    let place = Place::start(&[]).await?;
    let ann = place.server.administrator().await?;
    let direct = Database::connect(&place.url).await?;
    for statement in SLOW_COMMIT {
        query(statement).execute(direct.writer()).await?;
    }
    let ask = || {
        let request = ann.request(Method::POST, "/api/v1/api-keys")?.header("Idempotency-Key", "lost");
        Ok::<_, anyhow::Error>(request.json(&json!({ "name": "lost", "scopes": ["call:view"] })))
    };
    let first = tokio::spawn(ask()?.send());
    until(&direct, COMMITTING, 1).await.context("it never commits")?;
    place.line.cut().await;
    let first = first.await??;
    ensure!(first.status() == StatusCode::SERVICE_UNAVAILABLE, "{}", first.status());
    let detail = first.json::<Value>().await?["detail"].to_string();
    ensure!(!detail.contains("nothing was changed"), "nobody knows that: {detail}");
    until(&direct, COMMITTING, 0).await?;
    place.line.heal().await;

    let mut look = interval(std::time::Duration::from_millis(100));
    let again = async {
        loop {
            look.tick().await;
            let again = ask()?.send().await?;
            let (status, body) = (again.status(), again.json::<Value>().await?);
            if status != StatusCode::SERVICE_UNAVAILABLE && body["code"] != "idempotency_running" {
                return Ok::<_, anyhow::Error>((status, body));
            }
        }
    };
    let (status, body) = timeout(LONG, again).await.context("the key is never free again")??;
    ensure!(named(&ann, "lost").await? == 1, "made {} times; {status} {body}", named(&ann, "lost").await?);
    ensure!(status == StatusCode::CONFLICT && body["code"] == "idempotency_answer_lost", "{status} {body}");
    verified(&place.server).await
}

async fn until(database: &Database, count: &'static str, wished: i64) -> Result<()> {
    let mut look = interval(std::time::Duration::from_millis(10));
    let seen = async {
        loop {
            look.tick().await;
            let (now,): (i64,) = query(count).one(database.readers()).await?;
            if now == wished {
                return Ok(());
            }
        }
    };
    timeout(LONG, seen).await.context("not in time")?
}
