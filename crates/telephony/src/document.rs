//! Answer documents: what the carrier is to do with a call, written as TwiML or TeXML and read back by the far end.

mod reading;
pub(crate) mod xml;

use call::{Carrier, PhoneNumber};

use crate::codec::MediaFormat;
use crate::error::DocumentError;
use crate::{telnyx, twilio};
use xml::Element;

/// Longest document a carrier reads (twilio.md 3.2).
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Name and value of a stream parameter must have fewer characters together (twilio.md 1.2).
pub const MAX_PARAMETER_CHARS: usize = 500;

/// What the carrier is to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Connect the call to our media stream, both ways.
    ConnectStream {
        /// `wss://...` (`ws://` for a far end on the same machine). Twilio allows no query string.
        stream_url: String,
        /// Handed back when the stream starts. Name and value under [`MAX_PARAMETER_CHARS`].
        parameters: Vec<(String, String)>,
        /// Asked for the next document when the stream is over. Without it the carrier goes on with `fallback`, or hangs up.
        action_url: Option<String>,
        /// Told about the stream's start, end and errors.
        status_callback_url: Option<String>,
        /// Audio in both directions. Twilio knows only [`MediaFormat::PCMU_8K`].
        format: MediaFormat,
        /// Spoken, before hanging up, when the stream cannot be opened or ends without an action.
        fallback: Option<String>,
    },
    /// Say this and hang up.
    SayAndHangup {
        /// The words.
        text: String,
        /// Language of the carrier's voice, such as `en-US`; the carrier's default without.
        language: Option<String>,
    },
    /// Connect the caller to another number.
    Dial {
        /// Whom to call.
        number: PhoneNumber,
        /// Number shown to them.
        caller_id: Option<String>,
        /// Said to the caller first.
        say_first: Option<String>,
        /// Asked for the next document when the dialled leg is over.
        action_url: Option<String>,
        /// How long it rings, s.
        timeout_secs: u32,
    },
    /// Wait, then ask another address what to do: how a call is sent to an instance that has room.
    Redirect {
        /// Asked by POST for the next document. May be relative to the address of this one.
        url: String,
        /// How long the call waits first, s. As the first verb of a call it rings meanwhile, it is not answered (twilio.md 3.2).
        pause_secs: u32,
    },
    /// Play a sound file and hang up.
    PlayAndHangup {
        /// A WAV or MP3 that the carrier fetches by GET.
        url: String,
    },
    /// Hang up.
    Hangup,
    /// Refuse the call with a busy tone, without answering it.
    RejectBusy,
}

impl Document {
    /// The document as this carrier reads it. Everything inserted is escaped.
    pub fn render(&self, carrier: Carrier) -> Result<String, DocumentError> {
        let document = xml::write(&Element::new("Response").children(self.verbs(carrier)?))?;
        if document.len() > MAX_DOCUMENT_BYTES { Err(DocumentError::TooLong { bytes: document.len() }) } else { Ok(document) }
    }

    /// Reads a document that [`Self::render`] wrote for either carrier, or one of the same structure.
    pub fn parse(xml: &str) -> Result<Self, DocumentError> {
        reading::document(&xml::read(xml)?)
    }

    fn verbs(&self, carrier: Carrier) -> Result<Vec<Element>, DocumentError> {
        Ok(match self {
            Self::ConnectStream { stream_url, parameters, action_url, status_callback_url, format, fallback } => {
                if !format.is_supported_by(carrier) {
                    return Err(DocumentError::UnsupportedFormat { carrier, codec: format.codec, rate: format.rate });
                }
                check_scheme(stream_url)?;
                let noun = match carrier {
                    Carrier::Twilio => twilio::stream_noun(stream_url)?,
                    Carrier::Telnyx => telnyx::stream_noun(stream_url, *format),
                };
                let noun = noun.maybe("statusCallback", status_callback_url.as_deref()).children(parameter_nouns(parameters)?);
                let mut verbs = vec![Element::new("Connect").maybe("action", action_url.as_deref()).children(vec![noun])];
                if let Some(fallback) = fallback {
                    verbs.extend([say(fallback, None), Element::new("Hangup")]);
                }
                verbs
            }
            Self::SayAndHangup { text, language } => vec![say(text, language.as_deref()), Element::new("Hangup")],
            Self::Dial { number, caller_id, say_first, action_url, timeout_secs } => {
                let dial = Element::new("Dial")
                    .maybe("action", action_url.as_deref())
                    .maybe("callerId", caller_id.as_deref())
                    .attribute("timeout", timeout_secs.to_string())
                    .children(vec![Element::new("Number").text(number.expose())]);
                say_first.iter().map(|words| say(words, None)).chain([dial]).collect()
            }
            Self::Redirect { url, pause_secs } => {
                let pause = (*pause_secs > 0).then(|| Element::new("Pause").attribute("length", pause_secs.to_string()));
                let redirect = Element::new("Redirect").attribute("method", "POST").text(address("Redirect", url)?);
                pause.into_iter().chain([redirect]).collect()
            }
            Self::PlayAndHangup { url } => vec![Element::new("Play").text(address("Play", url)?), Element::new("Hangup")],
            Self::Hangup => vec![Element::new("Hangup")],
            Self::RejectBusy => vec![Element::new("Reject").attribute("reason", "busy")],
        })
    }
}

fn say(words: &str, language: Option<&str>) -> Element {
    Element::new("Say").maybe("language", language).text(words)
}

/// An address as text of a verb: http or a path. A blank one would mean "this document again", for ever.
fn address<'a>(verb: &'static str, url: &'a str) -> Result<&'a str, DocumentError> {
    let why = match url {
        "" => "it is blank",
        _ if url.contains(|c: char| c.is_whitespace() || c.is_control()) => "it holds a blank or a control character",
        _ if url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/') => return Ok(url),
        _ => "it must begin with https:// or be a path",
    };
    Err(DocumentError::BadAddress { verb, why })
}

fn check_scheme(stream_url: &str) -> Result<(), DocumentError> {
    let is = |scheme: &str| stream_url.len() > scheme.len() && stream_url.starts_with(scheme);
    if is("wss://") || is("ws://") { Ok(()) } else { Err(DocumentError::BadStreamUrl { why: "it must begin with wss://" }) }
}

fn parameter_nouns(parameters: &[(String, String)]) -> Result<Vec<Element>, DocumentError> {
    let noun = |(name, value): &(String, String)| {
        let chars = name.chars().count() + value.chars().count();
        if chars >= MAX_PARAMETER_CHARS {
            return Err(DocumentError::ParameterTooLong { name: crate::webhook::cut(name, 64), chars });
        }
        Ok(Element::new("Parameter").attribute("name", name).attribute("value", value))
    };
    parameters.iter().map(noun).collect()
}

#[cfg(test)]
#[path = "document/tests.rs"]
mod tests;
