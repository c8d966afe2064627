//! Sound as it stands in a vendor's JSON: base64 of mu-law or PCM.

use audio::AudioError;
use audio::g711::{decode_ulaw, encode_ulaw};
use audio::resample::Resampler;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a vendor codes sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// G.711 mu-law, 8 kHz.
    Ulaw,
    /// 16-bit little-endian PCM, at so many samples a second.
    Pcm(u32),
}

impl Coding {
    fn rate(self) -> u32 {
        match self {
            Self::Ulaw => 8000,
            Self::Pcm(rate) => rate,
        }
    }

    /// The length of so much of it.
    pub(crate) fn millis(self, bytes: usize) -> u32 {
        let a_second = match self {
            Self::Ulaw => 8000,
            Self::Pcm(rate) => rate as usize * 2,
        };
        u32::try_from(bytes * 1000 / a_second).unwrap_or(u32::MAX)
    }
}

/// From the call to the vendor.
pub(crate) struct Encoder {
    coding: Coding,
    resampler: Resampler,
}

impl Encoder {
    pub(crate) fn new(rate: u32, coding: Coding) -> Result<Self, AudioError> {
        Ok(Self { coding, resampler: Resampler::new(rate, coding.rate())? })
    }

    pub(crate) fn encode(&mut self, pcm: &[i16]) -> String {
        let mut sound = Vec::new();
        self.resampler.process(pcm, &mut sound);
        let mut bytes = Vec::with_capacity(sound.len() * 2);
        match self.coding {
            Coding::Ulaw => encode_ulaw(&sound, &mut bytes),
            Coding::Pcm(_) => bytes.extend(sound.iter().flat_map(|sample| sample.to_le_bytes())),
        }
        STANDARD.encode(bytes)
    }
}

/// From the vendor to the call.
pub(crate) struct Decoder {
    coding: Coding,
    resampler: Resampler,
    /// The first byte of a sample whose second one comes with the next piece.
    odd: Option<u8>,
}

impl Decoder {
    pub(crate) fn new(coding: Coding, rate: u32) -> Result<Self, AudioError> {
        Ok(Self { coding, resampler: Resampler::new(coding.rate(), rate)?, odd: None })
    }

    /// The sound, and how many bytes it was; `None` when it is no base64.
    pub(crate) fn decode(&mut self, text: &str) -> Option<(Vec<i16>, usize)> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut sound = Vec::with_capacity(bytes.len());
        match self.coding {
            Coding::Ulaw => decode_ulaw(&bytes, &mut sound),
            Coding::Pcm(_) => {
                let mut all = self.odd.take().into_iter().chain(bytes.iter().copied());
                while let Some(low) = all.next() {
                    match all.next() {
                        Some(high) => sound.push(i16::from_le_bytes([low, high])),
                        None => self.odd = Some(low),
                    }
                }
            }
        }
        let mut pcm = Vec::new();
        self.resampler.process(&sound, &mut pcm);
        Some((pcm, bytes.len()))
    }

    /// The end of the sound that the filter still holds; the next sound is another one.
    pub(crate) fn flush(&mut self) -> Vec<i16> {
        let mut pcm = Vec::new();
        self.odd = None;
        self.resampler.flush(&mut pcm);
        pcm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_may_end_in_the_middle_of_a_sample() {
        let pcm: Vec<i16> = (0..4800).map(|at| (at * 7 % 3000) as i16).collect();
        let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut decoder = Decoder::new(Coding::Pcm(24_000), 24_000).unwrap();
        let heard: Vec<i16> = bytes.chunks(777).flat_map(|piece| decoder.decode(&STANDARD.encode(piece)).unwrap().0).collect();
        assert_eq!(heard, pcm);
        assert!(decoder.decode("no base64!").is_none());
    }

    #[test]
    fn sound_goes_there_and_back_at_the_calls_rate() {
        for (rate, coding) in [(8000, Coding::Ulaw), (16_000, Coding::Pcm(24_000)), (8000, Coding::Pcm(16_000))] {
            let mut encoder = Encoder::new(rate, coding).unwrap();
            let mut decoder = Decoder::new(coding, rate).unwrap();
            let (heard, bytes) = decoder.decode(&encoder.encode(&vec![1000; rate as usize])).unwrap();
            assert_eq!((heard.len(), coding.millis(bytes)), (rate as usize, 1000), "{coding:?}");
            assert!((i32::from(heard[heard.len() / 2]) - 1000).abs() < 40);
        }
    }
}
