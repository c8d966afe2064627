//! The agent's side of the audio: text is turned into speech piece by piece, paced out, and accounted for.

mod aside;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::AgentDefinition;
use audio::playout::Playout;
use conversation::{Heard, Ledger, NETWORK_ALLOWANCE};
use speech::ladder::voices::CallVoice;
use speech::{SpeakRequest, SpeechError, SpeechStream};
use tokio::sync::mpsc;
use tracing::{Instrument, error};

use self::aside::Aside;

/// How audio is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Audio sent ahead of the moment it is played.
    pub(crate) lead: Duration,
    /// Audio per message. Carriers take any length; fewer messages are fewer wake-ups.
    pub(crate) chunk: Duration,
}

impl Pace {
    /// In a conversation: enough to ride out a late wake-up, little enough to cancel at a barge-in.
    pub(crate) const TALK: Self = Self { lead: Duration::from_millis(200), chunk: Duration::from_millis(60) };
    /// While waiting, when nobody interrupts anything: five wake-ups a second.
    pub(crate) const WAIT: Self = Self { lead: Duration::from_millis(400), chunk: Duration::from_millis(200) };
}

/// Pieces of speech on their way from the engine.
const PIECES_AHEAD: usize = 8;

/// A piece of sound from the engine, or why there is none.
type Piece = Result<Arc<[i16]>, SpeechError>;

/// Mouth.
pub(crate) struct Speaker {
    phrases: CallVoice,
    voice: String,
    language: String,
    rate: u32,
    lead: Duration,
    waiting: VecDeque<Line>,
    current: Option<Current>,
    aside: Aside,
    own: Own,
    pub(crate) playout: Playout,
    pub(crate) ledger: Ledger,
}

/// What waits to be said.
pub(crate) enum Line {
    Text(String),
    /// Keys that are pressed for the far end, as sound.
    Keys(Vec<i16>),
    /// Sound that the brain made itself.
    Sound(Arc<[i16]>),
    /// Words of that sound.
    Words(String),
    /// The end of it.
    SoundOver,
}

/// Sound of the brain's own: how much of it there is, and the mark of the piece that grows.
#[derive(Default)]
struct Own {
    mark: Option<String>,
    length: Duration,
    /// What was heard of it when it was cut.
    heard: Duration,
}

struct Current {
    stream: SpeechStream,
    mark: String,
}

/// What came of speaking.
#[derive(Debug)]
pub(crate) enum SpeakEvent {
    /// There is more to play.
    Audio,
    /// A piece is complete.
    PieceReady,
    /// A piece could not be spoken (all of it, or its rest).
    Failed(SpeechError),
}

impl Speaker {
    pub(crate) fn new(phrases: CallVoice, agent: &AgentDefinition, rate: u32, pace: Pace, ledger: Ledger) -> Self {
        let (voice, language) = (agent.voice.clone(), agent.language.clone());
        let playout = Playout::new(rate, pace.lead, pace.chunk);
        Self {
            phrases,
            voice,
            language,
            rate,
            lead: pace.lead,
            waiting: VecDeque::new(),
            current: None,
            aside: Aside::default(),
            own: Own::default(),
            playout,
            ledger,
        }
    }

    /// True when this machine can say it: without an engine only what the program carries along can be said.
    pub(crate) fn can_say(&self, text: &str) -> bool {
        self.phrases.can_say(text, &self.voice)
    }

    /// True while text is on its way to become audio.
    pub(crate) fn is_making(&self) -> bool {
        self.current.is_some() || !self.waiting.is_empty() || self.own.mark.is_some()
    }

    /// Puts text behind what is already to be said.
    pub(crate) fn say(&mut self, text: String) {
        self.waiting.push_back(Line::Text(text));
        self.begin_next();
    }

    /// Puts the sound of keys behind what is already to be said.
    pub(crate) fn press(&mut self, tones: Vec<i16>) {
        self.waiting.push_back(Line::Keys(tones));
        self.begin_next();
    }

    /// Puts sound of the brain's own behind what is already to be said.
    pub(crate) fn sound(&mut self, line: Line) {
        self.waiting.push_back(line);
        self.begin_next();
    }

    /// How much of the brain's own sound was heard when it was cut, milliseconds.
    pub(crate) fn sound_heard(&self) -> u32 {
        u32::try_from(self.own.heard.as_millis()).unwrap_or(u32::MAX)
    }

    /// The next piece of news; never, when nothing is to be said.
    pub(crate) async fn next(&mut self) -> SpeakEvent {
        tokio::select! {
            biased;
            // A filler that was begun is finished first; before that, words come first.
            piece = receive(&mut self.current), if !self.aside.is_begun() => self.words(piece),
            piece = self.aside.receive() => self.take_aside(piece),
        }
    }

    /// True when everything is spoken and, as far as we can know, sent.
    pub(crate) fn is_done(&self) -> bool {
        !self.is_making() && !self.aside.is_making() && self.playout.is_empty()
    }

    /// True when everything said was heard, by the carrier's marks.
    pub(crate) fn all_heard(&self) -> bool {
        self.is_done() && self.ledger.all_heard()
    }

    /// How long the far end will still play, by our clock.
    pub(crate) fn remaining(&self) -> Duration {
        self.playout.queued() + self.lead
    }

