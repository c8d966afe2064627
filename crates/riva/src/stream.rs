//! One stream: sound in, answers out.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use outbound::Fault;
use resilience::{Begun, Classify};
use tokio::sync::mpsc;
use tonic::{Response, Status, Streaming};

use crate::asr::streaming_recognize_request::StreamingRequest;
use crate::asr::{StreamingRecognitionConfig, StreamingRecognizeRequest, StreamingRecognizeResponse};
use crate::channels::asr;
use crate::lanes::Lease;

/// Pieces of sound that wait for the connection; who sends more waits with them.
const AHEAD: usize = 8;

/// Where sound goes in. Dropped, it says that there is no more.
pub struct Sound(mpsc::Sender<StreamingRecognizeRequest>);

/// Where answers come out. Dropped, the stream is given up: Riva is told at once.
pub struct Answers {
    state: Stage,
    begun: Option<Begun>,
    /// Something has come.
    answered: bool,
    /// All sound was sent.
    asked: bool,
    lease: Lease,
}

enum Stage {
    /// Riva's headers have not come yet.
    Opening(BoxFuture<'static, Result<Response<Streaming<StreamingRecognizeResponse>>, Status>>),
    Open(Box<Streaming<StreamingRecognizeResponse>>),
    Over,
}

/// The first message is the settings, and all others are sound.
pub(crate) fn begin(lease: Lease, begun: Begun, config: StreamingRecognitionConfig) -> (Sound, Answers) {
    let (sound, pieces) = mpsc::channel(AHEAD);
    let first = StreamingRequest::StreamingConfig(config);
    let first = StreamingRecognizeRequest { streaming_request: Some(first), id: None };
    let requests = stream::unfold((Some(first), pieces), |(first, mut pieces)| async move {
        let next = match first {
            Some(first) => first,
            None => pieces.recv().await?,
        };
        Some((next, (None, pieces)))
    });
    let (mut client, request) = (asr(&lease), lease.request(requests));
    let opening = async move { client.streaming_recognize(request).await }.boxed();
    (Sound(sound), Answers { state: Stage::Opening(opening), begun: Some(begun), answered: false, asked: false, lease })
}

impl Sound {
    /// Sends sound, coded as the settings said. False when nobody listens any more; [`Answers::next`] says why.
    pub async fn send(&self, sound: Bytes) -> bool {
        let piece = StreamingRequest::AudioContent(sound);
        self.0.send(StreamingRecognizeRequest { streaming_request: Some(piece), id: None }).await.is_ok()
    }
}

impl Answers {
    /// All sound was sent: the time until the answer counts from here, for the guard.
    pub fn asked(&mut self) {
        self.asked = true;
        if let Some(begun) = &mut self.begun {
            begun.restart();
        }
    }

    /// The next answer; `None` after the last. May be dropped and called again without loss.
    ///
    /// # Errors
    /// A [`Fault`], of which the guard and the pool are told. Nothing comes after it.
    pub async fn next(&mut self) -> Result<Option<StreamingRecognizeResponse>, Fault> {
        loop {
            let next = match &mut self.state {
                Stage::Opening(opening) => match opening.await {
                    Ok(response) => {
                        self.state = Stage::Open(Box::new(response.into_inner()));
                        continue;
                    }
                    Err(status) => Err(status),
                },
                Stage::Open(answers) => answers.message().await,
                Stage::Over => return Ok(None),
            };
            return match next {
                Ok(answer) => {
                    self.alive();
                    if answer.is_none() {
                        self.state = Stage::Over;
                    }
                    Ok(answer)
                }
                Err(status) => Err(self.broken(&status)),
            };
        }
    }

    /// Riva did not answer in time: the guard and the pool are told, and the stream is over.
    pub fn timed_out(&mut self) {
        self.state = Stage::Over;
        self.lease.failed();
        if let Some(begun) = self.begun.take() {
            begun.timed_out();
        }
    }

    fn alive(&mut self) {
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        self.lease.works();
        if let Some(begun) = &mut self.begun {
            // Before all sound was sent, no time to an answer is too long: the caller may not have said a word yet.
            if !self.asked {
                begun.restart();
            }
            begun.alive();
        }
    }

    fn broken(&mut self, status: &Status) -> Fault {
        self.state = Stage::Over;
        let fault = self.lease.told(status, self.answered);
        if let Some(begun) = self.begun.take() {
            begun.failed(fault.failure());
        }
        fault
    }
}
