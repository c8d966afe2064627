//! From nothing to a session that takes audio.

use outbound::{Client, Fault, Message, Request, Socket};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::config::GeminiConfig;
use super::wire;

/// Connects, sends the set-up and waits until it is complete.
pub(super) async fn set_up(client: &Client, config: &GeminiConfig, setup: &Value) -> Result<Socket, Fault> {
    let limit = config.limits.open;
    let due = Instant::now() + limit;
    let mut socket = client.socket(&Request::get(config.path.as_str()), limit).await?;
    match timeout_at(due, complete(&mut socket, setup)).await {
        Ok(Ok(())) => {
            socket.alive();
            Ok(socket)
        }
        Ok(Err(fault)) => Err(failed(socket, fault)),
        Err(_) => Err(failed(socket, Fault::NoAnswer(limit))),
    }
}

async fn complete(socket: &mut Socket, setup: &Value) -> Result<(), Fault> {
    socket.text(setup.to_string()).await?;
    loop {
        // Google sends JSON in binary frames, too.
        let bytes = match socket.next().await? {
            Message::Text(text) => text.into_bytes(),
            Message::Binary(bytes) => bytes.to_vec(),
            Message::Closed(code) => return Err(wire::closed(code)),
        };
        let message: Value = serde_json::from_slice(&bytes).map_err(|_| Fault::Malformed("a message before the session is no JSON"))?;
        if message.get("setupComplete").is_some() {
            return Ok(());
        }
    }
}

fn failed(mut socket: Socket, fault: Fault) -> Fault {
    socket.failed(&fault);
    fault
}
