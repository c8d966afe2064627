//! Signing in, while others are on the phone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use reqwest::header::RETRY_AFTER;
use serde_json::json;
use testkit::carrier::{CallPlan, CarrierSimulator, Journal, Move};
use testkit::chaos::Scrape;
use testkit::{ADMINISTRATOR, ApiClient, Server};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{program, until};

/// Sign-ins that are sent at the same time: more than may wait for a hash (64).
const AT_ONCE: usize = 100;
/// Passwords that are compared before the flood is over: seconds of one core.
const COMPARED: u64 = 120;
/// Callers who talk meanwhile.
const CALLERS: usize = 3;
/// A hole in speech that callers notice. What is sent ahead (200 ms) covers shorter ones.
const HOLE_MS: u32 = 400;
/// Longer than all this takes.
const LONG: Duration = Duration::from_secs(90);

/// What became of the sign-ins.
#[derive(Default)]
struct Answers {
    compared: AtomicU64,
    turned_away: AtomicU64,
}

/// Sends wrong sign-ins, one after the other, until enough were looked at.
async fn guess(server: (reqwest::Client, reqwest::Url), lane: usize, answers: Arc<Answers>) -> Result<()> {
    let (http, url) = server;
    for number in 0.. {
        if answers.compared.load(Ordering::SeqCst) >= COMPARED {
            break;
        }
        // Each guesses at an account of its own from a network of its own: none is slowed down for having failed before.
        let form = json!({ "email": format!("{lane}.{number}@example.com"), "password": "a wrong password" });
        let network = format!("10.{lane}.{}.1", number % 256);
        let answer = http.post(url.join("/api/v1/auth/login")?).header("X-Forwarded-For", network).json(&form).send().await?;
        match answer.status().as_u16() {
            401 => answers.compared.fetch_add(1, Ordering::SeqCst),
            503 => {
                ensure!(answer.headers().contains_key(RETRY_AFTER), "turned away without saying when to come again");
                answers.turned_away.fetch_add(1, Ordering::SeqCst)
            }
            status => anyhow::bail!("{status}: {}", answer.text().await?),
        };
    }
    Ok(())
}

async fn hashed(server: &Server) -> Result<f64> {
    let text = server.http().get(server.url().join("/metrics")?).send().await?.error_for_status()?.text().await?;
    Ok(Scrape::read(&text).sum("voicenoob_passwords_hashed_total", &[]))
}

/// The administrator's own sign-in, in the middle of it all: whoever is turned away comes again.
async fn signs_in(server: &Server) -> Result<ApiClient> {
    loop {
        match ApiClient::sign_in(server.http(), server.url(), ADMINISTRATOR.0, ADMINISTRATOR.1).await {
            Err(refused) if refused.to_string().contains("503") => tokio::task::yield_now().await,
            done => return done,
        }
    }
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_looked_at_one_after_the_other_and_callers_hear_nothing_of_it() -> Result<()> {
    let server = Server::start_with(program(), &[("RATE_LIMIT_LOGIN", "1000000"), ("TRUSTED_PROXIES", "127.0.0.1")]).await?;
    server.administrator().await?;
    let carrier = CarrierSimulator::of(&server)?;
    let calls: Vec<_> =
        (0..CALLERS).map(|index| carrier.place(CallPlan::new(Carrier::Twilio).from_number(index).then(Move::Browse))).collect();
    for call in &calls {
        until("the agent speaks", async || Ok(call.look(|journal| journal.first_sound))).await?;
    }
    let (before, began) = (hashed(&server).await?, Instant::now());
    let (answers, mut guessers) = (Arc::<Answers>::default(), JoinSet::new());
    for lane in 0..AT_ONCE {
        guessers.spawn(guess((server.http().clone(), server.url().clone()), lane, Arc::clone(&answers)));
    }
    tokio::time::timeout(LONG, signs_in(&server)).await.context("the administrator cannot sign in")??;
    tokio::time::timeout(LONG, async {
        while let Some(done) = guessers.join_next().await {
            done??;
        }
        anyhow::Ok(())
    })
    .await
    .context("the flood does not end")??;
    let (compared, away) = (answers.compared.load(Ordering::SeqCst), answers.turned_away.load(Ordering::SeqCst));
    ensure!(away > 0, "the line of those who wait for a hash has no end");
    let hashed = hashed(&server).await? - before;
    // A few more may be hashed than were answered: who is told to come again by the database was looked at.
    ensure!(hashed <= (compared + 1 + away / 10) as f64, "{hashed} passwords were hashed for {compared} answers and {away} turned away");
    for call in calls {
        expect_undisturbed(&call.journal(), began)?;
        call.hang_up();
        call.ended().await?;
    }
    Ok(())
}

fn expect_undisturbed(journal: &Journal, began: Instant) -> Result<()> {
    ensure!(journal.streaming && journal.breaks.is_empty(), "the call broke: {journal:?}");
    ensure!(journal.last_sound.is_some_and(|last| last > began), "the agent did not go on talking: {journal:?}");
    let holes: Vec<_> = journal.late_ms.iter().filter(|late| **late >= HOLE_MS).collect();
    ensure!(holes.is_empty(), "holes in the agent's speech, ms: {holes:?}");
    Ok(())
}
