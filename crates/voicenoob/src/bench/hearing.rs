//! `voicenoob bench hearing`: what the local recogniser makes of telephone audio, and what the demo agent makes of that.
//!
//! The callers are synthetic voices, so the figures are an upper bound for people, and a fair comparison between two versions of the program.

mod caller;
mod desk;
mod report;
mod score;
mod tasks;
mod telephone;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use flow::Flow;
use serde::{Deserialize, Serialize};
use speech::local::{LocalRecognizer, LocalRecognizerConfig, LocalSynthesizer, LocalSynthesizerConfig};
use speech::{Domain, SpeechToText, TextToSpeech};

use super::place::Place;
use crate::{say, say_error};
use score::{Score, word_errors};
use tasks::{Done, Ear};
use telephone::Telephone;

const DEMO_HOTEL: &str = include_str!("../../../../agents/hotel.toml");
/// Picks the training sentences, as the server does.
const SENTENCE_SEED: u64 = 1;

/// Recognition and understanding of the demo hotel's callers.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Voices of the callers.
    #[arg(long, value_delimiter = ',', default_value = "slt,rms,awb,kal,espeak:en-us")]
    voices: Vec<String>,
    /// White noise on the line, dBFS; speech is at about -20.
    #[arg(long, default_value_t = -50.0, allow_negative_numbers = true)]
    noise: f32,
    /// Everything as one JSON object: every sentence, every conversation.
    #[arg(long)]
    json: bool,
}

/// Sentences by dialogue state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requests {
    states: BTreeMap<String, Vec<String>>,
    outside: BTreeMap<String, Vec<String>>,
}

/// One sentence, said and heard.
#[derive(Debug, Serialize)]
struct Sentence {
    state: String,
    outside: bool,
    said: String,
    heard: String,
    confidence: f32,
    errors: usize,
}

/// One voice.
#[derive(Debug, Serialize)]
struct VoiceReport {
    voice: String,
    score: Score,
    sentences: Vec<Sentence>,
    tasks: Vec<Done>,
}

/// All of it.
#[derive(Debug, Serialize)]
struct Report {
    noise_dbfs: f32,
    confidence_floor: f32,
    typed: Vec<Done>,
    voices: Vec<VoiceReport>,
}

/// The demo agent.
fn flow() -> anyhow::Result<Flow> {
    Flow::parse(DEMO_HOTEL).map_err(|problems| anyhow::anyhow!("the demo agent's file has problems: {problems:?}"))
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let flow = Arc::new(flow()?);
    let requests: Requests = toml::from_str(include_str!("hearing/requests.toml")).context("requests.toml")?;
    let tasks = tasks::load()?;
    let domain = Arc::new(Domain { name: "hotel".into(), states: flow.domain(SENTENCE_SEED), background: flow.background() });
    check_states(&requests, &domain)?;
    let synthesizer = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
    check_voices(&args.voices, &synthesizer)?;
    let place = Place::make("hearing")?;
    let recognizer = LocalRecognizer::start(LocalRecognizerConfig::new(crate::settings::worker()?.0, place.path().into())).await?;
    recognizer.prepare(&domain).await?;

    let mut report = Report { noise_dbfs: args.noise, confidence_floor: flow.confidence_floor(), typed: Vec::new(), voices: Vec::new() };
    for task in &tasks {
        report.typed.push(tasks::play(task, &flow, Ear::Typed).await?);
    }
    for voice in &args.voices {
        say_error(&format!("listening to {voice} ..."));
        let mut telephone = Telephone::open(synthesizer.clone(), &recognizer, &domain, args.noise).await?;
        let (score, sentences) = listen(&mut telephone, voice, &requests, flow.confidence_floor()).await?;
        let mut done = Vec::new();
        for task in &tasks {
            done.push(
                tasks::play(task, &flow, Ear::Spoken(&mut telephone, voice)).await.with_context(|| format!("{voice}: {}", task.name))?,
            );
        }
        report.voices.push(VoiceReport { voice: voice.clone(), score, sentences, tasks: done });
    }
    if args.json {
        say(&serde_json::to_string_pretty(&report)?)
    } else {
        say(&report::text(&report))
    }
    Ok(ExitCode::SUCCESS)
}

/// Every sentence once.
async fn listen(telephone: &mut Telephone, voice: &str, requests: &Requests, floor: f32) -> anyhow::Result<(Score, Vec<Sentence>)> {
    let (mut score, mut sentences) = (Score::default(), Vec::new());
    for (group, outside) in [(&requests.states, false), (&requests.outside, true)] {
        for (state, said) in group.iter().flat_map(|(state, list)| list.iter().map(move |said| (state, said))) {
            let heard = telephone.say(voice, said, state).await?;
            let transcript = heard.transcript;
            let accepted = !transcript.text.is_empty() && transcript.confidence >= floor;
            let errors = word_errors(said, &transcript.text);
            score.took += transcript.took;
            score.audio += heard.audio;
            if outside {
                score.outside += 1;
                score.outside_accepted += usize::from(accepted);
            } else {
                score.inside += 1;
                score.inside_accepted += usize::from(accepted);
                score.exact += usize::from(errors == 0);
                score.accepted_wrong += usize::from(accepted && errors > 0);
                score.words += said.split_whitespace().count();
                score.errors += errors;
            }
            let (said, heard, confidence) = (said.clone(), transcript.text, transcript.confidence);
            sentences.push(Sentence { state: state.clone(), outside, said, heard, confidence, errors });
        }
    }
    Ok((score, sentences))
}

/// The engine ignores a state that it does not know; the figures would be of another one.
fn check_states(requests: &Requests, domain: &Domain) -> anyhow::Result<()> {
    let unknown = requests.states.keys().chain(requests.outside.keys()).find(|state| !domain.states.contains_key(*state));
    match unknown {
        None => Ok(()),
        Some(state) => {
            let known = domain.states.keys().cloned().collect::<Vec<_>>().join(", ");
            bail!("requests.toml names the state {state:?}, which the demo agent does not have; it has {known}")
        }
    }
}

fn check_voices(wanted: &[String], synthesizer: &LocalSynthesizer) -> anyhow::Result<()> {
    let known = synthesizer.voices();
    match wanted.iter().find(|voice| !known.contains(voice)) {
        None => Ok(()),
        Some(voice) => bail!("there is no voice {voice:?} on this machine; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_sentences_and_each_is_said_in_a_state_of_the_agent() {
        let requests: Requests = toml::from_str(include_str!("hearing/requests.toml")).unwrap();
        let count = |group: &BTreeMap<String, Vec<String>>| group.values().map(Vec::len).sum::<usize>();
        assert!(count(&requests.states) >= 60 && count(&requests.outside) >= 20);
        let flow = flow().unwrap();
        let domain = Domain { name: "hotel".into(), states: flow.domain(SENTENCE_SEED), background: flow.background() };
        check_states(&requests, &domain).unwrap();
    }
}
