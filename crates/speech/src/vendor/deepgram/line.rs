//! One socket to Deepgram, with what was sent over it.

use std::time::Duration;

use bytes::Bytes;
use call::{Meter, Unit};
use outbound::{Client, Fault, Message, Request, Socket, Warm};
use tokio::time::{Instant, sleep_until};

use super::wire::{self, Said};

/// Silence that is sent first: a socket that never had sound is closed after 10 s whatever is said to keep it.
const FIRST_SILENCE: Duration = Duration::from_millis(100);
/// Longest message of sound.
const LONGEST: Duration = Duration::from_millis(100);
/// Shortest one; the last of an utterance is filled up with silence.
const SHORTEST: Duration = Duration::from_millis(20);

/// How sound is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    /// 8000 samples a second, as telephones have it.
    Mulaw,
    /// 16000 samples a second, 16 bits, little-endian.
    Linear,
}

impl Coding {
    pub(super) const fn of(rate: u32) -> Option<Self> {
        match rate {
            8000 => Some(Self::Mulaw),
            16_000 => Some(Self::Linear),
            _ => None,
        }
    }

    /// As it is named in the query.
    pub(super) const fn query(self) -> (&'static str, &'static str) {
        match self {
            Self::Mulaw => ("mulaw", "8000"),
            Self::Linear => ("linear16", "16000"),
        }
    }

    const fn bytes_a_milli(self) -> usize {
        match self {
            Self::Mulaw => 8,
            Self::Linear => 32,
        }
    }

    pub(super) const fn bytes(self, length: Duration) -> usize {
        length.as_millis() as usize * self.bytes_a_milli()
    }

    pub(super) fn encode(self, pcm: &[i16], bytes: &mut Vec<u8>) {
        match self {
            Self::Mulaw => audio::g711::encode_ulaw(pcm, bytes),
            Self::Linear => bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes())),
        }
    }

    const fn silence(self) -> u8 {
        match self {
            Self::Mulaw => audio::g711::ULAW_SILENCE,
            Self::Linear => 0,
        }
    }

    /// How much of what waits makes the next message; 0: too little yet. `last`: no more comes.
    pub(super) fn message(self, waiting: usize, last: bool) -> usize {
        let whole = waiting.min(self.bytes(LONGEST));
        if whole >= self.bytes(SHORTEST) || last { whole } else { 0 }
    }
}

/// An open socket.
pub(super) struct Line {
    socket: Socket,
    coding: Coding,
    /// Bytes of sound since it was opened: where its stream stands.
    sent: usize,
    /// Bytes that the meter has not seen.
    uncounted: usize,
    /// When it must be kept alive.
    keep: Instant,
    keep_alive: Duration,
}

impl Line {
    /// Opens a socket within `limit`, and sends its first sound.
    pub(super) async fn open(
        client: &Client,
        request: &Request,
        coding: Coding,
        limit: Duration,
        keep_alive: Duration,
    ) -> Result<Self, Fault> {
        let socket = client.socket(request, limit).await?;
        let mut line = Self { socket, coding, sent: 0, uncounted: 0, keep: Instant::now() + keep_alive, keep_alive };
        line.sound(vec![coding.silence(); coding.bytes(FIRST_SILENCE)]).await?;
        Ok(line)
    }

    /// It counts as answered. Deepgram says nothing before it hears something, so that it took the upgrade is all there is to know.
    pub(super) fn alive(&mut self) {
        self.socket.alive();
    }

    /// What it said, or did not say, is a fault.
    pub(super) fn failed(&mut self, fault: &Fault) {
        self.socket.failed(fault);
    }

    /// Where its stream stands, seconds.
    pub(super) fn position(&self) -> f64 {
        self.sent as f64 / self.coding.bytes_a_milli() as f64 / 1000.0
    }

    /// Sends sound, filled up with silence to the shortest message. Nothing is sent of nothing: an empty message would close the stream.
    pub(super) async fn sound(&mut self, mut bytes: Vec<u8>) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        bytes.resize(bytes.len().max(self.coding.bytes(SHORTEST)), self.coding.silence());
        (self.sent, self.uncounted) = (self.sent + bytes.len(), self.uncounted + bytes.len());
        self.keep = Instant::now() + self.keep_alive;
        self.socket.binary(Bytes::from(bytes)).await
    }

    /// Counts what was sent since the last time.
    pub(super) fn count(&mut self, meter: &Meter, model: &str) {
        let millis = self.uncounted / self.coding.bytes_a_milli();
        self.uncounted %= self.coding.bytes_a_milli();
        meter.add(super::NAME, model, Unit::AudioMillis, millis as u64);
    }

    pub(super) async fn control(&mut self, text: &str) -> Result<(), Fault> {
        self.keep = Instant::now() + self.keep_alive;
        self.socket.text(text.to_owned()).await
    }

    /// The next message that matters. Keeps the socket alive meanwhile. May be dropped and called again without loss.
    pub(super) async fn next(&mut self) -> Result<Said, Fault> {
        loop {
            tokio::select! {
                message = self.socket.next() => match message? {
                    Message::Text(text) => return self.read(&text),
                    Message::Binary(_) => {}
                    Message::Closed(code) => return Err(self.fault(closed(code))),
                },
                () = sleep_until(self.keep) => self.control(wire::KEEP_ALIVE).await?,
            }
        }
    }

    /// Says goodbye, and does not wait for what Deepgram has to say to it.
    pub(super) async fn goodbye(mut self) {
        if self.control(wire::CLOSE_STREAM).await.is_ok() {
            self.socket.alive();
        }
    }

    fn read(&mut self, text: &str) -> Result<Said, Fault> {
        match serde_json::from_str(text) {
            // It may say what was heard, so its words are not kept. The socket is of no use after it.
            Ok(Said::Error {}) => Err(self.fault(Fault::Unavailable(SERVER_FAULT))),
            Ok(said) => Ok(said),
            Err(_) => Err(self.fault(Fault::Malformed("its messages"))),
        }
    }

    fn fault(&mut self, fault: Fault) -> Fault {
        self.socket.failed(&fault);
        fault
    }
}

/// Close code of a service that failed (RFC 6455).
const SERVER_FAULT: u16 = 1011;
/// Close code of one that does not take our sound: Deepgram's `DATA-0000`.
const POLICY: u16 = 1008;

/// What a close code means in the middle of a call.
fn closed(code: u16) -> Fault {
    match code {
        POLICY => Fault::Refused { status: code, code: "cannot_decode".to_owned() },
        SERVER_FAULT => Fault::Unavailable(code),
        _ => Fault::Cut(format!("it was closed with code {code}")),
    }
}

impl Warm for Line {
    async fn wait(&mut self) -> Fault {
        loop {
            if let Err(fault) = self.next().await {
                return fault;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_neither_short_nor_long() {
        for (coding, milli) in [(Coding::Mulaw, 8), (Coding::Linear, 32)] {
            let ms = |waiting: usize, last| coding.message(waiting * milli, last) / milli;
            assert_eq!([ms(0, true), ms(19, false), ms(20, false), ms(250, false), ms(5, true)], [0, 0, 20, 100, 5]);
        }
    }
}
