//! From a tree of elements back to a [`Document`]: what the far end does with our answer.

use call::PhoneNumber;

use super::Document;
use super::xml::Element;
use crate::codec::{Codec, MediaFormat};
use crate::error::DocumentError;

/// Ring time of `<Dial>` without `timeout`, s. The carriers' default.
const DEFAULT_DIAL_SECS: u32 = 30;
/// Length of `<Pause>` without `length`, s. The carriers' default.
const DEFAULT_PAUSE_SECS: u32 = 1;

/// Reads the verbs of a `<Response>`. A document without verbs hangs up.
pub(super) fn document(root: &Element) -> Result<Document, DocumentError> {
    if root.name != "Response" {
        return Err(unknown("the root element is not Response", &root.name));
    }
    let verbs: Vec<&Element> = root.children.iter().collect();
    let names: Vec<&str> = verbs.iter().map(|verb| verb.name.as_str()).collect();
    match (names.as_slice(), verbs.as_slice()) {
        ([] | ["Hangup"], _) => Ok(Document::Hangup),
        (["Reject"], [reject]) if reject.get("reason") == Some("busy") => Ok(Document::RejectBusy),
        (["Say"] | ["Say", "Hangup"], [say, ..]) => {
            Ok(Document::SayAndHangup { text: say.text.clone(), language: say.get("language").map(str::to_owned) })
        }
        (["Dial"], [verb]) => dial(verb, None),
        (["Say", "Dial"], [say, verb]) => dial(verb, Some(say.text.clone())),
        (["Redirect"], [verb]) => redirect(verb, 0),
        (["Pause", "Redirect"], [pause, verb]) => redirect(verb, pause_secs(pause)?),
        (["Play"] | ["Play", "Hangup"], [play, ..]) => Ok(Document::PlayAndHangup { url: play_url(play)? }),
        (["Connect"], [connect]) => stream(connect, None),
        (["Connect", "Say"] | ["Connect", "Say", "Hangup"], [connect, say, ..]) => stream(connect, Some(say.text.clone())),
        _ => Err(unknown("the verbs", &names.join(", "))),
    }
}

fn unknown(what: &str, found: &str) -> DocumentError {
    DocumentError::Unknown(format!("{what}: {}", crate::webhook::cut(found, 128)))
}

fn stream(connect: &Element, fallback: Option<String>) -> Result<Document, DocumentError> {
    let [noun] = connect.children.as_slice() else { return Err(unknown("Connect must hold one noun", "")) };
    if noun.name != "Stream" {
        return Err(unknown("the noun of Connect is not Stream", &noun.name));
    }
    let parameter = |child: &Element| match (child.name.as_str(), child.get("name")) {
        ("Parameter", Some(name)) => Ok((name.to_owned(), child.get("value").unwrap_or_default().to_owned())),
        _ => Err(unknown("an element of Stream", &child.name)),
    };
    Ok(Document::ConnectStream {
        stream_url: noun.get("url").ok_or_else(|| unknown("Stream has no url", ""))?.to_owned(),
        parameters: noun.children.iter().map(parameter).collect::<Result<_, _>>()?,
        action_url: connect.get("action").map(str::to_owned),
        status_callback_url: noun.get("statusCallback").map(str::to_owned),
        format: format(noun)?,
        fallback,
    })
}

/// The format we asked to send; mu-law at 8000 Hz where the document does not say (telnyx.md 1.1).
fn format(noun: &Element) -> Result<MediaFormat, DocumentError> {
    let codec = match noun.get("bidirectionalCodec") {
        Some(name) => Codec::from_name(name).ok_or_else(|| unknown("the codec", name))?,
        None => Codec::Pcmu,
    };
    let rate = match noun.get("bidirectionalSamplingRate") {
        Some(rate) => rate.parse().map_err(|_| unknown("the sampling rate", rate))?,
        None => 8000,
    };
    Ok(MediaFormat { codec, rate })
}

fn redirect(verb: &Element, pause_secs: u32) -> Result<Document, DocumentError> {
    if let Some(method) = verb.get("method").filter(|method| !method.eq_ignore_ascii_case("POST")) {
        return Err(unknown("Redirect by a method that is not POST", method));
    }
    Ok(Document::Redirect { url: super::address("Redirect", verb.text.trim())?.to_owned(), pause_secs })
}

fn pause_secs(verb: &Element) -> Result<u32, DocumentError> {
    match verb.get("length") {
        Some(length) => length.parse().map_err(|_| unknown("the length of Pause", length)),
        None => Ok(DEFAULT_PAUSE_SECS),
    }
}

/// `loop="0"` would play for ever, so nothing but once is read.
fn play_url(verb: &Element) -> Result<String, DocumentError> {
    if let Some(times) = verb.get("loop").filter(|times| *times != "1") {
        return Err(unknown("Play in a loop", times));
    }
    Ok(super::address("Play", verb.text.trim())?.to_owned())
}

fn dial(verb: &Element, say_first: Option<String>) -> Result<Document, DocumentError> {
    let number = match verb.children.as_slice() {
        [] => verb.text.trim(),
        [noun] if noun.name == "Number" => noun.text.trim(),
        [other, ..] => return Err(unknown("the noun of Dial", &other.name)),
    };
    if number.is_empty() {
        return Err(unknown("Dial has no number", ""));
    }
    let timeout_secs = match verb.get("timeout") {
        Some(timeout) => timeout.parse().map_err(|_| unknown("the timeout", timeout))?,
        None => DEFAULT_DIAL_SECS,
    };
    Ok(Document::Dial {
        number: PhoneNumber::new(number),
        caller_id: verb.get("callerId").map(str::to_owned),
        say_first,
        action_url: verb.get("action").map(str::to_owned),
        timeout_secs,
    })
}
