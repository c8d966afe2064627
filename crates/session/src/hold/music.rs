//! The music of a wait: it makes room for what is said, and comes back softly.

use std::time::Duration;

use audio::hold::{HoldMusic, fade_in, fade_out};
use audio::playout::Playout;
use tracing::error;

/// Music is made in pieces of this length.
const PIECE: Duration = Duration::from_millis(200);
/// Silence before and after what is said.
const BREATH: Duration = Duration::from_millis(300);

/// The music of one call.
pub(super) struct Music {
    tune: HoldMusic,
    piece: Vec<i16>,
    breath: usize,
    /// Something was said since the last piece, or nothing was played yet.
    paused: bool,
}

impl Music {
    pub(super) fn new(rate: u32) -> Self {
        let samples = |time: Duration| usize::try_from(u128::from(rate) * time.as_millis() / 1000).unwrap_or(0).max(1);
        Self { tune: HoldMusic::new(rate), piece: vec![0; samples(PIECE)], breath: samples(BREATH), paused: true }
    }

    /// Puts the next piece behind what waits to be sent.
    pub(super) fn play(&mut self, playout: &mut Playout) {
        self.tune.fill(&mut self.piece);
        if std::mem::take(&mut self.paused) {
            self.rest(playout);
            fade_in(&mut self.piece);
        }
        push(playout, &self.piece);
    }

    /// Fades out: speech follows.
    pub(super) fn pause(&mut self, playout: &mut Playout) {
        if !std::mem::replace(&mut self.paused, true) {
            self.tune.fill(&mut self.piece);
            fade_out(&mut self.piece);
            push(playout, &self.piece);
            self.rest(playout);
        }
    }

    fn rest(&self, playout: &mut Playout) {
        push(playout, &vec![0; self.breath]);
    }
}

fn push(playout: &mut Playout, pcm: &[i16]) {
    if let Err(fault) = playout.push(pcm) {
        error!(error = %fault, "hold music dropped: more waits than can be played");
    }
}
