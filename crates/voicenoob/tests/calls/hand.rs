//! A media stream that a test opens by hand and keeps alive as a carrier would: silence in frames of 20 ms, every mark returned.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use reqwest::Url;
use telephony::{FarEnd, FarEndEvent, MediaFormat, StreamStart, far_end};
use testkit::carrier::{Connect, Verb};
use testkit::{Closed, Socket};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// Nothing that a test waits for takes this long.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// A frame of 20 ms in which nobody speaks.
const SILENCE: [i16; 160] = [0; 160];
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let mut tick = interval(LOOK);
    let mut last = String::new();
    let seen = async {
        loop {
            tick.tick().await;
            match look().await {
                Ok(Some(seen)) => return seen,
                Ok(None) => {}
                Err(fault) => last = format!("{fault:#}"),
            }
        }
    };
    timeout(LONG, seen).await.with_context(|| format!("never: {what} {last}"))
}

/// One stream.
pub(crate) struct Hand {
    /// The carrier's name of it.
    pub(crate) stream_id: String,
    socket: Socket,
    far: Box<dyn FarEnd>,
    frames: Interval,
    media: String,
}

/// The stream that a document asks for.
pub(crate) fn connect(verbs: &[Verb]) -> Result<&Connect> {
    let found = verbs.iter().find_map(|verb| if let Verb::Connect(connect) = verb { Some(connect) } else { None });
    found.with_context(|| format!("no stream but {verbs:?}"))
}

impl Hand {
    /// Opens the document's stream and starts it.
    pub(crate) async fn open(carrier: Carrier, call_id: &str, connect: &Connect) -> Result<Self> {
        let url = Url::parse(&connect.url.replacen("ws", "http", 1))?;
        let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut socket = Socket::open(&url, &path).await?;
        let mut far = far_end(carrier, MediaFormat::PCMU_8K);
        let stream_id = format!("{:032x}", fastrand::u128(..));
        let start = StreamStart {
            stream_id: stream_id.clone(),
            carrier_call_id: call_id.to_owned(),
            account: None,
            from: None,
            to: None,
            parameters: connect.parameters.clone(),
            format: connect.format,
        };
        socket.send(far.connected()).await;
        socket.send(far.start(&start)).await;
        let mut frames = interval(Duration::from_millis(20));
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { stream_id, socket, far, frames, media: String::new() })
    }

    /// Lives until the server has closed the stream, or something is heard that `enough` says yes to; then `None`.
    async fn live(&mut self, mut enough: impl FnMut(&FarEndEvent) -> bool) -> Result<Option<Closed>> {
        loop {
            tokio::select! {
                _ = self.frames.tick() => {
                    self.far.media(&SILENCE, &mut self.media);
                    self.socket.send(self.media.as_str()).await;
                }
                heard = self.socket.hear() => match heard? {
                    Err(closed) => return Ok(Some(closed)),
                    Ok(text) => {
                        let event = self.far.handle_text(&text)?;
                        if let FarEndEvent::Mark(name) = &event {
                            self.socket.send(self.far.mark(name)).await;
                        }
                        if enough(&event) {
                            return Ok(None);
                        }
                    }
                },
            }
        }
    }

    /// Lives until a sentence of the agent was heard to its end.
    pub(crate) async fn sentence(&mut self) -> Result<()> {
        let closed = timeout(LONG, self.live(|event| matches!(event, FarEndEvent::Mark(_)))).await.context("the agent says nothing")??;
        ensure!(closed.is_none(), "the server has closed the stream: {closed:?}");
        Ok(())
    }

    /// Lives until audio comes.
    pub(crate) async fn audio(&mut self) -> Result<()> {
        let closed = timeout(LONG, self.live(|event| matches!(event, FarEndEvent::Media(_)))).await.context("no audio comes")??;
        ensure!(closed.is_none(), "the server has closed the stream: {closed:?}");
        Ok(())
    }

    /// The caller presses a key.
    pub(crate) async fn press(&mut self, key: char) {
        let text = self.far.dtmf(key);
        self.socket.send(text).await;
    }

    /// The caller hangs up.
    pub(crate) async fn stop(mut self) -> Result<Closed> {
        let text = self.far.stop();
        self.socket.send(text).await;
        self.closed().await
    }

    /// Lives until the server closes the stream.
    pub(crate) async fn closed(mut self) -> Result<Closed> {
        timeout(LONG, self.live(|_| false)).await.context("the server leaves the stream open")??.context("it is closed")
    }
}
