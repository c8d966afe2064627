//! Server-sent events.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use sse_stream::{Sse, SseByteStream};

use crate::body::Say;
use crate::{Body, Fault};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type, where it has one.
    pub name: Option<String>,
    /// Its data.
    pub data: String,
}

/// The events of an answer. Dropped before its end, the request is cancelled.
pub struct Events {
    stream: Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>,
    say: Say,
}

impl Events {
    pub(crate) fn new(body: Body) -> Self {
        let say = body.say();
        // The size of an event is bounded by that of the body.
        let pieces = stream::unfold(body, |mut body| async move { body.next().await.map(|piece| (piece, body)) });
        Self { stream: Box::pin(SseByteStream::new(Box::pin(pieces))), say }
    }

    /// The next event that has data; `None` at the end, and after a fault. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<Result<Event, Fault>> {
        loop {
            match self.stream.next().await? {
                Ok(Sse { data: Some(data), event, .. }) => return Some(Ok(Event { name: event, data })),
                Ok(_) => {}
                Err(sse_stream::Error::Body(error)) => {
                    let fault = error.downcast::<Fault>().map_or(Fault::Malformed("its events"), |fault| *fault);
                    return Some(Err(fault));
                }
                Err(_) => return Some(Err(self.failed(Fault::Malformed("its events")))),
            }
        }
    }

    /// What an event says is a fault, or one that must come did not: the guard is told. Gives the fault back.
    pub fn failed(&self, fault: Fault) -> Fault {
        self.say.failed(&fault);
        fault
    }
}
