//! Speech to text with PocketSphinx: buffers a call's utterances and sends them to the pool of worker processes.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use pocketsphinx::Hypothesis;
use pocketsphinx::protocol::Request;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::confidence::judge;
use super::hearing_check;
use super::models::{ModelStore, Prepared, State};
use super::pool::{ENGINE, Job, Pool};
use crate::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText, Transcript};

/// Audio kept of one utterance, seconds; what comes after is not heard.
pub const MAX_UTTERANCE: usize = 30;
/// Domains remembered as ready; the oldest is looked up on disk again.
const MAX_READY: usize = 64;

/// Settings of the local recogniser.
#[derive(Debug, Clone)]
pub struct LocalRecognizerConfig {
    /// Program and arguments of a worker: something that runs [`pocketsphinx::worker_main`].
    pub worker_command: Vec<OsString>,
    /// Worker processes; each recognises one utterance at a time and needs some 25 MB.
    pub workers: usize,
    /// Folder for trained models. May be deleted at any time; they are trained again.
    pub cache_dir: PathBuf,
    /// From the end of an utterance to its transcript, waiting included.
    pub deadline: Duration,
    /// Utterances that may wait for a worker.
    pub queue_limit: usize,
    /// Folder of the acoustic model.
    pub acoustic_model: PathBuf,
    /// Pronouncing dictionary in the format of cmudict.
    pub dictionary: PathBuf,
    /// The flite program; it knows how to pronounce words that are not in the dictionary.
    pub flite: PathBuf,
}

impl LocalRecognizerConfig {
    /// The Debian packages' paths, two workers, a deadline of 8 s and 64 places to wait.
    #[must_use]
    pub fn new(worker_command: Vec<OsString>, cache_dir: PathBuf) -> Self {
        let models = PathBuf::from("/usr/share/pocketsphinx/model/en-us");
        Self {
            worker_command,
            workers: 2,
            cache_dir,
            deadline: Duration::from_secs(8),
            queue_limit: 64,
            acoustic_model: models.join("en-us"),
            dictionary: models.join("cmudict-en-us.dict"),
            flite: "flite".into(),
        }
    }
}

/// Speech to text on this machine.
pub struct LocalRecognizer {
    shared: Arc<Shared>,
    ready: Mutex<VecDeque<(Weak<Domain>, Arc<Prepared>)>>,
}

struct Shared {
    pool: Pool,
    store: ModelStore,
    acoustic_model: PathBuf,
    next_id: AtomicU64,
}

type Reply = oneshot::Receiver<Result<Option<Hypothesis>, SpeechError>>;

impl LocalRecognizer {
    /// Starts the pool, and proves with a clip that library, model and dictionary work. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`SpeechError::NotInstalled`] with the package that is missing; [`SpeechError::File`] when the cache cannot be written.
    pub async fn start(config: LocalRecognizerConfig) -> Result<Self, SpeechError> {
        let pool = Pool::start(config.worker_command, config.workers, config.queue_limit, config.deadline);
        let store = ModelStore { cache: config.cache_dir, dictionary: config.dictionary, flite: config.flite };
        let shared = Shared { pool, store, acoustic_model: config.acoustic_model, next_id: AtomicU64::new(1) };
        let recognizer = Self { shared: Arc::new(shared), ready: Mutex::new(VecDeque::new()) };
        recognizer.check().await?;
        Ok(recognizer)
    }

    fn ready(&self) -> MutexGuard<'_, VecDeque<(Weak<Domain>, Arc<Prepared>)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, domain: &Arc<Domain>) -> Option<Arc<Prepared>> {
        let place = Arc::as_ptr(domain);
        self.ready().iter().find(|(known, _)| known.as_ptr() == place).map(|(_, prepared)| Arc::clone(prepared))
    }

    async fn prepared(&self, domain: &Arc<Domain>) -> Result<Arc<Prepared>, SpeechError> {
        if let Some(prepared) = self.known(domain) {
            return Ok(prepared);
        }
        let (store, task) = (self.shared.store.clone(), Arc::clone(domain));
        let prepared =
            tokio::task::spawn_blocking(move || store.prepare(&task)).await.map_err(|_| SpeechError::Stopped { engine: ENGINE })??;
        let prepared = Arc::new(prepared);
        let mut ready = self.ready();
        // A weak pointer keeps its place in memory taken, so equal places mean the same domain.
        ready.retain(|(known, _)| known.strong_count() > 0);
        if ready.len() >= MAX_READY {
            ready.pop_front();
        }
        ready.push_back((Arc::downgrade(domain), Arc::clone(&prepared)));
        Ok(prepared)
    }
}

