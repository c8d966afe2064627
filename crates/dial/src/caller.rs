//! The caller in a call: ear, script and mouth together, one frame at a time. Outlives a media stream, so that a resumed call goes on.
//!
//! Pure: it counts frames, the driver keeps the time.

use audio::mix;

use crate::director::{Cue, Director, Note};
use crate::ear::{Ear, FRAME_MS, Noticed};
use crate::report::{DialEvent, StereoAudio, Tell};

/// The noise of a quiet line. Carriers never send digital silence, and a detector that was only tried on it fails on a real line.
pub(crate) const COMFORT_NOISE_DBFS: f32 = -65.0;

/// One caller's state over a whole call.
#[derive(Debug)]
pub(crate) struct Caller {
    director: Director,
    ear: Ear,
    noise_dbfs: f32,
    frame: u64,
    recording: Option<StereoAudio>,
    notes: Vec<Note>,
    /// From the first frame to the first sound of the agent, ms.
    pub(crate) first_audio_ms: Option<u32>,
    pub(crate) replies_ms: Vec<u32>,
    pub(crate) clears: u32,
}

impl Caller {
    /// A caller with a script; `record` keeps both sides' audio at that rate.
    pub(crate) fn new(director: Director, noise_dbfs: Option<f32>, record: Option<u32>) -> Self {
        Self {
            director,
            ear: Ear::default(),
            noise_dbfs: noise_dbfs.unwrap_or(COMFORT_NOISE_DBFS),
            frame: 0,
            recording: record.map(|rate| StereoAudio { rate, samples: Vec::new() }),
            notes: Vec::new(),
            first_audio_ms: None,
            replies_ms: Vec::new(),
            clears: 0,
        }
    }

    /// One frame: hears `played`, fills `out` (of the same length), says what else to do.
    pub(crate) fn frame(&mut self, played: &[i16], out: &mut [i16], tell: Tell<'_>) -> Cue {
        let now = self.frame;
        for noticed in self.ear.hear(now, played) {
            self.notice(noticed, now, tell);
        }
        out.fill(0);
        let cue = self.director.direct(now, &self.ear, out, &mut self.notes);
        for note in self.notes.drain(..) {
            match note {
                Note::Says(text) => {
                    self.ear.caller_starts();
                    tell(DialEvent::Said { text });
                }
                Note::Presses(digits) => tell(DialEvent::Pressed { digits }),
                Note::SpeechOver => self.ear.caller_finished(now),
            }
        }
        if cue == Cue::HangUp {
            return cue; // Nothing of this frame is sent or heard.
        }
        // The seed follows the frame: noise that repeated every 20 ms would be a 50 Hz hum.
        mix::add_noise(out, self.noise_dbfs, now);
        if let Some(recording) = &mut self.recording {
            recording.samples.extend(out.iter().zip(played).flat_map(|(left, right)| [*left, *right]));
        }
        self.frame += 1;
        cue
    }

    /// The agent threw away its own audio.
    pub(crate) fn cleared(&mut self, tell: Tell<'_>) {
        self.clears += 1;
        tell(DialEvent::Cleared);
    }

    /// Frames lived through, all streams together.
    pub(crate) const fn frames(&self) -> u64 {
        self.frame
    }

    /// Why the script could not be carried out.
    pub(crate) fn take_failure(&mut self) -> Option<String> {
        self.director.take_failure()
    }

    /// What the caller still had to do.
    pub(crate) fn left_over(&self) -> Option<&'static str> {
        self.director.left_over()
    }

    /// The audio of both sides, if it was kept.
    pub(crate) fn take_recording(&mut self) -> Option<StereoAudio> {
        self.recording.take()
    }

    fn notice(&mut self, noticed: Noticed, now: u64, tell: Tell<'_>) {
        match noticed {
            Noticed::AgentStarts => {
                let since_start = u32::try_from(now * FRAME_MS).unwrap_or(u32::MAX);
                self.first_audio_ms.get_or_insert(since_start);
                tell(DialEvent::AgentStarted);
            }
            Noticed::Answer { ms } => {
                self.replies_ms.push(ms);
                tell(DialEvent::Latency { ms });
            }
        }
    }
}
