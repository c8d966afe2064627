//! The contract of this adapter.

use privacy::Secret;
use resilience::Service;
use simulator::{Simulator, Vendor};
use speech::vendor::elevenlabs::{ElevenLabs, ElevenLabsConfig, MODEL, VOICE};
use speech::{SpeakRequest, SpeechError, TextToSpeech};

use crate::voices::{Case, LIMITS, Scene, contract};

const CASE: Case = Case {
    vendor: Vendor::ElevenLabs,
    service: Service::ElevenLabs,
    model: MODEL,
    make: |base_url, key, guard, limits| {
        let config = ElevenLabsConfig { base_url, limits, ..ElevenLabsConfig::new(Secret::from(key.to_owned())) };
        Box::new(ElevenLabs::new(config, guard).unwrap())
    },
};

contract!(CASE);

#[tokio::test]
async fn voices_are_called_by_name_or_id_and_the_rest_speak_with_the_configured_one() {
    let scene = Scene::new(&CASE).await;
    let voices = &scene.voices;
    let rachel = "21m00Tcm4TlvDq8ikWAM";
    for (wanted, voice) in
        [("Rachel", rachel), (rachel, rachel), ("abcdefghij0123456789", "abcdefghij0123456789"), ("slt", VOICE), ("", VOICE)]
    {
        assert_eq!(voices.voice_for(wanted, "en-US").as_deref(), Some(voice), "{wanted}");
    }
    assert!(voices.voice_for("rachel", "de-DE").is_some() && voices.voice_for("rachel", "mt-MT").is_none());
    let wish = |voice: &str| SpeakRequest { text: "Hello.".into(), voice: voice.into(), language: "en-US".into(), rate: 8000 };
    let lead = voices.speak(wish("../../voices"), &scene.meter).await;
    assert!(matches!(lead, Err(SpeechError::UnknownVoice { .. })), "a voice is no way to another address");
    assert_eq!(scene.seen().requests, 0);
}

#[tokio::test]
async fn a_model_that_speaks_english_only_is_not_asked_for_german() {
    let simulator = Simulator::quick().await.unwrap();
    let config = ElevenLabsConfig {
        base_url: simulator.url(Vendor::ElevenLabs),
        model: "eleven_flash_v2".into(),
        limits: LIMITS,
        ..ElevenLabsConfig::new(Secret::from("a-key".to_owned()))
    };
    let voices = ElevenLabs::new(config, resilience::Guards::default().of(Service::ElevenLabs)).unwrap();
    assert!(voices.voice_for("rachel", "en-GB").is_some() && voices.voice_for("rachel", "de-DE").is_none());
}
