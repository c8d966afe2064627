//! What a worker process and its parent say to each other: length-prefixed frames over a pipe.
//!
//! A frame is a 4-byte little-endian length of the JSON part, a 4-byte little-endian count of samples, the JSON, and the samples
//! (16-bit little-endian). Answers carry no samples. Both lengths are bounded, so a broken peer cannot make us allocate at will.

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Hypothesis, SphinxError};

/// The longest JSON part of a frame, in bytes: a 30 s answer with every word is some 20 kB.
pub const MAX_JSON: usize = 256 * 1024;
/// The most samples in a frame: 31 s at 16 kHz (an utterance is at most 30 s).
pub const MAX_SAMPLES: usize = 31 * 16_000;
/// Bytes before the JSON.
pub const HEADER: usize = 8;

/// One utterance to recognise. Requests share nothing: any worker can serve any of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Comes back in the answer.
    pub id: u64,
    /// Folder of the acoustic model.
    pub model: PathBuf,
    /// Pronouncing dictionary with the words of the language model.
    pub dictionary: PathBuf,
    /// Language model file.
    pub language_model: PathBuf,
    /// Take the utterance's own mean off its frames instead of the model's: better in noise, worse for short answers on a quiet line.
    pub own_mean: bool,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The request's id.
    pub id: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Decoded; `None` when no words could be made out.
    Heard(Option<Hypothesis>),
    /// The library is not installed.
    NoLibrary(String),
    /// The acoustic model or dictionary was refused.
    NoModel(String),
    /// Anything else.
    Failed(String),
}

/// Packs a frame.
///
/// # Errors
/// [`SphinxError::Protocol`] when a part is over its limit.
pub fn encode<T: Serialize>(message: &T, pcm: &[i16]) -> Result<Vec<u8>, SphinxError> {
    let json = serde_json::to_vec(message).map_err(|e| SphinxError::Protocol { detail: e.to_string() })?;
    let (length, samples) = checked(json.len(), pcm.len())?;
    let mut frame = Vec::with_capacity(HEADER + json.len() + pcm.len() * 2);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&samples.to_le_bytes());
    frame.extend_from_slice(&json);
    frame.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    Ok(frame)
}

/// Reads a frame's header: bytes of JSON and number of samples that follow.
///
/// # Errors
/// [`SphinxError::Protocol`] when one is over its limit.
pub fn header(bytes: [u8; HEADER]) -> Result<(usize, usize), SphinxError> {
    let [a, b, c, d, e, f, g, h] = bytes;
    let (json, samples) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    checked(json, samples)?;
    Ok((json, samples))
}

/// Reads one frame; `None` when the pipe was closed between frames.
///
/// # Errors
/// [`SphinxError::Io`] when the pipe fails, [`SphinxError::Protocol`] when the frame is broken.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<(T, Vec<i16>)>, SphinxError> {
    let mut head = [0; HEADER];
    match from.read_exact(&mut head) {
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (json, samples) = header(head)?;
    let mut body = vec![0; json + samples * 2];
    from.read_exact(&mut body)?;
    let (json, sound) = body.split_at(json);
    let message = decode(json)?;
    Ok(Some((message, sound.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect())))
}

/// Reads the JSON part of a frame.
///
/// # Errors
/// [`SphinxError::Protocol`] when it does not fit.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, SphinxError> {
    serde_json::from_slice(json).map_err(|e| SphinxError::Protocol { detail: e.to_string() })
}

/// Writes one frame and flushes it.
///
/// # Errors
/// [`SphinxError::Io`] when the pipe fails, [`SphinxError::Protocol`] when a part is over its limit.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T, pcm: &[i16]) -> Result<(), SphinxError> {
    to.write_all(&encode(message, pcm)?)?;
    Ok(to.flush()?)
}

fn checked(json: usize, samples: usize) -> Result<(u32, u32), SphinxError> {
    if json > MAX_JSON || samples > MAX_SAMPLES {
        return Err(SphinxError::Protocol {
            detail: format!("{json} bytes and {samples} samples are over the limit of {MAX_JSON} and {MAX_SAMPLES}"),
        });
    }
    // Both limits are far below 2^32.
    Ok((json as u32, samples as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_pipe() {
        let request = Request { id: 7, model: "m".into(), dictionary: "d".into(), language_model: "l".into(), own_mean: false };
        let bytes = encode(&request, &[1, -2, i16::MIN]).unwrap();
        assert_eq!(read::<Request>(&mut bytes.as_slice()).unwrap(), Some((request, vec![1, -2, i16::MIN])));
    }

    #[test]
    fn a_closed_pipe_is_the_end_and_a_cut_frame_is_an_error() {
        assert!(read::<Request>(&mut [].as_slice()).unwrap().is_none());
        let bytes = encode(&Response { id: 1, outcome: Outcome::Heard(None) }, &[]).unwrap();
        assert!(matches!(read::<Response>(&mut &bytes[..bytes.len() - 1]), Err(SphinxError::Io(_))));
    }

    #[test]
    fn a_peer_cannot_make_us_allocate_at_will() {
        assert!(matches!(read::<Request>(&mut [255; 16].as_slice()), Err(SphinxError::Protocol { .. })));
        assert!(matches!(encode(&0, &vec![0; MAX_SAMPLES + 1]), Err(SphinxError::Protocol { .. })));
    }
}
