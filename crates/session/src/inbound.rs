//! What comes in from the far end: messages, and what the carrier's machine makes of them.

use std::time::Instant;

use agent::CallerSound;
use call::EndReason;
use telephony::{StreamError, StreamEvent};
use tracing::warn;

use crate::close;
use crate::run::Session;
use crate::setup::Ending;
use crate::socket::{Incoming, MediaSocket, SocketClosed};

/// Malformed messages one call survives; a far end that sends more does not speak the protocol.
pub(crate) const MAX_BAD_MESSAGES: u32 = 50;

impl<S: MediaSocket> Session<S> {
    /// A message came in, or the socket is closed.
    pub(crate) async fn message(&mut self, message: Option<Incoming<S::Text>>, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        self.liveness.sign(now);
        match message {
            None => return Err(SocketClosed),
            Some(Incoming::Alive) => {}
            Some(Incoming::TooBig) => return Ok(Some(Ending::new(EndReason::ProtocolError, close::TOO_BIG))),
            Some(Incoming::Unexpected) => return Ok(self.bad_message("a binary message", false)),
            Some(Incoming::Text(text)) => {
                if let Err(fault) = self.stream.handle_text(&text, now)
                    && let Some(ending) = self.bad_message(&unquoted(&fault), fault.is_fatal())
                {
                    return Ok(Some(ending));
                }
            }
        }
        self.stream_events(now).await
    }

    fn bad_message(&mut self, what: &str, fatal: bool) -> Option<Ending> {
        self.bad_messages += 1;
        if self.bad_messages == 1 || fatal {
            warn!(what, "the media stream brought a message that is not of its protocol");
        }
        (fatal || self.bad_messages > MAX_BAD_MESSAGES).then(|| Ending::new(EndReason::ProtocolError, close::PROTOCOL))
    }

    /// Takes what the carrier's machine has to say.
    pub(crate) async fn stream_events(&mut self, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        while let Some(event) = self.stream.poll_event() {
            match event {
                StreamEvent::Audio { lost, .. } => self.audio(lost, now).await?,
                StreamEvent::Dtmf(digit) => {
                    if let Some(digit) = self.keypad.message(digit, now) {
                        self.key(digit, now).await?;
                    }
                }
                StreamEvent::MarkReached(name) => {
                    if self.speaker.ledger.reached(&name) {
                        self.settle(now);
                    }
                }
                StreamEvent::CarrierError { code, title, .. } => warn!(code, title, "the carrier reports an error on the media stream"),
                StreamEvent::Stopped => return Ok(Some(Ending::new(EndReason::CallerHungUp, close::BY_CALLER))),
                StreamEvent::Connected | StreamEvent::Started(_) => {}
            }
        }
        Ok(None)
    }

    async fn audio(&mut self, lost: u32, now: Instant) -> Result<(), SocketClosed> {
        self.liveness.audio();
        self.lost_frames = self.lost_frames.saturating_add(lost);
        let at_ms = self.clock_ms(now);
        let verdict = self.listener.frame(self.stream.samples());
        if self.listener.is_open() && self.brain.listens() {
            self.brain.listen(CallerSound::Piece(self.stream.samples()));
        }
        if let Some(track) = &mut self.track {
            track.caller(at_ms, self.stream.samples());
        }
        self.conversation.frame(verdict.voice, now);
        match verdict.tone.and_then(|digit| self.keypad.tone(digit, now)) {
            Some(digit) => self.key(digit, now).await,
            None => Ok(()),
        }
    }
}

/// A fault for the log, without what the far end wrote: that may hold a number or a token.
pub fn unquoted(fault: &StreamError) -> String {
    match fault {
        StreamError::Malformed(json) => format!("not a media stream message: {:?} error at column {}", json.classify(), json.column()),
        other => other.to_string(),
    }
}
