//! A synthetic caller on a noisy telephone line, and our recogniser at the other end of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use audio::g711::{decode_ulaw, encode_ulaw};
use audio::mix::add_noise;
use speech::local::{LocalRecognizer, LocalSynthesizer};
use speech::{Domain, Recognition, RecognitionEvent, SpeakRequest, SpeechToText, TextToSpeech, Transcript};

const RATE: u32 = 8000;
/// Line noise before the first word and after the last: about what endpointing leaves.
const BEFORE: usize = 2400;
const AFTER: usize = 4800;

/// A line that every sentence goes over.
pub(super) struct Telephone {
    voice: LocalSynthesizer,
    recognition: Box<dyn Recognition>,
    noise_dbfs: f32,
    sentences: u64,
}

/// What came out at the far end.
pub(super) struct Heard {
    pub(super) transcript: Transcript,
    pub(super) audio: Duration,
}

impl Telephone {
    pub(super) async fn open(
        voice: LocalSynthesizer,
        recognizer: &LocalRecognizer,
        domain: &Arc<Domain>,
        noise_dbfs: f32,
    ) -> anyhow::Result<Self> {
        let recognition = recognizer.open(speech::Listening::plain(Arc::clone(domain), RATE)).await?;
        Ok(Self { voice, recognition, noise_dbfs, sentences: 0 })
    }

    /// Says a sentence with this voice while the dialogue is in this state.
    pub(super) async fn say(&mut self, voice: &str, text: &str, state: &str) -> anyhow::Result<Heard> {
        let pcm = self.line(self.speak(voice, text).await?);
        self.recognition.expect(state);
        self.recognition.start();
        self.recognition.push(&pcm);
        self.recognition.finish();
        let audio = Duration::from_secs_f64(pcm.len() as f64 / f64::from(RATE));
        loop {
            match self.recognition.next().await {
                RecognitionEvent::Partial(_) | RecognitionEvent::EndOfSpeech => {}
                RecognitionEvent::Final(transcript) => return Ok(Heard { transcript, audio }),
                RecognitionEvent::Failed(fault) => bail!("recognition of {text:?} failed: {fault}"),
            }
        }
    }

    async fn speak(&self, voice: &str, text: &str) -> anyhow::Result<Vec<i16>> {
        let request = SpeakRequest { text: text.to_owned(), voice: voice.to_owned(), language: "en-US".to_owned(), rate: RATE };
        let mut stream = self.voice.speak(request, &Default::default()).await?;
        let mut pcm = vec![0; BEFORE];
        while let Some(piece) = stream.recv().await {
            pcm.extend_from_slice(&piece?);
        }
        pcm.resize(pcm.len() + AFTER, 0);
        Ok(pcm)
    }

    /// Noise, and what the telephone's coding leaves. Each sentence has noise of its own, the same in every run.
    fn line(&mut self, mut pcm: Vec<i16>) -> Vec<i16> {
        self.sentences += 1;
        add_noise(&mut pcm, self.noise_dbfs, self.sentences);
        let (mut bytes, mut heard) = (Vec::new(), Vec::new());
        encode_ulaw(&pcm, &mut bytes);
        decode_ulaw(&bytes, &mut heard);
        heard
    }
}
