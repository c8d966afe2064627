//! The socket as the session sees it. The server lends its WebSocket; tests lend a channel.

use std::future::Future;

/// What comes in.
#[derive(Debug)]
pub enum Incoming<T> {
    /// A text message.
    Text(T),
    /// A sign of life without content (pong, ping).
    Alive,
    /// A message that has no place here (binary): a protocol error.
    Unexpected,
    /// A message larger than allowed.
    TooBig,
}

/// The far end is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media socket is closed")]
pub struct SocketClosed;

/// A message socket, owned by one call.
pub trait MediaSocket: Send {
    /// A received text, in the socket's own buffer type: no copy is made.
    type Text: std::ops::Deref<Target = str> + Send;

    /// The next message; `None` once the far end has closed. May be dropped and called again without loss.
    fn next(&mut self) -> impl Future<Output = Option<Incoming<Self::Text>>> + Send;

    /// Sends a text message at once.
    fn send(&mut self, text: String) -> impl Future<Output = Result<(), SocketClosed>> + Send;

    /// Asks the far end for a sign of life.
    fn ping(&mut self) -> impl Future<Output = Result<(), SocketClosed>> + Send;

    /// Closes with a code and a reason. Never waits long; afterwards the socket is of no use.
    fn close(&mut self, code: u16, reason: &'static str) -> impl Future<Output = ()> + Send;
}
