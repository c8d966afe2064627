//! WAV files: the header for recordings, and a tolerant reader for clips.

use crate::{AudioError, g711, resample};

/// The most samples (over all channels) a clip may have: 64 Mi, 23 minutes of stereo at 24 kHz.
pub const MAX_SAMPLES: usize = 64 << 20;

const TAG_PCM: u16 = 1;
const TAG_ALAW: u16 = 6;
const TAG_ULAW: u16 = 7;
/// The real tag is then the first two bytes of the sub-format, 24 bytes into the `fmt ` chunk.
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// A sound read from a WAV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Channels, 1 to 8.
    pub channels: u16,
    /// Samples per second of each channel.
    pub rate: u32,
    /// The samples, channels interleaved; always whole frames.
    pub pcm: Vec<i16>,
}

impl Clip {
    /// The clip as mono at `rate`, channels averaged, same duration.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedRates`] when either rate is not one of [`resample::RATES`].
    pub fn mono_at(&self, rate: u32) -> Result<Vec<i16>, AudioError> {
        if self.channels == 1 {
            return resample::resample(&self.pcm, self.rate, rate);
        }
        let channels = usize::from(self.channels.max(1));
        let average = |frame: &[i16]| (frame.iter().map(|&s| i32::from(s)).sum::<i32>() / frame.len() as i32) as i16;
        let mono: Vec<i16> = self.pcm.chunks_exact(channels).map(average).collect();
        resample::resample(&mono, self.rate, rate)
    }
}

/// The 44 bytes before 16-bit PCM data of `data_bytes` bytes. A size that would not fit the RIFF field saturates, which
/// readers take as "to the end of the file".
pub fn header(channels: u16, rate: u32, data_bytes: u32) -> [u8; 44] {
    let block = channels.saturating_mul(2);
    let mut bytes = [0; 44];
    let mut at = 0;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(b"RIFF");
    put(&data_bytes.saturating_add(36).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&TAG_PCM.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&rate.to_le_bytes());
    put(&rate.saturating_mul(u32::from(block)).to_le_bytes());
    put(&block.to_le_bytes());
    put(&16_u16.to_le_bytes());
    put(b"data");
    put(&data_bytes.to_le_bytes());
    bytes
}

/// Appends two mono streams as stereo PCM bytes; the shorter one is filled up with silence.
pub fn interleave(left: &[i16], right: &[i16], out: &mut Vec<u8>) {
    let frames = left.len().max(right.len());
    out.reserve(frames * 4);
    for frame in 0..frames {
        let sample = |side: &[i16]| side.get(frame).copied().unwrap_or(0).to_le_bytes();
        out.extend_from_slice(&sample(left));
        out.extend_from_slice(&sample(right));
    }
}

/// What the `fmt ` chunk says.
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

/// Reads 16-bit PCM, or 8-bit mu-law or A-law, of any usual rate. Unknown chunks are passed over. A data size that
/// claims more than there is (a cut file, or the placeholder a program writes into a pipe) means "to the end".
///
/// # Errors
/// The `Wav` and `NotWav` kinds of [`AudioError`]; nothing is allocated before the header has been believed.
pub fn read(bytes: &[u8]) -> Result<Clip, AudioError> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(AudioError::NotWav);
    }
    let riff_size = u32_at(bytes, 4).unwrap_or(0) as usize;
    let mut format = None;
    let mut at = 12;
    while let (Some(id), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) {
        let body = at + 8;
        let end = body.saturating_add(size as usize).min(bytes.len());
        match id {
            b"fmt " => format = Some(parse_format(&bytes[body..end])?),
            b"data" => {
                let format = format.ok_or(AudioError::WavWithoutFormat)?;
                // Zero is also a placeholder, unless the file says that more chunks follow.
                let unknown = size == 0 && riff_size.saturating_add(8) <= body;
                return decode(&format, &bytes[body..if unknown { bytes.len() } else { end }]);
            }
            _ => {}
        }
        // Chunks start at even places.
        at = end.saturating_add(size as usize & 1);
    }
    Err(if format.is_none() { AudioError::WavWithoutFormat } else { AudioError::WavWithoutData })
}

fn parse_format(chunk: &[u8]) -> Result<Format, AudioError> {
    let missing = AudioError::WavWithoutFormat;
    let (Some(tag), Some(channels), Some(rate), Some(bits)) = (u16_at(chunk, 0), u16_at(chunk, 2), u32_at(chunk, 4), u16_at(chunk, 14))
    else {
        return Err(missing);
    };
    let tag = if tag == TAG_EXTENSIBLE { u16_at(chunk, 24).ok_or(missing)? } else { tag };
    if !matches!((tag, bits), (TAG_PCM, 16) | (TAG_ALAW | TAG_ULAW, 8)) {
        return Err(AudioError::WavFormat { tag, bits });
    }
    if !(1..=8).contains(&channels) || !(1000..=192_000).contains(&rate) {
        return Err(AudioError::WavShape { channels, rate });
    }
    Ok(Format { tag, channels, rate, bits })
}

fn decode(format: &Format, data: &[u8]) -> Result<Clip, AudioError> {
    let frame = usize::from(format.channels) * usize::from(format.bits / 8);
    // A cut file may end inside a frame; the rest of it is no sound.
    let data = &data[..data.len() - data.len() % frame];
    let samples = data.len() / usize::from(format.bits / 8);
    if samples > MAX_SAMPLES {
        return Err(AudioError::WavTooLong { samples, limit: MAX_SAMPLES });
    }
    let mut pcm = Vec::with_capacity(samples);
    match format.tag {
        TAG_ULAW => g711::decode_ulaw(data, &mut pcm),
        TAG_ALAW => g711::decode_alaw(data, &mut pcm),
        _ => pcm.extend(data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]))),
    }
    Ok(Clip { channels: format.channels, rate: format.rate, pcm })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?).map(|field| u16::from_le_bytes([field[0], field[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?).map(|field| u32::from_le_bytes([field[0], field[1], field[2], field[3]]))
}

#[cfg(test)]
#[path = "wav/tests.rs"]
mod tests;
