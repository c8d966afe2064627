//! One media stream from the carrier's side: paced from one origin, played in real time, marks answered.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use telephony::{FarEnd, FarEndEvent, MediaFormat, StreamStart, far_end};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;

use crate::DialError;
use crate::caller::Caller;
use crate::director::Cue;
use crate::ear::FRAME_MS;
use crate::playback::PlayBuffer;
use crate::report::Tell;
use crate::script::Garbage;

/// How long the socket may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long the server may leave our audio unread before the stream counts as broken.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// How long the server may take to close its side after we hung up.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// A message of 120 s of 16-bit audio at 16 kHz, in base64, has 5 MiB: more than a carrier would queue.
const MAX_MESSAGE_BYTES: usize = 8 << 20;
/// The library's 128 KiB would be zeroed on every read; frames have under 1 KiB.
const READ_BUFFER_BYTES: usize = 4096;

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LegEnd {
    /// The caller hung up.
    HungUp,
    /// The server closed the stream, or is gone.
    Closed {
        /// Its close code, when it closed properly.
        code: Option<u16>,
    },
    /// The server sent what no carrier understands.
    Broken(String),
    /// The script's time was up, whatever it still had to do.
    OutOfTime,
}

/// An open media stream.
pub(crate) struct Leg {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    far: Box<dyn FarEnd>,
    play: PlayBuffer,
    /// Buffers of one frame, used again for each.
    text: String,
    wire: BytesMut,
    played: Vec<i16>,
    spoken: Vec<i16>,
    sent: u64,
    talked: Duration,
}

/// What bounds a stream from outside the script.
pub(crate) struct Bounds<'a> {
    /// The caller's frame at which the call has lasted long enough.
    pub(crate) until: u64,
    /// Cancelled when the caller shall hang up now.
    pub(crate) hang_up: &'a CancellationToken,
}

/// The server took nothing more.
struct Lost;

impl Leg {
    /// Opens the socket and announces the stream.
    pub(crate) async fn open(
        url: &str,
        signature: Option<(&'static str, String)>,
        carrier: call::Carrier,
        start: &StreamStart,
    ) -> Result<Self, DialError> {
        let socket = connect(url, signature).await?;
        let MediaFormat { rate, .. } = start.format;
        let frame = (u64::from(rate) * FRAME_MS / 1000) as usize;
        let mut leg = Self {
            socket,
            far: far_end(carrier, start.format),
            play: PlayBuffer::new(rate),
            text: String::new(),
            wire: BytesMut::new(),
            played: vec![0; frame],
            spoken: vec![0; frame],
            sent: 0,
            talked: Duration::ZERO,
        };
        let greeting = [leg.far.connected(), leg.far.start(start)];
        for text in greeting {
            leg.send(Message::text(text)).await.map_err(|Lost| DialError::StreamStalled {
                url: url.to_owned(),
                what: "take the start of the stream",
                seconds: SEND_LIMIT.as_secs(),
            })?;
        }
        Ok(leg)
    }

    /// Lets the caller talk until one side ends the stream, or a bound is reached.
    pub(crate) async fn talk(&mut self, caller: &mut Caller, bounds: &Bounds<'_>, tell: Tell<'_>) -> LegEnd {
        let origin = Instant::now();
        loop {
            let due = origin + Duration::from_millis(FRAME_MS) * u32::try_from(self.sent).unwrap_or(u32::MAX);
            let end = tokio::select! {
                () = sleep_until(due) => self.frame(caller, bounds, tell).await,
                message = self.socket.next() => self.receive(message, caller, tell).await,
            };
            self.talked = origin.elapsed();
            match end {
                Ok(None) => {}
                Ok(Some(end)) => return self.part(end).await,
                Err(Lost) => return LegEnd::Closed { code: self.close_code().await },
            }
        }
    }

    /// Media frames sent.
    pub(crate) const fn frames_sent(&self) -> u64 {
        self.sent
    }

    /// From the first frame to the end of the talk, without the closing of the socket.
    pub(crate) const fn talked(&self) -> Duration {
        self.talked
    }

    /// One frame both ways. A late frame is followed by the next one at once, so the origin holds.
    async fn frame(&mut self, caller: &mut Caller, bounds: &Bounds<'_>, tell: Tell<'_>) -> Result<Option<LegEnd>, Lost> {
        if bounds.hang_up.is_cancelled() {
            return Ok(Some(LegEnd::HungUp));
        }
        if caller.frames() >= bounds.until {
            return Ok(Some(LegEnd::OutOfTime));
        }
        self.play.play(&mut self.played);
        self.answer_marks().await?;
        match caller.frame(&self.played, &mut self.spoken, tell) {
            Cue::Go => {}
            Cue::Key(key) => {
                let text = self.far.dtmf(key);
                self.send(Message::text(text)).await?;
            }
            Cue::Disturb(garbage) => self.disturb(garbage).await?,
            Cue::HangUp => return Ok(Some(LegEnd::HungUp)),
        }
        self.far.media(&self.spoken, &mut self.text);
        self.sent += 1;
        self.send_text().await?;
        Ok(None)
    }

    async fn receive(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
        caller: &mut Caller,
        tell: Tell<'_>,
    ) -> Result<Option<LegEnd>, Lost> {
        match message {
            Some(Ok(Message::Text(text))) => match self.obey(&text, caller, tell) {
                Ok(()) => self.answer_marks().await.map(|()| None),
                Err(why) => Ok(Some(LegEnd::Broken(why))),
            },
            Some(Ok(Message::Binary(_))) => Ok(Some(LegEnd::Broken("a binary message; carriers take text only".to_owned()))),
            Some(Ok(Message::Close(frame))) => Ok(Some(LegEnd::Closed { code: frame.map(|frame| frame.code.into()) })),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(_)) | None => Ok(Some(LegEnd::Closed { code: None })),
        }
    }

