//! What a call brings along, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use agent::{AgentDefinition, Exit, Persona, Rung, Toolbox, TransferWhy, VoiceRung};
use call::{CallRecord, EndReason, PhoneNumber, Usage};
use futures_util::future::BoxFuture;
use speech::Domain;
use speech::ladder::ears::Ears;
use speech::phrases::Phrases;
use store::usage::PricedUsage;
use store::{Progress, Records};
use telemetry::CallRecorder;
use telephony::MediaStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::close::{self, Close};
use crate::order::Order;
use crate::recording::Recordings;
use crate::socket::MediaSocket;

/// What every call needs; one for the process.
pub struct Services {
    /// Who listens, best first, when anybody can.
    pub ears: Option<Ears>,
    /// The voice.
    pub phrases: Phrases,
    /// Tools.
    pub tools: Toolbox,
    /// Call records.
    pub records: Arc<dyn Records>,
    /// Recordings, when they are on.
    pub recordings: Option<Recordings>,
    /// Facts for logs and numbers.
    pub recorder: CallRecorder,
    /// What an amount costs.
    pub price: Price,
}

/// Puts prices to what a call used.
pub type Price = Box<dyn Fn(&[Usage]) -> Vec<PricedUsage> + Send + Sync>;

/// The models behind one agent.
#[derive(Clone)]
pub struct Minds {
    /// Models that hear the caller and speak by themselves, best first; below them stand the others.
    pub voices: Vec<VoiceRung>,
    /// Models of words, best first; below them stands the agent's dialogue.
    pub rungs: Vec<Rung>,
    /// Whom they play.
    pub persona: Arc<Persona>,
    /// What they may have done.
    pub tools: Toolbox,
}

/// What one call brings along: everything the server knows once the stream has started.
pub struct SessionSetup<S> {
    /// The socket.
    pub socket: S,
    /// The carrier's machine, past its `Started` event.
    pub stream: Box<dyn MediaStream>,
    /// The call's record.
    pub call: CallRecord,
    /// Who serves it.
    pub agent: Arc<AgentDefinition>,
    /// The models that speak in place of the dialogue, when the agent has some.
    pub minds: Option<Minds>,
    /// What may be said in the agent's calls.
    pub domain: Option<Arc<Domain>>,
    /// Picks prompt variants.
    pub seed: u64,
    /// Cancelled when an operator hangs up.
    pub hangup: CancellationToken,
    /// What the call is told when this process stops.
    pub orders: watch::Receiver<Order>,
    /// Where the conversation stood when it was cut off.
    pub resume: Option<Progress>,
    /// The call was cut off and came back on a new stream. Without [`Self::resume`] it begins anew.
    pub resumed: bool,
    /// The caller was being put through, and nobody was reached.
    pub unreached: Option<TransferWhy>,
    /// What is masked in everything that is kept of the call.
    pub redaction: privacy::Level,
    /// Told how the call ended before the socket is closed, and waited for (at most [`END_LIMIT`]): the carrier asks how to go on the moment
    /// it sees the close.
    pub on_end: OnEnd,
}

/// What is told how a call ended.
pub type OnEnd = Box<dyn FnOnce(Ending) -> BoxFuture<'static, ()> + Send>;

/// A caller hears silence while it is stored how the call goes on: not longer than this.
pub const END_LIMIT: Duration = Duration::from_secs(3);

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// For the record.
    pub why: EndReason,
    /// For the carrier: where the call goes on.
    pub exit: Option<Exit>,
    /// For the socket.
    pub close: Close,
    /// The call is not over: its record stays open for whoever takes it up.
    pub interrupted: Option<Interrupted>,
}

/// How a call was cut off that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// It was let go on purpose, to go on on another instance.
    HandedOver,
    /// Its media stream is gone, and the carrier did not say that the call is over.
    StreamLost,
}

impl Ending {
    pub(crate) fn new(why: EndReason, close: Close) -> Self {
        Self { why, exit: None, close, interrupted: None }
    }

    pub(crate) fn interrupted(how: Interrupted, close: Close) -> Self {
        let why = match how {
            Interrupted::HandedOver => EndReason::Drained,
            Interrupted::StreamLost => EndReason::ConnectionLost,
        };
        Self { why, exit: None, close, interrupted: Some(how) }
    }

    /// The conversation is not needed any more. One that was cut off is, and so is one whose caller is being put through: who is not reached
    /// sends the caller back.
    pub(crate) fn is_last(&self) -> bool {
        self.interrupted.is_none() && !matches!(self.exit, Some(Exit::Transfer { .. }))
    }

    pub(crate) fn by_exit(exit: Exit) -> Self {
        let why = match exit {
            Exit::Goodbye => EndReason::AgentHungUp,
            Exit::Silence => EndReason::Silence,
            Exit::Transfer { .. } => EndReason::Transferred,
        };
        Self { why, exit: Some(exit), close: close::BY_AGENT, interrupted: None }
    }
}

/// Tells how the call ended, then closes the socket.
pub(crate) async fn end<S: MediaSocket>(socket: &mut S, on_end: OnEnd, ending: &Ending) {
    if tokio::time::timeout(END_LIMIT, on_end(ending.clone())).await.is_err() {
        error!(limit = ?END_LIMIT, "the socket is closed before it is stored how the call goes on: the database did not answer in time");
    }
    socket.close(ending.close.0, ending.close.1).await;
}

/// The caller's number, when somebody could be called back on it: `anonymous`, `client:...` and the like are none.
pub fn callable(from: &PhoneNumber) -> Option<&str> {
    Some(from.expose()).filter(|from| from.trim_start_matches('+').chars().all(|sign| sign.is_ascii_digit()) && from.len() > 4)
}
