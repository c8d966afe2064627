//! `voicenoob check`: proves that every part works, by using it.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use agent::AgentDefinition;
use server::settings::Settings;

use crate::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only check this agent's file.
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
}

/// A part that does not answer within this time does not work.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn run(args: Args, settings: Settings) -> anyhow::Result<ExitCode> {
    if let Some(path) = args.agent {
        let text = std::fs::read_to_string(&path)?;
        let agent = AgentDefinition::from_flow(&text, path)?;
        say(&format!("ok  agent {} ({})", agent.name, agent.id));
        return Ok(ExitCode::SUCCESS);
    }
    let app = server::wiring::wire(settings, &crate::settings::worker()?).await?;
    let services = &app.services;
    let mut works = part("records", services.records.check()).await;
    works &= part("hotel", app.pms.check()).await;
    works &= part(&format!("live state ({})", app.live_state.kind()), app.live_state.check()).await;
    if let Some(control) = &app.call_control {
        works &= part("Telnyx Call Control", control.check()).await;
    }
    if let Some(recognizer) = &app.recognizer {
        works &= part("hearing", recognizer.check()).await;
    }
    if let Some(voice) = &app.voice {
        works &= part("voice", voice.check()).await;
    }
    for vendor in app.vendors.iter() {
        works &= part(vendor.name(), vendor.check()).await;
    }
    for notice in &app.notices {
        say(&format!("--  not installed: {notice}"));
    }
    for carrier in &app.keys.development {
        say(&format!("--  not configured: {carrier} (development keys: only `voicenoob dial` can call)"));
    }
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn part<E: std::fmt::Display>(name: &str, check: impl Future<Output = Result<(), E>>) -> bool {
    let started = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, check).await;
    let took = started.elapsed().as_millis();
    match &outcome {
        Ok(Ok(())) => say(&format!("ok  {name} ({took} ms)")),
        Ok(Err(fault)) => say(&format!("NO  {name}: {fault}")),
        Err(_) => say(&format!("NO  {name}: no answer within {} s", LIMIT.as_secs())),
    }
    matches!(outcome, Ok(Ok(())))
}
