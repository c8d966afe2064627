//! A bare media socket, for saying to the server what no carrier would say.

use anyhow::{Context, Result, bail};
use dial::Url;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longest wait for anything on a socket.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

/// A WebSocket to the server.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// How the server closed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code; `None` when the connection broke without one.
    pub code: Option<u16>,
    /// The reason.
    pub reason: String,
}

impl Closed {
    fn of(frame: Option<CloseFrame>) -> Self {
        let (code, reason) = frame.map_or((None, String::new()), |frame| (Some(frame.code.into()), frame.reason.to_string()));
        Self { code, reason }
    }
}

impl Socket {
    /// Opens a path of the server.
    pub async fn open(server: &Url, path: &str) -> Result<Self> {
        let url = server.join(path)?.as_str().replacen("http", "ws", 1);
        Ok(Self(connect_async(url).await?.0))
    }

    /// Sends a text message; a far end that has closed already is not an error here.
    pub async fn send(&mut self, text: impl Into<String>) {
        let _ = self.0.send(Message::text(text.into())).await;
    }

    /// Sends a binary message.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        let _ = self.0.send(Message::binary(bytes)).await;
    }

    /// The next text message.
    pub async fn text(&mut self) -> Result<String> {
        loop {
            match tokio::time::timeout(LIMIT, self.0.next()).await.context("nothing came in time")? {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => bail!("no text but {other:?}"),
            }
        }
    }

    /// The next text message, or how the server closed.
    pub async fn hear(&mut self) -> Result<Result<String, Closed>> {
        loop {
            match tokio::time::timeout(LIMIT, self.0.next()).await.context("nothing came in time")? {
                Some(Ok(Message::Text(text))) => return Ok(Ok(text.to_string())),
                Some(Ok(Message::Close(frame))) => return Ok(Err(Closed::of(frame))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Err(Closed::of(None))),
            }
        }
    }

    /// Reads on until the server closes, and gives the reason.
    pub async fn closed(mut self) -> Result<Closed> {
        loop {
            match tokio::time::timeout(LIMIT, self.0.next()).await.context("the server left the socket open")? {
                Some(Ok(Message::Close(frame))) => return Ok(Closed::of(frame)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Closed::of(None)),
            }
        }
    }
}
