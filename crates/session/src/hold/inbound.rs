//! What comes in from a caller who waits: a key, or the end.

use std::time::Instant;

use telephony::StreamEvent;
use tracing::warn;

use super::HoldOver;
use super::wait::{Phase, Wait};
use crate::inbound::{MAX_BAD_MESSAGES, unquoted};
use crate::socket::{Incoming, MediaSocket, SocketClosed};

/// The key that asks for a callback.
const CALLBACK_KEY: char = '1';

impl<S: MediaSocket> Wait<S> {
    /// A message came in, or the socket is closed.
    pub(super) async fn message(&mut self, message: Option<Incoming<S::Text>>, now: Instant) -> Result<Option<HoldOver>, SocketClosed> {
        self.liveness.sign(now);
        match message {
            None => return Err(SocketClosed),
            Some(Incoming::Alive) => {}
            Some(Incoming::TooBig) => return Ok(Some(HoldOver::Protocol)),
            Some(Incoming::Unexpected) => return Ok(self.bad_message("a binary message", false)),
            Some(Incoming::Text(text)) => {
                if let Err(fault) = self.stream.handle_text(&text, now)
                    && let Some(over) = self.bad_message(&unquoted(&fault), fault.is_fatal())
                {
                    return Ok(Some(over));
                }
            }
        }
        self.events(now).await
    }

    fn bad_message(&mut self, what: &str, fatal: bool) -> Option<HoldOver> {
        self.bad_messages += 1;
        if self.bad_messages == 1 || fatal {
            warn!(what, "the media stream brought a message that is not of its protocol");
        }
        (fatal || self.bad_messages > MAX_BAD_MESSAGES).then_some(HoldOver::Protocol)
    }

    /// Takes what the carrier's machine has to say.
    pub(super) async fn events(&mut self, now: Instant) -> Result<Option<HoldOver>, SocketClosed> {
        let mut over = None;
        while let Some(event) = self.stream.poll_event() {
            let key = match event {
                StreamEvent::Audio { .. } => {
                    self.liveness.audio();
                    self.tones.push(self.stream.samples()).and_then(|digit| self.keypad.tone(digit, now))
                }
                StreamEvent::Dtmf(digit) => self.keypad.message(digit, now),
                StreamEvent::MarkReached(name) => {
                    self.speaker.ledger.reached(&name);
                    None
                }
                StreamEvent::Stopped => {
                    // What the caller asked for before hanging up stands.
                    over = Some(self.promised().unwrap_or(HoldOver::HungUp));
                    None
                }
                StreamEvent::CarrierError { code, title, .. } => {
                    warn!(code, title, "the carrier reports an error on the media stream");
                    None
                }
                StreamEvent::Connected | StreamEvent::Started(_) => None,
            };
            if key == Some(CALLBACK_KEY) && self.can_call_back && self.phase == Phase::Waiting {
                self.last_words(self.texts.callback_done.clone(), HoldOver::Callback, now).await?;
            }
        }
        Ok(over)
    }
}
