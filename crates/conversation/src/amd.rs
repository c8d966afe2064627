//! Who answered an outbound call: a person, or a machine that records?
//!
//! A person says a word or two and waits. A machine reads its greeting to the end, and then beeps: that is the moment to leave a message.

use std::time::{Duration, Instant};

/// The numbers of the decision. Carriers' own detectors have the same kind of numbers: Twilio's `MachineDetectionSpeechThreshold` (2400 ms),
/// `MachineDetectionSpeechEndThreshold` (1200 ms) and `MachineDetectionSilenceTimeout` (5000 ms).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweringRules {
    /// Speech without a pause for longer than this is a greeting that is read out.
    pub long_greeting: Duration,
    /// Gaps up to this long are within a sentence.
    pub gap: Duration,
    /// Quiet for this long after a short greeting: somebody waits for our words.
    pub quiet_after: Duration,
    /// Nothing is decided by then: [`Answered::Unknown`].
    pub limit: Duration,
    /// A machine's beep is waited for no longer than this from the beginning.
    pub beep_limit: Duration,
}

impl Default for AnsweringRules {
    fn default() -> Self {
        Self {
            long_greeting: Duration::from_millis(1800),
            gap: Duration::from_millis(400),
            quiet_after: Duration::from_millis(800),
            limit: Duration::from_secs(6),
            beep_limit: Duration::from_secs(45),
        }
    }
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// A person, who is silent now and waits.
    Human,
    /// A machine that is speaking. [`Answered::MachineBeep`] may follow.
    Machine,
    /// A machine that has beeped: leave the message now. Final.
    MachineBeep,
    /// It cannot be said: nobody spoke, or the beep never came after a machine was known.
    Unknown,
}

/// Watches one call from the moment it is answered.
#[derive(Debug)]
pub struct AnsweringMachine {
    rules: AnsweringRules,
    began: Instant,
    /// The first and the last voice of the stretch under way.
    speech: Option<(Instant, Instant)>,
    /// What was told last.
    told: Option<Answered>,
}

impl AnsweringMachine {
    /// The call was answered now.
    pub fn new(rules: AnsweringRules, now: Instant) -> Self {
        Self { rules, began: now, speech: None, told: None }
    }

    /// Takes one frame: is there a voice in it, is there a beep (see `audio::beep`)? A verdict, when there is a new one.
    pub fn frame(&mut self, voice: bool, beep: bool, now: Instant) -> Option<Answered> {
        if self.is_over() {
            return None;
        }
        if beep {
            return self.tell(Answered::MachineBeep);
        }
        let stretch = self.speech.filter(|(_, last)| now.saturating_duration_since(*last) <= self.rules.gap);
        if voice {
            let first = stretch.map_or(now, |(first, _)| first);
            self.speech = Some((first, now));
        }
        self.handle_timeout(now)
    }

    /// Lets time pass. A verdict, when there is a new one.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Answered> {
        match (self.told, self.speech) {
            _ if self.is_over() => None,
            (Some(_), _) => (now >= self.began + self.rules.beep_limit).then(|| self.tell(Answered::Unknown))?,
            (None, Some((first, last))) if last.saturating_duration_since(first) > self.rules.long_greeting => self.tell(Answered::Machine),
            (None, Some((_, last))) if now >= last + self.rules.quiet_after => self.tell(Answered::Human),
            (None, _) => (now >= self.began + self.rules.limit).then(|| self.tell(Answered::Unknown))?,
        }
    }

    /// When [`Self::handle_timeout`] is due; `None` when nothing more is decided.
    pub fn deadline(&self) -> Option<Instant> {
        let limit = match self.told {
            _ if self.is_over() => return None,
            Some(_) => return Some(self.began + self.rules.beep_limit),
            None => self.began + self.rules.limit,
        };
        Some(self.speech.map_or(limit, |(_, last)| limit.min(last + self.rules.quiet_after)))
    }

    /// True when no other verdict follows.
    pub fn is_over(&self) -> bool {
        self.told.is_some_and(|told| told != Answered::Machine)
    }

    fn tell(&mut self, verdict: Answered) -> Option<Answered> {
        self.told = Some(verdict);
        self.told
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frames of 20 ms: `x` voice, `.` quiet, `b` beep. Verdicts with their time in ms.
    fn play(pattern: &str) -> Vec<(u64, Answered)> {
        let origin = crate::now();
        let mut machine = AnsweringMachine::new(AnsweringRules::default(), origin);
        let frames = pattern.chars().enumerate();
        let verdicts = frames.filter_map(|(index, mark)| {
            let ms = index as u64 * 20;
            Some((ms, machine.frame(mark == 'x', mark == 'b', origin + Duration::from_millis(ms))?))
        });
        verdicts.collect()
    }

    #[test]
    fn who_says_hello_and_waits_is_a_person() {
        let verdicts = play(&format!("{}{}{}", ".".repeat(40), "x".repeat(25), ".".repeat(100)));
        assert_eq!(verdicts, [((65 + 39) * 20, Answered::Human)]);
    }

    #[test]
    fn a_greeting_that_is_read_out_is_a_machine_and_its_beep_is_the_moment() {
        let greeting = format!("{}{}{}", "x".repeat(60), ".".repeat(15), "x".repeat(120));
        let verdicts = play(&format!("{greeting}{}{}", ".".repeat(60), "b".repeat(10)));
        assert_eq!(verdicts.iter().map(|(_, verdict)| *verdict).collect::<Vec<_>>(), [Answered::Machine, Answered::MachineBeep]);
    }

    #[test]
    fn nothing_at_all_is_unknown_in_time() {
        assert_eq!(play(&".".repeat(400)), [(6000, Answered::Unknown)]);
        let (origin, mut verdicts) = (crate::now(), Vec::new());
        let mut machine = AnsweringMachine::new(AnsweringRules::default(), origin);
        while let Some(due) = machine.deadline() {
            verdicts.extend(machine.handle_timeout(due));
        }
        assert_eq!(verdicts, [Answered::Unknown]);
    }

    #[test]
    fn a_machine_without_a_beep_is_waited_for_but_not_for_ever() {
        let verdicts = play(&format!("{}{}", "x".repeat(200), ".".repeat(3000)));
        assert_eq!(verdicts.iter().map(|(_, verdict)| *verdict).collect::<Vec<_>>(), [Answered::Machine, Answered::Unknown]);
    }

    proptest! {
        #[test]
        fn every_call_gets_a_verdict_in_time_and_only_a_machine_gets_another(frames in proptest::collection::vec(0..20_u8, 400..600)) {
            let pattern: String = frames.iter().map(|frame| match frame { 0..=8 => 'x', 9..=18 => '.', _ => 'b' }).collect();
            let verdicts = play(&pattern);
            prop_assert!(!verdicts.is_empty() && verdicts[0].0 <= 6000 + 1800);
            prop_assert!(verdicts.len() <= 2 && (verdicts.len() == 1 || verdicts[0].1 == Answered::Machine));
        }
    }
}
