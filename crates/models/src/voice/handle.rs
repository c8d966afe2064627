//! The call's end of a session: what never waits.

use async_trait::async_trait;
use outbound::Fault;
use serde_json::Value;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::order::{Order, Tagged};
use crate::{ModelError, VoiceEvent, VoiceSession};

/// Orders that wait for the socket: at 60 ms a piece these are 15 s of sound. A service that is further behind has no use.
pub(crate) const MAX_ORDERS: usize = 256;
/// Events that wait for the call.
pub(crate) const MAX_EVENTS: usize = 64;
/// Sound sent in one message, milliseconds: vendors want 40 to 100.
const PIECE_MS: usize = 60;
/// Longest utterance, seconds; what is said after it is not sent.
const MAX_UTTERANCE_SECONDS: usize = 30;

/// A session whose socket lives in a task of its own. Dropped, the task says goodbye and ends.
pub(crate) struct Handle {
    service: &'static str,
    /// `None` after a failure.
    orders: Option<mpsc::Sender<Order>>,
    events: mpsc::Receiver<Tagged>,
    /// Samples a second.
    rate: usize,
    /// Sound that is no piece yet.
    pending: Vec<i16>,
    /// Samples of this utterance; `None` while none is under way.
    said: Option<usize>,
    epoch: u64,
    broken: Option<ModelError>,
    over: bool,
}

impl Handle {
    pub(crate) fn new(service: &'static str, rate: u32, orders: mpsc::Sender<Order>, events: mpsc::Receiver<Tagged>) -> Self {
        let rate = rate as usize;
        let pending = Vec::with_capacity(rate * PIECE_MS / 1000);
        Self { service, orders: Some(orders), events, rate, pending, said: None, epoch: 0, broken: None, over: false }
    }

    fn order(&mut self, order: Order) {
        let Some(orders) = &self.orders else { return };
        match orders.try_send(order) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.broken = Some(ModelError::service(self.service)(Fault::Cut("it does not take what is sent to it".to_owned())));
                self.orders = None;
            }
            // The task has ended: it reported why.
            Err(TrySendError::Closed(_)) => self.orders = None,
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let piece = self.pending.as_slice().into();
            self.pending.clear();
            self.order(Order::Audio(piece));
        }
    }

    fn fail(&mut self, error: ModelError) -> VoiceEvent {
        self.over = true;
        self.orders = None;
        VoiceEvent::Failed(error)
    }
}

#[async_trait]
impl VoiceSession for Handle {
    fn start(&mut self) {
        self.pending.clear();
        self.said = Some(0);
        self.order(Order::Start);
    }

    fn push(&mut self, pcm: &[i16]) {
        let Some(said) = &mut self.said else { return };
        let room = (self.rate * MAX_UTTERANCE_SECONDS).saturating_sub(*said);
        let pcm = &pcm[..pcm.len().min(room)];
        *said += pcm.len();
        let piece = self.rate * PIECE_MS / 1000;
        let mut rest = pcm;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(piece - self.pending.len()));
            self.pending.extend_from_slice(now);
            rest = later;
            if self.pending.len() == piece {
                self.flush();
            }
        }
    }

    fn finish(&mut self) {
        if self.said.take().is_some() {
            self.flush();
            self.order(Order::Finish);
        }
    }

    fn cancel(&mut self) {
        if self.said.take().is_some() {
            self.pending.clear();
            self.order(Order::Cancel);
        }
    }

    fn interrupt(&mut self, heard_ms: u32) {
        self.epoch += 1;
        self.order(Order::Interrupt { heard_ms, epoch: self.epoch });
    }

    fn tell(&mut self, text: &str, answer: bool) {
        self.order(Order::Tell { text: text.to_owned(), answer });
    }

    fn tool_answered(&mut self, id: &str, result: &Value) {
        self.order(Order::ToolAnswered { id: id.to_owned(), result: result.to_string() });
    }

    fn tool_dropped(&mut self, id: &str) {
        self.order(Order::ToolDropped(id.to_owned()));
    }

    async fn next(&mut self) -> VoiceEvent {
        if let Some(error) = self.broken.take() {
            return self.fail(error);
        }
        if self.over {
            std::future::pending::<()>().await;
        }
        loop {
            match self.events.recv().await {
                Some(Tagged { epoch, event: VoiceEvent::Call(call) }) if epoch < self.epoch => self.tool_dropped(&call.id),
                Some(tagged) if tagged.epoch < self.epoch && is_of_the_answer(&tagged.event) => {}
                Some(Tagged { event: VoiceEvent::Failed(error), .. }) => return self.fail(error),
                Some(tagged) => return tagged.event,
                None => return self.fail(ModelError::service(self.service)(Fault::Cut("the session's task ended".to_owned()))),
            }
        }
    }
}

/// What is not wanted of an answer that was cut off.
fn is_of_the_answer(event: &VoiceEvent) -> bool {
    matches!(event, VoiceEvent::Audio(_) | VoiceEvent::AgentText(_) | VoiceEvent::Answered { .. } | VoiceEvent::Trouble(_))
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
