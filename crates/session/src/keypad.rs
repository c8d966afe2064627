//! One press, one key: carriers report keys in messages, and the tones may stand in the audio as well.

use std::time::{Duration, Instant};

/// Merges the two ways a key can arrive.
#[derive(Debug, Default)]
pub(crate) struct Keypad {
    /// The carrier reports keys: tones in the audio are only their echo.
    reported: bool,
    last_tone: Option<(char, Instant)>,
}

/// A carrier's message for a key whose tone was heard comes within this time.
const SAME_PRESS: Duration = Duration::from_millis(800);

impl Keypad {
    /// A tone was heard in the audio. The key, unless the carrier reports keys itself.
    pub(crate) fn tone(&mut self, digit: char, now: Instant) -> Option<char> {
        if self.reported {
            return None;
        }
        self.last_tone = Some((digit, now));
        Some(digit)
    }

    /// The carrier reports a key. The key, unless its tone was just taken.
    pub(crate) fn message(&mut self, digit: char, now: Instant) -> Option<char> {
        self.reported = true;
        match self.last_tone.take() {
            Some((heard, at)) if heard == digit && now.saturating_duration_since(at) < SAME_PRESS => None,
            _ => Some(digit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_that_comes_both_ways_counts_once() {
        let now = Instant::now();
        let mut keypad = Keypad::default();
        assert_eq!(keypad.tone('5', now), Some('5'));
        assert_eq!(keypad.message('5', now + Duration::from_millis(100)), None);
        assert_eq!(keypad.message('5', now + Duration::from_millis(400)), Some('5'));
        assert_eq!(keypad.tone('5', now + Duration::from_millis(450)), None);
    }

    #[test]
    fn tones_alone_are_keys() {
        let now = Instant::now();
        let mut keypad = Keypad::default();
        assert_eq!(keypad.tone('1', now), Some('1'));
        assert_eq!(keypad.tone('1', now + Duration::from_millis(300)), Some('1'));
    }
}
