//! The far end's play buffer, as a carrier has it: what the agent sends is played in real time, marks come back when they are reached.
//!
//! Twilio's rules (Media Streams, WebSocket messages): audio is queued and played in order of arrival; a mark is echoed when everything sent
//! before it has been played, at once when nothing is queued; `clear` empties the queue and echoes all outstanding marks at once.

use std::collections::VecDeque;

/// Most audio that may wait: a carrier does not hold more than a very long announcement.
pub(crate) const MAX_QUEUED_SECONDS: u32 = 120;
/// Most marks that may wait.
pub(crate) const MAX_MARKS: usize = 1024;

/// The agent sent more than a carrier holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Overrun {
    #[error("more than {MAX_QUEUED_SECONDS} s of audio wait to be played")]
    Audio,
    #[error("more than {MAX_MARKS} marks wait to be reached")]
    Marks,
}

/// Audio and marks waiting to be played to the caller.
#[derive(Debug)]
pub(crate) struct PlayBuffer {
    queue: VecDeque<i16>,
    marks: VecDeque<(u64, String)>,
    capacity: usize,
    /// Samples taken out or thrown away so far: the position of the front of the queue.
    front: u64,
    /// The position up to which the sound has left the speaker: one frame behind `front`.
    heard: u64,
}

impl PlayBuffer {
    /// An empty buffer for audio of `rate` samples a second.
    pub(crate) fn new(rate: u32) -> Self {
        Self { queue: VecDeque::new(), marks: VecDeque::new(), capacity: (rate * MAX_QUEUED_SECONDS) as usize, front: 0, heard: 0 }
    }

    /// Queues audio behind what waits.
    pub(crate) fn push(&mut self, pcm: &[i16]) -> Result<(), Overrun> {
        if self.queue.len() + pcm.len() > self.capacity {
            return Err(Overrun::Audio);
        }
        self.queue.extend(pcm);
        Ok(())
    }

    /// Queues a mark behind the audio that waits.
    pub(crate) fn mark(&mut self, name: String) -> Result<(), Overrun> {
        if self.marks.len() == MAX_MARKS {
            return Err(Overrun::Marks);
        }
        self.marks.push_back((self.front + self.queue.len() as u64, name));
        Ok(())
    }

    /// Throws all waiting audio away: every waiting mark is reached.
    pub(crate) fn clear(&mut self) {
        self.front += self.queue.len() as u64;
        self.heard = self.front;
        self.queue.clear();
    }

    /// Plays the next frame into `out`, silence where nothing waits. The frame played before counts as heard from now on.
    pub(crate) fn play(&mut self, out: &mut [i16]) {
        let from_queue = out.len().min(self.queue.len());
        for (slot, sample) in out.iter_mut().zip(self.queue.drain(..from_queue)) {
            *slot = sample;
        }
        out[from_queue..].fill(0);
        self.heard = self.front;
        self.front += from_queue as u64;
    }

    /// The next mark that was reached and not yet reported.
    pub(crate) fn reached(&mut self) -> Option<String> {
        self.marks.pop_front_if(|(at, _)| *at <= self.heard).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(buffer: &mut PlayBuffer) -> Vec<String> {
        std::iter::from_fn(|| buffer.reached()).collect()
    }

    #[test]
    fn a_mark_comes_back_when_the_audio_before_it_was_heard() {
        let mut buffer = PlayBuffer::new(8000);
        let mut frame = [0; 160];
        buffer.push(&[5; 200]).unwrap();
        buffer.mark("after".into()).unwrap();
        buffer.push(&[6; 160]).unwrap();
        buffer.play(&mut frame);
        assert!(frame.iter().all(|sample| *sample == 5) && reached(&mut buffer).is_empty());
        buffer.play(&mut frame);
        assert_eq!((frame[39], frame[40]), (5, 6));
        assert!(reached(&mut buffer).is_empty(), "the second frame is only being played");
        buffer.play(&mut frame);
        assert_eq!(reached(&mut buffer), ["after"]);
        assert_eq!((frame[39], frame[40]), (6, 0), "silence follows");
    }

    #[test]
    fn a_mark_on_an_idle_line_comes_back_at_once() {
        let mut buffer = PlayBuffer::new(8000);
        buffer.play(&mut [0; 160]);
        buffer.mark("idle".into()).unwrap();
        assert_eq!(reached(&mut buffer), ["idle"]);
    }

    #[test]
    fn clear_returns_all_marks_and_silences_the_line() {
        let mut buffer = PlayBuffer::new(8000);
        for name in ["a", "b"] {
            buffer.push(&[9; 8000]).unwrap();
            buffer.mark(name.into()).unwrap();
        }
        let mut frame = [1; 160];
        buffer.play(&mut frame);
        buffer.clear();
        assert_eq!(reached(&mut buffer), ["a", "b"]);
        buffer.play(&mut frame);
        assert!(frame.iter().all(|sample| *sample == 0));
        buffer.push(&[3; 160]).unwrap();
        buffer.mark("c".into()).unwrap();
        buffer.play(&mut frame);
        assert!(frame[0] == 3 && reached(&mut buffer).is_empty(), "marks count from the new audio on");
    }

    #[test]
    fn the_buffer_holds_two_minutes_and_a_thousand_marks() {
        let mut buffer = PlayBuffer::new(8000);
        buffer.push(&vec![0; 8000 * MAX_QUEUED_SECONDS as usize]).unwrap();
        assert_eq!(buffer.push(&[0]), Err(Overrun::Audio));
        for _ in 0..MAX_MARKS {
            buffer.mark(String::new()).unwrap();
        }
        assert_eq!(buffer.mark(String::new()), Err(Overrun::Marks));
    }
}
