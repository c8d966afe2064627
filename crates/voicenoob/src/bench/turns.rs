//! `voicenoob bench turns`: what we add to the time that ears, models and voices take.
//!
//! A server process under many calls, and simulated vendors of exactly known times: voices hum, ears follow a script. Callers and vendors are
//! in this process and on one clock. Each turn is known by a word that is heard, thought about, spoken and recorded.

mod caller;
mod clip;
mod gaps;
mod verdicts;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use server::keys::DEV_KEYS_FILE;
use simulator::{Behaviour, Config, Ears, Mind, Mouth, Simulator, Vendor};
use tokio::task::JoinSet;

use self::caller::{Talk, Times};
use self::clip::Clip;
use self::gaps::{Gaps, chains, key, told};
use super::place::Place;
use super::process::{Launch, Running};
use super::ring::Target;
use crate::{say, say_error};

/// Starting includes training the demo agent's language models.
const START_LIMIT: Duration = Duration::from_secs(180);
/// The agent's own phrases are made within this time.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// What is said ahead of its use, in the background, is all said within this time.
const STILL_LIMIT: Duration = Duration::from_secs(180);
/// Nothing more is said ahead when nothing was for this long.
const STILL: Duration = Duration::from_secs(3);
/// A call's record is complete within this time after the call.
const RECORD_LIMIT: Duration = Duration::from_secs(10);
/// New calls a second.
const RING_RATE: u64 = 20;
/// After the last call has joined, before anything is counted.
const WARM_UP: Duration = Duration::from_secs(8);
/// Open files of one process: a call has a socket here, one of its ears there, and a few for the model and the voice.
const FILES_PER_CALL: u64 = 8;
const OTHER_FILES: u64 = 1024;
/// Lines that scripted ears hear: more than there will be turns.
const LINES: usize = 200_000;
/// One sentence, with the turn's word in it, so that no answer was ever spoken before.
const ANSWER: &str = "[[line]]\nsay = \"Yes, {heard}.\"\n";
/// The agent's own measure of the quiet that ends a turn, ms: half of it after a finished sentence (`conversation::Endpoint`).
const QUIET_MS: u64 = 600;
/// A key that the simulated vendors take.
const KEY: &str = "key-of-the-bench";

/// What each turn waits for, vendor by vendor and for us.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Numbers of calls to hold, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "200", value_parser = clap::value_parser!(u64).range(1..=1000))]
    calls: Vec<u64>,
    /// Length of each measurement, after a warm-up.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// So many calls.
struct Measured {
    calls: usize,
    gaps: Vec<Gaps>,
    /// Turns that the record or the vendors knew otherwise than the caller did.
    unmatched: u64,
    unanswered: u64,
    /// CPU time of the server's process for one second of one call.
    cpu_ms: f64,
    /// How late callers sent their frames, 99th percentile.
    late_us: u32,
}

impl Measured {
    fn late_ms(&self) -> f64 {
        f64::from(self.late_us) / 1000.0
    }
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let most = args.calls.iter().copied().max().unwrap_or(1);
    let launch = Launch::prepare(most * FILES_PER_CALL + OTHER_FILES).await?.on_every_core();
    let clip = Arc::new(Clip::record().await?);
    say(&format!(
        "Turns: {} s at each number of calls, after a warm-up. The server is a process of its own; callers and vendors are another, on the same cores.",
        args.seconds
    ));
    say(&format!("What is said takes {} ms; the detector calls {} ms voice.", clip.words() * 20, (clip.last_voiced + 1) * 20));
    let mut all = Vec::new();
    for &calls in &args.calls {
        say_error(&format!("measuring {calls} calls ..."));
        let measured = measure(&launch, &clip, calls as usize, Duration::from_secs(args.seconds)).await?;
        say(&format!("\n{calls} calls:\n\n{}", verdicts::figures(&measured)));
        all.push(measured);
    }
    say(&verdicts::judgement(&all));
    Ok(ExitCode::SUCCESS)
}

