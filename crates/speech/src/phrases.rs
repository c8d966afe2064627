//! The phrase cache: what was said once is not made again, and what is in the pack can be said without any engine.
//!
//! A phrase is looked for in memory, then on disk, then made by the engine: once, however many calls ask for it at the same time, and everyone
//! hears it while it is being made. The pack is asked when no engine is there. Errors are handed on and never kept.

mod files;
mod flight;
mod memory;
mod pack;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audio::resample::resample;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use self::files::Files;
pub use self::files::MAX_FILE_BYTES;
use self::flight::Flight;
use self::memory::Memory;
pub use self::pack::{PackPhrase, PhrasePack};
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// Changes when the sound of the same request changes, so that old files are not used.
const VERSION: &str = "1";
/// Whose files are looked for when no engine is there: what the local voices said before they were removed can still be said.
const DEFAULT_ENGINE: &str = "local voices";
/// Different phrases being made at once.
const MAX_FLIGHTS: usize = 256;
/// Rate of the pack, samples a second.
const PACK_RATE: u32 = 8_000;

type Key = [u8; 16];

/// How long a phrase that was made is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// What is said in a call may hold a caller's name or number: it stays in memory, until others push it out.
    InMemory,
    /// An agent's fixed phrases: over restarts.
    OnDisk,
}

/// Speech through caches. Cheap to clone: clones share everything.
#[derive(Clone)]
pub struct Phrases {
    inner: Arc<Inner>,
}

struct Inner {
    tts: Option<Arc<dyn TextToSpeech>>,
    pack: Option<PhrasePack>,
    files: Option<Files>,
    memory: Mutex<Memory>,
    flights: Mutex<HashMap<Key, Arc<Flight>>>,
}

impl Phrases {
    /// A cache before an engine (or before none); `dir` keeps phrases over restarts (at most [`MAX_FILE_BYTES`]), `memory_limit_bytes` bounds
    /// the sound kept in memory.
    #[must_use]
    pub fn new(tts: Option<Arc<dyn TextToSpeech>>, dir: Option<PathBuf>, memory_limit_bytes: usize) -> Self {
        Self::with_pack(tts, dir, memory_limit_bytes, None)
    }

    /// As [`Self::new`], with phrases that can be said when there is no engine.
    #[must_use]
    pub fn with_pack(
        tts: Option<Arc<dyn TextToSpeech>>,
        dir: Option<PathBuf>,
        memory_limit_bytes: usize,
        pack: Option<PhrasePack>,
    ) -> Self {
        let files = dir.map(|dir| Files::new(dir, MAX_FILE_BYTES));
        let (memory, flights) = (Mutex::new(Memory::new(memory_limit_bytes)), Mutex::new(HashMap::new()));
        Self { inner: Arc::new(Inner { tts, pack, files, memory, flights }) }
    }

    /// Says a phrase, from wherever it comes soonest. The engine's errors come out of the stream.
    ///
    /// # Errors
    /// [`SpeechError::Unsayable`] without an engine and without the phrase; [`SpeechError::Rate`]; [`SpeechError::Overloaded`] when too many
    /// different phrases are being made.
    pub async fn speak(&self, request: SpeakRequest) -> Result<SpeechStream, SpeechError> {
        self.find_or_make(request, Keep::InMemory).await
    }

    async fn find_or_make(&self, request: SpeakRequest, keep: Keep) -> Result<SpeechStream, SpeechError> {
        if request.rate != 8_000 && request.rate != 16_000 {
            return Err(SpeechError::Rate { rate: request.rate });
        }
        let key = self.inner.key(&request);
        if let Some(sound) = lock(&self.inner.memory).get(&key) {
            return Ok(whole(sound));
        }
        if let Some(flight) = lock(&self.inner.flights).get(&key) {
            return Ok(flight.follow());
        }
        if let Some(sound) = self.inner.stored(&key).await {
            lock(&self.inner.memory).put(key, Arc::clone(&sound));
            return Ok(whole(sound));
        }
        match &self.inner.tts {
            Some(tts) => self.make(key, Arc::clone(tts), request, keep),
            None => self.inner.packed(&request).map(whole),
        }
    }

