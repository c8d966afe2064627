//! Phrases in memory, the least recently said go first.

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

use super::key::Key;

/// A cache bounded by the bytes of its sound.
pub(super) struct Memory {
    phrases: LruCache<Key, Phrase>,
    bytes: usize,
    limit: usize,
    evictions: u64,
}

struct Phrase {
    sound: Arc<[i16]>,
    /// How old it was when it came here, and when that was.
    age: Duration,
    since: Instant,
    until: Instant,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self { phrases: LruCache::unbounded(), bytes: 0, limit, evictions: 0 }
    }

    /// A phrase that is still good, and how old it is.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<(Arc<[i16]>, Duration)> {
        if self.phrases.peek(key)?.until <= now {
            self.remove(key);
            return None;
        }
        let phrase = self.phrases.get(key)?;
        Some((Arc::clone(&phrase.sound), phrase.age + now.duration_since(phrase.since)))
    }

    pub(super) fn contains(&self, key: &Key, now: Instant) -> bool {
        self.phrases.peek(key).is_some_and(|phrase| phrase.until > now)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn entries(&self) -> usize {
        self.phrases.len()
    }

    /// Phrases that made room, or were not let in, since the start.
    pub(super) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Keeps a phrase of this age for so long; one that is larger than the whole cache is not kept.
    pub(super) fn put(&mut self, key: Key, sound: Arc<[i16]>, age: Duration, left: Duration, now: Instant) {
        self.remove(&key);
        let size = size_of_val(&*sound);
        if size > self.limit {
            self.evictions += 1;
            return;
        }
        self.bytes += size;
        self.phrases.put(key, Phrase { sound, age, since: now, until: now + left });
        while self.bytes > self.limit {
            let Some((_, old)) = self.phrases.pop_lru() else { return };
            self.bytes -= size_of_val(&*old.sound);
            self.evictions += 1;
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(old) = self.phrases.pop(key) {
            self.bytes -= size_of_val(&*old.sound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn put(memory: &mut Memory, key: u8, samples: usize) {
        memory.put([key; 16], vec![1; samples].into(), Duration::ZERO, HOUR, Instant::now());
    }

    fn has(memory: &Memory, key: u8) -> bool {
        memory.contains(&[key; 16], Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn the_phrase_not_said_for_longest_makes_room() {
        let mut memory = Memory::new(2_000);
        put(&mut memory, 1, 500);
        put(&mut memory, 2, 400);
        assert!(memory.get(&[1; 16], Instant::now()).is_some());
        put(&mut memory, 3, 300);
        assert!(!has(&memory, 2) && has(&memory, 1) && has(&memory, 3));
        assert_eq!((memory.bytes(), memory.entries(), memory.evictions()), (1_600, 2, 1));
        put(&mut memory, 3, 100);
        assert_eq!(memory.bytes(), 1_200);
        put(&mut memory, 4, 1_001);
        assert_eq!(memory.bytes(), 1_200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_phrase_grows_old_and_is_gone() {
        let mut memory = Memory::new(2_000);
        memory.put([1; 16], vec![1; 10].into(), HOUR, HOUR, Instant::now());
        tokio::time::advance(HOUR / 2).await;
        assert_eq!(memory.get(&[1; 16], Instant::now()).unwrap().1, HOUR + HOUR / 2);
        tokio::time::advance(HOUR / 2).await;
        assert!(!has(&memory, 1) && memory.get(&[1; 16], Instant::now()).is_none());
        assert_eq!((memory.bytes(), memory.entries()), (0, 0));
    }
}
