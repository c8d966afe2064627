//! The SDK of OpenAI: voices and transcription.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use privacy::Secret;
use resilience::{Guards, Service};
use simulator::{Simulator, Vendor};
use speech::vendor::openai::{LISTEN_MODEL, OpenAiListen, OpenAiListenConfig, OpenAiPlace, OpenAiSpeak, OpenAiSpeakConfig};
use speech::{Domain, Listening, SpeakRequest, SpeechToText, TextToSpeech};

use crate::judge::{judge, page};
use crate::recorder::{Asked, Recorder};

fn place(recorder: &Recorder) -> OpenAiPlace {
    OpenAiPlace { base_url: recorder.url.clone(), ..OpenAiPlace::new(Secret::from("a-key".to_owned())) }
}

#[tokio::test]
async fn the_sdk_of_openai_speaks_and_listens_with_the_simulator() -> Result<()> {
    let simulator = Simulator::quick().await?;
    judge("openai_speech.py", &[&simulator.url(Vendor::OpenAi), "talk", &page(&simulator, Vendor::OpenAi)]).await?;
    assert_eq!(simulator.seen(Vendor::OpenAi).troubled, 6, "each was met once: nothing was tried again");
    Ok(())
}

#[tokio::test]
async fn the_adapter_speaks_as_the_sdk_speaks() -> Result<()> {
    let recorder = Recorder::start().await;
    judge("openai_speech.py", &[&recorder.url, "speak"]).await?;
    let theirs = recorder.take();
    let adapter = OpenAiSpeak::new(OpenAiSpeakConfig::new(place(&recorder)), Guards::default().of(Service::OpenAiSpeak))?;
    let request = SpeakRequest { text: "Hello there.".into(), voice: "alloy".into(), language: "en-US".into(), rate: 8000 };
    assert!(adapter.speak(request, &Default::default()).await.is_err());
    let ours = recorder.take();
    assert_eq!((&ours.method, &ours.path, ours.header("authorization")), (&theirs.method, &theirs.path, theirs.header("authorization")));
    assert_eq!(ours.json(), theirs.json());
    Ok(())
}

/// What the adapter sends for half a second of sound.
async fn heard(recorder: &Recorder, model: &str, words: &str) -> Result<Asked> {
    let config = OpenAiListenConfig { model: model.to_owned(), ..OpenAiListenConfig::new(place(recorder)) };
    let adapter = OpenAiListen::new(config, Guards::default().of(Service::OpenAiListen))?;
    let states = BTreeMap::from([("ask".to_owned(), vec![words.to_owned()])]);
    let domain = Arc::new(Domain { name: "hotel".into(), states, background: Vec::new() });
    let mut recognition = adapter.open(Listening::plain(domain, 8000)).await?;
    recognition.start();
    recognition.push(&[4096; 4000]);
    recognition.finish();
    recognition.next().await;
    Ok(recorder.take())
}

#[tokio::test]
async fn the_adapter_listens_as_the_sdk_listens() -> Result<()> {
    let recorder = Recorder::start().await;
    for (mode, model, words) in
        [("listen", LISTEN_MODEL, "a double room for two nights"), ("keywords", "gpt-transcribe", "a double for two")]
    {
        judge("openai_speech.py", &[&recorder.url, mode]).await?;
        let theirs = recorder.take();
        let ours = heard(&recorder, model, words).await?;
        assert_eq!((&ours.method, &ours.path), (&theirs.method, &theirs.path));
        assert_eq!(ours.header("authorization"), theirs.header("authorization"));
        assert_eq!(ours.form(), theirs.form());
    }
    Ok(())
}
