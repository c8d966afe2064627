//! What happened in a call, as the carrier saw it.

use std::time::Duration;

use tokio::time::Instant;

use super::document::Verb;

/// Most stretches of sound, documents, breaks and samples of lateness that are kept; what comes beyond is counted in [`Journal::dropped`].
pub const MAX_ENTRIES: usize = 4096;
/// Silence of this length ends a stretch of sound: speech has shorter pauses.
const PAUSE: Duration = Duration::from_millis(400);
/// A stretch shorter than this is not judged to be music.
const SHORTEST_MUSIC_FRAMES: u32 = 100;
/// Speech goes up and down by more than this (standard deviation of frame levels, dB); held tones do not.
const STEADY_DB: f32 = 5.0;

/// The whole story of one call.
#[derive(Debug, Clone)]
pub struct Journal {
    /// The carrier's id of the call.
    pub call_id: String,
    /// The calling number, as it was sent.
    pub from: String,
    /// When the phone rang.
    pub rang: Instant,
    /// When the first stream was open.
    pub connected: Option<Instant>,
    /// When the first sound of the agent was played.
    pub first_sound: Option<Instant>,
    /// When sound of the agent was last played.
    pub last_sound: Option<Instant>,
    /// When the last mark was reached.
    pub last_mark: Option<Instant>,
    /// True while a stream is open.
    pub streaming: bool,
    /// Media streams opened.
    pub streams: u32,
    /// Streams that ended without the caller having hung up.
    pub breaks: Vec<Break>,
    /// Verbs that were done, and when.
    pub followed: Vec<Followed>,
    /// What the carrier's own voice said.
    pub said: Vec<String>,
    /// What the agent played, in stretches without long pauses.
    pub sounds: Vec<Stretch>,
    /// How late audio came while the caller was already waiting for it, ms, one entry each time the buffer ran dry in the middle of speech.
    pub late_ms: Vec<u32>,
    /// Media messages received.
    pub frames_in: u64,
    /// Media messages sent.
    pub frames_out: u64,
    /// Requests that failed and were made a second time.
    pub retried: u32,
    /// What the caller understood of its errand.
    pub booked: Booked,
    /// What went wrong on the carrier's side without ending the call: streams that did not open.
    pub troubles: Vec<String>,
    /// How the call ended.
    pub end: Option<(Instant, CallEnd)>,
    /// Entries that were not kept.
    pub dropped: u64,
    open: Option<Stretch>,
}

/// A stream that the server closed, or that broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// When.
    pub at: Instant,
    /// The close code; `None` when the connection broke.
    pub code: Option<u16>,
    /// When the next stream was open.
    pub reopened: Option<Instant>,
    /// When the agent was heard again.
    pub talking: Option<Instant>,
}

/// A verb that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// When.
    pub at: Instant,
    /// Its name.
    pub verb: &'static str,
}

/// What a stretch sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Goes up and down.
    Speech,
    /// Stays at one level for seconds.
    Music,
}

/// A stretch of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its first frame.
    pub start: Instant,
    /// Its last frame.
    pub end: Instant,
    frames: u32,
    sum_db: f32,
    squares_db: f32,
}

/// What a caller with an [`super::Errand`] has done and heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Booked {
    /// Wishes that were confirmed with a yes, by their place in the errand.
    pub confirmed: Vec<usize>,
    /// Wishes whose confirmation code was heard.
    pub told: Vec<usize>,
    /// Questions answered.
    pub answers: u32,
    /// Times the agent asked the opening question in the middle of a booking: it had forgotten.
    pub forgotten: u32,
    /// What the agent said last, as the record has it.
    pub last_words: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// The caller hung up as planned.
    CallerLeft,
    /// The server's document hung up.
    HungUp,
    /// The server connected the caller to this number, and that call is over.
    Transferred(String),
    /// The server did not answer: busy.
    Rejected,
    /// The carrier could not go on.
    Failed(String),
}

impl Journal {
    pub(super) fn new(call_id: String, from: String, now: Instant) -> Self {
        Self {
            call_id,
            from,
            rang: now,
            connected: None,
            first_sound: None,
            last_sound: None,
            last_mark: None,
            streaming: false,
            streams: 0,
            breaks: Vec::new(),
            followed: Vec::new(),
            said: Vec::new(),
            sounds: Vec::new(),
            late_ms: Vec::new(),
            frames_in: 0,
            frames_out: 0,
            retried: 0,
            booked: Booked::default(),
            troubles: Vec::new(),
            end: None,
            dropped: 0,
            open: None,
        }
    }

    /// The journal of a call that has just begun.
    pub fn empty(call_id: &str, from: &str) -> Self {
        Self::new(call_id.to_owned(), from.to_owned(), Instant::now())
    }

    /// True when the call ended in a way that nobody planned.
    pub fn is_lost(&self) -> bool {
        self.end.as_ref().is_some_and(|(_, end)| *end != CallEnd::CallerLeft)
    }

    /// True when the agent was heard and then was silent for `quiet`, all after `since`.
    pub fn finished_since(&self, since: Instant, quiet: Duration, now: Instant) -> bool {
        self.last_sound.is_some_and(|last| last > since && now.duration_since(last) >= quiet)
    }

    /// From the ring to the agent's first sound.
    pub fn first_audio(&self) -> Option<Duration> {
        Some(self.first_sound?.duration_since(self.rang))
    }

