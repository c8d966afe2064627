//! Media sockets: a carrier opens one per call, brings its token, and from then on the call owns it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use call::{AgentId, Carrier};
use dispatch::{Offer, OfferError};
use session::close::{self, Close};
use session::{Incoming, MediaSocket, SocketClosed, unquoted};
use telephony::{MAX_MESSAGE_BYTES, MediaStream, StreamError, StreamEvent, StreamStart, media_stream};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{info, warn};

use crate::shared_offers::{self, Refused};
use crate::state::App;

/// `start` must come within this time.
const START_LIMIT: Duration = Duration::from_secs(10);
/// After our close frame the far end may take this long to answer it.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// The default of 128 KiB is zero-filled at every read: it more than doubles the cost of a frame and the memory of a call.
const READ_BUFFER: usize = 4096;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/ws/telephony/twilio/{agent_id}", get(|state, path, query, peer, ws| open(Carrier::Twilio, state, path, query, peer, ws)))
        .route("/ws/telephony/telnyx/{agent_id}", get(|state, path, query, peer, ws| open(Carrier::Telnyx, state, path, query, peer, ws)))
}

async fn open(
    carrier: Carrier,
    State(app): State<App>,
    Path(agent_id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(place) = app.unstarted.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, close::FULL.1).into_response();
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| {
            meet(app, carrier, Address { agent_id, token: query.get("token").cloned(), peer }, Socket(Some(socket)), place)
        })
}

/// What a stream's address says.
struct Address {
    agent_id: String,
    /// Telnyx's `answer` command has no parameters: the token comes here.
    token: Option<String>,
    peer: SocketAddr,
}

/// Waits for the stream's start, checks it, and hands the socket to its call.
async fn meet(app: App, carrier: Carrier, address: Address, mut socket: Socket, place: OwnedSemaphorePermit) {
    let mut stream = media_stream(carrier, app.stream_options);
    let started = match known_agent(&app, &address.agent_id).await {
        Err(refusal) => Err(refusal),
        Ok(agent) => match tokio::time::timeout(START_LIMIT, start(&mut socket, stream.as_mut())).await {
            Err(_) => Err(close::START_TIMEOUT),
            Ok(Err(refusal)) => Err(refusal),
            Ok(Ok(start)) => take(&app, carrier, agent, &start, address.token.as_deref()).await.map(|offer| (offer, start.stream_id)),
        },
    };
    drop(place);
    match started {
        Ok((offer, stream_id)) => Box::pin(crate::calls::serve(app, socket, stream, stream_id, Box::new(offer))).await,
        Err((code, reason)) => {
            info!(carrier = carrier.as_str(), peer = %address.peer.ip(), code, reason, "media socket refused");
            socket.close(code, reason).await;
        }
    }
}

async fn known_agent(app: &App, agent_id: &str) -> Result<AgentId, Close> {
    let id: AgentId = agent_id.parse().map_err(|_| close::BAD_REQUEST)?;
    let agent = app.directory.find(id).await.ok_or(close::AGENT_UNKNOWN)?;
    if agent.active { Ok(id) } else { Err(close::AGENT_INACTIVE) }
}

async fn start(socket: &mut Socket, stream: &mut dyn MediaStream) -> Result<StreamStart, Close> {
    loop {
        match socket.next().await {
            None => return Err(close::BY_CALLER),
            Some(Incoming::Alive) => {}
            Some(Incoming::TooBig) => return Err(close::TOO_BIG),
            Some(Incoming::Unexpected) => return Err(close::PROTOCOL),
            Some(Incoming::Text(text)) => stream.handle_text(text.as_str(), Instant::now()).map_err(|fault| refusal(&fault))?,
        }
        while let Some(event) = stream.poll_event() {
            match event {
                StreamEvent::Started(start) => return Ok(start),
                StreamEvent::Stopped => return Err(close::BY_CALLER),
                _ => {}
            }
        }
    }
}

/// Before the start, every malformed message ends the stream: nothing is lost by it.
fn refusal(fault: &StreamError) -> Close {
    warn!(error = unquoted(fault), "media stream refused before its start");
    if matches!(fault, StreamError::UnsupportedFormat { .. }) { close::BAD_FORMAT } else { close::PROTOCOL }
}

/// The offer this stream belongs to: ours, or one that another instance has answered.
async fn take(app: &App, carrier: Carrier, agent: AgentId, start: &StreamStart, in_address: Option<&str>) -> Result<Offer, Close> {
    let token = start.parameters.get("token").map(String::as_str).or(in_address);
    let taken = match app.offers.take(carrier, &start.carrier_call_id, agent, token, Instant::now()) {
        Ok(offer) => shared_offers::claim(app, offer).await,
        // A newer offer of the same call may be another instance's.
        Err(OfferError::Unknown | OfferError::WrongToken) => shared_offers::take(app, carrier, agent, &start.carrier_call_id, token).await,
        Err(fault) => Err(Refused::Offer(fault)),
    };
    taken.map_err(|refused| match refused {
        Refused::Offer(fault) => {
            warn!(error = %fault, "media stream refused");
            close::BAD_TOKEN
        }
        Refused::Full => close::FULL,
    })
}

/// A WebSocket as a session sees it.
pub(crate) struct Socket(Option<WebSocket>);

impl MediaSocket for Socket {
    type Text = Utf8Bytes;

    async fn next(&mut self) -> Option<Incoming<Utf8Bytes>> {
        match self.0.as_mut()?.recv().await? {
            Ok(Message::Text(text)) => Some(Incoming::Text(text)),
            Ok(Message::Ping(_) | Message::Pong(_)) => Some(Incoming::Alive),
            Ok(Message::Binary(_)) => Some(Incoming::Unexpected),
            Ok(Message::Close(_)) => None,
            Err(fault) if too_big(&fault) => Some(Incoming::TooBig),
            Err(_) => None,
        }
    }

    async fn send(&mut self, text: String) -> Result<(), SocketClosed> {
        let socket = self.0.as_mut().ok_or(SocketClosed)?;
        socket.send(Message::Text(text.into())).await.map_err(|_| SocketClosed)
    }

    async fn ping(&mut self) -> Result<(), SocketClosed> {
        let socket = self.0.as_mut().ok_or(SocketClosed)?;
        socket.send(Message::Ping(bytes::Bytes::new())).await.map_err(|_| SocketClosed)
    }

    async fn close(&mut self, code: u16, reason: &'static str) {
        let Some(mut socket) = self.0.take() else { return };
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let sent = tokio::time::timeout(CLOSE_LIMIT, socket.send(Message::Close(Some(frame)))).await;
        if matches!(sent, Ok(Ok(()))) {
            // Audio that is still on its way must be read: closing over unread data resets the connection, and the far end loses the reason.
            tokio::spawn(async move {
                let _ = tokio::time::timeout(CLOSE_LIMIT, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
            });
        }
    }
}

/// True when a message was over the limit; the WebSocket library names it only in its text.
fn too_big(fault: &axum::Error) -> bool {
    let text = fault.to_string();
    text.contains("too long") || text.contains("too large") || text.contains("Space limit")
}
