//! The loop of one wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::HoldTexts;
use audio::dtmf;
use audio::playout::Due;
use conversation::Ledger;
use telephony::MediaStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::music::Music;
use super::notices::Notices;
use super::{HoldNews, HoldOver, HoldSetup, OnLeaving};
use crate::keypad::Keypad;
use crate::liveness::{Check, Liveness};
use crate::order::{self, Order};
use crate::run::{SEND_LIMIT, STOP_LIMIT, now, stopped};
use crate::setup::{Services, callable};
use crate::socket::{Incoming, MediaSocket, SocketClosed};
use crate::speak::{Pace, SpeakEvent, Speaker};
use crate::traffic::Traffic;

/// Last words whose mark does not come back are taken as heard this long after they were played by our clock.
const MARK_GRACE: Duration = Duration::from_secs(1);
/// Longest time for last words, whatever the engine and the far end do.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(20);

/// Where a wait stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Waiting,
    /// Something is said to its end; then it is over.
    LastWords {
        then: HoldOver,
        until: Instant,
    },
}

pub(super) struct Wait<S> {
    socket: S,
    pub(super) stream: Box<dyn MediaStream>,
    services: Arc<Services>,
    pub(super) texts: HoldTexts,
    pub(super) can_call_back: bool,
    pub(super) speaker: Speaker,
    music: Music,
    notices: Notices,
    pub(super) phase: Phase,
    pub(super) tones: dtmf::Detector,
    pub(super) keypad: Keypad,
    pub(super) liveness: Liveness,
    traffic: Traffic,
    pub(super) bad_messages: u32,
    news: watch::Receiver<HoldNews>,
    news_over: bool,
    hangup: CancellationToken,
    orders: watch::Receiver<Order>,
    ordered: Order,
    on_leaving: Option<OnLeaving>,
}

enum Wake<T> {
    Hangup,
    Ordered(Order),
    /// False: nobody can tell news any more.
    News(bool),
    Spoken(SpeakEvent),
    Message(Option<Incoming<T>>),
    Time,
}

impl<S: MediaSocket> Wait<S> {
    pub(super) fn new(setup: HoldSetup<S>, services: Arc<Services>) -> Self {
        let now = now();
        let rate = setup.stream.format().map_or(8000, |format| format.rate);
        let ledger = Ledger::named("hold");
        Self {
            texts: setup.agent.hold_texts(),
            can_call_back: callable(&setup.call.from).is_some(),
            speaker: Speaker::new(services.phrases.for_call(call::Meter::default()), &setup.agent, rate, Pace::WAIT, ledger),
            music: Music::new(rate),
            notices: Notices::default(),
            phase: Phase::Waiting,
            tones: dtmf::Detector::new(rate),
            keypad: Keypad::default(),
            liveness: Liveness::new(now),
            traffic: Traffic::new(setup.stream.as_ref(), now),
            bad_messages: 0,
            news: setup.news,
            news_over: false,
            hangup: setup.hangup,
            orders: setup.orders,
            on_leaving: Some(setup.on_leaving),
            ordered: Order::GoOn,
            socket: setup.socket,
            stream: setup.stream,
            services,
        }
    }

    /// Tells what was counted, and gives back what the conversation goes on with.
    pub(super) fn close(mut self) -> (S, Box<dyn MediaStream>) {
        let frames = self.traffic.take(self.stream.as_ref(), now());
        self.services.recorder.fact(frames);
        (self.socket, self.stream)
    }

    /// Waits until it is over.
    pub(super) async fn run(&mut self) -> HoldOver {
        // What is known already comes first; who had the stream before may have left events in it.
        let mut step = match self.news(now()).await {
            Ok(()) => self.events(now()).await,
            Err(closed) => Err(closed),
        };
        loop {
            match step {
                Ok(None) => step = self.step().await,
                Ok(Some(over)) => return over,
                Err(SocketClosed) => return self.stream_lost().await,
            }
        }
    }

    async fn step(&mut self) -> Result<Option<HoldOver>, SocketClosed> {
        let at = now();
        self.announce(at);
        self.pump(at).await?;
        if let Some(over) = self.said(at) {
            return Ok(Some(over));
        }
        let wake = self.wake().await;
        self.handle(wake, now()).await
    }