    pub(super) fn opened(&mut self, now: Instant) {
        self.streams += 1;
        self.streaming = true;
        self.connected.get_or_insert(now);
        if let Some(last) = self.breaks.last_mut() {
            last.reopened.get_or_insert(now);
        }
    }

    pub(super) fn closed(&mut self, now: Instant, broken: Option<Option<u16>>) {
        self.streaming = false;
        self.finish_stretch();
        if let Some(code) = broken {
            let entry = Break { at: now, code, reopened: None, talking: None };
            keep(&mut self.breaks, entry, &mut self.dropped);
        }
    }

    pub(super) fn follow(&mut self, verb: &Verb, now: Instant) {
        let name = match verb {
            Verb::Connect(_) => "Connect",
            Verb::Say(_) => "Say",
            Verb::Play(_) => "Play",
            Verb::Pause(_) => "Pause",
            Verb::Redirect(_) => "Redirect",
            Verb::Dial { .. } => "Dial",
            Verb::Hangup => "Hangup",
            Verb::Reject => "Reject",
        };
        keep(&mut self.followed, Followed { at: now, verb: name }, &mut self.dropped);
    }

    pub(super) fn trouble(&mut self, what: String) {
        keep(&mut self.troubles, what, &mut self.dropped);
    }

    pub(super) fn late(&mut self, by: Duration) {
        let ms = u32::try_from(by.as_millis()).unwrap_or(u32::MAX);
        keep(&mut self.late_ms, ms, &mut self.dropped);
    }

    /// A frame was played; `level` is in dBFS when it was no silence.
    pub(super) fn played(&mut self, level: Option<f32>, now: Instant) {
        let Some(db) = level else {
            if self.open.as_ref().is_some_and(|open| now.duration_since(open.end) >= PAUSE) {
                self.finish_stretch();
            }
            return;
        };
        self.first_sound.get_or_insert(now);
        self.last_sound = Some(now);
        if let Some(last) = self.breaks.last_mut().filter(|last| last.reopened.is_some()) {
            last.talking.get_or_insert(now);
        }
        let open = self.open.get_or_insert(Stretch { start: now, end: now, frames: 0, sum_db: 0.0, squares_db: 0.0 });
        open.end = now;
        open.frames += 1;
        open.sum_db += db;
        open.squares_db += db * db;
    }

    fn finish_stretch(&mut self) {
        if let Some(stretch) = self.open.take() {
            keep(&mut self.sounds, stretch, &mut self.dropped);
        }
    }
}

impl Booked {
    /// Answered yes to this wish; asked again for the same one, that is the same yes.
    pub(super) fn confirm(&mut self, wish: usize) {
        if !self.confirmed.contains(&wish) {
            self.confirmed.push(wish);
        }
    }
}

impl Stretch {
    /// What it sounds like.
    pub fn sound(&self) -> Sound {
        let frames = self.frames as f32;
        let mean = self.sum_db / frames;
        let deviation = (self.squares_db / frames - mean * mean).max(0.0).sqrt();
        if self.frames >= SHORTEST_MUSIC_FRAMES && deviation < STEADY_DB { Sound::Music } else { Sound::Speech }
    }
}

fn keep<T>(entries: &mut Vec<T>, entry: T, dropped: &mut u64) {
    if entries.len() < MAX_ENTRIES { entries.push(entry) } else { *dropped += 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    /// Plays frames with these levels from `start` on and gives the moment after them.
    fn play(journal: &mut Journal, start: Instant, levels: impl IntoIterator<Item = Option<f32>>) -> Instant {
        levels.into_iter().fold(start, |now, level| {
            journal.played(level, now);
            now + FRAME
        })
    }

    #[test]
    fn sound_is_kept_in_stretches_and_a_held_tone_is_no_speech() {
        let start = Instant::now();
        let mut journal = Journal::new("CA1".into(), String::new(), start);
        let speech = (0..200).map(|frame| Some(if frame % 7 < 4 { -18.0 } else { -38.0 }));
        let silence = std::iter::repeat_n(None, 50);
        let music = std::iter::repeat_n(Some(-20.0), 200);
        let now = play(&mut journal, start, silence.clone().chain(speech).chain(silence.clone()).chain(music).chain(silence));
        assert_eq!(journal.sounds.iter().map(Stretch::sound).collect::<Vec<_>>(), [Sound::Speech, Sound::Music]);
        assert_eq!(journal.first_audio(), Some(FRAME * 50));
        assert!(journal.finished_since(start, Duration::from_millis(900), now));
        assert!(!journal.finished_since(now, Duration::ZERO, now), "nothing was said since");
    }

    #[test]
    fn a_break_ends_when_the_agent_is_heard_on_the_next_stream() {
        let start = Instant::now();
        let mut journal = Journal::new("CA1".into(), String::new(), start);
        journal.opened(start);
        journal.played(Some(-20.0), start);
        journal.closed(start + FRAME, Some(None));
        journal.opened(start + FRAME * 10);
        let heard = play(&mut journal, start + FRAME * 10, [None, Some(-20.0)]) - FRAME;
        let last = journal.breaks.last().unwrap();
        assert_eq!((last.code, last.reopened, last.talking), (None, Some(start + FRAME * 10), Some(heard)));
        journal.end = Some((heard, CallEnd::HungUp));
        assert!(journal.is_lost());
    }
}
