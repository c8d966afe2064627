//! How a vendor closes a socket.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::time::timeout;

/// The client's goodbye is not waited for longer.
const LIMIT: Duration = Duration::from_secs(1);

/// Says goodbye with a code, and takes what is still under way: a socket that is dropped with unread messages is reset, and the code is lost.
pub(crate) async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
        // Who does not answer is left.
        let _ = timeout(LIMIT, rest).await;
    }
}