    /// Makes phrases ahead of their first use; returns how many could be said. Stops at the first failure.
    ///
    /// # Errors
    /// As the engine's.
    pub async fn prerender(&self, texts: &[String], voice: &str, rate: u32) -> Result<usize, SpeechError> {
        for text in texts {
            let mut stream = self
                .find_or_make(
                    SpeakRequest { text: text.clone(), voice: voice.to_owned(), language: "en-US".to_owned(), rate },
                    Keep::OnDisk,
                )
                .await?;
            while let Some(piece) = stream.recv().await {
                piece?;
            }
        }
        Ok(texts.len())
    }

    /// Whether a phrase can be said now: an engine is there, or the phrase is in a cache or in the pack.
    #[must_use]
    pub fn can_say(&self, text: &str, voice: &str) -> bool {
        let inner = &self.inner;
        let kept = |rate| {
            let key = inner.key(&SpeakRequest { text: text.to_owned(), voice: voice.to_owned(), language: "en-US".to_owned(), rate });
            lock(&inner.memory).contains(&key) || inner.files.as_ref().is_some_and(|files| files.has(&name(&key)))
        };
        inner.tts.is_some() || inner.pack.as_ref().is_some_and(|pack| pack.has(text)) || kept(8_000) || kept(16_000)
    }

    /// Whether an engine is there, so that any text can be said.
    #[must_use]
    pub fn has_engine(&self) -> bool {
        self.inner.tts.is_some()
    }

    /// Bytes of sound in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        lock(&self.inner.memory).bytes()
    }

    /// Lets the engine make a phrase, unless someone else began in the meantime.
    fn make(&self, key: Key, tts: Arc<dyn TextToSpeech>, request: SpeakRequest, keep: Keep) -> Result<SpeechStream, SpeechError> {
        let mut flights = lock(&self.inner.flights);
        if let Some(flight) = flights.get(&key) {
            return Ok(flight.follow());
        }
        if flights.len() >= MAX_FLIGHTS {
            return Err(SpeechError::Overloaded { engine: tts.name(), waiting: MAX_FLIGHTS });
        }
        let flight = Arc::new(Flight::new());
        flights.insert(key, Arc::clone(&flight));
        let stream = flight.follow();
        // Goes on when its listeners have gone: the phrase is paid for, the next call will want it.
        let landing = Landing { inner: Arc::clone(&self.inner), key };
        tokio::spawn(async move {
            if let Some(sound) = flight.fly(tts, request).await {
                lock(&landing.inner.memory).put(key, Arc::clone(&sound));
                if let (Some(files), Keep::OnDisk) = (&landing.inner.files, keep) {
                    files.write(name(&key), sound).await;
                }
            }
        });
        Ok(stream)
    }
}

/// Takes the flight out of the list, also when its task is dropped with the runtime.
struct Landing {
    inner: Arc<Inner>,
    key: Key,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.inner.flights).remove(&self.key);
    }
}

impl Inner {
    fn key(&self, request: &SpeakRequest) -> Key {
        let engine = self.tts.as_ref().map_or(DEFAULT_ENGINE, |tts| tts.name());
        let mut hasher = Sha256::new();
        for part in [VERSION, engine, &request.voice, &request.rate.to_string(), &request.text] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let mut key = Key::default();
        key.copy_from_slice(&hasher.finalize()[..16]);
        key
    }

    async fn stored(&self, key: &Key) -> Option<Arc<[i16]>> {
        self.files.as_ref()?.read(name(key)).await
    }

    fn packed(&self, request: &SpeakRequest) -> Result<Arc<[i16]>, SpeechError> {
        let sound = self.pack.as_ref().and_then(|pack| pack.sound(&request.text, &request.voice));
        let sound = sound.ok_or_else(|| SpeechError::Unsayable { text: request.text.clone() })?;
        let sound = resample(&sound, PACK_RATE, request.rate).map_err(|error| SpeechError::BadAudio { detail: error.to_string() })?;
        Ok(sound.into())
    }
}

/// A stream of one piece.
fn whole(sound: Arc<[i16]>) -> SpeechStream {
    let (pieces, stream) = mpsc::channel(1);
    // The channel is new and has room for one.
    let _ = pieces.try_send(Ok(sound));
    stream
}

fn name(key: &Key) -> String {
    hex::encode(key)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
