//! Answers that come token by token, as server-sent events or as one body, with what goes wrong in them.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use crate::plan::Next;
use crate::{Act, Event, Journal};

/// Most bytes of one piece of a tool's arguments.
const ARGUMENT_PIECE: usize = 8;
/// Slowest pace, tokens a second: a pace of nothing would never end.
const SLOWEST: f64 = 0.01;

/// What is sent at once.
pub(crate) struct Frame {
    pub(crate) text: String,
    /// So many tokens are made first; without tokens it follows at once, and no trouble comes with it.
    pub(crate) tokens: u32,
}

impl Frame {
    /// One without tokens.
    pub(crate) fn plain(text: String) -> Self {
        Self { text, tokens: 0 }
    }

    /// One token.
    pub(crate) fn token(text: String) -> Self {
        Self { text, tokens: 1 }
    }
}

/// What a vendor sends when something goes wrong in the middle.
pub(crate) struct Faulty {
    /// Its error within the stream.
    pub(crate) error: String,
    /// What is not of its protocol.
    pub(crate) malformed: String,
}

struct Sending {
    act: Act,
    noted: Noted,
    frames: VecDeque<Frame>,
    faulty: Faulty,
    pace: Duration,
    stop: CancellationToken,
    over: bool,
}

/// Where the last token is written down, and as what. Without one, nowhere.
pub(crate) type Noted = Option<(Journal, String)>;

/// A body that sends these frames at the vendor's pace.
pub(crate) fn body(act: Act, frames: Vec<Frame>, faulty: Faulty, stop: CancellationToken, noted: Noted) -> Body {
    let pace = Duration::from_secs_f64(1.0 / act.behaviour.tokens_per_second.max(SLOWEST));
    let sending = Sending { act, noted, frames: frames.into(), faulty, pace, stop, over: false };
    Body::from_stream(stream::unfold(sending, |mut sending| async move { Some((sending.next().await?, sending)) }))
}

impl Sending {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.over {
            return None;
        }
        let Some(frame) = self.frames.pop_front() else {
            self.act.complete();
            return None;
        };
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => self.end(Err(io::Error::other("the simulator stops"))),
            sent = self.send(frame) => sent,
        }
    }

    async fn send(&mut self, frame: Frame) -> Option<io::Result<Bytes>> {
        if frame.tokens == 0 {
            return Some(Ok(frame.text.into()));
        }
        tokio::time::sleep(self.pace * frame.tokens).await;
        match self.act.next() {
            Next::Send => {
                if self.frames.iter().all(|left| left.tokens == 0)
                    && let Some((journal, words)) = self.noted.take()
                {
                    journal.note(Event::Answered, || words);
                }
                Some(Ok(frame.text.into()))
            }
            Next::Stall => std::future::pending().await,
            Next::Cut => self.end(Err(io::Error::other("the connection is cut"))),
            Next::Error => self.end(Ok(self.faulty.error.clone().into())),
            Next::Malformed => {
                self.frames.push_front(Frame::plain(frame.text));
                Some(Ok(self.faulty.malformed.clone().into()))
            }
        }
    }

    fn end(&mut self, last: io::Result<Bytes>) -> Option<io::Result<Bytes>> {
        self.over = true;
        Some(last)
    }
}

/// The tokens of a text: words, with the space before them.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        words.push(if words.is_empty() { word.to_owned() } else { format!(" {word}") });
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The tokens of a tool's arguments.
pub(crate) fn pieces(arguments: &str) -> Vec<String> {
    let signs: Vec<char> = arguments.chars().collect();
    signs.chunks(ARGUMENT_PIECE).map(|piece| piece.iter().collect()).collect()
}

/// A number of tokens for what was asked: its words. Vendors count pieces of words; for load and costs the size is right.
pub(crate) fn count(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}
