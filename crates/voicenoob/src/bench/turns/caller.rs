//! One caller of `bench turns`: asks, hears the answer to its end, waits a moment, asks again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use telephony::{FarEnd, FarEndEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::clip::Clip;
use super::gaps::Waited;
use crate::bench::frames::{self, Frame};
use crate::bench::ring::Call;

const FRAME: Duration = Duration::from_millis(20);
/// An answer is over when nothing was played for this long.
const QUIET: Duration = Duration::from_millis(400);
/// Between an answer and the next question: somewhere in here, evenly drawn, so that calls do not stay in step.
const REST_MS: std::ops::Range<u64> = 500..2_500;
/// An answer that does not begin within this time does not come.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// Bytes read at once.
const READ: usize = 16 * 1024;
/// Bytes kept of a message that has not all come.
const MAX_PARTIAL: usize = 2 * frames::MAX_PAYLOAD;

/// What a caller lived through.
pub(super) struct Talk {
    /// The carrier's id of the call.
    pub(super) id: String,
    /// Its questions that were answered, in their order.
    pub(super) turns: Vec<Waited>,
    /// Questions that were not.
    pub(super) unanswered: u64,
    /// How late each frame was sent, the caller's own weakness.
    pub(super) late_us: Vec<u32>,
}

#[derive(Clone, Copy)]
enum Phase {
    /// The agent speaks, or is about to.
    Listening { heard: bool },
    /// Until the next question.
    Resting(Instant),
    /// This frame of it is next.
    Asking(usize),
    /// Asked; the answer has not begun.
    Waiting,
}

struct Caller {
    stream: TcpStream,
    far: Box<dyn FarEnd>,
    clip: Arc<Clip>,
    random: fastrand::Rng,
    phase: Phase,
    spoken: Option<Instant>,
    played_until: Instant,
    marks: VecDeque<(Instant, String)>,
    partial: Vec<u8>,
    text: String,
    out: Vec<u8>,
    talk: Talk,
}

/// When a caller does what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Its frames are due at this and so many times [`FRAME`] later: callers in step with each other would come all at once.
    pub(super) beat: Instant,
    /// Turns that began before are not kept.
    pub(super) from: Instant,
    /// It finishes the turn it is in then, and hangs up.
    pub(super) until: Instant,
}

impl Times {
    /// Of one of so many callers: their frames lie evenly in the time of one.
    pub(super) fn of(number: usize, calls: usize, (from, until): (Instant, Instant)) -> Self {
        Self { beat: from + FRAME.mul_f64(number as f64 / calls.max(1) as f64), from, until }
    }

    /// The first beat that is not over.
    fn next(&self, now: Instant) -> Instant {
        let over = now.saturating_duration_since(self.beat).as_millis() / FRAME.as_millis();
        let ahead = self.beat.saturating_duration_since(now).as_millis() / FRAME.as_millis();
        let (over, ahead) = (u32::try_from(over).unwrap_or(u32::MAX), u32::try_from(ahead).unwrap_or(u32::MAX));
        if now > self.beat { self.beat + FRAME * (over + 1) } else { self.beat - FRAME * ahead }
    }
}

/// Talks to the end of its time.
pub(super) async fn talk(call: Call, clip: Arc<Clip>, times: Times) -> anyhow::Result<Talk> {
    call.stream.set_nonblocking(true)?;
    let talk = Talk { id: call.id, turns: Vec::new(), unanswered: 0, late_us: Vec::new() };
    let mut caller = Caller {
        stream: TcpStream::from_std(call.stream)?,
        far: call.far,
        clip,
        random: fastrand::Rng::new(),
        phase: Phase::Listening { heard: false },
        spoken: None,
        played_until: Instant::now(),
        marks: VecDeque::new(),
        partial: Vec::new(),
        text: String::new(),
        out: Vec::new(),
        talk,
    };
    caller.live(times).await?;
    Ok(caller.talk)
}

impl Caller {
    async fn live(&mut self, times: Times) -> anyhow::Result<()> {
        let origin = times.next(Instant::now());
        let (mut sent, mut buffer) = (0_u32, vec![0; READ]);
        loop {
            let due = origin + FRAME * sent;
            tokio::select! {
                read = self.stream.read(&mut buffer) => {
                    let (read, now) = (read?, Instant::now());
                    ensure!(read > 0, "the server ended a call");
                    self.take(&mut buffer[..read], now, times.from).await?;
                }
                () = tokio::time::sleep_until(due.into()) => {
                    let now = Instant::now();
                    if now >= times.until && matches!(self.phase, Phase::Resting(_) | Phase::Listening { .. }) {
                        return self.hang_up().await;
                    }
                    self.talk.late_us.push(u32::try_from((now - due).as_micros()).unwrap_or(u32::MAX));
                    sent += 1;
                    self.frame(now).await?;
                }
            }
        }
    }

