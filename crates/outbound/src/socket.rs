//! A WebSocket to a service.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use reqwest::Url;
use resilience::{Begun, Classify};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message as Wire};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::Fault;
use crate::client::retry_after;

/// Largest message that is taken.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// The default of 128 KiB is filled with zeros at every read (docs/dependencies.md).
const READ_BUFFER: usize = 16 * 1024;
/// A service that takes no data for so long is gone.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// A goodbye is not waited for longer.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// The service closed the socket; its reason may name what a caller said, so only the code is kept.
    Closed(u16),
}

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open WebSocket. Dropped, it counts as given up by us unless [`Self::alive`] or [`Self::failed`] was said.
pub struct Socket {
    stream: Stream,
    begun: Option<Begun>,
}

pub(crate) async fn connect(mut url: Url, headers: HeaderMap) -> Result<Stream, Fault> {
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme).map_err(|()| Fault::Address("it has no WebSocket form".to_owned()))?;
    let mut request = url.as_str().into_client_request().map_err(|error| Fault::Address(error.to_string()))?;
    request.headers_mut().extend(headers);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let nodelay = true;
    match tokio_tungstenite::connect_async_with_config(request, Some(config), nodelay).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(answer)) => {
            let code = ["dg-error", "x-error-code"].into_iter().find_map(|name| answer.headers().get(name)?.to_str().ok());
            Err(Fault::of_status(answer.status().as_u16(), code, retry_after(answer.headers())))
        }
        Err(Error::Io(error)) => Err(Fault::Connect(error.to_string())),
        Err(Error::Tls(error)) => Err(Fault::Connect(error.to_string())),
        Err(_) => Err(Fault::Malformed("the upgrade to a WebSocket")),
    }
}

impl Socket {
    pub(crate) fn new(stream: Stream, begun: Begun) -> Self {
        Self { stream, begun: Some(begun) }
    }

    /// The service speaks its protocol: it counts as answered, and keeps its place.
    pub fn alive(&mut self) {
        if let Some(begun) = &mut self.begun {
            begun.alive();
        }
    }

    /// What it said, or that it said nothing, is a fault: the guard is told. Errors of [`Self::next`] and of sending are told already.
    pub fn failed(&mut self, fault: &Fault) {
        if let Some(begun) = self.begun.take() {
            begun.failed(fault.failure());
        }
    }

    /// The next message. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Result<Message, Fault> {
        let fault = loop {
            match self.stream.next().await {
                Some(Ok(Wire::Text(text))) => return Ok(Message::Text(text.as_str().to_owned())),
                Some(Ok(Wire::Binary(bytes))) => return Ok(Message::Binary(bytes)),
                Some(Ok(Wire::Close(frame))) => {
                    return Ok(Message::Closed(frame.map_or(1005, |frame| frame.code.into())));
                }
                Some(Ok(Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_))) => {}
                Some(Err(Error::Capacity(_))) => break Fault::TooLong(MAX_MESSAGE_BYTES),
                Some(Err(error)) => break Fault::Cut(error.to_string()),
                None => break Fault::Cut("it was closed without a word".to_owned()),
            }
        };
        self.failed(&fault);
        Err(fault)
    }

    /// Sends text.
    pub async fn text(&mut self, text: String) -> Result<(), Fault> {
        self.send(Wire::Text(text.into())).await
    }

    /// Sends bytes.
    pub async fn binary(&mut self, bytes: Bytes) -> Result<(), Fault> {
        self.send(Wire::Binary(bytes)).await
    }

    /// Says that the connection is in use; the answer is not reported.
    pub async fn ping(&mut self) -> Result<(), Fault> {
        self.send(Wire::Ping(Bytes::new())).await
    }

    /// Says goodbye. The service counts as having answered.
    pub async fn close(mut self) {
        if let Some(begun) = self.begun.take() {
            begun.answered();
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // Whoever does not take the goodbye is gone already.
        let _ = timeout(CLOSE_LIMIT, self.stream.close(Some(frame))).await;
    }

    async fn send(&mut self, message: Wire) -> Result<(), Fault> {
        let fault = match timeout(SEND_LIMIT, self.stream.send(message)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Fault::Cut(error.to_string()),
            Err(_) => Fault::Stalled(SEND_LIMIT),
        };
        self.failed(&fault);
        Err(fault)
    }
}
