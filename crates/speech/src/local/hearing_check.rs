//! Proves that the recogniser hears: a bundled clip is recognised and its words are compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pool::ENGINE;
use super::recognizer::LocalRecognizer;
use crate::{Domain, RecognitionEvent, SpeechError, SpeechToText};

/// "please book a room for two nights", spoken by a synthetic voice, 8 kHz mu-law WAV.
const CLIP: &[u8] = include_bytes!("../../data/check.wav");
/// What is said in it.
const WORDS: &str = "please book a room for two nights";

/// Recognises the clip among sentences that sound alike.
pub(super) async fn hear(recognizer: &LocalRecognizer) -> Result<(), SpeechError> {
    let sentences =
        [WORDS, "please cook a soup for ten guests", "i would like to book a table for four", "please call me a taxi", "no thank you"];
    let states = BTreeMap::from([("check".to_owned(), sentences.map(str::to_owned).to_vec())]);
    let domain = Arc::new(Domain { name: "check".to_owned(), states, background: Vec::new() });
    let clip =
        audio::wav::read(CLIP).and_then(|clip| clip.mono_at(8_000)).map_err(|error| SpeechError::BadAudio { detail: error.to_string() })?;
    let mut recognition = recognizer.open(crate::Listening::plain(domain, 8_000)).await?;
    recognition.start();
    recognition.push(&clip);
    recognition.finish();
    match recognition.next().await {
        RecognitionEvent::Failed(error) => Err(error),
        RecognitionEvent::Final(heard) if heard.text == WORDS => Ok(()),
        RecognitionEvent::Final(heard) | RecognitionEvent::Partial(heard) => {
            Err(SpeechError::CheckFailed { engine: ENGINE, detail: format!("heard {:?} instead of {WORDS:?}", heard.text) })
        }
        RecognitionEvent::EndOfSpeech => {
            Err(SpeechError::CheckFailed { engine: ENGINE, detail: "the end of the speech came before its words".into() })
        }
    }
}
