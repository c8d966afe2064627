//! The echo agent: the caller's voice comes back. A line test for people, and the subject of the media benchmark.
//!
//! It takes the real way of every frame: parsed, decoded, encoded, sent. Each frame goes back when it comes, so the caller's own pace is the pace.

use std::pin::pin;

use call::EndReason;
use telephony::{MediaStream, StreamEvent};

use crate::close;
use crate::liveness::{Check, Liveness};
use crate::run::{Ending, SessionSetup};
use crate::socket::{Incoming, MediaSocket};

/// Longest echo call.
const MAX_DURATION: std::time::Duration = std::time::Duration::from_secs(600);

/// Serves an echo call. What may end it is registered once, not with every frame: at fifty frames a second that is a tenth of the work.
pub(crate) async fn serve<S: MediaSocket>(setup: Box<SessionSetup<S>>) -> Ending {
    let SessionSetup { mut socket, mut stream, hangup, drain, on_end, .. } = *setup;
    let started = tokio::time::Instant::now();
    let over = started.into_std() + MAX_DURATION;
    let mut liveness = Liveness::new(started.into_std());
    let mut pcm = Vec::new();
    let (mut hangup, mut drain) = (pin!(hangup.cancelled()), pin!(drain.cancelled()));
    let mut look = pin!(tokio::time::sleep_until(liveness.deadline().min(over).into()));
    let ending = loop {
        tokio::select! {
            biased;
            message = socket.next() => {
                let now = tokio::time::Instant::now().into_std();
                liveness.sign(now);
                if let Some(ending) = answer(message, &mut socket, stream.as_mut(), &mut liveness, &mut pcm, now).await {
                    break ending;
                }
            }
            () = &mut hangup => break Ending::new(EndReason::AgentHungUp, close::BY_OPERATOR),
            () = &mut drain => break Ending::new(EndReason::Drained, close::GOING_AWAY),
            () = &mut look => {
                let now = tokio::time::Instant::now().into_std();
                if now >= over {
                    break Ending::new(EndReason::MaxDuration, close::BY_AGENT);
                }
                match liveness.check(now) {
                    Check::Fine => {}
                    Check::Ping if socket.ping().await.is_ok() => {}
                    Check::Ping | Check::Lost => break Ending::new(EndReason::ConnectionLost, close::SILENT),
                }
                look.as_mut().reset(liveness.deadline().min(over).into());
            }
        }
    };
    on_end(&ending);
    socket.close(ending.close.0, ending.close.1).await;
    ending
}

async fn answer<S: MediaSocket>(
    message: Option<Incoming<S::Text>>,
    socket: &mut S,
    stream: &mut dyn MediaStream,
    liveness: &mut Liveness,
    pcm: &mut Vec<i16>,
    now: std::time::Instant,
) -> Option<Ending> {
    let gone = || Ending::new(EndReason::CallerHungUp, close::BY_CALLER);
    let text = match message {
        None => return Some(gone()),
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
            StreamEvent::Audio { .. } => {
                liveness.audio();
                pcm.clear();
                pcm.extend_from_slice(stream.samples());
                let mut text = String::new();
                stream.audio(pcm, &mut text);
                if socket.send(text).await.is_err() {
                    return Some(gone());
                }
            }
            StreamEvent::Stopped => return Some(gone()),
            _ => {}
        }
    }
    None
}
