//! Is the far end still there? A socket may die without a word (half-open TCP): we ask, and give up when nothing answers.

use std::time::{Duration, Instant};

/// Watches for signs of life.
#[derive(Debug)]
pub(crate) struct Liveness {
    last_sign: Instant,
    last_ping: Instant,
    audio_due: Option<Instant>,
}

/// What is to be done about a quiet socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Nothing.
    Fine,
    /// Ask for a sign.
    Ping,
    /// Give up.
    Lost,
}

impl Liveness {
    /// After this long without a message we ask. A live call brings fifty a second.
    const QUIET: Duration = Duration::from_secs(5);
    /// After this long without any sign the line is dead.
    const LOST: Duration = Duration::from_secs(15);
    /// The first audio must come within this time of the start.
    const FIRST_AUDIO: Duration = Duration::from_secs(15);

    pub(crate) fn new(now: Instant) -> Self {
        Self { last_sign: now, last_ping: now, audio_due: Some(now + Self::FIRST_AUDIO) }
    }

    pub(crate) fn sign(&mut self, now: Instant) {
        self.last_sign = now;
    }

    pub(crate) fn audio(&mut self) {
        self.audio_due = None;
    }

    /// True once the stream has brought audio.
    pub(crate) fn had_audio(&self) -> bool {
        self.audio_due.is_none()
    }

    pub(crate) fn deadline(&self) -> Instant {
        let ask = self.last_sign.max(self.last_ping) + Self::QUIET;
        let lost = self.last_sign + Self::LOST;
        let quiet = ask.min(lost);
        self.audio_due.map_or(quiet, |due| due.min(quiet))
    }

    pub(crate) fn check(&mut self, now: Instant) -> Check {
        if now >= self.last_sign + Self::LOST || self.audio_due.is_some_and(|due| now >= due) {
            return Check::Lost;
        }
        if now >= self.last_sign.max(self.last_ping) + Self::QUIET {
            self.last_ping = now;
            return Check::Ping;
        }
        Check::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_socket_is_asked_and_then_given_up() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        liveness.audio();
        let mut asked = 0;
        for _ in 0..10 {
            match liveness.check(liveness.deadline()) {
                Check::Ping => asked += 1,
                Check::Lost => break,
                Check::Fine => panic!("a deadline without a deed spins the loop"),
            }
        }
        assert_eq!(asked, 2);
    }

    #[test]
    fn a_pong_keeps_a_silent_line_open() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        liveness.audio();
        liveness.sign(start + Duration::from_secs(14));
        assert_ne!(liveness.check(start + Duration::from_secs(16)), Check::Lost);
    }

    #[test]
    fn a_stream_that_never_brings_audio_is_given_up() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        liveness.sign(start + Duration::from_secs(14));
        assert_eq!(liveness.check(start + Duration::from_secs(15)), Check::Lost);
    }
}
