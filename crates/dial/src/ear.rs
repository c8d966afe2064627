//! The caller's ear: from the audio that is played to the caller it knows when the agent speaks, and how fast it answers.
//!
//! Everything is counted in frames of 20 ms, so that it needs no clock.

use audio::level::Level;

/// Length of a frame, ms: what both carriers send.
pub(crate) const FRAME_MS: u64 = 20;
/// Louder than this is the agent's voice: above line noise (-65), below every synthetic voice (-30 and louder).
pub(crate) const VOICE_DBFS: f32 = -45.0;
/// A voice after this much silence starts a new reply.
const REPLY_GAP: u64 = 500 / FRAME_MS;
/// A voice after this much silence can be the answer to what was just said; with less, it is still the old sentence.
const ANSWER_GAP: u64 = 200 / FRAME_MS;

/// True when a frame holds a voice.
pub(crate) fn is_voice(frame: &[i16]) -> bool {
    Level::of(frame).rms_dbfs > VOICE_DBFS
}

/// Something the caller noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// The agent begins to speak.
    AgentStarts,
    /// The agent answers, this long after the caller's last word.
    Answer {
        /// Milliseconds.
        ms: u32,
    },
}

/// What the caller has heard so far.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    last_voice: Option<u64>,
    reply_start: Option<u64>,
    waiting_since: Option<u64>,
}

impl Ear {
    /// Hears the frame number `now`.
    pub(crate) fn hear(&mut self, now: u64, frame: &[i16]) -> impl Iterator<Item = Noticed> + use<> {
        let mut noticed = [None, None];
        if is_voice(frame) {
            let gap = self.last_voice.map_or(u64::MAX, |last| now - last - 1);
            if gap >= REPLY_GAP {
                self.reply_start = Some(now);
                noticed[0] = Some(Noticed::AgentStarts);
            }
            if gap >= ANSWER_GAP
                && let Some(since) = self.waiting_since.take()
            {
                noticed[1] = Some(Noticed::Answer { ms: u32::try_from((now - since) * FRAME_MS).unwrap_or(u32::MAX) });
            }
            self.last_voice = Some(now);
        }
        noticed.into_iter().flatten()
    }

    /// The caller's last loud frame was `now`: the wait for the answer begins.
    pub(crate) fn caller_finished(&mut self, now: u64) {
        self.waiting_since = Some(now);
    }

    /// The caller speaks (again): no answer is measured until the end of it.
    pub(crate) fn caller_starts(&mut self) {
        self.waiting_since = None;
    }

    /// True when the agent was heard at or after frame `since`, and then was silent for `quiet` frames up to `now`.
    pub(crate) fn finished_since(&self, since: u64, quiet: u64, now: u64) -> bool {
        self.last_voice.is_some_and(|last| last >= since && now.saturating_sub(last) > quiet)
    }

    /// The start of the reply under way at `now`, or of the first one after `since`.
    pub(crate) fn reply_since(&self, since: u64, now: u64) -> Option<u64> {
        let under_way = self.last_voice.is_some_and(|last| now.saturating_sub(last) < REPLY_GAP);
        self.reply_start.filter(|start| under_way || *start >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [i16; 160] = [1000; 160];
    const QUIET: [i16; 160] = [20; 160];

    /// Frames as a string: `#` voice, `.` none. Returns what was noticed, by frame.
    fn hear(ear: &mut Ear, from: u64, frames: &str) -> Vec<(u64, Noticed)> {
        let mut noticed = Vec::new();
        for (now, frame) in (from..).zip(frames.chars()) {
            let frame = if frame == '#' { &LOUD } else { &QUIET };
            noticed.extend(ear.hear(now, frame).map(|what| (now, what)));
        }
        noticed
    }

    #[test]
    fn a_pause_inside_a_reply_is_no_new_reply() {
        let mut ear = Ear::default();
        let call = format!("...##{}##{}#", ".".repeat(20), ".".repeat(25));
        let starts = hear(&mut ear, 0, &call);
        assert_eq!(starts, [(3, Noticed::AgentStarts), (52, Noticed::AgentStarts)]);
    }

    #[test]
    fn the_answer_is_measured_from_the_callers_last_word() {
        let mut ear = Ear::default();
        ear.caller_finished(10);
        let noticed = hear(&mut ear, 11, &format!("{}###", ".".repeat(30)));
        assert_eq!(noticed, [(41, Noticed::AgentStarts), (41, Noticed::Answer { ms: 620 })]);
    }

    #[test]
    fn the_rest_of_an_old_sentence_is_no_answer() {
        let mut ear = Ear::default();
        hear(&mut ear, 0, "#####");
        ear.caller_finished(4);
        assert!(hear(&mut ear, 5, "##").is_empty());
        assert_eq!(hear(&mut ear, 7, &format!("{}#", ".".repeat(12))), [(19, Noticed::Answer { ms: 300 })]);
    }

    #[test]
    fn the_agent_has_finished_when_it_is_quiet_after_speaking() {
        let mut ear = Ear::default();
        hear(&mut ear, 0, "..###");
        assert!(!ear.finished_since(0, 25, 20), "too early");
        assert!(ear.finished_since(0, 25, 30));
        assert!(!ear.finished_since(10, 25, 60), "nothing was said since");
        assert_eq!((ear.reply_since(10, 20), ear.reply_since(10, 60), ear.reply_since(0, 60)), (Some(2), None, Some(2)));
    }
}
