//! Speech to text with several engines: a call is heard by the first that can, and by the next when that one fails in the middle of a sentence.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use tracing::warn;

use super::hearing::Hearing;
use super::{Change, OnChange, Rung, Side, Why, logged};
use crate::{Domain, Listening, Recognition, SpeechError, SpeechToText};

/// A call that went down tries the better engine again after so long: longer than a breaker stays open after its first faults, so that one call
/// does not go up and down.
pub const UP_AFTER: Duration = Duration::from_secs(30);

pub(super) type Engines = Arc<[Rung<dyn SpeechToText>]>;

/// Engines that hear, the best first. Cheap to clone.
#[derive(Clone)]
pub struct Ears {
    engines: Engines,
    up_after: Duration,
    on_change: OnChange,
}

impl Ears {
    /// A ladder; changes are logged.
    pub fn new(engines: Vec<Rung<dyn SpeechToText>>) -> Self {
        Self { engines: engines.into(), up_after: UP_AFTER, on_change: logged() }
    }

    /// The same ladder, which tells its changes to somebody else: for one call, or for all.
    #[must_use]
    pub fn reporting(&self, on_change: OnChange) -> Self {
        Self { on_change, ..self.clone() }
    }

    /// The same ladder, which waits another time before it goes up again.
    #[must_use]
    pub fn with_up_after(self, up_after: Duration) -> Self {
        Self { up_after, ..self }
    }

    /// The engines' names, the best first.
    pub fn names(&self) -> Vec<&'static str> {
        self.engines.iter().map(|rung| rung.engine.name()).collect()
    }
}

#[async_trait]
impl SpeechToText for Ears {
    fn name(&self) -> &'static str {
        "ears"
    }

    /// Prepares all of them; an error when not one of them could be.
    async fn prepare(&self, domain: &Arc<Domain>) -> Result<(), SpeechError> {
        let (mut ready, mut first) = (0, None);
        for rung in self.engines.iter() {
            match rung.engine.prepare(domain).await {
                Ok(()) => ready += 1,
                Err(fault) => {
                    warn!(engine = rung.engine.name(), error = %fault, "a speech engine could not be prepared for an agent");
                    first.get_or_insert(fault);
                }
            }
        }
        first.filter(|_| ready == 0).map_or(Ok(()), Err)
    }

    async fn open(&self, listening: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        let (at, why, recognition) = open_from(Arc::clone(&self.engines), 0, listening.clone()).await?;
        if let Some(why) = why {
            report(&self.engines, &self.on_change, (0, at), why);
        }
        let ladder = (Arc::clone(&self.engines), self.up_after, Arc::clone(&self.on_change));
        Ok(Box::new(Hearing::new(ladder, listening, at, recognition)))
    }

    /// Checks the best.
    async fn check(&self) -> Result<(), SpeechError> {
        match self.engines.first() {
            Some(rung) => rung.engine.check().await,
            None => Err(SpeechError::NoEngine { to: "hear" }),
        }
    }
}

/// An engine that opened, its place, and why none before it did.
pub(super) type Opened = (usize, Option<Why>, Box<dyn Recognition>);

/// Opens the first engine from `at` on that is let through and opens in time.
pub(super) async fn open_from(engines: Engines, at: usize, listening: Listening) -> Result<Opened, SpeechError> {
    let (mut why, mut fault) = (None, None);
    for (at, rung) in engines.iter().enumerate().skip(at) {
        if !rung.lets_through() {
            why.get_or_insert(Why::NotLetThrough);
            continue;
        }
        match open(rung, listening.clone()).await {
            Ok(recognition) => return Ok((at, why, recognition)),
            Err(failed) => {
                why.get_or_insert(Why::of(&failed));
                fault = Some(failed);
            }
        }
    }
    Err(fault.unwrap_or(SpeechError::NoEngine { to: "hear" }))
}

/// Opens one engine in its time.
pub(super) async fn open(rung: &Rung<dyn SpeechToText>, listening: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
    let after = rung.patience.begin;
    timeout(after, rung.engine.open(listening)).await.map_err(|_| SpeechError::Timeout { engine: rung.engine.name(), after })?
}

/// Tells a change from one place to another.
pub(super) fn report(engines: &Engines, on_change: &OnChange, (from, to): (usize, usize), why: Why) {
    if let (Some(from), Some(to)) = (engines.get(from), engines.get(to)) {
        on_change(Change { side: Side::Hearing, from: from.engine.name(), to: to.engine.name(), why });
    }
}
