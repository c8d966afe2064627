//! An answer that comes in pieces, watched.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use resilience::{Begun, Classify};
use tokio::time::{Instant, timeout_at};

use crate::{Events, Fault};

/// How long an answer may let wait, and how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// From the request to the first byte of the answer's body.
    pub first: Duration,
    /// Between two pieces.
    pub stall: Duration,
    /// All of it.
    pub max_bytes: usize,
}

/// The answer's body. Dropped before its end, the request is cancelled and counts as given up by us.
pub struct Body {
    response: Response,
    say: Say,
    watch: Watch,
    /// When the next piece is due; `None` until somebody waits for it: a listener who takes his time is no fault of the service.
    due: Option<Instant>,
    read: usize,
    over: bool,
}

/// What is said of the answer to its guard: once.
#[derive(Clone)]
pub(crate) struct Say(Arc<Mutex<Option<Begun>>>);

impl Say {
    fn begun(&self) -> MutexGuard<'_, Option<Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failed(&self, fault: &Fault) {
        if let Some(begun) = self.begun().take() {
            begun.failed(fault.failure());
        }
    }
}

impl Body {
    pub(crate) fn new(response: Response, begun: Begun, watch: Watch, due: Instant) -> Self {
        Self { response, say: Say(Arc::new(Mutex::new(Some(begun)))), watch, due: Some(due), read: 0, over: false }
    }

    pub(crate) fn say(&self) -> Say {
        self.say.clone()
    }

    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The next piece; `None` at the end, and after a fault. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        if self.over {
            return None;
        }
        let due = *self.due.get_or_insert_with(|| Instant::now() + self.watch.stall);
        let fault = match timeout_at(due, self.response.chunk()).await {
            Ok(Ok(Some(piece))) => match self.take(piece) {
                Ok(piece) => return Some(Ok(piece)),
                Err(fault) => fault,
            },
            Ok(Ok(None)) => {
                self.over = true;
                // Whoever reads it may still find that it ended too early, so the guard's ear is kept.
                if let Some(begun) = self.say.begun().as_mut() {
                    begun.alive();
                }
                return None;
            }
            Ok(Err(error)) => Fault::Cut(crate::fault::chain(&error.without_url())),
            Err(_) if self.read == 0 => Fault::NoAnswer(self.watch.first),
            Err(_) => Fault::Stalled(self.watch.stall),
        };
        self.over = true;
        self.say.failed(&fault);
        Some(Err(fault))
    }

    /// The answer came, and what it says is a fault: the guard is told.
    pub fn failed(&self, fault: &Fault) {
        self.say.failed(fault);
    }

    /// The rest of it.
    pub async fn whole(mut self) -> Result<Vec<u8>, Fault> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole)
    }

    /// As server-sent events.
    pub fn events(self) -> Events {
        Events::new(self)
    }

    fn take(&mut self, piece: Bytes) -> Result<Bytes, Fault> {
        if self.read == 0
            && let Some(begun) = self.say.begun().as_mut()
        {
            begun.alive();
        }
        self.read += piece.len();
        self.due = None;
        if self.read > self.watch.max_bytes { Err(Fault::TooLong(self.watch.max_bytes)) } else { Ok(piece) }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use resilience::{Guard, Service};

    use super::*;
    use crate::{Client, Request, Setup};

    #[tokio::test]
    async fn an_answer_that_ended_too_early_is_a_failure_to_the_guard() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(async || "data: one\n\n"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let guard = Guard::new(Service::OpenAi, Service::OpenAi.policy());
        let setup = Setup { base_url, headers: Vec::new(), query: Vec::new(), plain: false };
        let client = Client::new(&setup, guard.clone()).unwrap();
        let second = Duration::from_secs(1);
        let watch = Watch { first: second, stall: second, max_bytes: 100 };
        let mut events = client.stream(&Request::get(""), watch).await.unwrap().events();
        assert_eq!(events.next().await.unwrap().unwrap().data, "one");
        assert_eq!(events.next().await, None);
        assert_eq!((guard.view().counts.answered, guard.view().counts.failed), (1, 0));
        events.failed(Fault::Cut("it ended before it was over".to_owned()));
        assert_eq!(guard.view().counts.failed, 1);
        drop(events);
        assert_eq!(guard.view().in_use, 0);
    }
}
