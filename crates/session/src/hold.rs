//! A caller waits for an agent: music, place in line, expected wait, and the offer of a callback, on the socket that the conversation goes on with.
//!
//! A waiting call costs little: no recogniser, no recording, one wake-up for each 200 ms of music. Its marks have names of their own, so that
//! none of them is taken for one of the conversation.

mod inbound;
mod music;
mod notices;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use agent::AgentDefinition;
use call::CallRecord;
use telephony::MediaStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::wait::Wait;
use crate::order::Order;
use crate::setup::Services;
use crate::socket::MediaSocket;

/// What a waiting call brings along.
pub struct HoldSetup<S> {
    /// The socket.
    pub socket: S,
    /// The carrier's machine, past its `Started` event.
    pub stream: Box<dyn MediaStream>,
    /// The call's record.
    pub call: CallRecord,
    /// Who is waited for.
    pub agent: Arc<AgentDefinition>,
    /// What is known of the wait. When nobody can tell news any more, the caller waits on.
    pub news: watch::Receiver<HoldNews>,
    /// Cancelled when an operator hangs up.
    pub hangup: CancellationToken,
    /// What the call is told when this process stops.
    pub orders: watch::Receiver<Order>,
    /// Told as soon as it is decided that the wait ends without an agent, while that is still being said: the place is somebody else's from then on.
    pub on_leaving: OnLeaving,
}

/// What is told how a wait is going to end.
pub type OnLeaving = Box<dyn FnOnce(HoldOver) + Send>;

/// News of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldNews {
    /// It goes on.
    Waiting {
        /// Place in line, from 1.
        position: u64,
        /// How long it will take; `None`: not known, and nothing is said of it.
        expected_wait: Option<Duration>,
    },
    /// An agent is free.
    Granted,
    /// Somebody took the call out of the queue.
    Removed,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldOver {
    /// An agent is free: the conversation follows on the same socket.
    Granted,
    /// The caller wants to be called back, and was told that this will be done.
    Callback,
    /// The caller hung up.
    HungUp,
    /// The stream broke without the carrier's word that the call is over: the caller may come back.
    StreamLost,
    /// Somebody took the call out of the queue; the caller was told.
    Removed,
    /// [`Order::HandOver`]: the wait goes on on another instance.
    HandedOver,
    /// [`Order::SayGoodbye`]: the caller was told that the service stops.
    Goodbye,
    /// An operator hung up.
    Operator,
    /// No sign of life.
    Lost,
    /// The stream broke the protocol.
    Protocol,
}

/// The socket and the stream come back with how it ended: what is to be stored is stored before the socket is closed.
pub struct HoldEnd<S> {
    /// The socket, still open from our side.
    pub socket: S,
    /// The carrier's machine, as the wait left it.
    pub stream: Box<dyn MediaStream>,
    /// How it ended.
    pub over: HoldOver,
}

/// Waits with a caller. Never closes the socket.
pub async fn hold<S: MediaSocket>(setup: Box<HoldSetup<S>>, services: Arc<Services>) -> HoldEnd<S> {
    let mut wait = Box::new(Wait::new(*setup, services));
    let over = Box::pin(wait.run()).await;
    let (socket, stream) = wait.close();
    HoldEnd { socket, stream, over }
}
