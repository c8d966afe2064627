//! The phrase cache: what was said once is not made again, and what is in the pack can be said without any engine.
//!
//! A phrase is looked for in memory, then (fixed phrases only) in the store behind it, then made by an engine of the ladder
//! ([`crate::ladder::voices`]): once, however many calls ask for it at the same time, and everyone hears it while it is being made. When no engine
//! can say it, what any of them said before is looked for, and at last the pack. Errors are handed on and never kept.

mod cache;
mod counts;
mod entry;
mod files;
mod flight;
mod key;
mod memory;
mod pack;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use audio::resample::resample;
use call::Meter;
use tracing::warn;

pub use self::counts::LevelView;
pub use self::entry::MAX_ENTRY_BYTES;
pub use self::files::{FileStore, MAX_FILE_BYTES};
pub use self::pack::{PackPhrase, PhrasePack};
pub use self::store::{Holding, PhraseStore};

pub(crate) use self::cache::{Cache, Found, Keep};
pub(crate) use self::flight::Follower;

use crate::ladder::voices::CallVoice;
use crate::ladder::{OnChange, Rung, logged};
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// Rate of the pack, samples a second.
const PACK_RATE: u32 = 8_000;

/// What phrases are made of, and where they are kept.
pub struct PhraseSetup {
    /// Engines, the best first; none: only what was said before and the pack can be said.
    pub voices: Vec<Rung<dyn TextToSpeech>>,
    /// Where fixed phrases outlive the program: [`FileStore`], or one that instances share.
    pub store: Option<Arc<dyn PhraseStore>>,
    /// Bytes of sound kept in memory.
    pub memory_bytes: usize,
    /// Phrases that can be said when no engine can.
    pub pack: Option<PhrasePack>,
    /// Told when another engine speaks than was to.
    pub on_change: OnChange,
}

/// Speech through caches. Cheap to clone: clones share everything.
#[derive(Clone)]
pub struct Phrases {
    inner: Arc<Inner>,
}

struct Inner {
    voices: Vec<Rung<dyn TextToSpeech>>,
    pack: Option<Arc<PhrasePack>>,
    cache: Arc<Cache>,
    on_change: OnChange,
}

