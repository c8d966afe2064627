//! Has one utterance recognised.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use call::{Meter, Unit};
use outbound::Fault;
use resilience::{Classify, Failure};
use riva::asr::StreamingRecognitionConfig;
use riva::{Channels, Sound};
use tokio::time::{Instant, sleep};

use super::assembly::{Assembly, News};
use super::models::Model;
use super::utterance::{Piece, Utterance};
use super::{NAME, RivaConfig};
use crate::{SpeechError, Transcript};

/// What a call's utterances have in common.
pub(super) struct Driver {
    pub(super) channels: Channels,
    pub(super) config: Arc<RivaConfig>,
    pub(super) first: StreamingRecognitionConfig,
    pub(super) model: Model,
    pub(super) meter: Meter,
}

impl Driver {
    /// To its words or its failure. A stream that breaks is begun once more, with all the sound there was.
    pub(super) async fn run(self: Arc<Self>, utterance: Arc<Utterance>) {
        let mut outcome = self.once(&utterance).await;
        if let Err(fault) = &outcome
            && self.is_worth_another(fault, &utterance)
        {
            tracing::info!(engine = NAME, %fault, "an utterance is heard again from its beginning");
            match self.once(&utterance).await {
                // What went wrong says more than that it was not tried again.
                Err(Fault::NotAsked(_)) => {}
                again => outcome = again,
            }
        }
        utterance.done(outcome.map_err(SpeechError::outside(NAME)));
    }

    fn is_worth_another(&self, fault: &Fault, utterance: &Utterance) -> bool {
        let late = utterance.over().is_some_and(|over| over.elapsed() >= self.config.rescue);
        fault.failure() == Failure::Transient && !matches!(fault, Fault::NoAnswer(_)) && !late
    }

    async fn once(&self, utterance: &Utterance) -> Result<Transcript, Fault> {
        let (sound, mut answers) = self.channels.listen(self.first.clone()).await?;
        let mut heard = Assembly::default();
        let mut feeding = pin!(self.feed(utterance, sound));
        // From when the caller has finished, be all sound sent or not: a connection that takes no more is no reason to wait.
        let mut late = pin!(async {
            utterance.ended().await;
            sleep(self.config.finish).await;
        });
        let mut over = None;
        loop {
            tokio::select! {
                biased;
                answer = answers.next() => match answer? {
                    Some(answer) => tell(heard.take(answer), &heard, utterance),
                    None if over.is_some() => return Ok(heard.transcript(took(over))),
                    // Riva may not end before we do.
                    None => return Err(Fault::Cut("the server ended the stream".to_owned())),
                },
                since = &mut feeding, if over.is_none() => {
                    over = Some(since);
                    answers.asked();
                }
                () = &mut late => {
                    answers.timed_out();
                    // What was heard is better for the caller than "please repeat".
                    let took = took(utterance.over());
                    return if heard.is_empty() { Err(Fault::NoAnswer(self.config.finish)) } else { Ok(heard.transcript(took)) };
                }
            }
        }
    }

    /// Sends the sound to its end, and says since when it is over.
    async fn feed(&self, utterance: &Utterance, sound: Sound) -> Instant {
        let mut sent = 0;
        loop {
            match utterance.piece(sent).await {
                Piece::Sound(piece) => {
                    let length = piece.len();
                    if !sound.send(piece).await {
                        // The answers say why, and end this.
                        std::future::pending::<()>().await;
                    }
                    self.meter.add(NAME, &self.model.name, Unit::AudioMillis, self.millis(sent + length) - self.millis(sent));
                    sent += length;
                }
                Piece::Over(since) => return since,
            }
        }
    }

    fn millis(&self, bytes: usize) -> u64 {
        (bytes * 1000 / self.model.bytes_a_second()) as u64
    }
}

fn took(over: Option<Instant>) -> Duration {
    over.map_or(Duration::ZERO, |over| over.elapsed())
}

fn tell(news: News, heard: &Assembly, utterance: &Utterance) {
    if news != News::None {
        utterance.partial(heard.transcript(Duration::ZERO));
    }
    if news == News::Complete {
        utterance.hint();
    }
}
