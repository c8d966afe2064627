//! From the call's samples to the model's coding.

use audio::g711;
use audio::resample::Resampler;
use riva::base::AudioEncoding;

use super::models::Model;
use crate::SpeechError;

/// Codes the sound of one utterance after the other.
pub(super) struct Encoder {
    resampler: Resampler,
    fresh: Resampler,
    mulaw: bool,
    samples: Vec<i16>,
}

impl Encoder {
    pub(super) fn new(from: u32, model: &Model) -> Result<Self, SpeechError> {
        if from != 8000 && from != 16_000 {
            return Err(SpeechError::Rate { rate: from });
        }
        let fresh = Resampler::new(from, model.rate).map_err(|_| SpeechError::Rate { rate: from })?;
        Ok(Self { resampler: fresh.clone(), fresh, mulaw: model.encoding() == AudioEncoding::Mulaw, samples: Vec::new() })
    }

    /// Another utterance: nothing of the last one is heard in it.
    pub(super) fn renew(&mut self) {
        self.resampler = self.fresh.clone();
    }

    pub(super) fn encode(&mut self, pcm: &[i16], sound: &mut Vec<u8>) {
        self.samples.clear();
        self.resampler.process(pcm, &mut self.samples);
        self.write(sound);
    }

    /// What the resampler still holds.
    pub(super) fn flush(&mut self, sound: &mut Vec<u8>) {
        self.samples.clear();
        self.resampler.flush(&mut self.samples);
        self.write(sound);
    }

    fn write(&self, sound: &mut Vec<u8>) {
        if self.mulaw {
            g711::encode_ulaw(&self.samples, sound);
        } else {
            sound.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        }
    }
}
