//! The echo agent: the caller's voice comes back. A line test for people, and the subject of the media benchmark.
//!
//! It takes the real way of every frame: parsed, decoded, encoded, sent. Each frame goes back when it comes, so the caller's own pace is the pace.

use std::pin::pin;
use std::sync::Arc;

use call::EndReason;
use telephony::{MediaStream, StreamEvent};

use crate::close;
use crate::liveness::{Check, Liveness};
use crate::order::{self, Order};
use crate::run::{now, stopped};
use crate::setup::{Ending, Interrupted, Services, SessionSetup, end};
use crate::socket::{Incoming, MediaSocket};
use crate::traffic::Traffic;

/// Longest echo call.
const MAX_DURATION: std::time::Duration = std::time::Duration::from_secs(600);

/// What changes with the frames.
struct Echo {
    liveness: Liveness,
    traffic: Traffic,
    pcm: Vec<i16>,
}

/// Serves an echo call. What may end it is registered once, not with every frame: at fifty frames a second that is a tenth of the work.
/// A resumed call goes on as it was: there is nothing to take up.
pub(crate) async fn serve<S: MediaSocket>(setup: Box<SessionSetup<S>>, services: Arc<Services>) -> Ending {
    let SessionSetup { mut socket, mut stream, hangup, mut orders, on_end, .. } = *setup;
    let started = now();
    let over = started + MAX_DURATION;
    let traffic = Traffic::new(stream.as_ref(), started);
    let mut echo = Echo { liveness: Liveness::new(started), traffic, pcm: Vec::new() };
    let (mut hangup, mut ordered) = (pin!(hangup.cancelled()), pin!(order::changed(&mut orders, Order::GoOn)));
    let mut look = pin!(tokio::time::sleep_until(echo.deadline(over)));
    let ending = loop {
        tokio::select! {
            biased;
            message = socket.next() => {
                if let Some(ending) = echo.answer(message, &mut socket, stream.as_mut(), now()).await {
                    break ending;
                }
            }
            () = &mut hangup => break Ending::new(EndReason::AgentHungUp, close::BY_OPERATOR),
            order = &mut ordered => break match order {
                Order::HandOver => Ending::interrupted(Interrupted::HandedOver, close::HANDED_OVER),
                Order::SayGoodbye | Order::GoOn => Ending::new(EndReason::Drained, close::GOING_AWAY),
            },
            () = &mut look => {
                let now = now();
                if now >= over {
                    break Ending::new(EndReason::MaxDuration, close::BY_AGENT);
                }
                if now >= echo.traffic.deadline() {
                    services.recorder.fact(echo.traffic.take(stream.as_ref(), now));
                }
                match echo.liveness.check(now) {
                    Check::Fine => {}
                    Check::Ping if socket.ping().await.is_ok() => {}
                    Check::Ping | Check::Lost if echo.liveness.had_audio() => {
                        break Ending::interrupted(Interrupted::StreamLost, close::SILENT);
                    }
                    Check::Ping | Check::Lost => break Ending::new(EndReason::ConnectionLost, close::SILENT),
                }
                look.as_mut().reset(echo.deadline(over));
            }
        }
    };
    services.recorder.fact(echo.traffic.take(stream.as_ref(), now()));
    end(&mut socket, on_end, &ending).await;
    ending
}

impl Echo {
    fn deadline(&self, over: std::time::Instant) -> tokio::time::Instant {
        self.liveness.deadline().min(self.traffic.deadline()).min(over).into()
    }

    async fn answer<S: MediaSocket>(
        &mut self,
        message: Option<Incoming<S::Text>>,
        socket: &mut S,
        stream: &mut dyn MediaStream,
        now: std::time::Instant,
    ) -> Option<Ending> {
        self.liveness.sign(now);
        let text = match message {
            None => return Some(Ending::interrupted(Interrupted::StreamLost, close::LOST)),
            Some(Incoming::Alive) => return None,
            Some(Incoming::TooBig) => return Some(Ending::new(EndReason::ProtocolError, close::TOO_BIG)),
            Some(Incoming::Unexpected) => return Some(Ending::new(EndReason::ProtocolError, close::PROTOCOL)),
            Some(Incoming::Text(text)) => text,
        };
        if stream.handle_text(&text, now).is_err_and(|fault| fault.is_fatal()) {
            return Some(Ending::new(EndReason::ProtocolError, close::PROTOCOL));
        }
        while let Some(event) = stream.poll_event() {
            match event {
                StreamEvent::Audio { .. } if !self.send_back(socket, stream).await => return Some(broken(socket, stream).await),
                StreamEvent::Stopped => return Some(Ending::new(EndReason::CallerHungUp, close::BY_CALLER)),
                _ => {}
            }
        }
        None
    }

    /// False when the socket is broken.
    async fn send_back<S: MediaSocket>(&mut self, socket: &mut S, stream: &mut dyn MediaStream) -> bool {
        self.liveness.audio();
        self.pcm.clear();
        self.pcm.extend_from_slice(stream.samples());
        self.traffic.sent(self.pcm.len(), false);
        let mut text = String::new();
        stream.audio(&self.pcm, &mut text);
        socket.send(text).await.is_ok()
    }
}

async fn broken<S: MediaSocket>(socket: &mut S, stream: &mut dyn MediaStream) -> Ending {
    match tokio::time::timeout(crate::run::STOP_LIMIT, stopped(socket, stream)).await {
        Ok(true) => Ending::new(EndReason::CallerHungUp, close::BY_CALLER),
        Ok(false) | Err(_) => Ending::interrupted(Interrupted::StreamLost, close::LOST),
    }
}