    async fn wake(&mut self) -> Wake<S::Text> {
        let deadline = self.deadline();
        let listens = matches!(self.phase, Phase::Waiting) && !self.news_over;
        tokio::select! {
            biased;
            () = self.hangup.cancelled() => Wake::Hangup,
            order = order::changed(&mut self.orders, self.ordered) => Wake::Ordered(order),
            news = self.news.changed(), if listens => Wake::News(news.is_ok()),
            spoken = self.speaker.next() => Wake::Spoken(spoken),
            message = self.socket.next() => Wake::Message(message),
            () = tokio::time::sleep_until(deadline.into()) => Wake::Time,
        }
    }

    fn deadline(&self) -> Instant {
        let notice = self.notices.due().filter(|_| matches!(self.phase, Phase::Waiting) && !self.speaker.is_making());
        let last_words = match self.phase {
            Phase::Waiting => None,
            Phase::LastWords { until, .. } => Some(self.heard_by().map_or(until, |heard| heard.min(until))),
        };
        let timers = [notice, last_words, self.speaker.playout.deadline(), self.stream.deadline()];
        timers.into_iter().flatten().fold(self.liveness.deadline().min(self.traffic.deadline()), Instant::min)
    }

    async fn handle(&mut self, wake: Wake<S::Text>, now: Instant) -> Result<Option<HoldOver>, SocketClosed> {
        match wake {
            Wake::Hangup => return Ok(Some(HoldOver::Operator)),
            Wake::Ordered(order) => return self.obey_order(order, now).await,
            Wake::News(true) => self.news(now).await?,
            Wake::News(false) => self.news_over = true,
            Wake::Spoken(SpeakEvent::Failed(fault)) => error!(error = %fault, "a sentence could not be said to a waiting caller"),
            Wake::Spoken(SpeakEvent::Audio | SpeakEvent::PieceReady) => {}
            Wake::Message(message) => return self.message(message, now).await,
            Wake::Time => return self.timers(now).await,
        }
        Ok(None)
    }

    async fn obey_order(&mut self, order: Order, now: Instant) -> Result<Option<HoldOver>, SocketClosed> {
        self.ordered = order;
        match (order, self.phase) {
            (Order::HandOver, Phase::Waiting | Phase::LastWords { then: HoldOver::Granted, .. }) => return Ok(Some(HoldOver::HandedOver)),
            // What the caller was promised stands.
            (Order::HandOver, Phase::LastWords { then, .. }) => return Ok(Some(then)),
            (Order::SayGoodbye, Phase::Waiting) => {
                let text = if self.can_call_back { &self.texts.closing } else { &self.texts.closing_no_number };
                self.last_words(text.clone(), HoldOver::Goodbye, now).await?;
            }
            // The conversation that follows says its goodbye; a wait that ends anyway needs none.
            (Order::SayGoodbye, Phase::LastWords { .. }) | (Order::GoOn, _) => {}
        }
        Ok(None)
    }

    async fn news(&mut self, now: Instant) -> Result<(), SocketClosed> {
        let news = *self.news.borrow_and_update();
        match news {
            HoldNews::Waiting { position, expected_wait } => {
                self.notices.news(position, expected_wait);
                Ok(())
            }
            HoldNews::Granted => self.last_words(self.texts.ready.clone(), HoldOver::Granted, now).await,
            HoldNews::Removed => self.last_words(self.texts.removed.clone(), HoldOver::Removed, now).await,
        }
    }

    /// Stops music and speech at once, and says this to its end.
    pub(super) async fn last_words(&mut self, text: String, then: HoldOver, now: Instant) -> Result<(), SocketClosed> {
        self.phase = Phase::LastWords { then, until: now + LAST_WORDS_LIMIT };
        if let Some(tell) = self.on_leaving.take_if(|_| then != HoldOver::Granted) {
            tell(then);
        }
        self.speaker.cut(now);
        let clear = self.stream.clear();
        self.send(clear).await?;
        self.say(text);
        Ok(())
    }

