//! From a vendor's answer to pieces of sound for one listener: what all voices that answer HTTP with raw sound have in common.

use std::sync::Arc;
use std::time::Duration;

use audio::g711;
use audio::level::Level;
use audio::resample::Resampler;
use call::{Meter, Unit};
use outbound::{Body, Client, Fault, Request, Watch};
use tokio::sync::mpsc;

use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// Characters in one request, at most; as with the local voices. Each vendor takes at least 4,096.
pub(super) const MAX_TEXT: usize = 5_000;
/// The longest answer: 5,000 characters are six minutes of speech, and 48 kB a second is the densest coding (24 kHz, 16 bits).
const MAX_SOUND_BYTES: usize = 32 << 20;
/// Pieces that wait for a slow listener; then the vendor waits.
const AHEAD: usize = 16;
/// A sample as loud as this (-44 dBFS) is heard; coding noise and dither stay below.
const AUDIBLE: u16 = 200;
/// So much silence before the first sound is no speech any more.
const MAX_LEAD: Duration = Duration::from_secs(3);
/// What is played of the silence before the first sound, so that soft beginnings are not cut.
const RUN_UP: Duration = Duration::from_millis(80);
/// The least loudness of a spoken check word, dBFS. Vendors' voices lie at about -20.
const CHECK_DBFS: f32 = -45.0;

/// How long a voice may let wait. The defaults are for a caller's ear on a telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoiceLimits {
    /// From the request to the first sound; 1.5 s.
    pub first: Duration,
    /// Between two pieces; 1.5 s.
    pub stall: Duration,
}

impl Default for VoiceLimits {
    fn default() -> Self {
        Self { first: Duration::from_millis(1500), stall: Duration::from_millis(1500) }
    }
}

/// The way to one vendor's voices.
#[derive(Debug, Clone)]
pub(super) struct Road {
    pub(super) engine: &'static str,
    pub(super) client: Client,
    pub(super) limits: VoiceLimits,
}

impl Road {
    /// Asks, and plays what comes. Dropping the stream ends the request: over HTTP/2 the connection stays, over HTTP/1.1 it is closed.
    pub(super) async fn speak(&self, request: &Request, decoder: Decoder, rate: u32) -> Result<SpeechStream, SpeechError> {
        let outside = SpeechError::outside(self.engine);
        let watch = Watch { first: self.limits.first, stall: self.limits.stall, max_bytes: MAX_SOUND_BYTES };
        let body = self.client.stream(request, watch).await.map_err(&outside)?;
        if is_document(body.header("content-type").unwrap_or_default()) {
            let fault = Fault::Malformed("a document instead of sound");
            body.failed(&fault);
            return Err(outside(fault));
        }
        let (listener, stream) = mpsc::channel(AHEAD);
        tokio::spawn(play(self.engine, body, decoder, Lead::new(rate), listener));
        Ok(stream)
    }
}

/// An error page with status 200 would be noise in the caller's ear.
fn is_document(kind: &str) -> bool {
    ["text/", "application/json", "application/xml"].iter().any(|document| kind.starts_with(document))
}

/// The text, if it can be said.
pub(super) fn sayable(text: &str, limit: usize) -> Result<&str, SpeechError> {
    let text = text.trim();
    let characters = text.chars().count();
    if (1..=limit).contains(&characters) { Ok(text) } else { Err(SpeechError::TextLength { characters, limit }) }
}

/// Waits for what was asked of a voice. Its letters are paid for as soon as they are sent, also when nobody waits for the sound any more; a
/// refusal costs nothing.
pub(super) async fn counted<T>(
    (meter, service, model): (&Meter, &str, &str),
    text: &str,
    asked: impl Future<Output = Result<T, SpeechError>>,
) -> Result<T, SpeechError> {
    let letters = text.chars().count() as u64;
    meter.add(service, model, Unit::Characters, letters);
    let answer = asked.await;
    if matches!(&answer, Err(SpeechError::Outside { fault, .. }) if fault.is_free()) {
        meter.take_back(service, model, Unit::Characters, letters);
    }
    answer
}

/// Speaks a word and measures that there is sound in it.
pub(super) async fn check(voices: &dyn TextToSpeech) -> Result<(), SpeechError> {
    let language = "en-US".to_owned();
    let voice = voices.voice_for("", &language).unwrap_or_default();
    let mut stream = voices.speak(SpeakRequest { text: "Ready.".into(), voice, language, rate: 8000 }, &Default::default()).await?;
    let mut sound = Vec::new();
    while let Some(piece) = stream.recv().await {
        sound.extend_from_slice(&piece?);
    }
    let (level, seconds) = (Level::of(&sound).rms_dbfs, sound.len() as f32 / 8000.0);
    if level < CHECK_DBFS || seconds < 0.2 {
        let detail = format!("the word \"ready\" became {seconds:.2} s of sound at {level:.0} dBFS");
        return Err(SpeechError::CheckFailed { engine: voices.name(), detail });
    }
    Ok(())
}