    /// One frame of the caller's side.
    async fn frame(&mut self, now: Instant) -> anyhow::Result<()> {
        self.return_marks(now).await?;
        let at = match self.phase {
            Phase::Listening { heard: true } if now >= self.played_until + QUIET => {
                self.phase = Phase::Resting(now + Duration::from_millis(self.random.u64(REST_MS)));
                None
            }
            Phase::Resting(since) if now >= since => Some(0),
            Phase::Asking(at) => Some(at),
            Phase::Waiting if self.spoken.is_some_and(|spoken| now > spoken + ANSWER_LIMIT) => {
                self.talk.unanswered += 1;
                self.phase = Phase::Listening { heard: true };
                None
            }
            _ => None,
        };
        let clip = Arc::clone(&self.clip);
        let pcm = at.and_then(|at| clip.frame(at)).unwrap_or_else(|| clip.silence(self.random.usize(..)));
        self.far.media(pcm, &mut self.text);
        let text = std::mem::take(&mut self.text);
        let sending = Instant::now();
        self.send(frames::TEXT, text.as_bytes()).await?;
        self.text = text;
        if let Some(at) = at {
            if at == clip.last_voiced {
                self.spoken = Some(sending);
            }
            self.phase = if clip.frame(at + 1).is_some() { Phase::Asking(at + 1) } else { Phase::Waiting };
        }
        Ok(())
    }

    async fn take(&mut self, bytes: &mut [u8], now: Instant, from: Instant) -> anyhow::Result<()> {
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(frame) = Frame::first(&all[start..])? {
            let whole = &mut all[start..start + frame.end];
            start += frame.end;
            let payload = frame.open(whole);
            match frame.opcode {
                frames::TEXT => {
                    let event = self.far.handle_text(std::str::from_utf8(payload)?)?;
                    self.obey(event, now, from);
                }
                frames::PING => {
                    let payload = payload.to_vec();
                    self.send(frames::PONG, &payload).await?;
                }
                opcode => ensure!(opcode != frames::CLOSE, "the server ended a call"),
            }
        }
        self.partial.extend_from_slice(&all[start..]);
        ensure!(self.partial.len() <= MAX_PARTIAL, "a message has no end");
        Ok(())
    }

    fn obey(&mut self, event: FarEndEvent, now: Instant, from: Instant) {
        match event {
            FarEndEvent::Media(pcm) => {
                let length = Duration::from_secs_f64(pcm.len() as f64 / 8000.0);
                self.played_until = self.played_until.max(now) + length;
                match (self.phase, self.spoken.take()) {
                    (Phase::Waiting, Some(spoken)) if spoken >= from => self.talk.turns.push(Waited { spoken, sounded: now }),
                    (Phase::Waiting, _) => {}
                    (_, spoken) => {
                        self.spoken = spoken;
                        if matches!(self.phase, Phase::Asking(_)) {
                            return;
                        }
                    }
                }
                self.phase = Phase::Listening { heard: true };
            }
            FarEndEvent::Mark(name) => self.marks.push_back((self.played_until.max(now), name)),
            FarEndEvent::Clear => {
                self.played_until = now;
                self.marks.iter_mut().for_each(|(due, _)| *due = now);
            }
            FarEndEvent::Ignored => {}
        }
    }

    async fn return_marks(&mut self, now: Instant) -> anyhow::Result<()> {
        while let Some((_, name)) = self.marks.pop_front_if(|(due, _)| *due <= now) {
            let text = self.far.mark(&name);
            self.send(frames::TEXT, text.as_bytes()).await?;
        }
        Ok(())
    }

    async fn send(&mut self, opcode: u8, payload: &[u8]) -> anyhow::Result<()> {
        self.out.clear();
        frames::write(opcode, payload, Some(self.random.u32(..).to_ne_bytes()), &mut self.out);
        self.stream.write_all(&self.out).await?;
        Ok(())
    }

    /// As a carrier does it.
    async fn hang_up(&mut self) -> anyhow::Result<()> {
        let text = self.far.stop();
        self.send(frames::TEXT, text.as_bytes()).await?;
        self.send(frames::CLOSE, &1000_u16.to_be_bytes()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_many_callers_lie_evenly_in_the_time_of_one() {
        let from = Instant::now() + Duration::from_secs(10);
        for (number, millis) in [(0, 0), (1, 5), (2, 10), (3, 15)] {
            let times = Times::of(number, 4, (from, from));
            for now in [from - Duration::from_millis(7_003), from + Duration::from_millis(7_003)] {
                let next = times.next(now);
                assert!(next >= now && next <= now + FRAME);
                let origin = from - Duration::from_secs(10);
                assert_eq!((next - origin).as_millis() % 20, millis, "caller {number}");
            }
        }
    }
}
