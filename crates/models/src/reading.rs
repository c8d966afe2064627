//! Runs an answer: the vendor's events go in, words and wishes come out, and the clock is watched.

use std::sync::Arc;
use std::time::Duration;

use call::{Meter, Unit};
use outbound::{Body, Client, Events, Fault, Request, Watch};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::{AnswerEvent, AnswerStream, ModelError, Stop};

/// Events that wait for a slow reader; after that the vendor waits.
const WAITING_EVENTS: usize = 64;
/// A vendor that said why it stopped has so long for its usage and its goodbye.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
/// Longest answer on the wire: 16,000 tokens in events of some 300 bytes.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// Longest arguments of one tool.
pub(crate) const MAX_ARGUMENT_BYTES: usize = 64 * 1024;
/// Most tools in one answer.
pub(crate) const MAX_CALLS: usize = 16;

/// How far an event brought the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not at all: signs of life, thoughts that are not said.
    None,
    /// A piece of it was made.
    Token,
    /// All was made; the usage may follow.
    Made,
    /// Nothing follows.
    Over,
}

/// What an answer used, as far as the vendor said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    /// It is the sum of the whole answer.
    pub(crate) complete: bool,
}

/// Reads a vendor's events. Pure.
pub(crate) trait Reader: Send + 'static {
    /// Takes the data of an event; what is made of it goes to `out`.
    fn read(&mut self, data: &str, out: &mut Vec<AnswerEvent>) -> Result<Progress, Fault>;
    /// Why it is over; `None`: it is not.
    fn stop(&self) -> Option<Stop>;
    /// What it used.
    fn tokens(&self) -> Tokens;
}

/// Where an answer's tokens are counted.
pub(crate) struct Account {
    meter: Meter,
    service: &'static str,
    model: Arc<str>,
}

/// How long an answer may let wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From the request to the first token.
    pub(crate) first: Duration,
    /// Between two tokens.
    pub(crate) stall: Duration,
}

impl Patience {
    /// How long bytes may let wait. Bytes before the first token give a model no less time for it: between tokens the reading itself watches.
    pub(crate) fn watch(&self) -> Watch {
        Watch { first: self.first, stall: self.first.max(self.stall), max_bytes: MAX_ANSWER_BYTES }
    }
}

/// Reads the events in a task of its own, which ends when the stream is dropped. `since`: when it was asked.
pub(crate) fn run(events: Events, reader: impl Reader, account: Account, patience: Patience, since: Instant) -> AnswerStream {
    let (sender, stream) = mpsc::channel(WAITING_EVENTS);
    let due = since + patience.first;
    tokio::spawn(async move {
        let mut reading = Reading { events, reader, sender, patience, due, began: false, said: false };
        let end = reading.read_on().await;
        account.count(reading.reader.tokens());
        if let Some(end) = end {
            let end = match end {
                Ok(stop) if reading.said => Ok(AnswerEvent::Done(stop)),
                Ok(stop) => Err(ModelError::NoAnswer { model: account.service, why: why(stop) }),
                Err(fault) => Err(ModelError::Service { model: account.service, fault: reading.events.failed(fault) }),
            };
            // Whoever does not listen any more has dropped the stream.
            let _ = reading.sender.send(end).await;
        }
    });
    stream
}

struct Reading<R> {
    events: Events,
    reader: R,
    sender: mpsc::Sender<Result<AnswerEvent, ModelError>>,
    patience: Patience,
    /// When the next token is due.
    due: Instant,
    /// A token came.
    began: bool,
    /// Something was handed on.
    said: bool,
}

impl<R: Reader> Reading<R> {
    /// `None`: nobody listens any more.
    async fn read_on(&mut self) -> Option<Result<Stop, Fault>> {
        loop {
            let event = tokio::select! {
                () = self.sender.closed() => return None,
                event = timeout_at(self.due, self.events.next()) => event,
            };
            let fault = match event {
                Ok(Some(Ok(event))) => match self.take(&event.data).await? {
                    Ok(false) => continue,
                    Ok(true) => Fault::Cut("it was over".to_owned()),
                    Err(fault) => return Some(Err(fault)),
                },
                Ok(Some(Err(fault))) => fault,
                Ok(None) => Fault::Cut("it ended before the answer did".to_owned()),
                Err(_) if self.began => Fault::Stalled(self.patience.stall),
                Err(_) => Fault::NoAnswer(self.patience.first),
            };
            // After the reason for the end nothing is missing but the goodbye.
            return Some(self.reader.stop().ok_or(fault));
        }
    }

    /// Hands on what an event says; true when nothing follows it.
    async fn take(&mut self, data: &str) -> Option<Result<bool, Fault>> {
        let mut made = Vec::new();
        let progress = match self.reader.read(data, &mut made) {
            Ok(progress) => progress,
            Err(fault) => return Some(Err(fault)),
        };
        for event in made {
            self.said = true;
            self.sender.send(Ok(event)).await.ok()?;
        }
        match progress {
            Progress::None => {}
            Progress::Token => (self.began, self.due) = (true, Instant::now() + self.patience.stall),
            Progress::Made => (self.began, self.due) = (true, Instant::now() + GOODBYE_LIMIT.min(self.patience.stall)),
            Progress::Over => return Some(Ok(true)),
        }
        Some(Ok(false))
    }
}

impl Account {
    /// Asks, and waits until the answer begins. From here until its usage was told it is an answer whose tokens are not known, also when the
    /// call ends meanwhile.
    pub(crate) async fn asking(
        (meter, service, model): (&Meter, &'static str, &Arc<str>),
        client: &Client,
        request: &Request,
        watch: Watch,
    ) -> Result<(Self, Body), Fault> {
        let account = Self { meter: meter.clone(), service, model: Arc::clone(model) };
        meter.add(service, model, Unit::Uncounted, 1);
        match client.stream(request, watch).await {
            Ok(body) => Ok((account, body)),
            Err(fault) => {
                if fault.is_free() {
                    account.is_known();
                }
                Err(fault)
            }
        }
    }

    /// Nothing is estimated: a bill that was made up is worse than one that says it is not whole.
    fn count(&self, tokens: Tokens) {
        self.meter.add(self.service, &self.model, Unit::InputTokens, tokens.input);
        self.meter.add(self.service, &self.model, Unit::CachedInputTokens, tokens.cached);
        self.meter.add(self.service, &self.model, Unit::OutputTokens, tokens.output);
        if tokens.complete {
            self.is_known();
        }
    }

    fn is_known(&self) {
        self.meter.take_back(self.service, &self.model, Unit::Uncounted, 1);
    }
}

fn why(stop: Stop) -> &'static str {
    match stop {
        Stop::Filtered => "its filter kept all of it back",
        Stop::Length => "the longest answer was reached before a word was said",
        Stop::Finished | Stop::Tools => "it said nothing",
    }
}
