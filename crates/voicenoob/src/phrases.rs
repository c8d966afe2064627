//! `voicenoob phrases`: makes the pack of phrases that the program carries for machines without a voice.

use std::path::PathBuf;
use std::process::ExitCode;

use agent::{AgentDefinition, AgentKind};
use anyhow::bail;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::phrases::{PackPhrase, PhrasePack};
use speech::{SpeakRequest, TextToSpeech};

use crate::say;

/// Places in the queue that can be told without a voice; further back only the welcome is said.
const POSITIONS: u64 = 10;

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
    let voice = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
    let mut phrases = Vec::new();
    let hold = agent.hold_texts();
    for text in flow.keypad_texts().into_iter().chain((1..=POSITIONS).map(|position| hold.position(position))) {
        let pcm = spoken(&voice, &text, &agent.voice).await?;
        phrases.push(PackPhrase { text, voice: agent.voice.clone(), pcm });
    }
    let bytes = PhrasePack::write(&phrases)?;
    std::fs::write(&args.out, &bytes)?;
    say(&format!("{} phrases, {} KiB -> {}", phrases.len(), bytes.len() / 1024, args.out.display()));
    Ok(ExitCode::SUCCESS)
}

async fn spoken(voice: &dyn TextToSpeech, text: &str, name: &str) -> anyhow::Result<Vec<i16>> {
    let mut stream = voice
        .speak(
            SpeakRequest { text: text.to_owned(), voice: name.to_owned(), language: "en-US".to_owned(), rate: 8000 },
            &Default::default(),
        )
        .await?;
    let mut pcm = Vec::new();
    while let Some(piece) = stream.recv().await {
        pcm.extend_from_slice(&piece?);
    }
    Ok(pcm)
}
