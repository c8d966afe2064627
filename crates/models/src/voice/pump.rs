//! The task that owns a session's socket: what the call orders goes out, what the vendor says comes in, and a machine decides.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use outbound::{Fault, Message, Socket};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until};

use super::handle::{Handle, MAX_EVENTS, MAX_ORDERS};
use super::order::{Order, Tagged};
use crate::{ModelError, VoiceEvent, VoiceSession};

/// Events that wait for the call inside of the task; then the socket is not read until some were taken.
const MAX_READY: usize = 512;
/// A session in which nothing happens for so long sends a ping. No vendor asks for one, and all answer it; what stands between forgets connections that
/// say nothing, and a caller may say nothing for minutes (unverified: some after 60 s).
const PING: Duration = Duration::from_secs(20);

/// What a protocol wants done.
pub(crate) enum Out {
    /// Sent as text.
    Send(Value),
    /// Reported to the call.
    Report(Tagged),
    /// An answer failed by the vendor's fault, and the session goes on: the guard is told.
    Note(Fault),
    /// The session is over.
    Fail(Fault),
    /// The session goes on over a new socket.
    Move,
}

/// A vendor's protocol: no socket, no clock. After each call all of [`Self::poll`] is done.
pub(crate) trait Protocol: Send + 'static {
    /// The service, for errors.
    fn service(&self) -> &'static str;
    /// The call ordered something.
    fn order(&mut self, order: Order, now: Instant);
    /// The vendor said something.
    fn message(&mut self, message: &Value, now: Instant);
    /// The vendor closed the socket.
    fn closed(&mut self, code: u16);
    /// What is to be done; `None` when that is all.
    fn poll(&mut self) -> Option<Out>;
    /// When [`Self::timeout`] is due.
    fn deadline(&self) -> Option<Instant>;
    /// The deadline is over.
    fn timeout(&mut self, now: Instant);
    /// Opens the socket to move to, ready for audio.
    fn reopen(&mut self) -> impl Future<Output = Result<Socket, Fault>> + Send;
    /// The session is on the new socket, or could not get there.
    fn moved(&mut self, done: bool, now: Instant);
}

/// Starts the task of a session.
pub(crate) fn start(protocol: impl Protocol, socket: Socket, rate: u32) -> Box<dyn VoiceSession> {
    let (orders, taken) = mpsc::channel(MAX_ORDERS);
    let (report, events) = mpsc::channel(MAX_EVENTS);
    let handle = Handle::new(protocol.service(), rate, orders, events);
    tokio::spawn(Pump { protocol, socket, orders: taken, events: report, ready: VecDeque::new() }.run());
    Box::new(handle)
}

struct Pump<P> {
    protocol: P,
    socket: Socket,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<Tagged>,
    ready: VecDeque<Tagged>,
}

/// How the task ends.
enum End {
    /// The call is over.
    Left,
    /// The session failed.
    Failed(Fault),
}

impl<P: Protocol> Pump<P> {
    async fn run(mut self) {
        loop {
            let end = match self.turn().await {
                Ok(()) => continue,
                Err(end) => end,
            };
            match end {
                End::Left => self.socket.close().await,
                End::Failed(fault) => {
                    let event = VoiceEvent::Failed(ModelError::service(self.protocol.service())(fault));
                    // The connection goes before the news: whoever hears it finds the place free.
                    drop(self.socket);
                    for tagged in self.ready.into_iter().chain([Tagged { epoch: u64::MAX, event }]) {
                        if self.events.send(tagged).await.is_err() {
                            break;
                        }
                    }
                }
            }
            return;
        }
    }

    /// Waits for the next thing that happens, and does what follows from it.
    async fn turn(&mut self) -> Result<(), End> {
        self.settle().await?;
        let room = self.ready.len() < MAX_READY;
        let deadline = self.protocol.deadline().filter(|_| room);
        let due = async move {
            match deadline {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            biased;
            permit = self.events.reserve(), if !self.ready.is_empty() => {
                let permit = permit.map_err(|_| End::Left)?;
                if let Some(tagged) = self.ready.pop_front() {
                    permit.send(tagged);
                }
                return Ok(());
            }
            order = self.orders.recv() => {
                self.protocol.order(order.ok_or(End::Left)?, now());
                return Ok(());
            }
            message = self.socket.next(), if room => message.map_err(End::Failed)?,
            () = due => {
                self.protocol.timeout(now());
                return Ok(());
            }
            // Each turn waits anew: where anything happens there is no ping.
            () = sleep(PING) => return self.socket.ping().await.map_err(End::Failed),
        };
        match message {
            Message::Text(text) => self.heard(text.as_bytes()),
            Message::Binary(bytes) => self.heard(&bytes),
            Message::Closed(code) => {
                self.protocol.closed(code);
                Ok(())
            }
        }
    }

    fn heard(&mut self, bytes: &[u8]) -> Result<(), End> {
        match serde_json::from_slice(bytes) {
            Ok(message) => self.protocol.message(&message, now()),
            Err(_) => return Err(self.fail(Fault::Malformed("a message of the session is no JSON"))),
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), End> {
        while let Some(out) = self.protocol.poll() {
            match out {
                Out::Send(message) => self.socket.text(message.to_string()).await.map_err(End::Failed)?,
                Out::Report(tagged) => self.ready.push_back(tagged),
                Out::Note(fault) => self.socket.failed(&fault),
                Out::Fail(fault) => return Err(self.fail(fault)),
                Out::Move => {
                    let socket = self.protocol.reopen().await;
                    self.protocol.moved(socket.is_ok(), now());
                    if let Ok(socket) = socket {
                        std::mem::replace(&mut self.socket, socket).close().await;
                    }
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, fault: Fault) -> End {
        self.socket.failed(&fault);
        End::Failed(fault)
    }
}

/// The runtime's clock, which tests may pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
