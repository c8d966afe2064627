//! Sound as an HTTP answer: in chunks, at the vendor's pace.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::time::Instant;

use crate::plan::{Act, Next};

/// How raw sound is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// G.711 mu-law.
    Ulaw,
    /// G.711 A-law.
    Alaw,
    /// 16-bit little-endian samples.
    Linear,
}

impl Coding {
    /// The sound as bytes.
    pub(crate) fn write(self, pcm: &[i16]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(pcm.len() * 2);
        match self {
            Self::Ulaw => audio::g711::encode_ulaw(pcm, &mut bytes),
            Self::Alaw => audio::g711::encode_alaw(pcm, &mut bytes),
            Self::Linear => bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes())),
        }
        bytes
    }

    /// Bytes of a second.
    pub(crate) fn bytes_a_second(self, rate: u32) -> usize {
        rate as usize * if self == Self::Linear { 2 } else { 1 }
    }
}

/// How much a piece holds, in real time.
pub(crate) const PIECE: Duration = Duration::from_millis(100);

struct Flow {
    act: Act,
    sound: Bytes,
    piece: usize,
    due: Instant,
    over: bool,
}

/// Sends the sound in pieces of 100 ms. Raw sound has no place for an error: a vendor that fails in the middle breaks off, as one that is cut does;
/// and whatever comes in the place of sound is heard as noise, so "malformed" is for [`page`].
pub(crate) fn body(act: Act, sound: Vec<u8>, bytes_a_second: usize) -> Body {
    let piece = (bytes_a_second * PIECE.as_millis() as usize / 1000).max(1);
    let flow = Flow { act, sound: sound.into(), piece, due: Instant::now(), over: false };
    Body::from_stream(stream::unfold(flow, |mut flow| async move {
        let sent = flow.next().await?;
        Some((sent, flow))
    }))
}

impl Flow {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.over {
            return None;
        }
        if self.sound.is_empty() {
            self.act.complete();
            return None;
        }
        tokio::time::sleep_until(self.due).await;
        self.due += PIECE.div_f64(self.act.behaviour.pace.max(0.01));
        match self.act.next() {
            Next::Send | Next::Malformed => Some(Ok(self.sound.split_to(self.piece.min(self.sound.len())))),
            Next::Stall => std::future::pending().await,
            Next::Cut | Next::Error => {
                self.over = true;
                Some(Err(io::Error::other("the vendor broke off")))
            }
        }
    }
}

/// What stands in the place of an answer when something on the way is out of order: a page, with status 200.
pub(crate) fn page(mut act: Act) -> axum::response::Response {
    use axum::response::IntoResponse;
    act.complete();
    axum::response::Html("<html><body><h1>Service is being upgraded</h1></body></html>").into_response()
}

/// True when the answer is such a page.
pub(crate) fn is_page(act: &Act) -> bool {
    matches!(act.trouble, Some(crate::Trouble::Malformed { .. }))
}
