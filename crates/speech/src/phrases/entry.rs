//! A phrase as stores keep it: a header that says what it is and how long it is good, and the sound. What is not whole is not a phrase.
//!
//! Little-endian: four bytes `VNPH`, samples a second (4), made and good until (8 each, seconds since 1970), samples (4), the first 16 bytes of the
//! SHA-256 of all of this and of the sound, then the sound, 16 bits a sample.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 4] = b"VNPH";
/// Bytes before the checksum.
const FACTS: usize = 28;
/// Bytes of the checksum.
const SUM: usize = 16;
/// The longest phrase, seconds.
pub(crate) const MAX_SECONDS: usize = 10 * 60;
/// The largest entry, bytes: ten minutes at 16 kHz.
pub const MAX_ENTRY_BYTES: usize = FACTS + SUM + MAX_SECONDS * 16_000 * 2;

/// A phrase that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) sound: Arc<[i16]>,
    /// Since it was made.
    pub(super) age: Duration,
    /// Until it is made anew.
    pub(super) left: Duration,
}

/// Why bytes are no phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Its time is over.
    Old,
    /// It is cut, changed, of another rate or of another version.
    Broken,
}

/// A phrase made `now` and good for `life`, as bytes.
pub(super) fn encode(sound: &[i16], rate: u32, now: SystemTime, life: Duration) -> Vec<u8> {
    let made = seconds(now);
    let samples = u32::try_from(sound.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(FACTS + SUM + sound.len() * 2);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&made.to_le_bytes());
    bytes.extend_from_slice(&made.saturating_add(life.as_secs()).to_le_bytes());
    bytes.extend_from_slice(&samples.to_le_bytes());
    let sound: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let sum = sum(&bytes, &sound);
    bytes.extend_from_slice(&sum);
    bytes.extend_from_slice(&sound);
    bytes
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8], rate: u32, now: SystemTime) -> Result<Entry, Unusable> {
    let (facts, rest) = bytes.split_at_checked(FACTS).ok_or(Unusable::Broken)?;
    let (told, sound) = rest.split_at_checked(SUM).ok_or(Unusable::Broken)?;
    let whole = facts.starts_with(MAGIC) && u32_at(facts, 4) == rate && sound.len() == u32_at(facts, 24) as usize * 2;
    let (samples, _) = sound.as_chunks::<2>();
    if !whole || samples.is_empty() || sum(facts, sound) != told {
        return Err(Unusable::Broken);
    }
    let (made, until, now) = (u64_at(facts, 8), u64_at(facts, 16), seconds(now));
    if now >= until {
        return Err(Unusable::Old);
    }
    let sound = samples.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    Ok(Entry { sound, age: Duration::from_secs(now.saturating_sub(made)), left: Duration::from_secs(until - now) })
}

fn sum(facts: &[u8], sound: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Sha256::new().chain_update(facts).chain_update(sound).finalize()[..SUM]);
    sum
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn an_entry_is_read_back_until_its_time_is_over() {
        let bytes = encode(&[1, -2, 3], 8_000, at(1_000), Duration::from_secs(60));
        let entry = decode(&bytes, 8_000, at(1_059)).unwrap();
        assert_eq!((&*entry.sound, entry.age, entry.left), ([1, -2, 3].as_slice(), Duration::from_secs(59), Duration::from_secs(1)));
        assert_eq!(decode(&bytes, 8_000, at(1_060)), Err(Unusable::Old));
        assert_eq!(decode(&bytes, 16_000, at(1_000)), Err(Unusable::Broken));
    }

    #[test]
    fn no_byte_can_be_changed_or_missing() {
        let bytes = encode(&[1, -2, 3], 8_000, at(1_000), Duration::from_secs(60));
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(decode(&changed, 8_000, at(1_000)), Err(Unusable::Broken), "byte {place}");
            assert_eq!(decode(&bytes[..place], 8_000, at(1_000)), Err(Unusable::Broken), "cut at {place}");
        }
        assert_eq!(decode(&encode(&[], 8_000, at(1), Duration::from_secs(60)), 8_000, at(2)), Err(Unusable::Broken));
    }
}
