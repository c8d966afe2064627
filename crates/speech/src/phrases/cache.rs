//! The levels of the cache and what is being made: a phrase is looked for, and made once, however many want it at the same time.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use call::Meter;
use lru::LruCache;
use tokio::time::Instant;
use tracing::warn;

use super::counts::{Counts, LevelView};
use super::entry::{self, Unusable};
use super::flight::{Flight, Follower};
use super::key::{Key, key, name};
use super::memory::Memory;
use super::store::{Holding, PhraseStore};
use crate::ladder::{Rung, expected};
use crate::{SpeakRequest, SpeechError, TextToSpeech};

/// Different phrases being made at once.
const MAX_FLIGHTS: usize = 256;
/// Fixed phrases that are known as such; of more, those not said for longest are taken for texts of a call.
const MAX_FIXED: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();
/// Fixed phrases are good for this long (voicehive-behaviour.md 7: 30 days); then they are made anew, for vendors improve their voices.
const FIXED_LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);
/// What was said in a call is kept for this long. It may hold a caller's name, and what is said again is said again soon.
const CALL_LIFE: Duration = Duration::from_secs(3_600);
/// Part of a life by which it may be shorter, so that what was made together is not made anew together.
const SPREAD: f64 = 0.1;
/// Nobody speaks so many times faster than people do: fixed phrases of less sound were cut off and are not kept.
const FASTEST: u32 = 4;

/// How long a phrase that was made is kept, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// What is said in a call may hold a caller's name or number: it stays in memory.
    InCall,
    /// An agent's fixed phrases: also in the store.
    Fixed,
}

/// A phrase in the making, and by which engine: what is refused to one workspace's key is not refused to another's, so engines of the same name
/// do not wait for each other. The engine is told by its address, which is its own while it makes the phrase.
type By = (Key, usize);

/// A phrase, or its making.
pub(crate) enum Found {
    Whole(Arc<[i16]>),
    Making(Follower),
}

pub(crate) struct Cache {
    memory: Mutex<Memory>,
    flights: Mutex<HashMap<By, Arc<Flight>>>,
    fixed: Mutex<LruCache<Key, ()>>,
    store: Option<Arc<dyn PhraseStore>>,
    counts: Counts,
}

impl Cache {
    pub(super) fn new(memory_bytes: usize, store: Option<Arc<dyn PhraseStore>>) -> Self {
        Self {
            memory: Mutex::new(Memory::new(memory_bytes)),
            flights: Mutex::default(),
            fixed: Mutex::new(LruCache::new(MAX_FIXED)),
            store,
            counts: Counts::default(),
        }
    }

    /// A phrase in the voice of one engine: from memory, from whoever is making it, or made now (fixed phrases are looked for in the store first).
    /// The request's voice is one of the engine's.
    pub(crate) fn find(
        self: &Arc<Self>,
        rung: &Rung<dyn TextToSpeech>,
        request: SpeakRequest,
        keep: Keep,
        meter: &Meter,
    ) -> Result<Found, SpeechError> {
        let key = key(Some(rung.engine.as_ref()), &request);
        let keep = self.kept_as(key, keep);
        // What has landed is in memory before it is out of the list: under this lock a phrase is in one of them, or nobody makes it.
        let mut flights = lock(&self.flights);
        if let Some((sound, age)) = lock(&self.memory).get(&key, Instant::now()) {
            self.counts.memory.hit(age);
            return Ok(Found::Whole(sound));
        }
        let by = (key, Arc::as_ptr(&rung.engine).addr());
        if let Some(flight) = flights.get(&by) {
            self.counts.memory.hit(Duration::ZERO);
            return Ok(Found::Making(flight.follow()));
        }
        self.counts.memory.miss();
        if flights.len() >= MAX_FLIGHTS {
            return Err(SpeechError::Overloaded { engine: rung.engine.name(), waiting: MAX_FLIGHTS });
        }
        let flight = Arc::new(Flight::new());
        let follower = flight.follow();
        flights.insert(by, Arc::clone(&flight));
        // A runtime that is shutting down drops at once what it is given, and what is dropped wants the lock.
        drop(flights);
        let making = Making { cache: Arc::clone(self), key, by, flight, keep };
        let (rung, meter) = (rung.clone(), meter.clone());
        // Goes on when its listeners have gone: the phrase is paid for, the next call will want it.
        tokio::spawn(async move { making.make(&rung, request, &meter).await });
        Ok(Found::Making(follower))
    }

    /// What was said before, without an engine: from memory or the store.
    pub(super) async fn kept(&self, engine: Option<&dyn TextToSpeech>, request: &SpeakRequest) -> Option<Arc<[i16]>> {
        let key = key(engine, request);
        if let Some((sound, age)) = lock(&self.memory).get(&key, Instant::now()) {
            self.counts.memory.hit(age);
            return Some(sound);
        }
        self.load(&key, request.rate).await
    }

    /// Whether it was said before, as far as can be told without waiting.
    pub(super) fn has(&self, request: &SpeakRequest) -> bool {
        let key = key(None, request);
        lock(&self.memory).contains(&key, Instant::now()) || self.store.as_ref().is_some_and(|store| store.has(&name(&key)))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        lock(&self.memory).bytes()
    }

