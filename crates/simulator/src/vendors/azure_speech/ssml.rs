//! Reads SSML as strictly as the service does.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

const NAMESPACE: &str = "http://www.w3.org/2001/10/synthesis";

/// What is to be spoken, or why the document is none.
pub(super) fn spoken(document: &str) -> Result<String, &'static str> {
    let mut reader = Reader::from_str(document);
    let (mut open, mut text) = (Vec::new(), String::new());
    loop {
        match reader.read_event().map_err(|_| "The document is not well-formed XML.")? {
            Event::Start(element) => {
                enter(&element, open.is_empty())?;
                open.push(element.name().as_ref().to_vec());
            }
            Event::Empty(element) => enter(&element, open.is_empty())?,
            Event::End(_) => drop(open.pop()),
            Event::Text(piece) => {
                let piece = piece.decode().map_err(|_| "The document is not UTF-8.")?;
                if piece.contains(|sign: char| sign.is_control() && !sign.is_whitespace()) {
                    return Err("The document holds characters that XML does not have.");
                }
                if !piece.trim().is_empty() && !open.iter().any(|name| name == b"voice") {
                    return Err("Text must stand in a voice.");
                }
                text.push_str(&piece);
            }
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|_| "The document is not UTF-8.")?;
                text.push_str(&unescape(&format!("&{name};")).map_err(|_| "The document names an unknown entity.")?);
            }
            Event::CData(piece) => text.push_str(&piece.decode().map_err(|_| "The document is not UTF-8.")?),
            Event::DocType(_) => return Err("The document must have no DTD."),
            Event::Eof => break,
            _ => {}
        }
    }
    match (open.is_empty(), text.trim().is_empty()) {
        (false, _) => Err("The document is not closed."),
        (_, true) => Err("There is nothing to speak."),
        _ => Ok(text),
    }
}

fn enter(element: &BytesStart<'_>, root: bool) -> Result<(), &'static str> {
    let attribute = |name: &str| {
        let found = element.try_get_attribute(name).map_err(|_| "An attribute is malformed.")?;
        let value = found.map(|found| found.unescape_value().map(|value| value.into_owned()).map_err(|_| "An attribute is malformed."));
        value.transpose()
    };
    match element.name().as_ref() {
        b"speak" if root => {
            let right = attribute("version")?.as_deref() == Some("1.0") && attribute("xmlns")?.as_deref() == Some(NAMESPACE);
            let language = attribute("xml:lang")?.is_some_and(|language| !language.is_empty());
            if right && language { Ok(()) } else { Err("speak needs version, xmlns and xml:lang.") }
        }
        _ if root => Err("The root must be speak."),
        b"voice" => {
            let name = attribute("name")?.unwrap_or_default();
            let is_voice = name.ends_with("Neural") && name.split('-').count() >= 3;
            if is_voice { Ok(()) } else { Err("There is no such voice.") }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_document_that_the_service_would_take_is_spoken() {
        let around = |inner: &str| format!("<speak version=\"1.0\" xmlns=\"{NAMESPACE}\" xml:lang=\"en-US\">{inner}</speak>");
        let good = around("<voice name=\"en-US-JennyNeural\">Tom &amp; Ann<break time='1s'/> &#x33; &lt; 4</voice>");
        assert_eq!(spoken(&good).unwrap(), "Tom & Ann 3 < 4");
        let bad = [
            around("<voice name=\"en-US-JennyNeural\">Tom & Ann</voice>"),
            around("<voice name=\"en-US-JennyNeural\">3 < 4</voice>"),
            around("<voice name=\"rachel\">hello</voice>"),
            around("<voice name=\"en-US-JennyNeural\"> </voice>"),
            around("hello"),
            "<speak><voice name=\"en-US-JennyNeural\">hello</voice></speak>".into(),
            "<p>hello</p>".into(),
            "hello".into(),
            good.replace("</speak>", ""),
        ];
        for document in bad {
            assert!(spoken(&document).is_err(), "{document}");
        }
    }
}
