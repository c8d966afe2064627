//! Where Deepgram's results begin and end, told by how loud the sound is. Pure: sound goes in, cuts come out.

use audio::level::Level;

use super::parameters::Parameters;

/// Sound is looked at in pieces of this length, milliseconds.
const FRAME_MS: u64 = 20;
/// Louder than this is a voice, dBFS.
const VOICE_DBFS: f32 = -45.0;
/// Interim results come so often, milliseconds of sound.
const INTERIM_MS: u64 = 1000;
/// A slice that is longer is final without an end of speech, milliseconds.
const LONGEST_MS: u64 = 4000;
/// Of the silence before a voice so much belongs to it, milliseconds: a slice that began long before would be cut in the middle of the sentence.
const BEFORE_MS: u64 = 300;
/// Silence after which a voice is a new one, where endpointing is off, milliseconds.
const NEW_VOICE_MS: u64 = 300;

/// What is to be said about the sound so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cut {
    /// A voice began, seconds of the stream.
    Started(f64),
    /// What is heard so far in the slice.
    Interim,
    /// The slice is over; with the speaker, or only because it is long.
    Final { speech_final: bool },
    /// No word for a while; the last one ended then.
    UtteranceEnd(f64),
}

/// One stretch of sound.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) pcm: Vec<i16>,
    /// Seconds of the stream.
    pub(super) start: f64,
    /// Seconds of voice in it.
    pub(super) voice: f64,
}

/// The stream so far.
pub(super) struct Slices {
    rate: u32,
    endpointing: Option<u64>,
    utterance_end: Option<u64>,
    interim: bool,
    vad_events: bool,
    pending: Vec<i16>,
    slice: Slice,
    /// Milliseconds of sound.
    clock: u64,
    speaking: bool,
    /// When a voice was last heard, and whether its end was told as [`Cut::UtteranceEnd`].
    last_voice: Option<u64>,
    told: bool,
    next_interim: u64,
}

