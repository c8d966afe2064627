//! Paced playout: what may be sent to the far end now, never more than a set lead ahead of what it has played.
//!
//! The far end plays what it gets at once and buffers the rest. Sending all at once would leave seconds there that a
//! barge-in has to cancel; sending frame by frame with sleeps drifts. So each burst of speech has one origin, and what
//! has been played is the time since then in samples: an exact count, whatever the jitter of the polls.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::AudioError;

/// The most sound that may wait to be sent. A longer answer is pushed in pieces as it plays.
pub const MAX_QUEUED: Duration = Duration::from_secs(60);
/// The most marks that may wait to be sent.
pub const MAX_MARKS: usize = 1024;

/// Released marks are remembered while their sound was played less than this ago: the longest allowance of a pause.
const KEPT_MARKS: Duration = Duration::from_millis(500);

/// Queues what the agent says and releases it in time.
#[derive(Debug)]
pub struct Playout {
    rate: u32,
    lead: u64,
    chunk: usize,
    /// Sound not yet released; what lies before `head` has been. What was released stays until it was played: a pause takes it back.
    buffer: Vec<i16>,
    head: usize,
    marks: VecDeque<QueuedMark>,
    /// Marks that were released, as long as a pause may take them back.
    released: VecDeque<QueuedMark>,
    /// Samples released since the start; marks are placed on the same count.
    sent: u64,
    burst: Option<Burst>,
    paused: bool,
}

/// Speech without a gap: began to play at `origin`, `sent` samples released since.
#[derive(Debug, Clone, Copy)]
struct Burst {
    origin: Instant,
    sent: u64,
}

#[derive(Debug)]
struct QueuedMark {
    /// The mark is due when this many samples have been released.
    at: u64,
    name: String,
}

/// Something to send now.
#[derive(Debug, PartialEq, Eq)]
pub enum Due<'a> {
    /// Sound, at most one chunk, never across a mark.
    Audio(&'a [i16]),
    /// A mark whose sound has all been released.
    Mark(String),
}

/// What a [`Playout::clear`] took away.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Sound that had not been sent.
    pub unsent: Duration,
    /// `unsent`, and what was sent but by our clock not yet played.
    pub unplayed: Duration,
    /// Marks that had not been sent, in order.
    pub marks: Vec<String>,
}

impl Playout {
    /// An empty queue for sound of `rate` Hz that stays less than `lead` plus one `chunk` ahead of the far end.
    ///
    /// A chunk is at least one sample and a lead at least one, so that sound always moves.
    pub fn new(rate: u32, lead: Duration, chunk: Duration) -> Playout {
        let rate = rate.max(1);
        let chunk = usize::try_from(samples(chunk, rate)).unwrap_or(usize::MAX).max(1);
        Playout {
            rate,
            lead: samples(lead, rate).max(1),
            chunk,
            buffer: Vec::new(),
            head: 0,
            marks: VecDeque::new(),
            released: VecDeque::new(),
            sent: 0,
            burst: None,
            paused: false,
        }
    }

    /// Adds sound to the end of the queue. Poll afterwards: some of it may be due at once.
    ///
    /// # Errors
    /// [`AudioError::PlayoutFull`] when more than [`MAX_QUEUED`] would wait; then nothing of `pcm` is taken.
    pub fn push(&mut self, pcm: &[i16]) -> Result<(), AudioError> {
        let waiting = self.waiting() as u64;
        if waiting + pcm.len() as u64 > samples(MAX_QUEUED, self.rate) {
            let ms = |count: u64| duration(count, self.rate).as_millis() as u64;
            return Err(AudioError::PlayoutFull { queued_ms: ms(waiting), pushed_ms: ms(pcm.len() as u64) });
        }
        self.buffer.extend_from_slice(pcm);
        Ok(())
    }

    /// Places a mark after the sound pushed so far. It is due as soon as that has been sent: poll afterwards.
    ///
    /// # Errors
    /// [`AudioError::TooManyMarks`] when [`MAX_MARKS`] wait already.
    pub fn mark(&mut self, name: String) -> Result<(), AudioError> {
        if self.marks.len() >= MAX_MARKS {
            return Err(AudioError::TooManyMarks { queued: self.marks.len() });
        }
        let at = self.sent + self.waiting() as u64;
        self.marks.push_back(QueuedMark { at, name });
        Ok(())
    }

