//! One call of the load generator: its socket, its side of the protocol, and the frames that are on their way.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use telephony::{FarEnd, MediaFormat, far_end};

use super::{Outcome, micros};
use crate::bench::bare::write_some;
use crate::bench::frames::{self, Frame};
use crate::bench::ring::Call;

/// Samples of a frame.
const FRAME: usize = 160;
/// Different frames: enough to notice when one is missing or comes twice.
const SOUNDS: usize = 8;
/// Frames under way at most; a call that is ten seconds behind sends no more, and what it would have sent is lost.
const MAX_UNDER_WAY: usize = 500;
/// Bytes read at once.
const READ: usize = 16 * 1024;

/// What all callers say, and the buffers they say it with.
pub(super) struct Speech {
    sounds: Vec<Vec<i16>>,
    /// Each sound as it stands in a message.
    payloads: Vec<String>,
    text: String,
    out: Vec<u8>,
}

impl Speech {
    pub(super) fn new() -> Self {
        let mut random = fastrand::Rng::with_seed(1);
        let sounds: Vec<Vec<i16>> = (0..SOUNDS).map(|_| (0..FRAME).map(|_| random.i16(-8000..8000)).collect()).collect();
        let mut text = String::new();
        let mut far = far_end(call::Carrier::Twilio, MediaFormat::PCMU_8K);
        let payloads = sounds.iter().map(|sound| {
            far.media(sound, &mut text);
            payload(&text).to_owned()
        });
        let payloads = payloads.collect();
        Self { sounds, payloads, text, out: Vec::new() }
    }
}

/// The last value of a message that ends in `"payload":"..."}}`.
fn payload(text: &str) -> &str {
    text.rsplit('"').nth(1).unwrap_or_default()
}

/// A frame on its way there and back.
struct UnderWay {
    sent: Duration,
    sound: usize,
    counted: bool,
}

pub(super) struct Line {
    stream: TcpStream,
    far: Box<dyn FarEnd>,
    spoken: usize,
    under_way: VecDeque<UnderWay>,
    partial: Vec<u8>,
    unsent: Vec<u8>,
    closed: bool,
}

impl Line {
    pub(super) fn new(call: Call) -> anyhow::Result<Self> {
        call.stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(call.stream);
        Ok(Self { stream, far: call.far, spoken: 0, under_way: VecDeque::new(), partial: Vec::new(), unsent: Vec::new(), closed: false })
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// True when nothing more will come back.
    pub(super) fn is_quiet(&self) -> bool {
        self.closed || self.under_way.is_empty()
    }

    /// Says the next frame. It is on its way from `now`, also when the socket does not take it.
    pub(super) fn speak(&mut self, speech: &mut Speech, now: Duration, counted: bool, outcome: &mut Outcome) {
        outcome.frames += u64::from(counted);
        if self.closed || self.under_way.len() >= MAX_UNDER_WAY {
            outcome.lost += u64::from(counted);
            return;
        }
        let sound = self.spoken % SOUNDS;
        self.spoken += 1;
        self.far.media(&speech.sounds[sound], &mut speech.text);
        speech.out.clear();
        frames::write(frames::TEXT, speech.text.as_bytes(), Some(fastrand::u32(..).to_ne_bytes()), &mut speech.out);
        self.under_way.push_back(UnderWay { sent: now, sound, counted });
        self.send(&speech.out, outcome);
    }

    fn send(&mut self, bytes: &[u8], outcome: &mut Outcome) {
        self.flush(outcome);
        let sent = if self.unsent.is_empty() { write_some(&mut self.stream, bytes) } else { Ok(0) };
        match sent {
            Ok(sent) => self.unsent.extend_from_slice(&bytes[sent..]),
            Err(_) => self.drop_out(outcome),
        }
    }

    fn flush(&mut self, outcome: &mut Outcome) {
        if self.unsent.is_empty() || self.closed {
            return;
        }
        match write_some(&mut self.stream, &self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(_) => self.drop_out(outcome),
        }
    }

    /// The server has ended the call.
    fn drop_out(&mut self, outcome: &mut Outcome) {
        if !std::mem::replace(&mut self.closed, true) {
            outcome.dropped += 1;
        }
    }

    /// Reads what came back and times it. `origin` is when the generator's clock began.
    pub(super) fn read(&mut self, speech: &Speech, origin: Instant, delays: &mut Histogram<u64>, outcome: &mut Outcome) {
        self.flush(outcome);
        let mut buffer = [0; READ];
        while !self.closed {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.drop_out(outcome),
                Ok(read) => {
                    let now = origin.elapsed();
                    self.take(&mut buffer[..read], speech, now, delays, outcome);
                    // A short read has emptied the socket; the next bytes raise a new event.
                    if read < READ {
                        return;
                    }
                }
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return,
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.drop_out(outcome),
            }
        }
    }

