//! The contract of this adapter.

use privacy::Secret;
use resilience::{Guards, Service};
use simulator::Vendor;
use speech::vendor::azure::{AzurePlace, AzureSpeech, AzureSpeechConfig, MODEL};

use crate::voices::{Case, Scene, contract};

const CASE: Case = Case {
    vendor: Vendor::AzureSpeech,
    service: Service::AzureSpeech,
    model: MODEL,
    make: |base_url, key, guard, limits| {
        let config = AzureSpeechConfig { limits, ..AzureSpeechConfig::new(AzurePlace::Address(base_url), Secret::from(key.to_owned())) };
        Box::new(AzureSpeech::new(config, guard).unwrap())
    },
};

contract!(CASE);

#[tokio::test]
async fn a_voice_is_found_by_name_and_by_language() {
    let scene = Scene::new(&CASE).await;
    let table = [
        ("jenny", "en-US", Some("en-US-JennyNeural")),
        ("EN-GB-RYANNEURAL", "en-US", Some("en-GB-RyanNeural")),
        ("katja", "en-US", Some("en-US-JennyNeural")),
        ("slt", "en-GB", Some("en-GB-SoniaNeural")),
        ("slt", "en-AU", Some("en-US-JennyNeural")),
        ("slt", "de", Some("de-DE-KatjaNeural")),
        ("", "es-MX", Some("es-MX-DaliaNeural")),
        ("jenny", "ja-JP", None),
    ];
    for (wanted, language, voice) in table {
        assert_eq!(scene.voices.voice_for(wanted, language).as_deref(), voice, "{wanted} {language}");
    }
}

#[test]
fn a_region_is_a_word_and_no_way_to_another_host() {
    let at = |region: &str| {
        let config = AzureSpeechConfig::new(AzurePlace::Region(region.to_owned()), Secret::from("a-key".to_owned()));
        AzureSpeech::new(config, Guards::default().of(Service::AzureSpeech))
    };
    assert!(at("westeurope").is_ok());
    for region in ["", "evil.example/", "a.b", "a@b"] {
        assert!(at(region).is_err(), "{region}");
    }
}
