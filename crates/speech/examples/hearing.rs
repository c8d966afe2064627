//! Measures the local recogniser on telephone audio: word errors by voice, confidence in and out of the domain, time.
//! `cargo run --release -p speech --example hearing -- WORKER` (WORKER: the `speech-worker` program beside it)

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

#[path = "../tests/support/hotel.rs"]
mod hotel;

use std::sync::Arc;
use std::time::{Duration, Instant};

use audio::{g711, mix};
use speech::local::{LocalRecognizer, LocalRecognizerConfig, LocalSynthesizer, LocalSynthesizerConfig};
use speech::{Domain, Recognition, RecognitionEvent, SpeakRequest, SpeechToText, TextToSpeech, Transcript};

const VOICES: [&str; 6] = ["slt", "rms", "awb", "kal", "espeak:en-us", "espeak:en-gb"];

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
    let worker = std::env::args_os().nth(1).ok_or("give the worker program")?;
    let noise: f32 = std::env::args().nth(2).map_or(Ok(-60.0), |noise| noise.parse())?;
    let cache = tempfile::tempdir()?;
    let began = Instant::now();
    let recognizer = LocalRecognizer::start(LocalRecognizerConfig::new(vec![worker], cache.path().to_owned())).await?;
    println!("# start {:?}", began.elapsed());
    let domain = Arc::new(hotel::domain());
    let began = Instant::now();
    recognizer.prepare(&domain).await?;
    println!("# prepare {:?}", began.elapsed());
    let began = Instant::now();
    recognizer.prepare(&Arc::new(hotel::domain())).await?;
    println!("# prepare again {:?}", began.elapsed());
    let large = Domain {
        name: "large".to_owned(),
        states: (0..15).map(|state| (format!("state {state}"), hotel::requests(state + 100, 5_000))).collect(),
        background: Vec::new(),
    };
    for time in ["first", "second"] {
        let began = Instant::now();
        recognizer.prepare(&Arc::new(large.clone())).await?;
        println!("# prepare 15 states of 5000 sentences, {time} time {:?}", began.elapsed());
    }
    let voices = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
    let mut recognition = recognizer.open(speech::Listening::plain(domain, 8_000)).await?;
    recognition.expect("request");
    let mut trusted = [Vec::new(), Vec::new()];
    let inside: Vec<String> = hotel::requests(99, 26 * 2);
    for (kind, sentences) in [("in", inside), ("out", hotel::STRANGE.map(String::from).to_vec())] {
        for voice in VOICES {
            let (mut errors, mut words, mut took, mut long, mut exact) = (0, 0, Vec::new(), 0.0, 0);
            for (at, sentence) in sentences.iter().enumerate() {
                let mut pcm = telephone(speak(&voices, voice, sentence).await?, at as u64, noise);
                long += pcm.len() as f32 / 8_000.0;
                let heard = hear(recognition.as_mut(), &mut pcm).await?;
                let distance = distance(sentence, &heard.text);
                errors += distance;
                words += sentence.split(' ').count();
                exact += usize::from(distance == 0);
                trusted[usize::from(kind == "out")].push(heard.confidence);
                took.push(heard.took);
                println!("{kind}\t{voice}\t{:.3}\t{distance}\t{sentence}\t{}", heard.confidence, heard.text);
            }
            took.sort();
            let sum: Duration = took.iter().sum();
            println!(
                "# {kind} {voice}: word error {:.3}, exact {exact}/{}, median {:?}, worst {:?}, of real time {:.3}",
                errors as f32 / words as f32,
                sentences.len(),
                took[took.len() / 2],
                took.last(),
                sum.as_secs_f32() / long
            );
        }
    }
    let [mut inside, outside] = trusted;
    inside.sort_by(f32::total_cmp);
    for floor in [inside[inside.len() / 20], 0.5, 0.7] {
        let above = |all: &[f32]| all.iter().filter(|confidence| **confidence >= floor).count();
        let (kept, accepted) = (above(&inside), above(&outside));
        println!("# floor {floor:.2}: keeps {kept}/{} of the domain, accepts {accepted}/{} of the rest", inside.len(), outside.len());
    }
    Ok(())
}

async fn speak(voices: &LocalSynthesizer, voice: &str, text: &str) -> Result<Vec<i16>, Failure> {
    let mut stream = voices
        .speak(
            SpeakRequest { text: text.to_owned(), voice: voice.to_owned(), language: "en-US".to_owned(), rate: 8_000 },
            &Default::default(),
        )
        .await?;
    let mut pcm = Vec::new();
    while let Some(piece) = stream.recv().await {
        pcm.extend_from_slice(&piece?);
    }
    Ok(pcm)
}

/// Half a second of line before and after, noise, mu-law.
fn telephone(speech: Vec<i16>, seed: u64, noise: f32) -> Vec<i16> {
    let mut pcm = vec![0; 2_400];
    pcm.extend(speech);
    pcm.extend([0; 4_000]);
    mix::add_noise(&mut pcm, noise, seed + 1);
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    g711::encode_ulaw(&pcm, &mut bytes);
    g711::decode_ulaw(&bytes, &mut out);
    out
}

async fn hear(recognition: &mut dyn Recognition, pcm: &mut [i16]) -> Result<Transcript, Failure> {
    recognition.start();
    recognition.push(pcm);
    recognition.finish();
    match recognition.next().await {
        RecognitionEvent::Final(heard) | RecognitionEvent::Partial(heard) => Ok(heard),
        RecognitionEvent::Failed(error) => Err(error.into()),
        RecognitionEvent::EndOfSpeech => Err("the end of the speech came before its words".into()),
    }
}

/// Word edits from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<&str> = to.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, word) in from.split_whitespace().enumerate() {
        let mut left = row[0];
        row[0] = at + 1;
        for (place, other) in to.iter().enumerate() {
            let cost = left + usize::from(word != *other);
            left = row[place + 1];
            row[place + 1] = cost.min(left + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}
