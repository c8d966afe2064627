//! What callers say aloud: two sentences, spoken once for all of them.

use std::sync::Arc;

use anyhow::Result;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, TextToSpeech};
use tokio::sync::OnceCell;

use crate::carrier::{Errand, Wish};

/// Names guests and guest count, so that two answers must be remembered from the beginning to the end.
const OPENING: &str = "I'd like to book a room for two guests under the name Smith";
const NAME: &str = "Smith";
/// Not the agent's own voice.
const VOICE: &str = "rms";
const RATE: u32 = 8000;

/// Both sentences.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) opening: Arc<[i16]>,
    pub(super) name: Arc<[i16]>,
}

/// An errand with these wishes, in the words that every caller of a scenario uses.
pub async fn errand(wishes: Vec<Wish>) -> Result<Errand> {
    let Words { opening, name } = words().await?;
    Ok(Errand { opening, name, wishes })
}

/// The words of every caller of this process.
pub(super) async fn words() -> Result<Words> {
    static WORDS: OnceCell<Words> = OnceCell::const_new();
    WORDS
        .get_or_try_init(|| async {
            let engine = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
            Ok(Words { opening: spoken(&engine, OPENING).await?, name: spoken(&engine, NAME).await? })
        })
        .await
        .cloned()
}

async fn spoken(engine: &LocalSynthesizer, text: &str) -> Result<Arc<[i16]>> {
    let mut pieces = engine
        .speak(
            SpeakRequest { text: text.to_owned(), voice: VOICE.to_owned(), language: "en-US".to_owned(), rate: RATE },
            &Default::default(),
        )
        .await?;
    let mut samples = Vec::new();
    while let Some(piece) = pieces.recv().await {
        samples.extend_from_slice(&piece?);
    }
    Ok(samples.into())
}