impl Slices {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            rate: parameters.rate,
            endpointing: parameters.endpointing,
            utterance_end: parameters.utterance_end,
            interim: parameters.interim,
            vad_events: parameters.vad_events,
            pending: Vec::new(),
            slice: Slice::default(),
            clock: 0,
            speaking: false,
            last_voice: None,
            told: true,
            next_interim: INTERIM_MS,
        }
    }

    pub(super) fn push(&mut self, pcm: &[i16]) {
        self.pending.extend_from_slice(pcm);
    }

    /// Goes on to the next cut. The slice at it is [`Self::slice`]; one that is final must be taken.
    pub(super) fn advance(&mut self) -> Option<Cut> {
        let frame = (u64::from(self.rate) * FRAME_MS / 1000) as usize;
        while self.pending.len() >= frame {
            let pcm: Vec<i16> = self.pending.drain(..frame).collect();
            if let Some(cut) = self.frame(&pcm) {
                return Some(cut);
            }
        }
        None
    }

    pub(super) fn slice(&self) -> &Slice {
        &self.slice
    }

    /// Ends the slice, with all sound that came.
    pub(super) fn take(&mut self) -> Slice {
        self.next_interim = self.clock + INTERIM_MS;
        let start = self.seconds();
        std::mem::replace(&mut self.slice, Slice { start, ..Slice::default() })
    }

    /// As [`Self::take`], with what is less than a frame.
    pub(super) fn flush(&mut self) -> Slice {
        let rest = std::mem::take(&mut self.pending);
        self.clock += rest.len() as u64 * 1000 / u64::from(self.rate.max(1));
        self.slice.pcm.extend(rest);
        self.take()
    }

    /// The stream's length.
    pub(super) fn seconds(&self) -> f64 {
        self.clock as f64 / 1000.0
    }

    /// A voice begins: silence before it is nobody's.
    fn begin_sentence(&mut self) {
        let before = ((BEFORE_MS + FRAME_MS) * u64::from(self.rate) / 1000) as usize;
        // Another sentence may stand before it, where only length ends a slice.
        if self.slice.voice <= FRAME_MS as f64 / 1000.0 && self.slice.pcm.len() > before {
            let dropped = self.slice.pcm.len() - before;
            self.slice.pcm.drain(..dropped);
            self.slice.start += dropped as f64 / f64::from(self.rate.max(1));
        }
    }

    fn frame(&mut self, pcm: &[i16]) -> Option<Cut> {
        self.clock += FRAME_MS;
        self.slice.pcm.extend_from_slice(pcm);
        if Level::of(pcm).rms_dbfs > VOICE_DBFS {
            self.slice.voice += FRAME_MS as f64 / 1000.0;
            (self.last_voice, self.told) = (Some(self.clock), false);
            if !std::mem::replace(&mut self.speaking, true) {
                self.begin_sentence();
                if self.vad_events {
                    return Some(Cut::Started(self.seconds()));
                }
            }
        }
        let silence = self.clock - self.last_voice.unwrap_or(0);
        if self.speaking && silence > 0 && silence >= self.endpointing.unwrap_or(NEW_VOICE_MS) {
            self.speaking = false;
            if self.endpointing.is_some() {
                return Some(Cut::Final { speech_final: true });
            }
        }
        if self.slice.pcm.len() as u64 * 1000 / u64::from(self.rate) >= LONGEST_MS {
            return Some(Cut::Final { speech_final: false });
        }
        if !self.told && self.utterance_end.is_some_and(|limit| silence >= limit) {
            self.told = true;
            return Some(Cut::UtteranceEnd(self.last_voice.unwrap_or(0) as f64 / 1000.0));
        }
        if self.interim && self.clock >= self.next_interim {
            self.next_interim = self.clock + INTERIM_MS;
            return Some(Cut::Interim);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::deepgram::parameters::Encoding;

    fn parameters() -> Parameters {
        Parameters {
            model: "nova-3".into(),
            encoding: Encoding::Mulaw,
            rate: 8000,
            interim: true,
            endpointing: Some(300),
            utterance_end: Some(1000),
            vad_events: true,
            punctuate: true,
        }
    }

    /// Cuts of so many milliseconds of voice and of silence, with where the stream stands at each.
    fn cuts(parameters: &Parameters, parts: &[(bool, usize)]) -> Vec<(u64, Cut)> {
        let mut slices = Slices::new(parameters);
        let mut cuts = Vec::new();
        for (voice, ms) in parts {
            let loud = |at: usize| if *voice && at % 8 < 4 { 8000 } else { 0 };
            slices.push(&(0..ms * 8).map(loud).collect::<Vec<i16>>());
            while let Some(cut) = slices.advance() {
                if matches!(cut, Cut::Final { .. }) {
                    slices.take();
                }
                cuts.push((slices.clock, cut));
            }
        }
        cuts
    }

    #[test]
    fn a_sentence_begins_goes_on_ends_and_is_over() {
        let wanted = [
            (120, Cut::Started(0.12)),
            (1000, Cut::Interim),
            (1400, Cut::Final { speech_final: true }),
            (2100, Cut::UtteranceEnd(1.1)),
            (2400, Cut::Interim),
        ];
        assert_eq!(cuts(&parameters(), &[(false, 100), (true, 1000), (false, 1500)]), wanted);
    }

    #[test]
    fn a_sentence_after_a_silence_is_not_cut_because_of_the_silence() {
        let parameters = Parameters { interim: false, utterance_end: None, vad_events: false, ..parameters() };
        assert_eq!(cuts(&parameters, &[(false, 2500), (true, 3000), (false, 400)]), [(5800, Cut::Final { speech_final: true })]);
    }

    #[test]
    fn without_endpointing_only_length_ends_a_slice() {
        let parameters = Parameters { endpointing: None, utterance_end: None, interim: false, vad_events: false, ..parameters() };
        let long = Cut::Final { speech_final: false };
        assert_eq!(cuts(&parameters, &[(true, 5000), (false, 4000)]), [(4000, long), (8000, long)]);
    }
}
