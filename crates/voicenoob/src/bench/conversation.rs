//! `voicenoob bench conversation`: how turns are taken, over a server process and real calls: how soon the agent stops for who interrupts, how often
//! it stops for nothing, and how long it waits until a turn is over.
//!
//! Callers are synthetic voices; murmurs and coughs are made, not recorded. The figures compare versions of the program and lines with more and less
//! noise; they are no study of people.

mod findings;
mod people;
mod report;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use call::Speaker;
use dial::{DialKeys, DialOptions, Url};
use futures_util::{StreamExt, stream};
use server::settings::Settings;
use simulator::{Behaviour, Config, Ears, Mind, Mouth, Simulator, Vendor};
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};

use self::findings::{Became, Finding};
use self::people::{About, Plan, plans};
use super::place::Place;
use super::process::{Launch, Running};
use crate::{say, say_error};

/// Starting includes training the demo agent's language models.
const START_LIMIT: Duration = Duration::from_secs(180);
/// A simulated vendor's time for a final result, ms.
const EARS_MS: u64 = 100;
const FILES: u64 = 1024;

/// Interruptions, murmurs, noises and ends of turns.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// White noise on the line, dBFS, one after the other; speech is at about -20.
    #[arg(long, value_delimiter = ',', default_value = "-65,-45,-35", allow_negative_numbers = true)]
    noise: Vec<f32>,
    /// Who hears the callers.
    #[arg(long, value_enum, default_value_t = Hearing::Local)]
    ears: Hearing,
    /// Calls at once: more are sooner done, and disturb each other when the processor is full.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=16))]
    at_once: u64,
    /// Each call so often, with noise of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    times: u64,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Hearing {
    /// This machine's recogniser.
    Local,
    /// Simulated Deepgram, whose ears are this machine's recogniser: partial words while the caller speaks.
    Deepgram,
}

pub(super) async fn run(args: &Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let launch = Launch::prepare(FILES).await?.on_every_core();
    let place = Place::make("conversation")?;
    let vendors = match args.ears {
        Hearing::Local => None,
        Hearing::Deepgram => Some(vendors(settings).await?),
    };
    let (server, address) = serve(&launch, &place, vendors.as_ref()).await?;
    let mut options = DialOptions::new(Url::parse(&format!("http://{address}"))?, DialKeys::load(|_| None, &place.path().join("data"))?)?;
    options.tts = Some(Arc::new(LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?));
    let all: Vec<Plan> = (0..args.times).flat_map(|_| args.noise.iter().flat_map(|noise| plans(*noise))).collect();
    say_error(&format!("{} calls ...", all.len()));
    let count = usize::try_from(args.at_once).unwrap_or(1);
    let findings: Vec<Finding> = stream::iter(&all)
        .map(|plan| one(plan, options.clone()))
        .buffer_unordered(count)
        .filter_map(|found| async move { found })
        .collect()
        .await;
    let lost = all.len() - findings.len();
    say(&format!("{}\n{}", report::times(&findings, &args.noise), report::shares(&findings, &args.noise)));
    if lost > 0 {
        say(&format!("{lost} calls could not be made; why stands above."));
    }
    server.stop().await?;
    Ok(ExitCode::SUCCESS)
}

async fn one(plan: &Plan, options: DialOptions) -> Option<Finding> {
    match dial::run(plan.script.clone(), options).await {
        Ok(report) => {
            let finding = Finding::of(plan, &report);
            let stopped = finding.became == Some(Became::Stopped);
            if finding.about == About::Interruption && !stopped {
                say_error(&format!("{:?} at {} dBFS did not stop the agent", plan.what, plan.noise_dbfs));
            } else if let Some(ms) = finding.stop_ms.filter(|ms| *ms > report::STOP_LIMIT_MS) {
                say_error(&format!("{:?} at {} dBFS stopped the agent after {ms} ms", plan.what, plan.noise_dbfs));
            } else if finding.about != About::Interruption && stopped {
                let heard = report.turns.iter().find(|turn| turn.speaker == Speaker::Caller).map(|turn| (&turn.text, turn.confidence));
                say_error(&format!("{:?} at {} dBFS stopped the agent; heard was {heard:?}", plan.what, plan.noise_dbfs));
            }
            Some(finding)
        }
        Err(fault) => {
            say_error(&format!("{:?} could not be said: {fault}", plan.what));
            None
        }
    }
}

async fn vendors(settings: &Settings) -> anyhow::Result<Simulator> {
    let (engine, domain) = crate::simulate::recognizer(settings).await?;
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let ears = Ears::Engine(engine, domain);
    let simulator = Simulator::start(Config { address: free, riva: free, mouth: Mouth::Hum, ears, mind: Mind::built_in()? }).await?;
    simulator.behave(Vendor::Deepgram, Behaviour { first_ms: EARS_MS, ..Behaviour::default() });
    Ok(simulator)
}

async fn serve(launch: &Launch, place: &Place, vendors: Option<&Simulator>) -> anyhow::Result<(Running, SocketAddr)> {
    let url = vendors.map(|vendors| vendors.url(Vendor::Deepgram)).unwrap_or_default();
    let key = if vendors.is_some() { "key-of-the-bench" } else { "" };
    let environment = [
        ("CALLS_PER_MINUTE_PER_CALLER", ""),
        ("RATE_LIMIT_READ", "1000000"),
        ("RATE_LIMIT_ADDRESS", "1000000"),
        ("RECORD_CALLS", "false"),
        ("STT_ENGINES", if vendors.is_some() { "deepgram" } else { "local" }),
        ("TTS_ENGINES", "local"),
        ("DEEPGRAM_API_URL", if vendors.is_some() { url.as_str() } else { "https://api.deepgram.com" }),
        ("DEEPGRAM_API_KEY", key),
    ];
    let mut server = launch.start(0, &["serve"], place.path(), &environment)?;
    let address = super::media::address(&server.line(START_LIMIT).await?)?;
    Ok((server, address))
}
