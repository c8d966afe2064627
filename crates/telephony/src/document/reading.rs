//! From a tree of elements back to a [`Document`]: what the far end does with our answer.

use call::PhoneNumber;

use super::Document;
use super::xml::Element;
use crate::codec::{Codec, MediaFormat};
use crate::error::DocumentError;

/// Ring time of `<Dial>` without `timeout`, s. The carriers' default.
const DEFAULT_DIAL_SECS: u32 = 30;

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
