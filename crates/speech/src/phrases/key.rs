//! What a phrase is found by: everything that changes its sound.

use sha2::{Digest, Sha256};

use crate::{SpeakRequest, TextToSpeech};

/// Changes when the sound of the same request, or the form of an entry, changes: old entries are not found any more.
const VERSION: &str = "3";
/// Whose entries are looked for when no engine is there: what the local voices said before they were removed can still be said.
const DEFAULT_ENGINE: &str = "local voices";

pub(super) type Key = [u8; 16];

/// The key of a request to an engine; the request's voice is one of the engine's.
pub(super) fn key(engine: Option<&dyn TextToSpeech>, request: &SpeakRequest) -> Key {
    let (engine, address, model) = engine.map_or((DEFAULT_ENGINE, "", ""), |engine| (engine.name(), engine.address(), engine.model()));
    let mut hasher = Sha256::new();
    for part in [VERSION, engine, address, model, &request.voice, &request.rate.to_string(), &request.text] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let mut key = Key::default();
    key.copy_from_slice(&hasher.finalize()[..16]);
    key
}

/// The key as a name in a store.
pub(super) fn name(key: &Key) -> String {
    hex::encode(key)
}

#[cfg(test)]
mod tests {
    use privacy::Secret;
    use resilience::{Guards, Service};

    use super::*;
    use crate::vendor::aura::{Aura, AuraConfig};
    use crate::vendor::azure::{AzurePlace, AzureSpeech, AzureSpeechConfig};
    use crate::vendor::deepgram;
    use crate::vendor::elevenlabs::{ElevenLabs, ElevenLabsConfig};
    use crate::vendor::openai::{OpenAiPlace, OpenAiSpeak, OpenAiSpeakConfig};

    /// The voices of all vendors, as if they were at this address.
    fn voices(address: &str) -> Vec<Box<dyn TextToSpeech>> {
        let (key, guards) = (Secret::from("a-key".to_owned()), Guards::default());
        let openai = OpenAiPlace { base_url: address.to_owned(), ..OpenAiPlace::new(key.clone()) };
        let elevenlabs = ElevenLabsConfig { base_url: address.to_owned(), ..ElevenLabsConfig::new(key.clone()) };
        let azure = AzureSpeechConfig::new(AzurePlace::Address(address.to_owned()), key.clone());
        vec![
            Box::new(OpenAiSpeak::new(OpenAiSpeakConfig::new(openai), guards.of(Service::OpenAiSpeak)).unwrap()),
            Box::new(ElevenLabs::new(elevenlabs, guards.of(Service::ElevenLabs)).unwrap()),
            Box::new(AzureSpeech::new(azure, guards.of(Service::AzureSpeech)).unwrap()),
            Box::new(Aura::new(&deepgram::setup(address, &key), guards.of(Service::DeepgramSpeak), AuraConfig::default()).unwrap()),
        ]
    }

    #[test]
    fn engines_that_differ_by_their_address_only_share_no_phrase() {
        let request = SpeakRequest { text: "Good morning.".into(), voice: "one".into(), language: "en-US".into(), rate: 8000 };
        let keys = |address: &str| -> Vec<Key> { voices(address).iter().map(|engine| key(Some(engine.as_ref()), &request)).collect() };
        let (vendors, simulated) = (keys("https://voices.example.com/v1"), keys("http://127.0.0.1:8400/v1"));
        assert!(vendors.iter().all(|key| !simulated.contains(key)));
        assert_eq!(vendors, keys("https://voices.example.com/v1"));
    }
}
