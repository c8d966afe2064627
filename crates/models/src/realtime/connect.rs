//! From nothing to a session that takes audio.

use std::sync::Arc;

use outbound::{Client, Fault, Message, Request, Socket, Standby, Warm};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::config::RealtimeConfig;
use super::wire;

/// A socket on which the vendor has said hello, and nothing was said yet.
pub(crate) struct Greeted(pub(super) Socket);

impl Warm for Greeted {
    /// The vendor has nothing to say to a session without a configuration, so whatever comes is its end.
    async fn wait(&mut self) -> Fault {
        match self.0.next().await {
            Ok(_) => Fault::Cut("it ended a connection that stood by".to_owned()),
            Err(fault) => fault,
        }
    }
}

pub(super) fn standby(client: Client, config: Arc<RealtimeConfig>) -> Standby<Greeted> {
    Standby::new(config.standby, move || Box::pin(greeted(client.clone(), Arc::clone(&config))))
}

/// Connects and waits for `session.created`.
async fn greeted(client: Client, config: Arc<RealtimeConfig>) -> Result<Greeted, Fault> {
    let request = Request::get(config.path.as_str()).query(config.model_parameter, config.model.as_str());
    let due = Instant::now() + config.limits.open;
    let mut socket = client.socket(&request, config.limits.open).await?;
    match timeout_at(due, until(&mut socket, "session.created")).await {
        Ok(Ok(())) => {
            socket.alive();
            Ok(Greeted(socket))
        }
        Ok(Err(fault)) => Err(failed(socket, fault)),
        Err(_) => Err(failed(socket, Fault::NoAnswer(config.limits.open))),
    }
}

/// Takes a connection, and has `update` taken by the vendor. All of it has the limit of [`super::RealtimeLimits::open`]: a caller waits.
pub(super) async fn configured(standby: &Standby<Greeted>, config: &RealtimeConfig, update: &Value) -> Result<Socket, Fault> {
    let limit = config.limits.open;
    let due = Instant::now() + limit;
    let Greeted(mut socket) = standby.take().await?;
    let taken = async {
        socket.text(update.to_string()).await?;
        until(&mut socket, "session.updated").await
    };
    match timeout_at(due, taken).await {
        Ok(Ok(())) => Ok(socket),
        Ok(Err(fault)) => Err(failed(socket, fault)),
        Err(_) => Err(failed(socket, Fault::NoAnswer(limit))),
    }
}

/// Reads until this event; an error before it is the answer.
async fn until(socket: &mut Socket, wanted: &str) -> Result<(), Fault> {
    loop {
        let bytes = match socket.next().await? {
            Message::Text(text) => text.into_bytes(),
            Message::Binary(bytes) => bytes.to_vec(),
            Message::Closed(code) => return Err(wire::closed(code)),
        };
        let event: Value = serde_json::from_slice(&bytes).map_err(|_| Fault::Malformed("a message before the session is no JSON"))?;
        match wire::kind(&event) {
            kind if kind == wanted => return Ok(()),
            "error" => return Err(wire::fault(&event["error"])),
            _ => {}
        }
    }
}

fn failed(mut socket: Socket, fault: Fault) -> Fault {
    socket.failed(&fault);
    fault
}
