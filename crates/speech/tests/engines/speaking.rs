//! Stories of the local voices.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use audio::level::Level;
use call::Meter;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeechError, TextToSpeech};

use crate::support::{collect, request, voices};

#[tokio::test]
async fn every_voice_speaks_at_the_asked_rate_and_an_even_loudness() {
    let voices = voices().await;
    assert!(["slt", "kal16", "espeak:en-gb"].iter().all(|voice| voices.voices().iter().any(|known| known == voice)));
    for voice in voices.voices() {
        for rate in [8_000, 16_000] {
            let pcm = collect(voices.speak(request("Good morning, how can I help you?", &voice, rate), &Meter::default()).await.unwrap())
                .await
                .unwrap();
            let (seconds, level) = (pcm.len() as f32 / rate as f32, Level::of(&pcm));
            assert!((1.0..4.0).contains(&seconds), "{voice} took {seconds} s");
            assert!(level.rms_dbfs > -26.0 && level.rms_dbfs < -18.0 && level.clipped == 0, "{voice}: {level:?}");
        }
    }
}

#[tokio::test]
async fn the_first_sentence_comes_before_the_last_is_made() {
    let mut stream = voices()
        .await
        .speak(request("Good morning to you. How can I help you? We have many rooms.", "slt", 8_000), &Meter::default())
        .await
        .unwrap();
    let mut pieces = 0;
    while let Some(piece) = stream.recv().await {
        assert!(!piece.unwrap().is_empty());
        pieces += 1;
    }
    assert_eq!(pieces, 3);
}

#[tokio::test]
async fn text_that_looks_like_an_option_is_spoken() {
    let voices = voices().await;
    for voice in ["slt", "espeak:en-us"] {
        let pcm = collect(voices.speak(request("--version is what I said", voice, 8_000), &Meter::default()).await.unwrap()).await.unwrap();
        assert!(pcm.len() > 8_000, "{voice} made {} samples", pcm.len());
    }
}

#[tokio::test]
async fn what_cannot_be_spoken_is_refused() {
    let voices = voices().await;
    let refused = |text: String, voice, rate| {
        let voices = voices.clone();
        async move { voices.speak(request(&text, voice, rate), &Meter::default()).await.err().unwrap() }
    };
    assert!(matches!(refused(" ".into(), "slt", 8_000).await, SpeechError::TextLength { characters: 0, .. }));
    assert!(matches!(refused("a ".repeat(2_501), "slt", 8_000).await, SpeechError::TextLength { limit: 5_000, .. }));
    assert!(matches!(refused("a ".repeat(501), "slt", 8_000).await, SpeechError::TextLength { limit: 1_000, .. }));
    assert!(matches!(refused("hello".into(), "nobody", 8_000).await, SpeechError::UnknownVoice { .. }));
    assert!(matches!(refused("hello".into(), "slt", 44_100).await, SpeechError::Rate { .. }));
    let silent = collect(voices.speak(request("...", "slt", 8_000), &Meter::default()).await.unwrap()).await;
    assert!(matches!(silent, Err(SpeechError::SilentAudio { .. })), "{silent:?}");
}

#[tokio::test]
async fn a_missing_program_names_its_package_and_the_other_one_speaks() {
    let without = |flite: &str, espeak: &str| LocalSynthesizerConfig { flite: flite.into(), espeak: espeak.into(), ..Default::default() };
    let error = LocalSynthesizer::start(without("/nowhere/flite", "/nowhere/espeak")).await.err().unwrap();
    assert!(matches!(error, SpeechError::NotInstalled { package: "flite", .. }), "{error}");
    let voices = LocalSynthesizer::start(without("/nowhere/flite", "espeak-ng")).await.unwrap();
    assert!(voices.voices().iter().all(|voice| voice.starts_with("espeak:")));
    voices.check().await.unwrap();
}

#[tokio::test]
async fn a_hanging_engine_is_stopped_at_its_deadline_and_a_mute_one_fails_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let program = |name: &str, script: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let config =
        LocalSynthesizerConfig { flite: program("hangs", "exec sleep 60"), deadline: Duration::from_millis(300), ..Default::default() };
    let began = Instant::now();
    let error = LocalSynthesizer::start(config).await.unwrap().check().await.unwrap_err();
    assert!(matches!(error, SpeechError::Timeout { engine: "flite", .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let config = LocalSynthesizerConfig { flite: program("mute", "cat > /dev/null; exit 1"), ..Default::default() };
    let error = LocalSynthesizer::start(config).await.unwrap().check().await.unwrap_err();
    assert!(matches!(error, SpeechError::Crashed { engine: "flite", .. }), "{error}");
}
