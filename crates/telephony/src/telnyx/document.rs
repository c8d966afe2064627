//! The part of an answer document that is Telnyx's own: `<Stream>`.

use crate::codec::MediaFormat;
use crate::document::xml::Element;

/// `<Stream>` inside `<Connect>`. Without `bidirectionalMode="rtp"` everything we send is silently dropped (telnyx.md 1.1); `codec` is what is
/// sent to us, `bidirectionalCodec` what we send.
pub(crate) fn stream_noun(url: &str, format: MediaFormat) -> Element {
    let codec = format.codec.as_str();
    Element::new("Stream")
        .attribute("url", url)
        .attribute("track", "inbound_track")
        .attribute("codec", codec)
        .attribute("bidirectionalMode", "rtp")
        .attribute("bidirectionalCodec", codec)
        .attribute("bidirectionalSamplingRate", format.rate.to_string())
}