    /// Says the next notice when it is due and nothing else is being said.
    fn announce(&mut self, now: Instant) {
        if self.phase != Phase::Waiting || self.speaker.is_making() {
            return;
        }
        let Some(notice) = self.notices.take(now) else { return };
        // Marks that were lost must not count against the pieces of a long wait.
        self.speaker.ledger.finish();
        self.music.pause(&mut self.speaker.playout);
        let texts = &self.texts;
        let said = [
            notice.first.then(|| texts.welcome.clone()),
            Some(texts.position(notice.position)),
            notice.expected_wait.map(|wait| texts.wait(wait)),
            (notice.whole && self.can_call_back).then(|| texts.callback.clone()),
        ];
        said.into_iter().flatten().for_each(|text| self.say(text));
    }

    /// Without an engine only what the program carries along can be said; the rest is left out.
    fn say(&mut self, text: String) {
        if !text.trim().is_empty() && self.speaker.can_say(&text) {
            self.speaker.say(text);
        }
    }

    /// Sends what is due, and keeps the music playing.
    async fn pump(&mut self, now: Instant) -> Result<(), SocketClosed> {
        loop {
            let mut text = String::new();
            match self.speaker.playout.poll(now) {
                Some(Due::Mark(name)) => text = self.stream.mark(&name),
                Some(Due::Audio(pcm)) => {
                    self.traffic.sent(pcm.len(), false);
                    self.stream.audio(pcm, &mut text);
                }
                None => {
                    let silent = self.phase == Phase::Waiting && !self.speaker.is_making() && self.speaker.playout.queued().is_zero();
                    if !silent {
                        return Ok(());
                    }
                    self.music.play(&mut self.speaker.playout);
                }
            }
            if !text.is_empty() {
                self.send(text).await?;
            }
        }
    }

    /// How it ended, once the last words were heard.
    fn said(&self, now: Instant) -> Option<HoldOver> {
        let Phase::LastWords { then, until } = self.phase else { return None };
        let heard = self.speaker.all_heard() || self.heard_by().is_some_and(|by| now >= by);
        (heard || now >= until).then_some(then)
    }

    /// When last words that were sent to their end are taken as heard without their mark.
    fn heard_by(&self) -> Option<Instant> {
        self.speaker.playout.ends_at().filter(|_| self.speaker.is_done()).map(|end| end + MARK_GRACE)
    }

    /// What was decided before the line went.
    pub(super) fn promised(&self) -> Option<HoldOver> {
        match self.phase {
            Phase::LastWords { then, .. } if then != HoldOver::Granted => Some(then),
            Phase::LastWords { .. } | Phase::Waiting => None,
        }
    }

    async fn timers(&mut self, now: Instant) -> Result<Option<HoldOver>, SocketClosed> {
        if self.stream.deadline().is_some_and(|due| now >= due) {
            self.stream.handle_timeout(now);
            if let Some(over) = self.events(now).await? {
                return Ok(Some(over));
            }
        }
        if now >= self.traffic.deadline() {
            let frames = self.traffic.take(self.stream.as_ref(), now);
            self.services.recorder.fact(frames);
        }
        match self.liveness.check(now) {
            Check::Fine => Ok(None),
            Check::Ping => self.socket.ping().await.map(|()| None),
            Check::Lost => Ok(Some(self.promised().unwrap_or(HoldOver::Lost))),
        }
    }

    /// The socket broke; a `stop` may still lie unread.
    async fn stream_lost(&mut self) -> HoldOver {
        let by_caller = tokio::time::timeout(STOP_LIMIT, stopped(&mut self.socket, self.stream.as_mut())).await;
        let over = if by_caller == Ok(true) { HoldOver::HungUp } else { HoldOver::StreamLost };
        self.promised().unwrap_or(over)
    }

    async fn send(&mut self, text: String) -> Result<(), SocketClosed> {
        tokio::time::timeout(SEND_LIMIT, self.socket.send(text)).await.unwrap_or(Err(SocketClosed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_call_is_small() {
        // Beside it: 200 ms of music twice, 400 ms of sound at most in the playout.
        assert!(size_of::<Wait<()>>() < 2048, "{} bytes", size_of::<Wait<()>>());
    }
}
