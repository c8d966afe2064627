//! Endpointing: where an utterance begins, pauses and ends.

use std::time::{Duration, Instant};

use crate::TurnTaking;

/// Finds utterances in a stream of voice activity.
#[derive(Debug)]
pub struct Endpoint {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Nobody speaks.
    Quiet,
    /// Voice, but not yet long enough to count.
    Onset { since: Instant, last_voice: Instant },
    /// An utterance is under way.
    Speaking { since: Instant, last_voice: Instant },
    /// The speaker is quiet within an utterance.
    Paused { since: Instant, last_voice: Instant },
}

/// What happened to the utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointEvent {
    /// Speech began, this long ago.
    Started {
        /// Time since the first voiced frame.
        ago: Duration,
    },
    /// The speaker is quiet for a moment.
    Paused,
    /// The speaker goes on.
    Resumed,
    /// The utterance is over; the last voiced frame was this long ago.
    Ended {
        /// Time since the last voiced frame.
        quiet: Duration,
    },
}

/// Gaps up to this long inside the onset do not start it anew (plosives, short breaths).
const ONSET_GAP: Duration = Duration::from_millis(100);

impl Default for Endpoint {
    fn default() -> Self {
        Self { state: State::Quiet }
    }
}

impl Endpoint {
    /// Takes one frame's verdict. At most one event comes of it.
    pub fn frame(&mut self, voice: bool, now: Instant, rules: &TurnTaking) -> Option<EndpointEvent> {
        match (self.state, voice) {
            (State::Quiet, false) => None,
            (State::Quiet, true) => {
                self.state = State::Onset { since: now, last_voice: now };
                None
            }
            (State::Onset { since, .. }, true) if now - since >= rules.min_speech => {
                self.state = State::Speaking { since, last_voice: now };
                Some(EndpointEvent::Started { ago: now - since })
            }
            (State::Onset { since, .. }, true) => {
                self.state = State::Onset { since, last_voice: now };
                None
            }
            (State::Onset { last_voice, .. }, false) => {
                if now - last_voice > ONSET_GAP {
                    self.state = State::Quiet;
                }
                None
            }
            (State::Speaking { since, .. }, true) => {
                self.state = State::Speaking { since, last_voice: now };
                self.cut_long(since, now, rules)
            }
            (State::Paused { since, .. }, true) => {
                self.state = State::Speaking { since, last_voice: now };
                Some(EndpointEvent::Resumed)
            }
            (State::Speaking { .. } | State::Paused { .. }, false) => self.quiet(now, rules),
        }
    }

    /// Lets time pass without frames (a carrier may send none in silence).
    pub fn quiet(&mut self, now: Instant, rules: &TurnTaking) -> Option<EndpointEvent> {
        match self.state {
            State::Speaking { last_voice, .. } | State::Paused { last_voice, .. } if now - last_voice >= rules.end_silence => {
                self.state = State::Quiet;
                Some(EndpointEvent::Ended { quiet: now - last_voice })
            }
            State::Speaking { since, last_voice } if now - last_voice >= rules.pause => {
                self.state = State::Paused { since, last_voice };
                Some(EndpointEvent::Paused)
            }
            _ => None,
        }
    }

    /// When [`Self::quiet`] is due if no frame comes.
    pub fn deadline(&self, rules: &TurnTaking) -> Option<Instant> {
        match self.state {
            State::Speaking { last_voice, .. } => Some(last_voice + rules.pause),
            State::Paused { last_voice, .. } => Some(last_voice + rules.end_silence),
            State::Quiet | State::Onset { .. } => None,
        }
    }

    /// True from the moment an utterance has counted as one until it is over.
    pub fn in_utterance(&self) -> bool {
        matches!(self.state, State::Speaking { .. } | State::Paused { .. })
    }

    /// How long the caller has been speaking, pauses included; zero in quiet.
    pub fn spoken(&self, now: Instant) -> Duration {
        match self.state {
            State::Quiet => Duration::ZERO,
            State::Onset { since, .. } | State::Speaking { since, .. } | State::Paused { since, .. } => now - since,
        }
    }

    /// Forgets the utterance under way.
    pub fn reset(&mut self) {
        self.state = State::Quiet;
    }

    fn cut_long(&mut self, since: Instant, now: Instant, rules: &TurnTaking) -> Option<EndpointEvent> {
        if now - since < rules.max_utterance {
            return None;
        }
        self.state = State::Quiet;
        Some(EndpointEvent::Ended { quiet: Duration::ZERO })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds 20 ms frames: `x` is voice, `.` is quiet. Returns the events with their time in ms.
    fn play(pattern: &str, rules: &TurnTaking) -> Vec<(u64, EndpointEvent)> {
        let origin = crate::now();
        let mut endpoint = Endpoint::default();
        let mut events = Vec::new();
        for (index, mark) in pattern.chars().enumerate() {
            let ms = index as u64 * 20;
            if let Some(event) = endpoint.frame(mark == 'x', origin + Duration::from_millis(ms), rules) {
                events.push((ms, event));
            }
        }
        events
    }

    #[test]
    fn a_click_is_not_an_utterance() {
        assert!(play(&format!("..xx{}", ".".repeat(100)), &TurnTaking::default()).is_empty());
    }

    #[test]
    fn an_utterance_starts_pauses_and_ends() {
        let events = play(&format!("{}{}", "x".repeat(50), ".".repeat(50)), &TurnTaking::default());
        let kinds: Vec<_> = events.iter().map(|(_, event)| *event).collect();
        assert_eq!(
            kinds,
            [
                EndpointEvent::Started { ago: Duration::from_millis(120) },
                EndpointEvent::Paused,
                EndpointEvent::Ended { quiet: Duration::from_millis(640) }
            ]
        );
    }

    #[test]
    fn a_breath_does_not_end_the_sentence() {
        let events = play(&format!("{}{}{}{}", "x".repeat(30), ".".repeat(20), "x".repeat(30), ".".repeat(40)), &TurnTaking::default());
        assert!(events.iter().any(|(_, event)| *event == EndpointEvent::Resumed));
        assert_eq!(events.iter().filter(|(_, event)| matches!(event, EndpointEvent::Ended { .. })).count(), 1);
    }

    #[test]
    fn endless_speech_is_cut() {
        let rules = TurnTaking { max_utterance: Duration::from_secs(1), ..TurnTaking::default() };
        let events = play(&"x".repeat(200), &rules);
        assert!(events.iter().filter(|(_, event)| matches!(event, EndpointEvent::Ended { .. })).count() >= 2);
    }

    #[test]
    fn an_utterance_ends_by_time_when_no_frame_comes() {
        let rules = TurnTaking::default();
        let origin = crate::now();
        let mut endpoint = Endpoint::default();
        for ms in (0..400).step_by(20) {
            endpoint.frame(true, origin + Duration::from_millis(ms), &rules);
        }
        let due = endpoint.deadline(&rules).unwrap();
        assert_eq!(endpoint.quiet(due, &rules), Some(EndpointEvent::Paused));
        let due = endpoint.deadline(&rules).unwrap();
        assert!(matches!(endpoint.quiet(due, &rules), Some(EndpointEvent::Ended { .. })));
        assert_eq!(endpoint.deadline(&rules), None);
    }
}
