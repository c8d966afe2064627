//! Brains: what decides the agent's next words.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use flow::{Dialogue, Flow, Input, Output, SnapshotError};
use jiff::civil::DateTime;

/// What a brain that listens by itself is told of the caller's voice.
pub enum CallerSound<'a> {
    /// An utterance begins. While the agent speaks this changes nothing yet.
    Begins,
    /// Its sound, mono, at the call's rate.
    Piece(&'a [i16]),
    /// It is over, and is to be answered. Its words follow as [`Input::Heard`], or [`Input::NotUnderstood`].
    Over,
    /// It was none: a cough, a murmur.
    Nothing,
}

/// Decides what the agent says and does. Input never waits; output is awaited, because a model needs time.
#[async_trait]
pub trait Brain: Send {
    /// Tells the brain what happened. `now` is local time where the agent's business is.
    fn handle(&mut self, input: Input, now: DateTime);

    /// True: the utterance that began last is answered by its sound, when it is told of it by [`Self::listen`].
    fn listens(&self) -> bool {
        false
    }

    /// The caller's voice. Of an utterance that began while [`Self::listens`] was false only the beginning is told.
    fn listen(&mut self, _: CallerSound<'_>) {}

    /// Where the conversation stands, for another process to take it up; outputs that were not yet taken are not in it.
    fn snapshot(&self) -> serde_json::Value;

    /// The next thing to do; waits for ever when there is nothing. May be dropped and called again without loss.
    async fn next(&mut self) -> Output;
}

/// The declarative dialogue engine as a brain: it answers at once.
pub struct FlowBrain {
    dialogue: Dialogue,
    ready: VecDeque<Output>,
}

impl FlowBrain {
    /// A brain for one call. `seed` chooses among prompt variants; `caller` is the caller's number when it is known.
    pub fn new(flow: Arc<Flow>, seed: u64, caller: Option<String>) -> Self {
        Self { dialogue: Dialogue::new(flow, seed, caller), ready: VecDeque::new() }
    }

    /// Takes up the conversation that [`Brain::snapshot`] stored; tell it [`Input::Resumed`].
    ///
    /// # Errors
    /// [`SnapshotError`] when it is no snapshot, or the agent's file does not have what it speaks of any more.
    pub fn resume(flow: Arc<Flow>, snapshot: serde_json::Value) -> Result<Self, SnapshotError> {
        Ok(Self { dialogue: Dialogue::restore(flow, snapshot)?, ready: VecDeque::new() })
    }

    /// Nothing can be heard in this call: talk by the keypad menu.
    pub fn keypad_only(&mut self) {
        self.dialogue.keypad_only();
    }

    /// See [`Dialogue::nobody_reached`].
    pub(crate) fn nobody_reached(&mut self) {
        self.dialogue.nobody_reached();
    }

    /// What it wanted to say and do is left out.
    pub(crate) fn hush(&mut self) {
        self.ready.clear();
    }
}

#[async_trait]
impl Brain for FlowBrain {
    fn handle(&mut self, input: Input, now: DateTime) {
        self.dialogue.handle(input, now);
        while let Some(output) = self.dialogue.poll_output() {
            self.ready.push_back(output);
        }
    }

    fn snapshot(&self) -> serde_json::Value {
        self.dialogue.snapshot()
    }

    async fn next(&mut self) -> Output {
        match self.ready.pop_front() {
            Some(output) => output,
            None => std::future::pending().await,
        }
    }
}