async fn play(
    engine: &'static str,
    mut body: Body,
    mut decoder: Decoder,
    mut lead: Lead,
    listener: mpsc::Sender<Result<Arc<[i16]>, SpeechError>>,
) {
    loop {
        // A listener who has gone away ends the request at once.
        let piece = tokio::select! {
            piece = body.next() => piece,
            () = listener.closed() => return,
        };
        let (mut pcm, over) = (Vec::new(), piece.is_none());
        match piece {
            Some(Ok(bytes)) => decoder.decode(&bytes, &mut pcm),
            None => decoder.flush(&mut pcm),
            Some(Err(fault)) => {
                let _ = listener.send(Err(SpeechError::outside(engine)(fault))).await;
                return;
            }
        }
        let pcm = lead.play(pcm);
        if lead.is_silent(over) {
            body.failed(&Fault::Malformed("silence instead of speech"));
            let _ = listener.send(Err(SpeechError::SilentAudio { engine, text: String::new() })).await;
            return;
        }
        if (!pcm.is_empty() && listener.send(Ok(pcm.into())).await.is_err()) || over {
            return;
        }
    }
}

/// The silence before the first sound. It is kept back: a listener who was given nothing may still ask another engine, and words come sooner.
struct Lead {
    rate: u32,
    kept: Vec<i16>,
    silent: usize,
    sounded: bool,
}

impl Lead {
    fn new(rate: u32) -> Self {
        Self { rate, kept: Vec::new(), silent: 0, sounded: false }
    }

    fn samples(&self, time: Duration) -> usize {
        time.as_millis() as usize * self.rate as usize / 1000
    }

    /// What is to be played now.
    fn play(&mut self, pcm: Vec<i16>) -> Vec<i16> {
        if self.sounded {
            return pcm;
        }
        let first = pcm.iter().position(|sample| sample.unsigned_abs() >= AUDIBLE);
        let sound = self.kept.len() + first.unwrap_or(pcm.len());
        self.silent += first.unwrap_or(pcm.len());
        self.kept.extend(pcm);
        self.kept.drain(..sound.saturating_sub(self.samples(RUN_UP)));
        self.sounded = first.is_some();
        if self.sounded { std::mem::take(&mut self.kept) } else { Vec::new() }
    }

    /// True when there was no sound in it all, or none for too long.
    fn is_silent(&self, over: bool) -> bool {
        !self.sounded && (over || self.silent > self.samples(MAX_LEAD))
    }
}

/// From bytes to samples at the listener's rate, whatever the pieces' borders.
pub(super) enum Decoder {
    /// G.711 at 8 kHz.
    Ulaw,
    /// 16-bit little-endian samples.
    Linear {
        /// The first half of a sample that was cut in two.
        half: Option<u8>,
        /// To the listener's rate.
        resampler: Resampler,
    },
}

impl Decoder {
    /// 16-bit samples at the rate `from`, wanted at the rate `to`.
    pub(super) fn linear(from: u32, to: u32) -> Result<Self, SpeechError> {
        let resampler = Resampler::new(from, to).map_err(|_| SpeechError::Rate { rate: to })?;
        Ok(Self::Linear { half: None, resampler })
    }

    fn decode(&mut self, bytes: &[u8], pcm: &mut Vec<i16>) {
        match self {
            Self::Ulaw => g711::decode_ulaw(bytes, pcm),
            Self::Linear { half, resampler } => {
                let mut samples = Vec::with_capacity(bytes.len() / 2 + 1);
                for &byte in bytes {
                    match half.take() {
                        None => *half = Some(byte),
                        Some(low) => samples.push(i16::from_le_bytes([low, byte])),
                    }
                }
                resampler.process(&samples, pcm);
            }
        }
    }

    fn flush(&mut self, pcm: &mut Vec<i16>) {
        if let Self::Linear { resampler, .. } = self {
            resampler.flush(pcm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_whole_whatever_the_pieces() {
        let sound: Vec<i16> = (0..500).map(|at| (at * 37 % 4001 - 2000) as i16).collect();
        let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        for size in [1, 3, 7, 999, 1000] {
            let (mut decoder, mut heard) = (Decoder::linear(16_000, 16_000).unwrap(), Vec::new());
            bytes.chunks(size).for_each(|piece| decoder.decode(piece, &mut heard));
            decoder.flush(&mut heard);
            assert_eq!(heard, sound, "pieces of {size}");
        }
    }

    #[test]
    fn long_silence_before_the_first_word_is_not_played_and_silence_alone_is_no_speech() {
        let mut lead = Lead::new(8000);
        assert!(lead.play(vec![8; 8000]).is_empty() && !lead.is_silent(false) && lead.is_silent(true));
        let mut begins = vec![-8; 400];
        begins.extend([3000; 100]);
        let played = lead.play(begins);
        assert_eq!((played.len(), played[640], lead.is_silent(true)), (740, 3000, false));
        assert_eq!(lead.play(vec![0; 20]).len(), 20, "silence between words is played");
        let mut mute = Lead::new(8000);
        assert!(mute.play(vec![0; 24_001]).is_empty() && mute.is_silent(false));
    }

    #[test]
    fn text_is_one_to_five_thousand_letters() {
        assert_eq!(sayable("  Good day. ", MAX_TEXT).unwrap(), "Good day.");
        for bad in ["", " \n ", "ä".repeat(MAX_TEXT + 1).as_str()] {
            assert!(matches!(sayable(bad, MAX_TEXT), Err(SpeechError::TextLength { .. })));
        }
    }
}