    /// Stops, and keeps what was not heard for [`Playout::resume`]. The far end is to be cleared. How much is left.
    pub(crate) fn pause(&mut self, now: Instant) -> Duration {
        let ledger = &mut self.ledger;
        self.playout.pause(now, NETWORK_ALLOWANCE, |mark| ledger.anew(mark))
    }

    /// All of the turn was heard.
    pub(crate) fn turn_over(&mut self) -> Heard {
        self.own = Own::default();
        self.ledger.finish()
    }

    /// Stops at once. What of it was heard, and the marks that will never be sent.
    pub(crate) fn cut(&mut self, now: Instant) -> Heard {
        self.waiting.clear();
        self.current = None;
        self.aside = Aside::default();
        let cleared = self.playout.clear(now);
        // It stands at the end of what was queued.
        let heard = std::mem::take(&mut self.own).length.saturating_sub(cleared.unplayed).saturating_sub(NETWORK_ALLOWANCE);
        self.own.heard = heard;
        self.ledger.cut(cleared.unplayed)
    }

    fn words(&mut self, piece: Option<Piece>) -> SpeakEvent {
        self.drop_aside(); // Who has the answer needs no filler.
        match (piece, self.current.as_ref().map(|current| current.mark.clone())) {
            (Some(Ok(pcm)), Some(mark)) => {
                self.play(&pcm, &mark);
                SpeakEvent::Audio
            }
            (Some(Err(fault)), _) => {
                self.end_piece();
                SpeakEvent::Failed(fault)
            }
            (_, _) => {
                self.end_piece();
                SpeakEvent::PieceReady
            }
        }
    }

    fn play(&mut self, pcm: &[i16], mark: &str) {
        if let Err(fault) = self.playout.push(pcm) {
            error!(error = %fault, "speech dropped: more was said than can be played");
            return;
        }
        let micros = pcm.len() as u64 * 1_000_000 / u64::from(self.rate);
        self.ledger.audio(mark, Duration::from_micros(micros));
    }

    fn mark(&mut self, mark: String) {
        if let Err(fault) = self.playout.mark(mark) {
            error!(error = %fault, "mark dropped");
        }
    }

    fn end_piece(&mut self) {
        if let Some(ended) = self.current.take() {
            self.mark(ended.mark);
        }
        self.begin_next();
    }

    fn begin_next(&mut self) {
        while self.current.is_none() {
            // A filler that the caller hears is finished first.
            let own = |line: &mut Line| matches!(line, Line::Sound(_) | Line::Words(_) | Line::SoundOver);
            if let Some(line) = self.waiting.pop_front_if(|line| own(line) && !self.aside.is_begun()) {
                self.own_sound(line);
                continue;
            }
            let Some(line) = self.waiting.pop_front_if(|line| !own(line)) else { return };
            let text = if let Line::Text(text) = &line { text.as_str() } else { "" };
            let Some(mark) = self.ledger.enter(text) else {
                error!(limit = Ledger::MAX_PIECES, "speech dropped: the reply has too many pieces");
                return;
            };
            match line {
                Line::Text(text) => self.current = Some(self.open(text, mark)),
                Line::Keys(tones) => {
                    self.play(&tones, &mark);
                    self.mark(mark);
                }
                Line::Sound(_) | Line::Words(_) | Line::SoundOver => {} // Taken above.
            }
        }
    }

    /// All sound of the brain's own up to its end is one piece of the ledger.
    fn own_sound(&mut self, line: Line) {
        if let Line::SoundOver = line {
            if let Some(mark) = self.own.mark.take() {
                self.mark(mark);
            }
            return;
        }
        self.drop_aside(); // Who has the answer needs no filler.
        let begins = self.own.mark.is_none();
        let Some(mark) = self.own.mark.clone().or_else(|| self.ledger.enter("")) else {
            error!(limit = Ledger::MAX_PIECES, "speech dropped: the reply has too many pieces");
            return;
        };
        self.own.mark = Some(mark.clone());
        match line {
            Line::Sound(pcm) => {
                self.own.length += Duration::from_micros(pcm.len() as u64 * 1_000_000 / u64::from(self.rate));
                self.play(&pcm, &mark);
            }
            Line::Words(text) => self.ledger.words(&mark, if begins { text.trim_start() } else { &text }),
            _ => {}
        }
    }

    fn open(&self, text: String, mark: String) -> Current {
        let request = SpeakRequest { text, voice: self.voice.clone(), language: self.language.clone(), rate: self.rate };
        Current { stream: open(self.phrases.clone(), request), mark }
    }
}

/// The next of a piece's sound; never, when there is no piece.
async fn receive(current: &mut Option<Current>) -> Option<Piece> {
    match current {
        Some(current) => current.stream.recv().await,
        None => std::future::pending().await,
    }
}

/// Opens the speech in a task of its own: finding a phrase may mean reading a file or waiting for an engine.
fn open(phrases: CallVoice, request: SpeakRequest) -> SpeechStream {
    let (pieces, stream) = mpsc::channel(PIECES_AHEAD);
    let work = async move {
        match phrases.speak(request).await {
            Ok(mut source) => {
                while let Some(piece) = source.recv().await {
                    if pieces.send(piece).await.is_err() {
                        return; // Nobody listens any more: the reply was cut.
                    }
                }
            }
            Err(fault) => {
                let _ = pieces.send(Err(fault)).await; // As above.
            }
        }
    };
    tokio::spawn(work.in_current_span());
    stream
}

#[cfg(test)]
#[path = "speak_tests.rs"]
mod tests;
