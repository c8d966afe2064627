//! What a waiting caller is told, and when: at the start, when the place in line changes, and now and then.

use std::time::{Duration, Instant};

/// A caller is not told anything again before this time has passed, however fast the line moves.
const SHORTEST: Duration = Duration::from_secs(10);
/// A caller who hears nothing but music for longer believes to be forgotten.
const LONGEST: Duration = Duration::from_secs(45);

/// What is known, and what was said of it.
#[derive(Debug, Default)]
pub(super) struct Notices {
    known: Option<(u64, Option<Duration>)>,
    told: Option<Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    position: u64,
    at: Instant,
}

/// Something to say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// The first one of this wait.
    pub(super) first: bool,
    /// With everything the caller can do; a mere change of place is told without it.
    pub(super) whole: bool,
    pub(super) position: u64,
    pub(super) expected_wait: Option<Duration>,
}

impl Notices {
    /// Takes news; the newest counts.
    pub(super) fn news(&mut self, position: u64, expected_wait: Option<Duration>) {
        self.known = Some((position, expected_wait));
    }

    /// When [`Self::take`] has something; in the past when it is due already, `None` when nothing is known or it is due at once.
    pub(super) fn due(&self) -> Option<Instant> {
        let ((position, _), told) = (self.known?, self.told?);
        Some(told.at + if told.position == position { LONGEST } else { SHORTEST })
    }

    /// The notice that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Notice> {
        let (position, expected_wait) = self.known?;
        if self.due().is_some_and(|due| now < due) {
            return None;
        }
        let whole = self.told.is_none_or(|told| told.position == position);
        let first = self.told.is_none();
        self.told = Some(Told { position, at: now });
        Some(Notice { first, whole, position, expected_wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn the_place_is_told_at_once_then_every_45_seconds() {
        let start = Instant::now();
        let mut notices = Notices::default();
        assert_eq!((notices.take(start), notices.due()), (None, None), "nothing is known yet");
        notices.news(3, None);
        assert_eq!(notices.take(start), Some(Notice { first: true, whole: true, position: 3, expected_wait: None }));
        assert_eq!(notices.take(start + secs(44)), None);
        assert_eq!(notices.due(), Some(start + secs(45)));
        let again = notices.take(start + secs(45)).unwrap();
        assert!(again.whole && !again.first);
    }

    #[test]
    fn a_line_that_moves_fast_is_told_every_ten_seconds_with_the_newest_place() {
        let start = Instant::now();
        let mut notices = Notices::default();
        notices.news(9, None);
        notices.take(start).unwrap();
        for second in 1..10 {
            notices.news(9 - second, Some(secs(second)));
            assert_eq!(notices.take(start + secs(second)), None);
        }
        let told = notices.take(start + secs(10)).unwrap();
        assert_eq!(told, Notice { first: false, whole: false, position: 0, expected_wait: Some(secs(9)) });
        assert_eq!(notices.due(), Some(start + secs(55)));
    }
}