    /// The next thing to send now; call again until `None`, then not before [`Playout::deadline`] or the next push.
    pub fn poll(&mut self, now: Instant) -> Option<Due<'_>> {
        self.release_memory(now);
        if self.paused {
            return None;
        }
        if self.marks.front().is_some_and(|mark| mark.at <= self.sent) {
            let mark = self.marks.pop_front()?;
            let name = mark.name.clone();
            self.released.push_back(mark);
            return Some(Due::Mark(name));
        }
        let count = self.next_chunk();
        if count == 0 || self.ahead(now) >= self.lead {
            return None;
        }
        // When the far end has played everything, the gap is over and time starts anew.
        let burst = self.burst.filter(|burst| burst.ahead(now, self.rate) > 0).unwrap_or(Burst { origin: now, sent: 0 });
        self.burst = Some(Burst { sent: burst.sent + count as u64, ..burst });
        self.sent += count as u64;
        let start = self.head;
        self.head += count;
        Some(Due::Audio(&self.buffer[start..self.head]))
    }

    /// When to poll again, given that a poll has just returned `None`: the moment the lead has room for more. `None`
    /// when nothing waits. It is no answer between a push and the poll that must follow it: without a clock an idle
    /// queue has no time to tell.
    pub fn deadline(&self) -> Option<Instant> {
        let burst = self.burst?;
        if self.is_empty() || self.paused {
            return None;
        }
        let due_mark = self.marks.front().is_some_and(|mark| mark.at <= self.sent);
        if due_mark || burst.sent < self.lead {
            return Some(burst.origin);
        }
        Some(burst.origin + duration_up(burst.sent - self.lead + 1, self.rate))
    }

    /// Forgets everything that waits, as on barge-in. The far end must be told to forget its buffer too.
    pub fn clear(&mut self, now: Instant) -> Cleared {
        let waiting = self.waiting() as u64;
        let cleared = Cleared {
            unsent: duration(waiting, self.rate),
            unplayed: duration(waiting + self.ahead(now), self.rate),
            marks: std::mem::take(&mut self.marks).into_iter().map(|mark| mark.name).collect(),
        };
        self.buffer = Vec::new();
        self.head = 0;
        self.released.clear();
        self.burst = None;
        self.paused = false;
        cleared
    }

    /// Stops, and takes back what was sent but by our clock not played: it is sent again after [`Playout::resume`]. The far end must be told to
    /// forget its buffer. That makes it return every mark it holds, so marks are taken back too, under the names that `rename` gives them;
    /// those of sound that was played less than `allowance` ago with them, because it may still be on its way. Returns what is left to play.
    pub fn pause(&mut self, now: Instant, allowance: Duration, mut rename: impl FnMut(&str) -> String) -> Duration {
        if self.paused {
            return self.queued();
        }
        let ahead = self.ahead(now);
        let played = self.sent.saturating_sub(ahead);
        let proven = played.saturating_sub(samples(allowance, self.rate));
        while let Some(mark) = self.released.pop_back() {
            if mark.at <= proven {
                break;
            }
            self.marks.push_front(QueuedMark { at: mark.at.max(played), name: rename(&mark.name) });
        }
        self.released.clear();
        // All that is ahead is still there.
        self.head = self.head.saturating_sub(usize::try_from(ahead).unwrap_or(usize::MAX));
        self.sent = played;
        self.burst = None;
        self.paused = true;
        self.queued()
    }

    /// Goes on after [`Playout::pause`]. Poll afterwards.
    pub fn resume(&mut self) {
        self.paused = false;
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.marks.is_empty()
    }

    /// Whether something waits, or the far end by our clock still plays.
    pub fn playing(&self, now: Instant) -> bool {
        self.waiting() > 0 || !self.marks.is_empty() || self.ahead(now) > 0
    }

    /// How much sound waits to be sent.
    pub fn queued(&self) -> Duration {
        duration(self.waiting() as u64, self.rate)
    }

    /// How much the far end has been sent but by our clock not yet played.
    pub fn unplayed(&self, now: Instant) -> Duration {
        duration(self.ahead(now), self.rate)
    }

    /// When the far end will have played all that has been sent; `None` before the first sound and after a clear.
    pub fn ends_at(&self) -> Option<Instant> {
        self.burst.map(|burst| burst.origin + duration_up(burst.sent, self.rate))
    }

    fn waiting(&self) -> usize {
        self.buffer.len() - self.head
    }

    /// Samples of the next chunk: up to a chunk, up to the next mark.
    fn next_chunk(&self) -> usize {
        let to_mark = self.marks.front().map_or(u64::MAX, |mark| mark.at - self.sent);
        self.waiting().min(self.chunk).min(usize::try_from(to_mark).unwrap_or(usize::MAX))
    }

    fn ahead(&self, now: Instant) -> u64 {
        self.burst.map_or(0, |burst| burst.ahead(now, self.rate))
    }

    /// Drops what was played once it is the larger half (so each sample moves about once), and frees an empty buffer.
    fn release_memory(&mut self, now: Instant) {
        let ahead = self.ahead(now);
        let played = self.head.saturating_sub(usize::try_from(ahead).unwrap_or(usize::MAX));
        if played == self.buffer.len() {
            self.buffer = Vec::new();
            self.head = 0;
        } else if played > self.buffer.len() - played {
            self.buffer.drain(..played);
            self.head -= played;
            self.buffer.shrink_to(self.buffer.len() * 2);
        }
        let kept = self.sent.saturating_sub(ahead).saturating_sub(samples(KEPT_MARKS, self.rate));
        while self.released.front().is_some_and(|mark| mark.at < kept) {
            self.released.pop_front();
        }
    }
}

impl Burst {
    fn ahead(self, now: Instant, rate: u32) -> u64 {
        self.sent.saturating_sub(samples(now.saturating_duration_since(self.origin), rate))
    }
}

/// Whole samples in `time`. 128 bits: an hour of nanoseconds times a rate does not fit 64.
fn samples(time: Duration, rate: u32) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX)
}

fn duration(samples: u64, rate: u32) -> Duration {
    let rate = u64::from(rate);
    Duration::new(samples / rate, ((samples % rate) * 1_000_000_000 / rate) as u32)
}

/// The time after which `samples` have certainly been played: rounded up, so that a poll then finds them played.
fn duration_up(samples: u64, rate: u32) -> Duration {
    let rate = u64::from(rate);
    let nanos = ((samples % rate) * 1_000_000_000).div_ceil(rate);
    Duration::from_secs(samples / rate) + Duration::from_nanos(nanos)
}

#[cfg(test)]
#[path = "playout/tests.rs"]
mod tests;
