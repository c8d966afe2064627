//! Deepgram's voices (Aura), streamed over HTTP: `POST /v1/speak`.

mod voices;

pub use self::voices::all as voices;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audio::level::Level;
use call::Meter;
use outbound::{Body, Client, Content, Fault, Request, Setup, Watch};
use resilience::Guard;
use serde_json::json;
use tokio::sync::mpsc;

use super::sound;
use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// The engine's name.
pub const NAME: &str = "deepgram_speak";
/// Longest text of one request, characters (Deepgram's number, unverified).
pub const MAX_TEXT: usize = 2000;
/// The generation of voices: what makes the same text sound different.
const MODEL: &str = "aura-2";
/// Most sound of one request, bytes: five minutes at 16 kHz. Two thousand characters are two minutes.
const MAX_BYTES: usize = 300 * 32_000;
/// Pieces that wait for the listener.
const AHEAD: usize = 16;
/// What is said for a check, and how loud and long it must at least be.
const CHECK_TEXT: &str = "Ready.";
const CHECK_DBFS: f32 = -40.0;
const CHECK_LENGTH: Duration = Duration::from_millis(150);

/// Settings of Aura.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuraConfig {
    /// To the first sound: 1.5 s, then a caller wonders.
    pub first: Duration,
    /// Longest gap within the sound: 1.5 s.
    pub stall: Duration,
}

impl Default for AuraConfig {
    fn default() -> Self {
        let limit = Duration::from_millis(1500);
        Self { first: limit, stall: limit }
    }
}

/// Text to speech by Deepgram.
pub struct Aura {
    address: String,
    client: Client,
    watch: Watch,
}

/// How sound comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// 8000 samples a second.
    Mulaw,
    /// 16000 samples a second, 16 bits, little-endian.
    Linear,
}

impl Aura {
    /// Voices behind this guard; [`crate::vendor::deepgram::setup`] says where Deepgram is.
    ///
    /// # Errors
    /// [`SpeechError::Outside`]: an address or a key that cannot be used.
    pub fn new(setup: &Setup, guard: Guard, config: AuraConfig) -> Result<Self, SpeechError> {
        let client = Client::new(setup, guard).map_err(outside)?;
        let watch = Watch { first: config.first, stall: config.stall, max_bytes: MAX_BYTES };
        Ok(Self { address: setup.base_url.clone(), client, watch })
    }

    /// The answer to a request, as far as its headers.
    async fn ask(&self, request: &SpeakRequest, coding: Coding) -> Result<Body, SpeechError> {
        let (encoding, rate) = coding.query();
        let content = Content::json(&json!({"text": request.text})).map_err(outside)?;
        let asked = Request::post("v1/speak", content)
            .query("model", &request.voice)
            .query("encoding", encoding)
            .query("sample_rate", rate)
            .query("container", "none");
        let body = self.client.stream(&asked, self.watch).await.map_err(outside)?;
        if body.header("content-type").is_some_and(|kind| kind.starts_with("audio/")) {
            return Ok(body);
        }
        let fault = Fault::Malformed("sound was asked for, and something else came");
        body.failed(&fault);
        Err(outside(fault))
    }
}

impl Coding {
    fn of(rate: u32) -> Result<Self, SpeechError> {
        match rate {
            8000 => Ok(Self::Mulaw),
            16_000 => Ok(Self::Linear),
            _ => Err(SpeechError::Rate { rate }),
        }
    }

    const fn query(self) -> (&'static str, &'static str) {
        match self {
            Self::Mulaw => ("mulaw", "8000"),
            Self::Linear => ("linear16", "16000"),
        }
    }

    /// The samples of these bytes; half a sample is left in them.
    fn decode(self, bytes: &mut Vec<u8>) -> Arc<[i16]> {
        let mut pcm = Vec::with_capacity(bytes.len());
        match self {
            Self::Mulaw => audio::g711::decode_ulaw(&std::mem::take(bytes), &mut pcm),
            Self::Linear => {
                let (pairs, rest) = bytes.as_chunks::<2>();
                pcm.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
                *bytes = rest.to_vec();
            }
        }
        pcm.into()
    }
}

#[async_trait]
impl TextToSpeech for Aura {
    fn name(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> &str {
        MODEL
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn voices(&self) -> Vec<String> {
        voices::all()
    }

    fn voice_for(&self, wanted: &str, language: &str) -> Option<String> {
        voices::voice_for(wanted, language)
    }

    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        let coding = Coding::of(request.rate)?;
        let characters = request.text.chars().count();
        if request.text.trim().is_empty() || characters > MAX_TEXT {
            return Err(SpeechError::TextLength { characters, limit: MAX_TEXT });
        }
        let body = sound::counted((meter, NAME, MODEL), &request.text, self.ask(&request, coding)).await?;
        let (pieces, stream) = mpsc::channel(AHEAD);
        tokio::spawn(forward(body, coding, pieces));
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        let voice = voices::voice_for("", "en-US").unwrap_or_default();
        let request = SpeakRequest { text: CHECK_TEXT.to_owned(), voice, language: "en-US".to_owned(), rate: 8000 };
        let mut stream = self.speak(request, &Meter::default()).await?;
        let mut sound = Vec::new();
        while let Some(piece) = stream.recv().await {
            sound.extend_from_slice(&piece?);
        }
        let (level, length) = (Level::of(&sound).rms_dbfs, Duration::from_millis(sound.len() as u64 / 8));
        if level < CHECK_DBFS || length < CHECK_LENGTH {
            let detail = format!("{CHECK_TEXT:?} became {} ms of sound at {level:.0} dBFS", length.as_millis());
            return Err(SpeechError::CheckFailed { engine: NAME, detail });
        }
        Ok(())
    }
}

/// Hands on the sound as it comes. A listener who has gone away ends the request.
async fn forward(mut body: Body, coding: Coding, pieces: mpsc::Sender<Result<Arc<[i16]>, SpeechError>>) {
    let mut bytes = Vec::new();
    loop {
        let next = tokio::select! {
            next = body.next() => next,
            () = pieces.closed() => return,
        };
        let piece = match next {
            None => return,
            Some(Ok(more)) => {
                bytes.extend_from_slice(&more);
                Ok(coding.decode(&mut bytes))
            }
            Some(Err(fault)) => Err(outside(fault)),
        };
        let failed = piece.is_err();
        if pieces.send(piece).await.is_err() || failed {
            return;
        }
    }
}

fn outside(fault: Fault) -> SpeechError {
    SpeechError::outside(NAME)(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_sample_waits_for_its_other_half() {
        let mut bytes = vec![1, 0, 2];
        assert_eq!(*Coding::Linear.decode(&mut bytes), [1]);
        bytes.extend([0, 3]);
        assert_eq!((Coding::Linear.decode(&mut bytes).to_vec(), bytes), (vec![2], vec![3]));
        let mut bytes = vec![audio::g711::ULAW_SILENCE];
        assert_eq!((Coding::Mulaw.decode(&mut bytes).to_vec(), bytes.len()), (vec![0], 0));
    }
}
