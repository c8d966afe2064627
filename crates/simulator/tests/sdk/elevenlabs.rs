//! The SDK of ElevenLabs.

use anyhow::Result;
use privacy::Secret;
use resilience::{Guards, Service};
use simulator::{Simulator, Vendor};
use speech::vendor::elevenlabs::{ElevenLabs, ElevenLabsConfig};
use speech::{SpeakRequest, TextToSpeech};

use crate::judge::{judge, page};
use crate::recorder::Recorder;

#[tokio::test]
async fn the_sdk_of_elevenlabs_understands_the_simulator() -> Result<()> {
    let simulator = Simulator::quick().await?;
    judge("elevenlabs.py", &[&simulator.url(Vendor::ElevenLabs), "talk", &page(&simulator, Vendor::ElevenLabs)]).await?;
    assert_eq!(simulator.seen(Vendor::ElevenLabs).troubled, 5, "each was met once: nothing was tried again");
    Ok(())
}

#[tokio::test]
async fn the_adapter_asks_as_the_sdk_asks() -> Result<()> {
    let recorder = Recorder::start().await;
    judge("elevenlabs.py", &[&recorder.url, "record"]).await?;
    let theirs = recorder.take();
    let key = Secret::from("a-key".to_owned());
    let config = ElevenLabsConfig { base_url: recorder.url.clone(), ..ElevenLabsConfig::new(key) };
    let adapter = ElevenLabs::new(config, Guards::default().of(Service::ElevenLabs))?;
    let voice = adapter.voice_for("rachel", "en-US").unwrap();
    let request = SpeakRequest { text: "Hello there.".into(), voice, language: "en-US".into(), rate: 8000 };
    assert!(adapter.speak(request, &Default::default()).await.is_err());
    let ours = recorder.take();
    assert_eq!((&ours.method, &ours.path, &ours.query), (&theirs.method, &theirs.path, &theirs.query));
    assert_eq!(ours.header("xi-api-key"), theirs.header("xi-api-key"));
    assert_eq!(ours.header("content-type"), theirs.header("content-type"));
    assert_eq!(ours.json(), theirs.json());
    Ok(())
}