#[async_trait]
impl SpeechToText for LocalRecognizer {
    fn name(&self) -> &'static str {
        ENGINE
    }

    async fn prepare(&self, domain: &Arc<Domain>) -> Result<(), SpeechError> {
        self.prepared(domain).await.map(drop)
    }

    async fn open(&self, Listening { domain, rate, .. }: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        if rate != 8_000 && rate != 16_000 {
            return Err(SpeechError::Rate { rate });
        }
        let prepared = self.prepared(&domain).await?;
        Ok(Box::new(LocalRecognition::new(Arc::clone(&self.shared), prepared, rate)))
    }

    async fn check(&self) -> Result<(), SpeechError> {
        hearing_check::hear(self).await
    }
}

/// One call's recognition.
struct LocalRecognition {
    shared: Arc<Shared>,
    prepared: Arc<Prepared>,
    state: State,
    rate: u32,
    audio: Vec<i16>,
    /// Between `start` and `finish`.
    open: bool,
    /// Work that is under way; dropping it gives the work up.
    pending: Option<Pending>,
    /// What was heard up to a pause, kept in case the utterance ends there.
    guess: Option<(usize, PathBuf, Transcript)>,
    events: VecDeque<RecognitionEvent>,
}

struct Pending {
    reply: Reply,
    samples: usize,
    state: State,
    submitted: Instant,
    last: bool,
}

impl LocalRecognition {
    fn new(shared: Arc<Shared>, prepared: Arc<Prepared>, rate: u32) -> Self {
        let state = prepared
            .states
            .get(&prepared.first)
            .cloned()
            .unwrap_or_else(|| State { language_model: PathBuf::new(), vocabulary: Arc::default() });
        Self { shared, prepared, state, rate, audio: Vec::new(), open: false, pending: None, guess: None, events: VecDeque::new() }
    }

    fn submit(&self, last: bool) -> Result<Pending, SpeechError> {
        let (reply, receiver) = oneshot::channel();
        let submitted = Instant::now();
        self.shared.pool.submit(Job {
            request: Request {
                id: self.shared.next_id.fetch_add(1, Ordering::Relaxed),
                model: self.shared.acoustic_model.clone(),
                dictionary: self.prepared.dictionary.clone(),
                language_model: self.state.language_model.clone(),
                own_mean: false,
            },
            pcm: self.audio.as_slice().into(),
            rate: self.rate,
            submitted,
            reply,
        })?;
        Ok(Pending { reply: receiver, samples: self.audio.len(), state: self.state.clone(), submitted, last })
    }

    fn settle(&mut self, pending: &Pending, outcome: Result<Option<Hypothesis>, SpeechError>) {
        match outcome.map(|heard| judge(heard, &pending.state.vocabulary, pending.submitted.elapsed())) {
            Ok(transcript) if pending.last => self.events.push_back(RecognitionEvent::Final(transcript)),
            Ok(transcript) => {
                self.guess = Some((pending.samples, pending.state.language_model.clone(), transcript.clone()));
                self.events.push_back(RecognitionEvent::Partial(transcript));
            }
            Err(error) if pending.last => self.events.push_back(RecognitionEvent::Failed(error)),
            // A guess that failed costs nothing: the end of the utterance asks again.
            Err(error) => tracing::debug!(%error, "a partial transcript was lost"),
        }
    }
}

#[async_trait]
impl Recognition for LocalRecognition {
    fn expect(&mut self, state: &str) {
        if let Some(state) = self.prepared.states.get(state) {
            self.state = state.clone();
        }
    }

    fn start(&mut self) {
        self.cancel();
        self.open = true;
    }

    fn push(&mut self, pcm: &[i16]) {
        if self.open {
            let room = (self.rate as usize * MAX_UTTERANCE).saturating_sub(self.audio.len());
            self.audio.extend_from_slice(&pcm[..pcm.len().min(room)]);
        }
    }

    fn pause(&mut self) {
        let asked = self.pending.as_ref().is_some_and(|pending| pending.samples == self.audio.len());
        if self.open && !self.audio.is_empty() && !asked {
            // Too busy for a guess is no failure.
            self.pending = self.submit(false).ok();
        }
    }

    fn finish(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let (samples, model) = (self.audio.len(), &self.state.language_model);
        if let Some((_, _, transcript)) = self.guess.take_if(|(heard, with, _)| *heard == samples && with == model) {
            self.events.push_back(RecognitionEvent::Final(transcript));
            return;
        }
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.samples == samples && pending.state.language_model == *model)
        {
            pending.last = true;
            return;
        }
        match self.submit(true) {
            Ok(pending) => self.pending = Some(pending),
            Err(error) => self.events.push_back(RecognitionEvent::Failed(error)),
        }
    }

    fn cancel(&mut self) {
        self.open = false;
        self.audio.clear();
        self.pending = None;
        self.guess = None;
        self.events.clear();
    }

    async fn next(&mut self) -> RecognitionEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let Some(pending) = self.pending.as_mut() else { return future::pending().await };
            // Waiting borrows the receiver: dropped here and asked again, nothing is lost.
            let outcome = (&mut pending.reply).await.unwrap_or(Err(SpeechError::Stopped { engine: ENGINE }));
            if let Some(pending) = self.pending.take() {
                self.settle(&pending, outcome);
            }
        }
    }
}
