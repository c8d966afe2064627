//! The carrier's play buffer of one call: audio is played in real time in the order of arrival, a mark comes back when everything before it
//! was played, `clear` throws the audio away and returns every mark at once (twilio.md 1.4).

use std::collections::VecDeque;

use anyhow::{Result, ensure};

/// Most audio that waits, s.
pub(super) const MAX_QUEUED_SECONDS: usize = 120;
/// Most marks that wait.
pub(super) const MAX_MARKS: usize = 1024;

/// Audio and marks waiting to be played.
#[derive(Debug)]
pub(super) struct Playout {
    queue: VecDeque<i16>,
    marks: VecDeque<(u64, String)>,
    capacity: usize,
    /// Samples that left the queue: the position of its front.
    front: u64,
    /// Up to here the caller has heard it: one frame behind.
    heard: u64,
}

impl Playout {
    pub(super) fn new(rate: u32) -> Self {
        Self { queue: VecDeque::new(), marks: VecDeque::new(), capacity: rate as usize * MAX_QUEUED_SECONDS, front: 0, heard: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, pcm: &[i16]) -> Result<()> {
        ensure!(self.queue.len() + pcm.len() <= self.capacity, "more than {MAX_QUEUED_SECONDS} s of audio wait to be played");
        self.queue.extend(pcm);
        Ok(())
    }

    pub(super) fn mark(&mut self, name: String) -> Result<()> {
        ensure!(self.marks.len() < MAX_MARKS, "more than {MAX_MARKS} marks wait to be reached");
        self.marks.push_back((self.front + self.queue.len() as u64, name));
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.front += self.queue.len() as u64;
        self.heard = self.front;
        self.queue.clear();
    }

    /// Plays one frame into `out`; true when there was something to play.
    pub(super) fn play(&mut self, out: &mut [i16]) -> bool {
        let there = out.len().min(self.queue.len());
        for (slot, sample) in out.iter_mut().zip(self.queue.drain(..there)) {
            *slot = sample;
        }
        out[there..].fill(0);
        self.heard = self.front;
        self.front += there as u64;
        there > 0
    }

    /// The next mark that was reached.
    pub(super) fn reached(&mut self) -> Option<String> {
        self.marks.pop_front_if(|(at, _)| *at <= self.heard).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(playout: &mut Playout) -> Vec<String> {
        std::iter::from_fn(|| playout.reached()).collect()
    }

    #[test]
    fn marks_come_back_when_their_audio_was_played_and_all_at_once_on_clear() {
        let mut playout = Playout::new(8000);
        let mut frame = [0; 160];
        playout.mark("idle".into()).unwrap();
        assert_eq!(reached(&mut playout), ["idle"], "at once when nothing waits");
        playout.push(&[7; 320]).unwrap();
        playout.mark("played".into()).unwrap();
        playout.push(&[7; 8000]).unwrap();
        playout.mark("later".into()).unwrap();
        for _ in 0..2 {
            assert!(playout.play(&mut frame) && reached(&mut playout).is_empty());
        }
        playout.play(&mut frame);
        assert_eq!(reached(&mut playout), ["played"]);
        playout.clear();
        assert_eq!(reached(&mut playout), ["later"]);
        assert!(!playout.play(&mut frame) && frame == [0; 160]);
    }

    #[test]
    fn a_carrier_holds_so_much_and_no_more() {
        let mut playout = Playout::new(8000);
        playout.push(&vec![0; 8000 * MAX_QUEUED_SECONDS]).unwrap();
        assert!(playout.push(&[0]).is_err());
        (0..MAX_MARKS).for_each(|_| playout.mark(String::new()).unwrap());
        assert!(playout.mark(String::new()).is_err());
    }
}