    fn take(&mut self, bytes: &mut [u8], speech: &Speech, now: Duration, delays: &mut Histogram<u64>, outcome: &mut Outcome) {
        let mut joined;
        let bytes = if self.partial.is_empty() {
            bytes
        } else {
            joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            &mut joined[..]
        };
        let mut start = 0;
        loop {
            let frame = match Frame::first(&bytes[start..]) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => return self.drop_out(outcome),
            };
            let whole = &mut bytes[start..start + frame.end];
            start += frame.end;
            match (frame.opcode, frame.open(whole)) {
                (frames::TEXT, text) => self.returned(text, speech, now, delays, outcome),
                (frames::PING, text) => {
                    let mut pong = Vec::new();
                    frames::write(frames::PONG, text, Some([0; 4]), &mut pong);
                    self.send(&pong, outcome);
                }
                (frames::CLOSE, _) => return self.drop_out(outcome),
                _ => {}
            }
        }
        self.partial.extend_from_slice(&bytes[start..]);
    }

    fn returned(&mut self, text: &[u8], speech: &Speech, now: Duration, delays: &mut Histogram<u64>, outcome: &mut Outcome) {
        let text = std::str::from_utf8(text).unwrap_or_default();
        if !text.starts_with("{\"event\":\"media\"") {
            return;
        }
        let Some(frame) = self.under_way.pop_front() else {
            outcome.wrong += 1;
            return;
        };
        if frame.counted {
            outcome.wrong += u64::from(payload(text) != speech.payloads[frame.sound]);
            delays.saturating_record(micros(now.saturating_sub(frame.sent)));
        }
    }

    /// Ends the call as a carrier does. Answers how many counted frames never came back.
    pub(super) fn hang_up(&mut self) -> u64 {
        let mut bye = Vec::new();
        frames::write(frames::TEXT, self.far.stop().as_bytes(), Some([0; 4]), &mut bye);
        frames::write(frames::CLOSE, &1000_u16.to_be_bytes(), Some([0; 4]), &mut bye);
        // The result stands; a server that is gone by now changes nothing.
        let _ = write_some(&mut self.stream, &bye);
        self.under_way.iter().filter(|frame| frame.counted).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Stage {
        line: Line,
        server: std::net::TcpStream,
        speech: Speech,
        outcome: Outcome,
        delays: Histogram<u64>,
        origin: Instant,
    }

    impl Stage {
        fn new() -> Self {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, _) = listener.accept().unwrap();
            let line = Line::new(Call { id: String::new(), stream, far: far_end(call::Carrier::Twilio, MediaFormat::PCMU_8K) }).unwrap();
            let delays = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
            Self { line, server, speech: Speech::new(), outcome: Outcome::default(), delays, origin: Instant::now() }
        }

        fn speak(&mut self, frames: usize) {
            for _ in 0..frames {
                self.line.speak(&mut self.speech, self.origin.elapsed(), true, &mut self.outcome);
            }
        }

        /// The server answers with this sound.
        fn answer(&mut self, sound: usize) {
            let text =
                format!("{{\"event\":\"media\",\"streamSid\":\"MZ\",\"media\":{{\"payload\":\"{}\"}}}}", self.speech.payloads[sound]);
            let mut bytes = Vec::new();
            frames::write(frames::TEXT, text.as_bytes(), None, &mut bytes);
            // In two pieces, as a network may deliver it.
            let (one, two) = bytes.split_at(100);
            for piece in [one, two] {
                let now = self.origin.elapsed();
                self.line.take(&mut piece.to_vec(), &self.speech, now, &mut self.delays, &mut self.outcome);
            }
        }
    }

    #[test]
    fn frames_are_matched_in_order_and_what_does_not_come_back_is_lost() {
        let mut stage = Stage::new();
        stage.speak(3);
        stage.answer(0);
        stage.answer(1);
        assert_eq!((stage.delays.len(), stage.outcome.wrong), (2, 0));
        assert_eq!((stage.line.hang_up(), stage.outcome.frames), (1, 3));
    }

    #[test]
    fn a_frame_that_was_skipped_is_noticed_by_its_sound() {
        let mut stage = Stage::new();
        stage.speak(3);
        stage.answer(0);
        stage.answer(2);
        assert_eq!(stage.outcome.wrong, 1);
    }

    #[test]
    fn a_call_that_the_server_ends_is_dropped_once_and_its_frames_are_lost() {
        let mut stage = Stage::new();
        stage.server.write_all(&[0x88, 0]).unwrap();
        stage.line.take(&mut [0x88, 0], &stage.speech, Duration::ZERO, &mut stage.delays, &mut stage.outcome);
        stage.speak(2);
        assert_eq!((stage.outcome.dropped, stage.outcome.lost), (1, 2));
    }

    #[test]
    fn a_call_that_gets_nothing_back_stops_sending_at_its_limit() {
        let mut stage = Stage::new();
        stage.speak(MAX_UNDER_WAY + 7);
        assert_eq!((stage.line.under_way.len(), stage.outcome.lost), (MAX_UNDER_WAY, 7));
    }
}
