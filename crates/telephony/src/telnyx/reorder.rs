//! Puts frames back into order: Telnyx does not guarantee it (telnyx.md 1.2).
//!
//! A frame whose turn it is passes at once, so a stream in order is not delayed. A frame behind a gap waits for the missing ones, at most
//! [`REORDER_WINDOW`]; then the missing ones are lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::media::RESYNC_AFTER;
use crate::media::intake::Frame;

/// How long a frame waits for an earlier one. Within the 60-100 ms that field reports recommend.
pub const REORDER_WINDOW: Duration = Duration::from_millis(80);
/// Most frames that wait; with more, the first gap is given up early.
pub const MAX_HELD_FRAMES: usize = 64;

#[derive(Debug)]
struct Held {
    arrived: Instant,
    frame: Frame,
}

/// Frames of one track, by chunk number.
#[derive(Debug, Default)]
pub(crate) struct ReorderWindow {
    /// The chunk whose turn it is; `None` before the first.
    next: Option<u64>,
    held: BTreeMap<u64, Held>,
    late_in_a_row: u32,
}

impl ReorderWindow {
    /// Takes a frame, or gives it back when it came twice or too late. Answers how many waiting frames a renumbering has thrown away.
    pub(crate) fn insert(&mut self, chunk: u64, frame: Frame, now: Instant) -> Result<usize, Frame> {
        let mut thrown_away = 0;
        if self.next.is_some_and(|next| chunk < next) {
            self.late_in_a_row += 1;
            if self.late_in_a_row < RESYNC_AFTER {
                return Err(frame);
            }
            // The carrier counts anew, or one wild number came: follow rather than stay deaf.
            self.next = None;
            thrown_away = self.held.len();
            self.held.clear();
        }
        if self.held.contains_key(&chunk) {
            return Err(frame);
        }
        self.late_in_a_row = 0;
        self.held.insert(chunk, Held { arrived: now, frame });
        Ok(thrown_away)
    }

    /// The next frame whose turn it is, with the number of frames given up before it.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Frame, u64)> {
        let (&chunk, _) = self.held.first_key_value()?;
        // Nothing can come before chunk 0 or 1; any other first number may have been overtaken.
        let in_turn = self.next.map_or(chunk <= 1, |next| chunk == next);
        let given_up = self.held.len() > MAX_HELD_FRAMES || self.deadline().is_some_and(|deadline| deadline <= now);
        if in_turn || given_up { self.release() } else { None }
    }

    /// The next frame, gap or not: the stream ends.
    pub(crate) fn release(&mut self) -> Option<(Frame, u64)> {
        let (chunk, held) = self.held.pop_first()?;
        let lost = self.next.map_or(0, |next| chunk.saturating_sub(next));
        self.next = Some(chunk.saturating_add(1));
        Some((held.frame, lost))
    }

    /// When the longest-waiting frame has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.held.values().map(|held| held.arrived).min().map(|arrived| arrived + REORDER_WINDOW)
    }
}