    pub(super) fn views(&self) -> Vec<LevelView> {
        let memory = {
            let memory = lock(&self.memory);
            let (bytes, entries) = (Some(memory.bytes() as u64), Some(memory.entries() as u64));
            Holding { bytes, entries, evictions: memory.evictions() }
        };
        let store = self.store.as_ref().map(|store| self.counts.store.view(store.level(), store.holds()));
        let engine = self.counts.engine.view("engine", Holding::default());
        std::iter::once(self.counts.memory.view("memory", memory)).chain(store).chain([engine]).collect()
    }

    /// Takes a phrase of an engine for a fixed one, whoever says it first.
    pub(super) fn fix(&self, engine: &dyn TextToSpeech, request: &SpeakRequest) {
        self.kept_as(key(Some(engine), request), Keep::Fixed);
    }

    /// A fixed phrase stays one when a call says it.
    fn kept_as(&self, key: Key, keep: Keep) -> Keep {
        let mut fixed = lock(&self.fixed);
        if keep == Keep::Fixed {
            if fixed.put(key, ()).is_none()
                && let Some(store) = &self.store
            {
                store.pin(&name(&key));
            }
            return Keep::Fixed;
        }
        if fixed.get(&key).is_some() { Keep::Fixed } else { Keep::InCall }
    }

    /// From the store into memory. A store that fails is a phrase that is made again.
    async fn load(&self, key: &Key, rate: u32) -> Option<Arc<[i16]>> {
        let (store, name, began) = (self.store.as_ref()?, name(key), Instant::now());
        let got = store.get(&name).await;
        self.counts.store.took(began.elapsed());
        let bytes = match got {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.counts.store.miss();
                return None;
            }
            Err(fault) => {
                self.store_failed(&fault);
                return None;
            }
        };
        match entry::decode(&bytes, rate, SystemTime::now()) {
            Ok(entry) => {
                self.counts.store.hit(entry.age);
                lock(&self.memory).put(*key, Arc::clone(&entry.sound), entry.age, entry.left, Instant::now());
                Some(entry.sound)
            }
            Err(unusable) => {
                self.drop_entry(&name, unusable).await;
                None
            }
        }
    }

    async fn drop_entry(&self, name: &str, unusable: Unusable) {
        let Some(store) = &self.store else { return };
        match unusable {
            Unusable::Old => self.counts.store.miss(),
            Unusable::Broken => {
                self.counts.store.error();
                warn!(store = store.level(), name, "a kept phrase is broken: it is dropped and made again");
            }
        }
        if let Err(fault) = store.remove(name).await {
            self.store_failed(&fault);
        }
    }

    fn store_failed(&self, fault: &SpeechError) {
        self.counts.store.error();
        if let Some(store) = &self.store {
            warn!(store = store.level(), error = %fault, "kept phrases are out of reach: phrases are made again");
        }
    }
}

/// A phrase that one task makes. Takes it out of the list when it ends, also when the task is dropped with the runtime.
struct Making {
    cache: Arc<Cache>,
    key: Key,
    by: By,
    flight: Arc<Flight>,
    keep: Keep,
}

impl Making {
    async fn make(self, rung: &Rung<dyn TextToSpeech>, request: SpeakRequest, meter: &Meter) {
        if self.keep == Keep::Fixed
            && let Some(sound) = self.cache.load(&self.key, request.rate).await
        {
            self.flight.found(sound);
            self.flight.land(Ok(()));
            return;
        }
        let (rate, least) = (request.rate, expected(&request.text) / FASTEST);
        let began = Instant::now();
        let made = self.flight.fly(rung, request, meter).await;
        let counts = &self.cache.counts.engine;
        counts.took(began.elapsed());
        match made {
            Err(fault) => {
                counts.error();
                // Whoever asks again, or asks another engine of the same name, begins anew.
                self.leave();
                self.flight.land(Err(fault));
            }
            Ok(sound) if self.keep == Keep::Fixed && length(&sound, rate) < least => {
                counts.error();
                warn!(engine = rung.engine.name(), "a fixed phrase is too short for its text: it is said and not kept");
                self.flight.land(Ok(()));
            }
            Ok(sound) => {
                counts.hit(Duration::ZERO);
                self.keep(sound, rate).await;
            }
        }
    }

    fn leave(&self) {
        let mut flights = lock(&self.cache.flights);
        if flights.get(&self.by).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            flights.remove(&self.by);
        }
    }

    async fn keep(&self, sound: Arc<[i16]>, rate: u32) {
        let life = match self.keep {
            Keep::InCall => CALL_LIFE,
            Keep::Fixed => FIXED_LIFE,
        };
        // The key is a hash: as good as chance, and the same for all who share the store.
        let life = life.mul_f64(1.0 - SPREAD * f64::from(self.key[0]) / 256.0);
        lock(&self.cache.memory).put(self.key, Arc::clone(&sound), Duration::ZERO, life, Instant::now());
        self.flight.land(Ok(()));
        if let (Some(store), Keep::Fixed) = (&self.cache.store, self.keep) {
            let entry = entry::encode(&sound, rate, SystemTime::now(), life);
            if let Err(fault) = store.put(&name(&self.key), entry, life).await {
                self.cache.store_failed(&fault);
            }
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.leave();
    }
}

fn length(sound: &[i16], rate: u32) -> Duration {
    Duration::from_secs(sound.len() as u64) / rate.max(1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
