//! One media stream: paced from one origin, played in real time, marks answered when their audio was played.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use audio::level::Level;
use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use telephony::{FarEnd, FarEndEvent, StreamStart, far_end};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::document::Connect;
use super::line::{Line, Next};
use super::plan::HangUp;
use super::playout::Playout;
use super::web::Web;

/// Both carriers send frames of this length.
pub(super) const FRAME: Duration = Duration::from_millis(20);
/// How long the handshake may take.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long the server may leave our audio unread.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// How long the server may take to close its side.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// A half-open connection is kept this long: longer than any liveness check.
const HALF_OPEN: Duration = Duration::from_secs(60);
/// The library's own 128 KiB would be cleared at every read.
const READ_BUFFER_BYTES: usize = 4096;
/// Audio that comes this late after the buffer ran dry belongs to the same sentence, unless a mark lies in between.
const SAME_SENTENCE: Duration = Duration::from_millis(400);
/// Louder than this is no silence: above line noise, below every voice.
const SOUND_DBFS: f32 = -45.0;
/// Amplitude of the line's own noise, about -65 dBFS: no line is digitally silent.
const NOISE: i16 = 18;
/// Different frames of noise; a single one would be a hum.
const NOISES: usize = 16;

/// How a stream ended.
#[derive(Debug)]
pub(super) enum StreamEnd {
    /// The caller hung up.
    Left,
    /// The server closed it, or the connection broke.
    Over,
    /// It never opened.
    Unopened(String),
}

struct Stream<'a> {
    socket: WebSocketStream<TcpStream>,
    far: Box<dyn FarEnd>,
    line: &'a Line,
    playout: Playout,
    text: String,
    played: Vec<i16>,
    spoken: Vec<i16>,
    noises: Vec<Vec<i16>>,
    sent: u32,
    /// When the buffer ran dry with no mark behind it.
    dry_since: Option<Instant>,
}

/// The connection is gone.
struct Gone;

/// Opens the stream and lives through it.
pub(super) async fn stream(web: &Web, connect: &Connect, line: &Line, stream_id: String) -> StreamEnd {
    let opened = tokio::select! {
        opened = Stream::open(web, connect, line, stream_id) => opened,
        () = line.leave.cancelled() => return StreamEnd::Left,
    };
    match opened {
        Ok(stream) => stream.live().await,
        Err(why) => StreamEnd::Unopened(format!("{why:#}")),
    }
}

impl<'a> Stream<'a> {
    async fn open(web: &Web, connect: &Connect, line: &'a Line, stream_id: String) -> Result<Self> {
        let socket = timeout(OPEN_LIMIT, shake_hands(web, &connect.url)).await.context("the handshake took too long")??;
        let samples = connect.format.rate as usize / 50;
        let mut stream = Self {
            socket,
            far: far_end(web.carrier, connect.format),
            line,
            playout: Playout::new(connect.format.rate),
            text: String::new(),
            played: vec![0; samples],
            spoken: vec![0; samples],
            noises: noises(samples),
            sent: 0,
            dry_since: None,
        };
        let start = StreamStart {
            stream_id,
            carrier_call_id: web.call_id.clone(),
            account: Some(web.account().to_owned()),
            from: Some(web.from.clone()),
            to: Some(web.to.clone()),
            parameters: connect.parameters.clone(),
            format: connect.format,
        };
        for text in [stream.far.connected(), stream.far.start(&start)] {
            if stream.send(text).await.is_err() {
                bail!("the server closed the stream before its start");
            }
        }
        line.swallow();
        line.journal().opened(Instant::now());
        Ok(stream)
    }

    async fn live(mut self) -> StreamEnd {
        let origin = Instant::now();
        let outcome = loop {
            let due = origin + FRAME * self.sent;
            let outcome = tokio::select! {
                biased;
                () = self.line.leave.cancelled() => return self.leave().await,
                () = sleep_until(due) => self.frame().await.map(|()| None),
                message = self.socket.next() => self.receive(message).await,
            };
            match outcome {
                Ok(None) => {}
                Ok(Some(code)) => break Some(code),
                Err(Gone) => break None,
            }
        };
        let code = match outcome {
            Some(code) => code,
            None => self.close_code().await,
        };
        self.line.journal().closed(Instant::now(), Some(code));
        // Answers the close; a connection that is gone already changes nothing.
        let _ = timeout(CLOSE_LIMIT, self.socket.close(None)).await;
        StreamEnd::Over
    }