async fn measure(launch: &Launch, clip: &Arc<Clip>, calls: usize, window: Duration) -> anyhow::Result<Measured> {
    let place = Place::make("turns")?;
    let vendors = vendors().await?;
    let (server, target) = serve(launch, &place, &vendors, calls).await?;
    let address = target.address;
    still(address).await?;
    behave(&vendors);
    vendors.journal().open();
    let from = Instant::now() + Duration::from_secs(calls as u64 / RING_RATE) + WARM_UP;
    let talking = ring_all(target, clip, calls, (from, from + window)).await?;
    ensure!(Instant::now() < from, "{calls} calls could not be set up in time: something else runs on this machine");
    tokio::time::sleep_until(from.into()).await;
    let before = server.cpu()?;
    tokio::time::sleep(window).await;
    let used = server.cpu()? - before;
    let mut talks = Vec::new();
    for talk in talking.join_all().await {
        talks.push(talk?);
    }
    let (moments, dropped) = vendors.journal().take();
    ensure!(dropped == 0, "{dropped} moments at the vendors were not written down: measure for a shorter time");
    let cpu_ms = used.as_secs_f64() * 1000.0 / (calls as f64 * window.as_secs_f64());
    let mut measured = Measured { calls, gaps: Vec::new(), unmatched: 0, unanswered: 0, cpu_ms, late_us: late(&mut talks) };
    let chains = chains(&moments);
    for talk in &talks {
        let record = record(address, &talk.id).await?;
        measured.unanswered += talk.unanswered;
        let told = told(&record);
        // What was asked before the window is not in the caller's list: both end with the same turn.
        let told = told.get(told.len().saturating_sub(talk.turns.len())..).unwrap_or_default();
        for (waited, told) in talk.turns.iter().zip(told) {
            let gaps = chains.get(told.key()).and_then(|chain| Gaps::of(waited, told, chain));
            // Nothing is earlier than what it follows: such a turn was matched with another one's times.
            match gaps.filter(|gaps| gaps.mind > -1.0 && gaps.voice > -1.0) {
                Some(gaps) => measured.gaps.push(gaps),
                None => measured.unmatched += 1,
            }
        }
        measured.unmatched += (talk.turns.len() - told.len().min(talk.turns.len())) as u64;
    }
    server.stop().await?;
    Ok(measured)
}

/// Vendors that answer at once, until they are told to take their time.
async fn vendors() -> anyhow::Result<Simulator> {
    let lines = (0..LINES).map(|number| format!("one room {}", key(number))).collect();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { address: free, riva: free, mouth: Mouth::Hum, ears: Ears::script(lines), mind: Mind::parse(ANSWER)? };
    Ok(Simulator::start(config).await?)
}

/// From now on they take these times: their own logs tell what they really took.
fn behave(vendors: &Simulator) {
    vendors.behave(Vendor::Deepgram, Behaviour { first_ms: 100, ..Behaviour::default() });
    vendors.behave(Vendor::OpenAi, Behaviour { first_ms: 200, tokens_per_second: 100.0, ..Behaviour::default() });
    vendors.behave(Vendor::ElevenLabs, Behaviour { first_ms: 100, pace: 4.0, ..Behaviour::default() });
}

