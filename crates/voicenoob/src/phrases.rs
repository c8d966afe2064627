//! `voicenoob phrases`: makes the pack of phrases that the program carries for machines without a voice.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use agent::{AgentDefinition, AgentKind};
use anyhow::bail;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::phrases::PhrasePack;

use crate::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The agent whose keypad menu is rendered.
    #[arg(long, value_name = "FILE", default_value = "agents/hotel.toml")]
    agent: PathBuf,
    /// Where the pack goes.
    #[arg(long, value_name = "FILE", default_value = "crates/server/phrases/hotel.pack")]
    out: PathBuf,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let agent = AgentDefinition::from_flow(&std::fs::read_to_string(&args.agent)?, args.agent)?;
    let AgentKind::Flow(flow) = &agent.kind else { bail!("this agent has no phrases") };
    let Some(keypad) = flow.keypad() else { bail!("the agent's file has no keypad menu") };
    let voice = Arc::new(LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?);
    let texts = keypad.texts();
    let pack = PhrasePack::render(voice.as_ref(), &agent.voice, &texts).await?;
    let bytes = pack.to_bytes();
    std::fs::write(&args.out, &bytes)?;
    say(&format!("{} phrases, {} KiB -> {}", texts.len(), bytes.len() / 1024, args.out.display()));
    Ok(ExitCode::SUCCESS)
}
