//! One `StreamingRecognize`.

use std::pin::Pin;

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

type Answer = Result<StreamingRecognizeResponse, Status>;
/// What goes out.
pub(super) type Answers = Pin<Box<dyn Stream<Item = Answer> + Send>>;

pub(super) fn answers(receiver: mpsc::Receiver<Answer>) -> Answers {
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed()
}

/// Until it is over, or nobody listens any more.
pub(super) async fn stream(
    ears: Ears,
    mut act: Act,
    line: Line,
    requests: Streaming<StreamingRecognizeRequest>,
    answers: mpsc::Sender<Answer>,
) {
    let mut talk = Talk { act: &mut act, line: &line, answers: &answers, begun: false };
    tokio::select! {
        ended = talk.run(ears, requests) => {
            if let Err(status) = ended {
                // Whoever has gone does not need to know.
                let _ = answers.send(Err(status)).await;
            }
            act.complete();
        }
        () = answers.closed() => {}
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
    answers: &'a mpsc::Sender<Answer>,
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
        let _ = self.answers.send(Ok(answer)).await;
    }
}