/// Waits until everything is said that a server says ahead of its use, once in its life: what is measured here is calls.
async fn still(server: SocketAddr) -> anyhow::Result<()> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let said = async || anyhow::Ok(misses(&http.get(format!("http://{server}/metrics")).send().await?.text().await?));
    let wait = async {
        let (mut count, mut since) = (said().await?, Instant::now());
        ensure!(!count.is_empty(), "the server does not count its phrases");
        while since.elapsed() < STILL {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = said().await?;
            if now != count {
                (count, since) = (now, Instant::now());
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(STILL_LIMIT, wait).await.context("the server goes on saying phrases ahead of their use")?
}

/// Phrases that were looked for and not there, by a server's metrics.
fn misses(metrics: &str) -> Vec<String> {
    metrics.lines().filter(|line| line.starts_with("voicenoob_phrase_cache_misses_total{")).map(str::to_owned).collect()
}

/// A server that uses them, with an agent.
async fn serve(launch: &Launch, place: &Place, vendors: &Simulator, calls: usize) -> anyhow::Result<(Running, Target)> {
    let calls = (calls + 1).to_string();
    let urls = [Vendor::Deepgram, Vendor::OpenAi, Vendor::ElevenLabs].map(|vendor| vendors.url(vendor));
    let environment = [
        ("MAX_CONCURRENT_CALLS", calls.as_str()),
        // All calls come from one number.
        ("CALLS_PER_MINUTE_PER_CALLER", ""),
        ("RATE_LIMIT_READ", "1000000"),
        ("RATE_LIMIT_WRITE", "1000000"),
        ("RATE_LIMIT_ADDRESS", "1000000"),
        ("STT_ENGINES", "deepgram"),
        ("LLM_ENGINES", "openai"),
        ("TTS_ENGINES", "elevenlabs"),
        ("DEEPGRAM_API_URL", &*urls[0]),
        ("DEEPGRAM_API_KEY", KEY),
        ("OPENAI_API_URL", &*urls[1]),
        ("OPENAI_API_KEY", KEY),
        ("ELEVENLABS_API_URL", &*urls[2]),
        ("ELEVENLABS_API_KEY", KEY),
    ];
    let mut server = launch.start(0, &["serve"], place.path(), &environment)?;
    let address = super::media::address(&server.line(START_LIMIT).await?)?;
    let keys =
        std::fs::read_to_string(place.path().join("data").join(DEV_KEYS_FILE)).context("cannot read the server's development keys")?;
    let keys: toml::Table = keys.parse().context("the server's development keys are damaged")?;
    let token = keys.get("twilio_auth_token").and_then(toml::Value::as_str).map(str::to_owned);
    let agent = agent(address).await?;
    Ok((server, Target { address, token, agent }))
}

/// An agent with a model, ready for calls.
async fn agent(server: SocketAddr) -> anyhow::Result<String> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let body = json!({ "name": "Bench", "tier": "balanced", "system_prompt": "You answer in one sentence.", "greeting": "Good morning.", "tools": [], "silence_duration_ms": QUIET_MS });
    let made: Value = http.post(format!("http://{server}/api/v1/agents")).json(&body).send().await?.json().await?;
    let id = made["id"].as_str().with_context(|| format!("the agent was not made: {made}"))?.to_owned();
    let ready = async {
        while http.get(format!("http://{server}/audio/refusals/{id}/busy.wav")).send().await?.status() != 200 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(READY_LIMIT, ready).await.context("the agent does not become ready")??;
    Ok(id)
}

/// Sets the calls up one after the other; each talks from then on.
async fn ring_all(
    target: Target,
    clip: &Arc<Clip>,
    calls: usize,
    window: (Instant, Instant),
) -> anyhow::Result<JoinSet<anyhow::Result<Talk>>> {
    let mut talking = JoinSet::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(RING_RATE).unwrap_or(1));
    for number in 0..calls {
        tick.tick().await;
        let target = target.clone();
        let call = tokio::task::spawn_blocking(move || target.ring())
            .await?
            .with_context(|| format!("after {number} calls the next one failed"))?;
        talking.spawn(caller::talk(call, Arc::clone(clip), Times::of(number, calls, window)));
    }
    Ok(talking)
}

/// What is kept of a call, once it is over.
async fn record(server: SocketAddr, call: &str) -> anyhow::Result<Value> {
    let url = format!("http://{server}/api/v1/calls/{call}");
    let whole = async {
        loop {
            let found: Value = reqwest::Client::builder().no_proxy().build()?.get(&url).send().await?.json().await?;
            if !found["call"]["ended_at"].is_null() {
                return anyhow::Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(RECORD_LIMIT, whole).await.with_context(|| format!("the call {call} does not end"))?
}

fn late(talks: &mut [Talk]) -> u32 {
    let mut all: Vec<u32> = talks.iter_mut().flat_map(|talk| std::mem::take(&mut talk.late_us)).collect();
    all.sort_unstable();
    all.get(all.len() * 99 / 100).copied().unwrap_or_default()
}
