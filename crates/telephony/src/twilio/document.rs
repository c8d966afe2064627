//! The part of an answer document that is Twilio's own: `<Stream>`.

use crate::document::xml::Element;
use crate::error::DocumentError;

/// `<Stream>` inside `<Connect>`: two-way, mu-law at 8000 Hz, the caller's track. A query string makes the handshake fail (twilio.md 1.2).
pub(crate) fn stream_noun(url: &str) -> Result<Element, DocumentError> {
    if url.contains('?') {
        return Err(DocumentError::BadStreamUrl { why: "twilio allows no query string in it; use parameters" });
    }
    Ok(Element::new("Stream").attribute("url", url))
}
