//! Phrases that ship with the program, for machines without a speech engine.
//!
//! Format: eight bytes `VNPACK1\n`, the length of the index (4 bytes, little-endian), the index (JSON: text, voice, start, length), then the sounds:
//! mu-law at 8 kHz, one after the other.

use std::collections::HashMap;

use audio::g711;
use serde::{Deserialize, Serialize};

use crate::SpeechError;

const MAGIC: &[u8; 8] = b"VNPACK1\n";
/// The largest pack that is read, bytes: more than two hours of speech.
const MAX_PACK: usize = 64 << 20;
/// The largest index, bytes.
const MAX_INDEX: usize = 4 << 20;
/// Bytes before the index.
const HEADER: usize = 12;

/// A phrase for a pack.
#[derive(Debug, Clone)]
pub struct PackPhrase {
    /// What is said.
    pub text: String,
    /// The voice that says it.
    pub voice: String,
    /// Mono samples at 8 kHz.
    pub pcm: Vec<i16>,
}

/// Phrases read from a pack.
#[derive(Debug, Clone)]
pub struct PhrasePack {
    /// Text to voices and where their sound is.
    phrases: HashMap<String, Vec<Entry>>,
    sounds: Vec<u8>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    text: String,
    voice: String,
    start: usize,
    length: usize,
}

impl PhrasePack {
    /// Reads a pack.
    ///
    /// # Errors
    /// [`SpeechError::Pack`] when it is too large or does not follow the format.
    pub fn read(bytes: &[u8]) -> Result<Self, SpeechError> {
        let broken = |detail: &str| SpeechError::Pack { detail: detail.to_owned() };
        if bytes.len() > MAX_PACK {
            return Err(broken("it is larger than 64 MiB"));
        }
        let header =
            bytes.get(..HEADER).filter(|header| header.starts_with(MAGIC)).ok_or_else(|| broken("it does not begin as a pack does"))?;
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        if length > MAX_INDEX {
            return Err(broken("its index is larger than 4 MiB"));
        }
        let index = bytes.get(HEADER..HEADER + length).ok_or_else(|| broken("its index is cut off"))?;
        let entries: Vec<Entry> = serde_json::from_slice(index).map_err(|error| broken(&format!("its index cannot be read: {error}")))?;
        let sounds = bytes[HEADER + length..].to_vec();
        let mut phrases: HashMap<String, Vec<Entry>> = HashMap::new();
        for entry in entries {
            if entry.length == 0 || entry.start.checked_add(entry.length).is_none_or(|end| end > sounds.len()) {
                return Err(broken(&format!("the sound of {:?} is cut off", entry.text)));
            }
            phrases.entry(entry.text.clone()).or_default().push(entry);
        }
        Ok(Self { phrases, sounds })
    }

    /// Packs phrases.
    ///
    /// # Errors
    /// [`SpeechError::Pack`] when they are more than a pack may hold.
    pub fn write(phrases: &[PackPhrase]) -> Result<Vec<u8>, SpeechError> {
        let (mut entries, mut sounds) = (Vec::new(), Vec::new());
        for phrase in phrases {
            let start = sounds.len();
            g711::encode_ulaw(&phrase.pcm, &mut sounds);
            entries.push(Entry { text: phrase.text.clone(), voice: phrase.voice.clone(), start, length: sounds.len() - start });
        }
        let index = serde_json::to_vec(&entries).map_err(|error| SpeechError::Pack { detail: error.to_string() })?;
        if index.len() > MAX_INDEX || HEADER + index.len() + sounds.len() > MAX_PACK {
            return Err(SpeechError::Pack { detail: "these phrases are more than a pack may hold".to_owned() });
        }
        let length = (index.len() as u32).to_le_bytes();
        Ok([MAGIC.as_slice(), &length, &index, &sounds].concat())
    }

    /// Whether a phrase is in the pack, in any voice.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.phrases.contains_key(text)
    }

    /// The sound of a phrase at 8 kHz: in this voice, or else in any, for a strange voice is better than none.
    #[must_use]
    pub fn sound(&self, text: &str, voice: &str) -> Option<Vec<i16>> {
        let voices = self.phrases.get(text)?;
        let entry = voices.iter().find(|entry| entry.voice == voice).or_else(|| voices.first())?;
        let mut pcm = Vec::with_capacity(entry.length);
        g711::decode_ulaw(self.sounds.get(entry.start..entry.start + entry.length)?, &mut pcm);
        Some(pcm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_survives_the_round_trip_and_prefers_the_voice_asked_for() {
        let phrase = |text: &str, voice: &str, level: i16| PackPhrase { text: text.into(), voice: voice.into(), pcm: vec![level; 80] };
        let bytes =
            PhrasePack::write(&[phrase("Hello.", "slt", 1_000), phrase("Hello.", "rms", 2_000), phrase("Bye.", "slt", 500)]).unwrap();
        let pack = PhrasePack::read(&bytes).unwrap();
        let level = |text, voice| pack.sound(text, voice).map(|pcm| (pcm.len(), (f32::from(pcm[0]) / 100.0).round() as i32));
        assert_eq!(level("Hello.", "rms"), Some((80, 20)));
        assert_eq!(level("Hello.", "nobody"), Some((80, 10)));
        assert_eq!(level("Never said.", "slt"), None);
        assert!(pack.has("Bye.") && !pack.has("bye"));
    }

    #[test]
    fn a_broken_pack_is_refused() {
        let bytes = PhrasePack::write(&[PackPhrase { text: "a".into(), voice: "v".into(), pcm: vec![1; 10] }]).unwrap();
        for broken in [&bytes[..bytes.len() - 1], &bytes[..20], &bytes[..5], b"VNPACK1\n\xff\xff\xff\xff"] {
            assert!(matches!(PhrasePack::read(broken), Err(SpeechError::Pack { .. })));
        }
    }
}