impl Phrases {
    /// A cache before an engine of this machine (or before none); `dir` keeps fixed phrases over restarts (at most [`MAX_FILE_BYTES`]),
    /// `memory_limit_bytes` bounds the sound kept in memory.
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
        Self::open(PhraseSetup {
            voices: tts.into_iter().map(Rung::here).collect(),
            store: dir.map(|dir| Arc::new(FileStore::new(&dir, MAX_FILE_BYTES)) as Arc<dyn PhraseStore>),
            memory_bytes: memory_limit_bytes,
            pack,
            on_change: logged(),
        })
    }

    /// A cache before a ladder of engines.
    #[must_use]
    pub fn open(setup: PhraseSetup) -> Self {
        let cache = Arc::new(Cache::new(setup.memory_bytes, setup.store));
        Self { inner: Arc::new(Inner { voices: setup.voices, pack: setup.pack.map(Arc::new), cache, on_change: setup.on_change }) }
    }

    /// The same phrases by other engines: what one of the same name, model and voice said is said by these too, without being made again.
    #[must_use]
    pub fn with_voices(&self, voices: Vec<Rung<dyn TextToSpeech>>) -> Self {
        let Inner { pack, cache, on_change, .. } = self.inner.as_ref();
        Self { inner: Arc::new(Inner { voices, pack: pack.clone(), cache: Arc::clone(cache), on_change: Arc::clone(on_change) }) }
    }

    /// The voice of one call: it does not change back to a better engine within the call. What is made for it is counted into `meter`.
    #[must_use]
    pub fn for_call(&self, meter: Meter) -> CallVoice {
        CallVoice::new(self.clone(), meter, Arc::clone(&self.inner.on_change))
    }

    /// Says a phrase outside of any call, from wherever it comes soonest. See [`CallVoice::speak`].
    ///
    /// # Errors
    /// As [`CallVoice::speak`].
    pub async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        self.for_call(meter.clone()).speak(request).await
    }

    /// As [`Self::speak`], for a fixed text without anybody's data: it is kept in the store, and belongs to nobody's call.
    ///
    /// # Errors
    /// As [`CallVoice::speak`].
    pub async fn speak_fixed(&self, request: SpeakRequest) -> Result<SpeechStream, SpeechError> {
        self.for_call(Meter::default()).say(request, Keep::Fixed).await
    }

    /// Makes fixed phrases ahead of their first use, by the first engine that works and by those of this machine, for the time when all others fail;
    /// returns how many can be said. Stops at the first phrase that nobody can say.
    ///
    /// # Errors
    /// As the engines'.
    pub async fn prerender(&self, texts: &[String], voice: &str, language: &str, rate: u32) -> Result<usize, SpeechError> {
        // Each phrase begins at the top; that one engine was away is told once.
        let others = Arc::new(AtomicUsize::new(0));
        for text in texts {
            let request = SpeakRequest { text: text.clone(), voice: voice.to_owned(), language: language.to_owned(), rate };
            for (rung, request) in self.inner.voices.iter().filter_map(|rung| Some((rung, spoken_by(rung, &request)?))) {
                self.inner.cache.fix(rung.engine.as_ref(), &request);
            }
            let count = Arc::clone(&others);
            let counting: OnChange = Arc::new(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            let voice = self.for_call(Meter::default()).reporting(counting);
            drain(voice.say(request.clone(), Keep::Fixed).await?).await?;
            for at in 1..self.inner.voices.len() {
                self.prerender_here(at, &request).await;
            }
        }
        let others = others.load(Ordering::Relaxed);
        if others > 0 {
            warn!(others, of = texts.len(), "fixed phrases were made by another engine than the best: calls make them again with the best");
        }
        Ok(texts.len())
    }

    /// Lets an engine of this machine say what is to be there when the others fail.
    async fn prerender_here(&self, at: usize, request: &SpeakRequest) {
        let Some(rung) = self.inner.voices.get(at).filter(|rung| rung.here) else { return };
        let Some(request) = spoken_by(rung, request) else { return };
        let said = match self.inner.cache.find(rung, request, Keep::Fixed, &Meter::default()) {
            Ok(Found::Making(mut follower)) => loop {
                match follower.next().await {
                    Some(Ok(_)) => {}
                    Some(Err(fault)) => break Err(fault),
                    None => break Ok(()),
                }
            },
            Ok(Found::Whole(_)) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = said {
            warn!(engine = rung.engine.name(), error = %fault, "a fixed phrase is missing for the time when all other voices fail");
        }
    }

    /// Whether a phrase can be said now: an engine is there, or the phrase is in a cache or in the pack.
    #[must_use]
    pub fn can_say(&self, text: &str, voice: &str) -> bool {
        let kept = |rate| {
            let request = SpeakRequest { text: text.to_owned(), voice: voice.to_owned(), language: String::new(), rate };
            self.inner.cache.has(&request)
        };
        self.has_engine() || self.inner.pack.as_ref().is_some_and(|pack| pack.has(text)) || kept(8_000) || kept(16_000)
    }

    /// Whether an engine is there, so that any text can be said.
    #[must_use]
    pub fn has_engine(&self) -> bool {
        !self.inner.voices.is_empty()
    }

    /// Bytes of sound in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.inner.cache.memory_bytes()
    }

    /// How the levels did since the start: memory, the store when there is one, the engines.
    #[must_use]
    pub fn views(&self) -> Vec<LevelView> {
        self.inner.cache.views()
    }

    pub(crate) fn voices(&self) -> &[Rung<dyn TextToSpeech>] {
        &self.inner.voices
    }

    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.inner.cache
    }

    /// What can be said when no engine can: what one of them said before, or the phrase of the pack.
    pub(crate) async fn last_resort(&self, request: &SpeakRequest) -> Option<Arc<[i16]>> {
        let inner = &self.inner;
        for rung in &inner.voices {
            if let Some(request) = spoken_by(rung, request)
                && let Some(sound) = inner.cache.kept(Some(rung.engine.as_ref()), &request).await
            {
                return Some(sound);
            }
        }
        if let Some(sound) = inner.cache.kept(None, request).await {
            return Some(sound);
        }
        let sound = inner.pack.as_ref()?.sound(&request.text, &request.voice)?;
        resample(&sound, PACK_RATE, request.rate).ok().map(Into::into)
    }
}

/// The request in the engine's own voice; `None`: it cannot speak the language.
pub(crate) fn spoken_by(rung: &Rung<dyn TextToSpeech>, request: &SpeakRequest) -> Option<SpeakRequest> {
    let voice = rung.engine.voice_for(&request.voice, &request.language)?;
    Some(SpeakRequest { voice, ..request.clone() })
}

async fn drain(mut stream: SpeechStream) -> Result<(), SpeechError> {
    while let Some(piece) = stream.recv().await {
        piece?;
    }
    Ok(())
}
