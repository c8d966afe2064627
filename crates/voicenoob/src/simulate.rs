//! `voicenoob simulate vendors`: local servers that speak the vendors' protocols.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use agent::{AgentDefinition, AgentKind};
use anyhow::{Context, bail};
use server::settings::Settings;
use simulator::{Behaviour, Config, Ears, Mind, Mouth, Simulator, Trouble, Vendor, parse_order};
use speech::local::{LocalRecognizer, LocalRecognizerConfig, LocalSynthesizer, LocalSynthesizerConfig};
use speech::{Domain, SpeechError, SpeechToText};
use tokio::signal::unix::{SignalKind, signal};

use crate::{say, say_error};

/// The demo hotel: what callers may say to it is what simulated ears listen for.
const DEMO_HOTEL: &str = include_str!("../../../agents/hotel.toml");
/// Picks the training sentences, as the server does.
const SENTENCE_SEED: u64 = 1;
/// Stands for any key: without one the program does not ask a vendor.
const KEY: &str = "simulated";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Speech, language and speech-to-speech services: runs until it is interrupted (see docs/simulator.md).
    Vendors(VendorArgs),
}

#[derive(clap::Args)]
struct VendorArgs {
    /// Where all vendors but Riva listen, on this machine; 0 takes a free port.
    #[arg(long, default_value_t = 8400)]
    port: u16,
    /// Where Riva listens.
    #[arg(long, default_value_t = 8401)]
    riva_port: u16,
    /// How voices sound; without it, this machine's engine when flite is installed.
    #[arg(long, value_enum)]
    voice: Option<Voice>,
    /// What ears hear; without it, this machine's engine when pocketsphinx is installed.
    #[arg(long, value_enum)]
    ears: Option<Hearing>,
    /// What callers say and models answer, as TOML; without it, the built-in receptionist.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Time to the first byte of an answer; VENDOR may be `all`. Repeat for more vendors.
    #[arg(long, value_name = "VENDOR=MS")]
    latency: Vec<String>,
    /// Up to so much more, evenly drawn, for every vendor.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    jitter: u64,
    /// What goes wrong, and in which part of the requests: `openai=stall:3@0.1`. Repeat for more vendors.
    #[arg(long, value_name = "VENDOR=KIND[:VALUE][@SHARE]")]
    trouble: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Voice {
    /// This machine's voice.
    Engine,
    /// A hum: costs nothing.
    Hum,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Hearing {
    /// This machine's recogniser, for what is said to the demo hotel.
    Engine,
    /// The script's lines, one after the other, whatever is said.
    Script,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let Command::Vendors(args) = args.command;
    let behaviours = behaviours(&args)?;
    let mind = match &args.script {
        Some(file) => Mind::parse(&std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?)?,
        None => Mind::built_in()?,
    };
    let (mouth, voice) = mouth(args.voice).await?;
    let (ears, hearing) = ears(args.ears, &mind, settings).await?;
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let simulator = Simulator::start(Config { address: local(args.port), riva: local(args.riva_port), mouth, ears, mind }).await?;
    for (vendor, behaviour) in behaviours {
        simulator.behave(vendor, behaviour);
    }
    say(&format!("Simulated vendors. {voice}; {hearing}. Any key is taken, except \"wrong-key\".\n"));
    say(&table(&simulator));
    let mut terminated = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C")?,
        _ = terminated.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// How each vendor behaves that something was ordered for.
fn behaviours(args: &VendorArgs) -> anyhow::Result<Vec<(Vendor, Behaviour)>> {
    let plain = Behaviour { jitter_ms: args.jitter, ..Behaviour::default() };
    let mut all: Vec<(Vendor, Behaviour)> = Vendor::ALL.iter().map(|vendor| (*vendor, plain.clone())).collect();
    for order in &args.latency {
        let (vendors, ms) = parse_order(order)?;
        let first_ms = ms.parse().with_context(|| format!("{order:?}: the time is a whole number of milliseconds"))?;
        all.iter_mut().filter(|(vendor, _)| vendors.contains(vendor)).for_each(|(_, behaviour)| behaviour.first_ms = first_ms);
    }
    for order in &args.trouble {
        let (vendors, trouble) = parse_order(order)?;
        let (trouble, share) = Trouble::parse(trouble)?;
        for (_, behaviour) in all.iter_mut().filter(|(vendor, _)| vendors.contains(vendor)) {
            (behaviour.trouble, behaviour.share) = (Some(trouble), share);
        }
    }
    Ok(all)
}

/// The voices, and a line about them.
async fn mouth(wanted: Option<Voice>) -> anyhow::Result<(Mouth, String)> {
    if wanted == Some(Voice::Hum) {
        return Ok((Mouth::Hum, "Voices hum".to_owned()));
    }
    match LocalSynthesizer::start(LocalSynthesizerConfig::default()).await {
        Ok(engine) => Ok((Mouth::Engine(Arc::new(engine)), "Voices are this machine's".to_owned())),
        Err(missing @ SpeechError::NotInstalled { .. }) if wanted.is_none() => {
            say_error(&missing.to_string());
            Ok((Mouth::Hum, "Voices hum, for no engine is installed".to_owned()))
        }
        Err(fault) => Err(fault.into()),
    }
}

/// The ears, and a line about them.
async fn ears(wanted: Option<Hearing>, mind: &Mind, settings: &Settings) -> anyhow::Result<(Ears, String)> {
    let script = || Ears::script(mind.callers());
    if wanted == Some(Hearing::Script) {
        return Ok((script(), "ears follow the script".to_owned()));
    }
    match recognizer(settings).await {
        Ok((engine, domain)) => {
            Ok((Ears::Engine(engine, domain), "ears are this machine's, for what is said to the demo hotel".to_owned()))
        }
        Err(fault) if wanted.is_none() && matches!(fault.downcast_ref(), Some(SpeechError::NotInstalled { .. })) => {
            say_error(&fault.to_string());
            Ok((script(), "ears follow the script, for no engine is installed".to_owned()))
        }
        Err(fault) => Err(fault),
    }
}

pub(crate) async fn recognizer(settings: &Settings) -> anyhow::Result<(Arc<dyn SpeechToText>, Arc<Domain>)> {
    let hotel = AgentDefinition::from_flow(DEMO_HOTEL, PathBuf::from("agents/hotel.toml"))?;
    let AgentKind::Flow(flow) = &hotel.kind else { bail!("the demo hotel has no dialogue") };
    let domain = Arc::new(Domain { name: hotel.name.clone(), states: flow.domain(SENTENCE_SEED), background: flow.background() });
    let folder = &settings.speech_model_dir;
    let config = LocalRecognizerConfig {
        workers: settings.speech_workers,
        acoustic_model: folder.join("en-us"),
        dictionary: folder.join("cmudict-en-us.dict"),
        ..LocalRecognizerConfig::new(crate::settings::worker()?.0, settings.cache_dir.join("language-models"))
    };
    let engine = LocalRecognizer::start(config).await?;
    engine.prepare(&domain).await?;
    Ok((Arc::new(engine), domain))
}

/// The settings that tell the program where each vendor is, as they can be put before `voicenoob serve`.
fn table(simulator: &Simulator) -> String {
    let row = |vendor: &str, lines: &str| format!("{vendor:<13} {lines}");
    let vendors = Vendor::ALL.iter().map(|vendor| {
        let url = simulator.url(*vendor);
        row(vendor.as_str(), &format!("{}={url} {}={KEY}", vendor.setting(), vendor.key_setting()))
    });
    let mut lines: Vec<String> =
        [row("VENDOR", "SETTINGS OF THE PROGRAM (leave out whom it shall not use)")].into_iter().chain(vendors).collect();
    let control = simulator.control_url();
    lines.push(format!("\nHow they behave: GET {control}, PUT {control}/VENDOR. Ctrl-C ends it."));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn ordered(line: &[&str]) -> anyhow::Result<Vec<(Vendor, Behaviour)>> {
        let Command::Vendors(args) = Line::try_parse_from(["simulate", "vendors"].iter().chain(line))?.args.command;
        behaviours(&args)
    }

    #[test]
    fn orders_reach_the_vendors_that_they_name() {
        let line = ["--latency", "all=50", "--latency", "openai=300", "--jitter", "40", "--trouble", "openai=stall:3@0.1"];
        for (vendor, behaviour) in ordered(&line).unwrap() {
            assert_eq!(behaviour.jitter_ms, 40);
            match vendor {
                Vendor::OpenAi => {
                    assert_eq!((behaviour.first_ms, behaviour.trouble, behaviour.share), (300, Some(Trouble::Stall { after: 3 }), 0.1));
                }
                _ => assert_eq!((behaviour.first_ms, behaviour.trouble), (50, None)),
            }
        }
        for wrong in [["--latency", "openai=soon"], ["--latency", "nobody=1"], ["--trouble", "openai=bored"], ["--trouble", "stall"]] {
            assert!(ordered(&wrong).is_err(), "{wrong:?}");
        }
    }
}