    /// One frame both ways. A late one is followed by the next at once, so the origin holds.
    async fn frame(&mut self) -> Result<(), Gone> {
        let now = Instant::now();
        let had_audio = self.playout.play(&mut self.played);
        let level = had_audio.then(|| Level::of(&self.played).rms_dbfs).filter(|level| *level > SOUND_DBFS);
        self.line.journal().played(level, now);
        if had_audio && self.playout.is_empty() {
            self.dry_since = Some(now + FRAME);
        }
        self.answer_marks().await?;
        match self.line.next(&mut self.spoken) {
            Next::Key(key) => {
                let text = self.far.dtmf(key);
                self.send(text).await?;
                self.silence();
            }
            Next::Nothing => self.silence(),
            Next::Words => {}
        }
        let mut text = std::mem::take(&mut self.text);
        self.far.media(&self.spoken, &mut text);
        self.sent += 1;
        self.line.journal().frames_out += 1;
        self.send(text).await
    }

    fn silence(&mut self) {
        self.spoken.copy_from_slice(&self.noises[self.sent as usize % NOISES]);
    }

    /// `Some`: the stream is over, with this code.
    async fn receive(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<Option<Option<u16>>, Gone> {
        match message {
            Some(Ok(Message::Text(text))) => {
                if self.obey(&text).is_err() {
                    return Ok(Some(None)); // a carrier ends a stream that breaks its rules (error 31924)
                }
                self.answer_marks().await.map(|()| None)
            }
            Some(Ok(Message::Binary(_))) => Ok(Some(None)),
            Some(Ok(Message::Close(frame))) => Ok(Some(frame.map(|frame| frame.code.into()))),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(_)) | None => Ok(Some(None)),
        }
    }

    fn obey(&mut self, text: &str) -> Result<()> {
        match self.far.handle_text(text)? {
            FarEndEvent::Media(pcm) => {
                let now = Instant::now();
                let mut journal = self.line.journal();
                journal.frames_in += 1;
                if let Some(dry) = self.dry_since.take()
                    && now > dry
                    && now.duration_since(dry) < SAME_SENTENCE
                {
                    journal.late(now.duration_since(dry));
                }
                drop(journal);
                self.playout.push(&pcm)?;
            }
            FarEndEvent::Mark(name) => {
                self.dry_since = None;
                self.playout.mark(name)?;
            }
            FarEndEvent::Clear => {
                self.dry_since = None;
                self.playout.clear();
            }
            FarEndEvent::Ignored => {}
        }
        Ok(())
    }

    async fn answer_marks(&mut self) -> Result<(), Gone> {
        while let Some(name) = self.playout.reached() {
            self.line.journal().last_mark = Some(Instant::now());
            let text = self.far.mark(&name);
            self.send(text).await?;
        }
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        match timeout(SEND_LIMIT, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// The caller hangs up, in the planned way.
    async fn leave(mut self) -> StreamEnd {
        self.line.journal().closed(Instant::now(), None);
        match self.line.hang_up {
            HangUp::Stop => {
                let text = self.far.stop();
                // The server may be gone already; the call is over either way.
                let _ = self.send(text).await;
                let _ = timeout(CLOSE_LIMIT, self.socket.close(None)).await;
                let _ = self.close_code().await;
            }
            HangUp::Reset => {
                let _ = self.socket.get_ref().set_zero_linger();
            }
            HangUp::HalfOpen => {
                let socket = self.socket;
                tokio::spawn(async move {
                    sleep(HALF_OPEN).await;
                    drop(socket);
                });
            }
        }
        StreamEnd::Left
    }

    /// Reads to the end of the socket.
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

async fn shake_hands(web: &Web, url: &str) -> Result<WebSocketStream<TcpStream>> {
    let parsed = Url::parse(url).with_context(|| format!("{url} is no address"))?;
    let tcp = web.connect(&parsed).await.with_context(|| format!("{url} cannot be reached"))?;
    let mut request = url.into_client_request()?;
    if let Some(signature) = web.stream_signature(url) {
        request.headers_mut().insert("x-twilio-signature", signature.parse()?);
    }
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(0);
    Ok(client_async_with_config(request, tcp, Some(config)).await?.0)
}

/// The noise of a quiet line.
fn noises(samples: usize) -> Vec<Vec<i16>> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..NOISES).map(|_| (0..samples).map(|_| random.i16(-NOISE * 2..=NOISE * 2)).collect()).collect()
}
