//! Phrases in memory, the least recently said go first.

use std::sync::Arc;

use lru::LruCache;

use super::Key;

/// A cache bounded by the bytes of its sound.
pub(super) struct Memory {
    phrases: LruCache<Key, Arc<[i16]>>,
    bytes: usize,
    limit: usize,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self { phrases: LruCache::unbounded(), bytes: 0, limit }
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<[i16]>> {
        self.phrases.get(key).map(Arc::clone)
    }

    pub(super) fn contains(&self, key: &Key) -> bool {
        self.phrases.contains(key)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a phrase; one that is larger than the whole cache is not kept.
    pub(super) fn put(&mut self, key: Key, sound: Arc<[i16]>) {
        let size = size_of_val(&*sound);
        if size > self.limit {
            return;
        }
        self.bytes += size;
        if let Some(old) = self.phrases.put(key, sound) {
            self.bytes -= size_of_val(&*old);
        }
        while self.bytes > self.limit {
            let Some((_, old)) = self.phrases.pop_lru() else { return };
            self.bytes -= size_of_val(&*old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phrase_not_said_for_longest_makes_room() {
        let mut memory = Memory::new(2_000);
        let sound = |samples: usize| -> Arc<[i16]> { vec![1; samples].into() };
        memory.put([1; 16], sound(500));
        memory.put([2; 16], sound(400));
        assert!(memory.get(&[1; 16]).is_some());
        memory.put([3; 16], sound(300));
        assert!(!memory.contains(&[2; 16]) && memory.contains(&[1; 16]) && memory.contains(&[3; 16]));
        assert_eq!(memory.bytes(), 1_600);
        memory.put([3; 16], sound(100));
        assert_eq!(memory.bytes(), 1_200);
        memory.put([4; 16], sound(1_001));
        assert_eq!(memory.bytes(), 1_200);
    }
}
