//! Carries out a script, frame by frame: given what the caller has heard, it says what the caller does in the next 20 ms.
//!
//! Pure: time is the number of the frame.

mod rehearsal;

use std::collections::VecDeque;

use crate::clip::Clip;
use crate::ear::{Ear, FRAME_MS, is_voice};
use crate::script::Garbage;

pub(crate) use rehearsal::{frames, rehearse};

/// From one key press to the next when they go as messages: about as fast as a person types.
const KEY_GAP: u64 = 200 / FRAME_MS;

/// A step of the script with everything made that it needs. Durations are in frames.
#[derive(Debug)]
pub(crate) enum Act {
    Listen { quiet: u64, timeout: u64 },
    Speak { clip: Clip, start: Start, hang_up_at: Option<u64> },
    Press { digits: String },
    Pause { frames: u64 },
    Disturb(Garbage),
    HangUp,
    AwaitEnd { timeout: u64 },
}

/// When a clip begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    AtOnce,
    IntoReply { after: u64, timeout: u64 },
}

/// What the caller does besides the audio of this frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cue {
    /// Nothing.
    Go,
    /// A key, as a message.
    Key(char),
    /// Broken input.
    Disturb(Garbage),
    /// Hangs up now; nothing follows.
    HangUp,
}

/// What became known while directing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Says(String),
    Presses(String),
    /// The last loud frame of what the caller said was this one.
    SpeechOver,
}

enum Progress {
    Busy(Cue),
    Done,
    Failed(String),
}

/// The script under way.
#[derive(Debug)]
pub(crate) struct Director {
    acts: VecDeque<Act>,
    /// Frame in which the present act began.
    began: u64,
    /// Frame from which the agent's words answer what the caller did last.
    listening_from: u64,
    /// Frame in which the present clip began, once it has.
    speaking_from: Option<u64>,
    /// Messages (keys, garbage) sent in the present act.
    sent: usize,
    failure: Option<String>,
}

impl Director {
    pub(crate) fn new(acts: impl Into<VecDeque<Act>>) -> Self {
        Self { acts: acts.into(), began: 0, listening_from: 0, speaking_from: None, sent: 0, failure: None }
    }

    /// Frame number `now`: writes the caller's voice into `out` (silence beforehand) and says what else happens.
    pub(crate) fn direct(&mut self, now: u64, ear: &Ear, out: &mut [i16], notes: &mut Vec<Note>) -> Cue {
        while let Some(act) = self.acts.pop_front() {
            match self.play(&act, now, ear, out, notes) {
                Progress::Busy(Cue::HangUp) => break,
                Progress::Busy(cue) => {
                    self.acts.push_front(act);
                    return cue;
                }
                Progress::Failed(why) => {
                    self.failure = Some(why);
                    break;
                }
                Progress::Done => self.next_act(&act, now),
            }
        }
        self.acts.clear();
        Cue::HangUp
    }

    /// Why the script could not be carried out.
    pub(crate) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// What was left to do when the call ended, for the report; `None` when the script was done, or only waited for the end.
    pub(crate) fn left_over(&self) -> Option<&'static str> {
        self.acts.iter().find_map(|act| match act {
            Act::Speak { .. } => Some("speak"),
            Act::Press { .. } => Some("press keys"),
            Act::Listen { .. } | Act::Pause { .. } | Act::Disturb(_) | Act::HangUp | Act::AwaitEnd { .. } => None,
        })
    }

    fn next_act(&mut self, finished: &Act, now: u64) {
        self.began = now;
        self.speaking_from = None;
        self.sent = 0;
        if matches!(finished, Act::Speak { .. } | Act::Press { .. } | Act::Listen { .. }) {
            self.listening_from = now;
        }
    }

    fn play(&mut self, act: &Act, now: u64, ear: &Ear, out: &mut [i16], notes: &mut Vec<Note>) -> Progress {
        let spent = now - self.began;
        match act {
            Act::Listen { quiet, .. } if ear.finished_since(self.listening_from, *quiet, now) => Progress::Done,
            Act::Listen { timeout, .. } if spent >= *timeout => {
                Progress::Failed(format!("wait_for_agent: the agent did not speak and finish within {} ms", timeout * FRAME_MS))
            }
            Act::AwaitEnd { timeout } if spent >= *timeout => {
                Progress::Failed(format!("wait_for_end: the agent did not end the call within {} ms", timeout * FRAME_MS))
            }
            Act::Pause { frames } if spent >= *frames => Progress::Done,
            Act::Disturb(garbage) => self.disturb(*garbage),
            Act::Press { digits } => self.press(digits, spent, notes),
            Act::Speak { clip, start, hang_up_at } => self.speak(clip, *start, *hang_up_at, now, ear, out, notes),
            Act::HangUp => Progress::Busy(Cue::HangUp),
            Act::Listen { .. } | Act::AwaitEnd { .. } | Act::Pause { .. } => Progress::Busy(Cue::Go),
        }
    }

    fn press(&mut self, digits: &str, spent: u64, notes: &mut Vec<Note>) -> Progress {
        if self.sent == 0 {
            notes.push(Note::Presses(digits.to_owned()));
        }
        if spent < self.sent as u64 * KEY_GAP {
            return Progress::Busy(Cue::Go);
        }
        let Some(key) = digits.chars().nth(self.sent) else { return Progress::Done };
        self.sent += 1;
        Progress::Busy(Cue::Key(key))
    }

    fn disturb(&mut self, garbage: Garbage) -> Progress {
        if self.sent > 0 {
            return Progress::Done;
        }
        self.sent = 1;
        Progress::Busy(Cue::Disturb(garbage))
    }

    #[expect(clippy::too_many_arguments, reason = "one frame's whole situation; a struct would only rename it")]
    fn speak(
        &mut self,
        clip: &Clip,
        start: Start,
        hang_up_at: Option<u64>,
        now: u64,
        ear: &Ear,
        out: &mut [i16],
        notes: &mut Vec<Note>,
    ) -> Progress {
        let from = match self.speaking_from {
            Some(from) => from,
            None => match self.may_speak(start, now, ear) {
                Progress::Done => {
                    notes.push(Note::Says(clip.label.clone()));
                    *self.speaking_from.insert(now)
                }
                waiting => return waiting,
            },
        };
        let spoken = now - from;
        if hang_up_at.is_some_and(|at| spoken >= at) {
            return Progress::Busy(Cue::HangUp);
        }
        let at = (spoken as usize).saturating_mul(out.len());
        let Some(rest) = clip.samples.get(at..).filter(|rest| !rest.is_empty()) else { return Progress::Done };
        let (frame, later) = rest.split_at(rest.len().min(out.len()));
        out[..frame.len()].copy_from_slice(frame);
        if is_voice(frame) && !later.chunks(out.len()).any(is_voice) {
            notes.push(Note::SpeechOver);
        }
        Progress::Busy(Cue::Go)
    }

    /// `Done` when the clip may begin in this frame.
    fn may_speak(&self, start: Start, now: u64, ear: &Ear) -> Progress {
        let Start::IntoReply { after, timeout } = start else { return Progress::Done };
        match ear.reply_since(self.began, now) {
            Some(reply) if now >= reply + after => Progress::Done,
            None if now - self.began >= timeout => {
                Progress::Failed(format!("interrupt: the agent did not start to speak within {} ms", timeout * FRAME_MS))
            }
            _ => Progress::Busy(Cue::Go),
        }
    }
}

#[cfg(test)]
mod tests;
