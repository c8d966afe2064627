//! One `StreamingRecognize`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{Stream, StreamExt, stream};
use riva::asr::streaming_recognize_request::StreamingRequest;
use riva::asr::{StreamingRecognitionResult, StreamingRecognizeRequest, StreamingRecognizeResponse};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::garble;
use super::hearing::Part;
use super::rules::Listener;
use super::wire::Line;
use crate::plan::Next;
use crate::{Act, Ears};

pub(super) type Answer = Result<StreamingRecognizeResponse, Status>;
/// What goes out.
pub(super) type Answers = Pin<Box<dyn Stream<Item = Answer> + Send>>;

/// Set when the last answer was taken: whoever has gone before has cancelled.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<AtomicBool>);

/// What comes to a reader of answers: each of them, and `None` after the last.
pub(super) type Outgoing = mpsc::Sender<Option<Answer>>;

pub(super) fn answers(receiver: mpsc::Receiver<Option<Answer>>, taken: Taken) -> Answers {
    let next = |(mut receiver, taken): (mpsc::Receiver<Option<Answer>>, Taken)| async move {
        let next = receiver.recv().await.flatten();
        // Nothing is asked for after an error.
        if matches!(next, None | Some(Err(_))) {
            taken.0.store(true, Ordering::SeqCst);
        }
        Some((next?, (receiver, taken)))
    };
    stream::unfold((receiver, taken), next).boxed()
}

/// Until it is over, or nobody listens any more.
pub(super) async fn stream(
    ears: Ears,
    mut act: Act,
    line: Line,
    requests: Streaming<StreamingRecognizeRequest>,
    answers: Outgoing,
    taken: Taken,
) {
    let mut talk = Talk { act: &mut act, line: &line, answers: &answers, begun: false };
    tokio::select! {
        ended = talk.run(ears, requests) => {
            if let Err(status) = ended {
                // Whoever has gone does not need to know.
                let _ = answers.send(Some(Err(status))).await;
            }
            let _ = answers.send(None).await;
            answers.closed().await;
        }
        () = answers.closed() => {}
    }
    if taken.0.load(Ordering::SeqCst) {
        act.complete();
    }
}

/// The next message; `None` after the last. One that breaks off never comes: that the other side is gone, its end of the answers says.
async fn next(requests: &mut Streaming<StreamingRecognizeRequest>) -> Option<StreamingRecognizeRequest> {
    match requests.message().await {
        Ok(message) => message,
        Err(_) => std::future::pending().await,
    }
}

struct Talk<'a> {
    act: &'a mut Act,
    line: &'a Line,
    answers: &'a Outgoing,
    begun: bool,
}

impl Talk<'_> {
    async fn run(&mut self, ears: Ears, mut requests: Streaming<StreamingRecognizeRequest>) -> Result<(), Status> {
        let first = next(&mut requests).await.and_then(|request| request.streaming_request);
        let Some(StreamingRequest::StreamingConfig(config)) = first else {
            return Err(Status::invalid_argument("Error: first message must be streaming_config"));
        };
        let mut part = Part::new(Listener::new(config.config, true)?, ears, config.interim_results);
        while let Some(request) = next(&mut requests).await {
            let Some(StreamingRequest::AudioContent(audio)) = request.streaming_request else {
                return Err(Status::invalid_argument("Error: only the first message may be streaming_config"));
            };
            if let Some(result) = part.hear(&audio).await? {
                self.say(result).await?;
            }
        }
        if let Some(result) = part.end().await? {
            self.say(result).await?;
        }
        // A silent vendor does not even end.
        self.first().await;
        Ok(())
    }

    async fn first(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.act.wait_first().await;
        }
    }

    async fn say(&mut self, result: StreamingRecognitionResult) -> Result<(), Status> {
        self.first().await;
        match self.act.next() {
            Next::Send => {}
            Next::Stall => std::future::pending().await,
            Next::Cut => {
                self.line.cut();
                std::future::pending().await
            }
            Next::Malformed => self.send(garble::message()).await,
            Next::Error => return Err(Status::internal("Error: the inference server failed")),
        }
        self.send(StreamingRecognizeResponse { results: vec![result], id: None }).await;
        Ok(())
    }

    async fn send(&self, answer: StreamingRecognizeResponse) {
        // The end of the listener ends all of this.
        let _ = self.answers.send(Some(Ok(answer))).await;
    }
}
