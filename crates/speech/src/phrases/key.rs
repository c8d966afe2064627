//! What a phrase is found by: everything that changes its sound.

use sha2::{Digest, Sha256};

use crate::{SpeakRequest, TextToSpeech};

/// Changes when the sound of the same request, or the form of an entry, changes: old entries are not found any more.
const VERSION: &str = "2";
/// Whose entries are looked for when no engine is there: what the local voices said before they were removed can still be said.
const DEFAULT_ENGINE: &str = "local voices";

pub(super) type Key = [u8; 16];

/// The key of a request to an engine; the request's voice is one of the engine's.
pub(super) fn key(engine: Option<&dyn TextToSpeech>, request: &SpeakRequest) -> Key {
    let (engine, model) = engine.map_or((DEFAULT_ENGINE, ""), |engine| (engine.name(), engine.model()));
    let mut hasher = Sha256::new();
    for part in [VERSION, engine, model, &request.voice, &request.rate.to_string(), &request.text] {
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