    fn obey(&mut self, text: &str, caller: &mut Caller, tell: Tell<'_>) -> Result<(), String> {
        match self.far.handle_text(text).map_err(|error| error.to_string())? {
            FarEndEvent::Media(pcm) => self.play.push(&pcm).map_err(|overrun| overrun.to_string()),
            FarEndEvent::Mark(name) => self.play.mark(name).map_err(|overrun| overrun.to_string()),
            FarEndEvent::Clear => {
                self.play.clear();
                caller.cleared(tell);
                Ok(())
            }
            FarEndEvent::Ignored => Ok(()),
        }
    }

    async fn answer_marks(&mut self) -> Result<(), Lost> {
        while let Some(name) = self.play.reached() {
            let text = self.far.mark(&name);
            self.send(Message::text(text)).await?;
        }
        Ok(())
    }

    async fn disturb(&mut self, garbage: Garbage) -> Result<(), Lost> {
        match garbage {
            Garbage::Binary => self.send(Message::binary(vec![0xDE, 0xAD, 0xBE, 0xEF])).await,
            Garbage::Json => self.send(Message::text("{\"event\":\"media\",")).await,
            Garbage::Base64 => {
                self.far.media(&self.spoken, &mut self.text);
                let broken = self.text.replacen("\"payload\":\"", "\"payload\":\"*~!", 1);
                self.send(Message::text(broken)).await
            }
            // The rehearsal makes audio of it.
            Garbage::Noise => Ok(()),
        }
    }

    /// Sends what stands in `text`, without allocating: the buffer comes back when the socket has written it.
    async fn send_text(&mut self) -> Result<(), Lost> {
        self.wire.extend_from_slice(self.text.as_bytes());
        let text = Utf8Bytes::try_from(self.wire.split().freeze()).map_err(|_| Lost)?;
        self.send(Message::Text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Lost> {
        match timeout(SEND_LIMIT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Lost),
        }
    }

    /// Says goodbye in the way that fits the end.
    async fn part(&mut self, end: LegEnd) -> LegEnd {
        if !matches!(end, LegEnd::Closed { .. }) {
            let text = self.far.stop();
            // The server may be gone already; the call is over either way.
            let _ = self.send(Message::text(text)).await;
            let _ =
                timeout(CLOSE_LIMIT, self.socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() }))).await;
        }
        let _ = self.close_code().await;
        end
    }

    /// Reads to the end of the socket, and gives the code with which the server closed.
    async fn close_code(&mut self) -> Option<u16> {
        let rest = async {
            while let Some(Ok(message)) = self.socket.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|frame| frame.code.into());
                }
            }
            None
        };
        timeout(CLOSE_LIMIT, rest).await.ok().flatten()
    }
}

async fn connect(url: &str, signature: Option<(&'static str, String)>) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, DialError> {
    let failed = |source| DialError::Stream { url: url.to_owned(), source: Box::new(source) };
    let mut request = url.into_client_request().map_err(failed)?;
    if let Some((name, value)) = signature {
        let value = HeaderValue::from_str(&value).map_err(|error| failed(tungstenite::Error::HttpFormat(error.into())))?;
        request.headers_mut().insert(name, value);
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let late = |_| DialError::StreamStalled { url: url.to_owned(), what: "open", seconds: OPEN_LIMIT.as_secs() };
    let (socket, _) = timeout(OPEN_LIMIT, connect_async_with_config(request, Some(config), true)).await.map_err(late)?.map_err(failed)?;
    Ok(socket)
}
