//! What the stories share: the worker program, voices, a telephone line.

use std::ffi::OsString;
use std::path::Path;

use audio::{g711, mix};
use speech::local::{LocalRecognizerConfig, LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// The worker's command line.
pub(crate) fn worker() -> Vec<OsString> {
    vec![env!("CARGO_BIN_EXE_speech-worker").into()]
}

pub(crate) fn config(cache: &Path) -> LocalRecognizerConfig {
    LocalRecognizerConfig::new(worker(), cache.to_owned())
}

pub(crate) async fn voices() -> LocalSynthesizer {
    LocalSynthesizer::start(LocalSynthesizerConfig::default()).await.unwrap()
}

pub(crate) fn request(text: &str, voice: &str, rate: u32) -> SpeakRequest {
    SpeakRequest { text: text.to_owned(), voice: voice.to_owned(), language: "en-US".to_owned(), rate }
}

/// All of a stream.
pub(crate) async fn collect(mut stream: SpeechStream) -> Result<Vec<i16>, SpeechError> {
    let mut pcm = Vec::new();
    while let Some(piece) = stream.recv().await {
        pcm.extend_from_slice(&piece?);
    }
    Ok(pcm)
}

/// A sentence as it arrives over a telephone line: noise, mu-law, a pause on both sides.
pub(crate) async fn telephone(voice: &str, text: &str) -> Vec<i16> {
    let speech = collect(voices().await.speak(request(text, voice, 8_000), &Default::default()).await.unwrap()).await.unwrap();
    let mut pcm = vec![0; 2_400];
    pcm.extend(speech);
    pcm.extend([0; 4_000]);
    mix::add_noise(&mut pcm, -60.0, 1);
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    g711::encode_ulaw(&pcm, &mut bytes);
    g711::decode_ulaw(&bytes, &mut out);
    out
}
