//! The contract of these adapters: voices, and ears.

mod listen;

use privacy::Secret;
use resilience::Service;
use simulator::Vendor;
use speech::vendor::openai::{OpenAiPlace, OpenAiSpeak, OpenAiSpeakConfig, SPEAK_MODEL};

use crate::voices::{Case, Scene, contract};

const CASE: Case = Case {
    vendor: Vendor::OpenAi,
    service: Service::OpenAiSpeak,
    model: SPEAK_MODEL,
    make: |base_url, key, guard, limits| {
        let config = OpenAiSpeakConfig { limits, ..OpenAiSpeakConfig::new(place(base_url, key)) };
        Box::new(OpenAiSpeak::new(config, guard).unwrap())
    },
};

pub(crate) fn place(base_url: String, key: &str) -> OpenAiPlace {
    OpenAiPlace { base_url, ..OpenAiPlace::new(Secret::from(key.to_owned())) }
}

contract!(CASE);

#[tokio::test]
async fn a_voice_is_found_by_name() {
    let scene = Scene::new(&CASE).await;
    for (wanted, voice) in [("Coral", "coral"), ("slt", "alloy"), ("", "alloy")] {
        assert_eq!(scene.voices.voice_for(wanted, "de-DE").as_deref(), Some(voice));
    }
}
