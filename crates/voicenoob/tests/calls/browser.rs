//! The console in a real browser, with a fake microphone that plays a recording.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, TextToSpeech};
use testkit::Server;
use tokio::process::Command;

use crate::program;

/// The browser plays its microphone from the file at once, while the agent still greets: the words come after this much silence.
const LEAD_SECONDS: usize = 7;

async fn microphone(path: &Path, text: &str) -> Result<()> {
    let voice = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
    let mut speech = voice
        .speak(SpeakRequest { text: text.into(), voice: "slt".into(), language: "en-US".to_owned(), rate: 16_000 }, &Default::default())
        .await?;
    let mut pcm = Vec::new();
    while let Some(piece) = speech.recv().await {
        pcm.extend_from_slice(&piece?);
    }
    let mut samples = vec![0i16; 48_000 * LEAD_SECONDS];
    samples.extend(audio::resample::resample(&pcm, 16_000, 48_000)?);
    samples.resize(samples.len() + 48_000 * 20, 0);
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut file = audio::wav::header(1, 48_000, u32::try_from(bytes.len())?).to_vec();
    file.extend(bytes);
    Ok(std::fs::write(path, file)?)
}

#[tokio::test]
async fn a_visitor_talks_to_the_agent_from_the_browser() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let wav = folder.path().join("microphone.wav");
    microphone(&wav, "What time is breakfast?").await?;
    let server = Server::start(program()).await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/browser/console.mjs");
    let run = Command::new("node")
        .arg(script)
        .args([
            "--server",
            server.url().as_str().trim_end_matches('/'),
            "--wav",
            wav.to_str().context("path")?,
            "--shots",
            folder.path().to_str().context("path")?,
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), run).await.context("the browser took too long")??;
    let said = String::from_utf8_lossy(&output.stdout);
    let verdict: Value = serde_json::from_str(&said).with_context(|| format!("no verdict: {said}"))?;
    ensure!(output.status.success() && verdict["ok"] == true, "{verdict}");
    let words = verdict["turns"].to_string().to_lowercase();
    ensure!(words.contains("breakfast"), "the microphone was not understood: {words}");
    Ok(())
}
