//! An engine that hears what it is told to hear.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use speech::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText, Transcript};

/// What becomes of an utterance, or of an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// All is well. The words are the engine's name.
    Work,
    /// It says that it failed: at the end of the utterance, or when it is opened.
    Fail,
    /// It says so after so many samples.
    Break(usize),
    /// It answers, and breaks then.
    WorkAndBreak,
    /// Nothing comes.
    Hang,
}

/// The engine, and what was done with it.
pub(crate) struct Listener {
    name: &'static str,
    pub(crate) openings: Mutex<VecDeque<Act>>,
    pub(crate) utterances: Arc<Mutex<VecDeque<Act>>>,
    pub(crate) tape: Arc<Mutex<Vec<String>>>,
    /// What it was given of the last utterance.
    pub(crate) audio: Arc<Mutex<Vec<i16>>>,
    pub(crate) prepared: Mutex<usize>,
}

impl Listener {
    pub(crate) fn new(name: &'static str) -> Arc<Self> {
        let (openings, utterances) = (Mutex::default(), Arc::default());
        Arc::new(Self { name, openings, utterances, tape: Arc::default(), audio: Arc::default(), prepared: Mutex::default() })
    }

    pub(crate) fn opens(self: &Arc<Self>, acts: &[Act]) -> Arc<Self> {
        self.openings.lock().unwrap().extend(acts);
        Arc::clone(self)
    }

    pub(crate) fn hears(self: &Arc<Self>, acts: &[Act]) -> Arc<Self> {
        self.utterances.lock().unwrap().extend(acts);
        Arc::clone(self)
    }

    pub(crate) fn tape(&self) -> String {
        std::mem::take(&mut *self.tape.lock().unwrap()).join(", ")
    }
}

#[async_trait]
impl SpeechToText for Listener {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn prepare(&self, _: &Arc<Domain>) -> Result<(), SpeechError> {
        *self.prepared.lock().unwrap() += 1;
        let act = self.openings.lock().unwrap().pop_front();
        if act == Some(Act::Fail) { Err(SpeechError::Stopped { engine: self.name }) } else { Ok(()) }
    }

    async fn open(&self, _: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        self.tape.lock().unwrap().push("open".into());
        let act = self.openings.lock().unwrap().pop_front();
        match act {
            Some(Act::Fail) => Err(SpeechError::Stopped { engine: self.name }),
            Some(Act::Hang) => std::future::pending().await,
            _ => Ok(Box::new(One {
                name: self.name,
                utterances: Arc::clone(&self.utterances),
                tape: Arc::clone(&self.tape),
                audio: Arc::clone(&self.audio),
                act: Act::Work,
                events: VecDeque::new(),
            })),
        }
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Err(SpeechError::Stopped { engine: self.name })
    }
}

struct One {
    name: &'static str,
    utterances: Arc<Mutex<VecDeque<Act>>>,
    tape: Arc<Mutex<Vec<String>>>,
    audio: Arc<Mutex<Vec<i16>>>,
    act: Act,
    events: VecDeque<RecognitionEvent>,
}

impl One {
    fn note(&self, text: &str) {
        self.tape.lock().unwrap().push(text.to_owned());
    }

    fn transcript(&self) -> Transcript {
        Transcript {
            text: self.name.to_owned(),
            written: self.name.to_owned(),
            confidence: 1.0,
            words: Vec::new(),
            took: Default::default(),
        }
    }

    fn fail(&mut self) {
        self.events.push_back(RecognitionEvent::Failed(SpeechError::Stopped { engine: self.name }));
    }
}

#[async_trait]
impl Recognition for One {
    fn expect(&mut self, state: &str) {
        self.note(&format!("expect {state}"));
    }

    fn start(&mut self) {
        self.note("start");
        self.events.clear();
        self.audio.lock().unwrap().clear();
        self.act = self.utterances.lock().unwrap().pop_front().unwrap_or(Act::Work);
    }

    fn push(&mut self, pcm: &[i16]) {
        self.audio.lock().unwrap().extend_from_slice(pcm);
        let samples = self.audio.lock().unwrap().len();
        if matches!(self.act, Act::Break(at) if samples >= at) {
            self.act = Act::Hang;
            self.fail();
        }
    }

    fn pause(&mut self) {
        self.note("pause");
        self.events.push_back(RecognitionEvent::Partial(self.transcript()));
    }

    fn finish(&mut self) {
        self.note("finish");
        match self.act {
            Act::Work | Act::Break(_) => self.events.push_back(RecognitionEvent::Final(self.transcript())),
            Act::WorkAndBreak => {
                self.events.push_back(RecognitionEvent::Final(self.transcript()));
                self.fail();
            }
            Act::Fail => self.fail(),
            Act::Hang => {}
        }
    }

    fn cancel(&mut self) {
        self.note("cancel");
        self.events.clear();
    }

    async fn next(&mut self) -> RecognitionEvent {
        match self.events.pop_front() {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}
