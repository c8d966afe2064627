//! Endpointing: where an utterance begins, pauses and ends.

use std::time::{Duration, Instant};

use crate::pauses::{LONGEST, Pauses};
use crate::{Looks, TurnTaking};

/// Finds utterances in a stream of voice activity. How much quiet ends one depends on the words so far and on the caller's own pauses.
#[derive(Debug, Default)]
pub struct Endpoint {
    state: State,
    looks: Looks,
    pauses: Pauses,
    /// The last voice of the utterance before, while nobody has answered it: who goes on at once had only paused.
    ended: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum State {
    /// Nobody speaks.
    #[default]
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
pub(crate) const ONSET_GAP: Duration = Duration::from_millis(100);
/// A sentence that looks finished ends after this much quiet at least: less is a plosive, or the network.
const SHORTEST_WAIT: Duration = Duration::from_millis(300);

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
                self.begin(since);
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
            (State::Paused { since, last_voice }, true) => {
                self.state = State::Speaking { since, last_voice: now };
                self.pauses.note(now - last_voice);
                self.looks = Looks::Unknown; // The words that were known are not the last ones any more.
                Some(EndpointEvent::Resumed)
            }
            (State::Speaking { .. } | State::Paused { .. }, false) => self.quiet(now, rules),
        }
    }

    /// What the words of the utterance under way look like.
    pub fn words(&mut self, looks: Looks) {
        if self.in_utterance() {
            self.looks = looks;
        }
    }

    /// The vendor says that the speaker has finished: believed, unless the words say otherwise.
    pub fn end_of_speech(&mut self) {
        if self.in_utterance() && self.looks == Looks::Unknown {
            self.looks = Looks::Finished;
        }
    }

    /// Somebody has answered: what comes is no continuation.
    pub fn answered(&mut self) {
        self.ended = None;
    }

    /// The quiet that ends the utterance under way: the agent's own measure, shorter after a finished sentence and longer within one, and never
    /// shorter than this caller's pauses are.
    pub fn wait(&self, rules: &TurnTaking) -> Duration {
        let middle = rules.end_silence;
        let by_words = match self.looks {
            Looks::Finished if rules.semantic => (middle / 2).max(SHORTEST_WAIT).min(middle),
            Looks::Open if rules.semantic => (middle * 2).min(LONGEST).max(middle),
            _ => middle,
        };
        by_words.max(self.pauses.least_wait())
    }

    /// Lets time pass without frames (a carrier may send none in silence).
    pub fn quiet(&mut self, now: Instant, rules: &TurnTaking) -> Option<EndpointEvent> {
        match self.state {
            State::Speaking { last_voice, .. } | State::Paused { last_voice, .. } if now - last_voice >= self.wait(rules) => {
                self.state = State::Quiet;
                self.ended = Some(last_voice);
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
            State::Speaking { last_voice, .. } => Some(last_voice + rules.pause.min(self.wait(rules))),
            State::Paused { last_voice, .. } => Some(last_voice + self.wait(rules)),
            State::Quiet | State::Onset { .. } => None,
        }
    }

    /// True from the moment an utterance has counted as one until it is over.
    pub fn in_utterance(&self) -> bool {
        matches!(self.state, State::Speaking { .. } | State::Paused { .. })
    }

    /// The last voice of a sound that may become an utterance.
    pub(crate) fn onset(&self) -> Option<Instant> {
        if let State::Onset { last_voice, .. } = self.state { Some(last_voice) } else { None }
    }

    /// Forgets the utterance under way.
    pub fn reset(&mut self) {
        self.state = State::Quiet;
    }

    fn begin(&mut self, since: Instant) {
        self.looks = Looks::Unknown;
        if let Some(ended) = self.ended.take() {
            self.pauses.note(since.saturating_duration_since(ended));
        }
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
    fn words_shorten_and_lengthen_the_wait() {
        let rules = TurnTaking::default();
        let wait = |looks, rules: &TurnTaking| {
            let mut endpoint = Endpoint { state: State::Speaking { since: crate::now(), last_voice: crate::now() }, ..Endpoint::default() };
            endpoint.words(looks);
            endpoint.wait(rules).as_millis()
        };
        assert_eq!([Looks::Finished, Looks::Unknown, Looks::Open].map(|looks| wait(looks, &rules)), [320, 640, 1280]);
        let deaf = TurnTaking { semantic: false, ..rules };
        assert_eq!([Looks::Finished, Looks::Unknown, Looks::Open].map(|looks| wait(looks, &deaf)), [640, 640, 640]);
        let quick = TurnTaking { end_silence: Duration::from_millis(200), ..rules };
        assert_eq!([Looks::Finished, Looks::Open].map(|looks| wait(looks, &quick)), [200, 400]);
        let slow = TurnTaking { end_silence: Duration::from_secs(3), ..rules };
        assert_eq!([Looks::Finished, Looks::Open].map(|looks| wait(looks, &slow)), [1500, 3000], "never shorter than the agent's own");
    }

    #[test]
    fn a_caller_who_breathes_long_is_waited_for_after_a_few_breaths() {
        let rules = TurnTaking::default();
        // Twice 600 ms of quiet are within the wait; the third time 680 ms end the utterance, and the caller goes on.
        let words = "x".repeat(20);
        let breath = |frames: usize| ".".repeat(frames);
        let one = format!("{words}{}{words}{}{words}{}{words}", breath(30), breath(30), breath(34));
        let events = play(&format!("{one}{}", breath(60)), &rules);
        let ends = |events: &[(u64, EndpointEvent)]| events.iter().filter(|(_, e)| matches!(e, EndpointEvent::Ended { .. })).count();
        assert_eq!(ends(&events), 2);
        // From then on 680 ms are a breath of this caller.
        let events = play(&format!("{one}{}{words}{}{words}{}", breath(34), breath(34), breath(60)), &rules);
        assert_eq!(ends(&events), 2, "{events:?}");
        assert!(matches!(events.last(), Some((_, EndpointEvent::Ended { quiet })) if quiet.as_millis() == 820), "{:?}", events.last());
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
