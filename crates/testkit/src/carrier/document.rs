//! The carrier's reader of TwiML and TeXML: a list of verbs, done one after the other. It knows the verbs of the carriers' pages that a
//! voice application of ours can use; any other is an error, as it is for the carrier.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use telephony::{Codec, MAX_DOCUMENT_BYTES, MediaFormat};

/// Most verbs that are done.
const MAX_VERBS: usize = 32;

/// One thing to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Open a media stream and wait until it is over.
    Connect(Connect),
    /// Read this out.
    Say(String),
    /// Fetch this sound and play it.
    Play(String),
    /// Wait.
    Pause(Duration),
    /// Go on with the document at this address.
    Redirect(String),
    /// Call this number and connect the two.
    Dial {
        /// Whom.
        number: String,
        /// Asked when it is over.
        action: Option<String>,
    },
    /// Hang up.
    Hangup,
    /// Do not answer.
    Reject,
}

/// A media stream in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Asked when the stream is over.
    pub action: Option<String>,
    /// Where the stream goes.
    pub url: String,
    /// Handed over at its start.
    pub parameters: BTreeMap<String, String>,
    /// Told about the stream's start and end.
    pub status_callback: Option<String>,
    /// What the stream carries.
    pub format: MediaFormat,
}

/// Reads a document.
pub fn read_document(xml: &str) -> Result<Vec<Verb>> {
    ensure!(xml.len() <= MAX_DOCUMENT_BYTES, "the document has {} bytes, a carrier reads {MAX_DOCUMENT_BYTES}", xml.len());
    let mut reader = Reader::from_str(xml);
    let mut building = Building::default();
    loop {
        match reader.read_event()? {
            Event::Start(tag) => building.open(&tag)?,
            Event::Empty(tag) => {
                building.open(&tag)?;
                building.close()?;
            }
            Event::Text(text) => building.text.push_str(&text.xml10_content()?),
            Event::GeneralRef(reference) => building.reference(&reference)?,
            Event::CData(text) => building.text.push_str(&text.xml10_content()?),
            Event::End(_) => building.close()?,
            Event::Eof => return building.finish(),
            Event::Decl(_) | Event::Comment(_) => {}
            Event::DocType(_) | Event::PI(_) => bail!("a carrier reads no document types and no processing instructions"),
        }
    }
}

/// An element whose end has not come yet.
struct Open {
    name: String,
    attributes: BTreeMap<String, String>,
}

#[derive(Default)]
struct Building {
    open: Vec<Open>,
    verbs: Vec<Verb>,
    text: String,
    stream: Option<Connect>,
    parameters: BTreeMap<String, String>,
    number: Option<String>,
    complete: bool,
}

impl Building {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute?;
            Ok((String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), attribute.unescape_value()?.into_owned()))
        });
        let attributes = attributes.collect::<Result<_>>()?;
        ensure!(self.open.len() < 4, "a document nests four elements at most");
        self.open.push(Open { name, attributes });
        self.text.clear();
        Ok(())
    }

    fn reference(&mut self, reference: &quick_xml::events::BytesRef<'_>) -> Result<()> {
        if let Some(character) = reference.resolve_char_ref()? {
            self.text.push(character);
            return Ok(());
        }
        let name = reference.decode()?;
        let known = quick_xml::escape::resolve_xml_entity(&name).with_context(|| format!("unknown entity {name}"))?;
        self.text.push_str(known);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(Open { name, mut attributes }) = self.open.pop() else { bail!("an element ends that never began") };
        let parents: Vec<&str> = self.open.iter().map(|open| open.name.as_str()).collect();
        let text = std::mem::take(&mut self.text);
        let mut take = |name: &str| attributes.remove(name);
        match (parents.as_slice(), name.as_str()) {
            ([], "Response") => self.complete = true,
            (["Response", "Connect", "Stream"], "Parameter") => {
                self.parameters.insert(take("name").context("a Parameter has no name")?, take("value").unwrap_or_default());
            }
            (["Response", "Connect"], "Stream") => {
                self.stream = Some(Connect {
                    action: None,
                    format: format(take("bidirectionalCodec"), take("bidirectionalSamplingRate"))?,
                    url: take("url").context("the Stream has no url")?,
                    parameters: std::mem::take(&mut self.parameters),
                    status_callback: take("statusCallback"),
                });
            }
            (["Response", "Dial"], "Number") => self.number = Some(text.trim().to_owned()),
            (["Response"], verb) => {
                let verb = match verb {
                    "Connect" => Verb::Connect(Connect { action: take("action"), ..self.stream.take().context("Connect has no Stream")? }),
                    "Say" => Verb::Say(text),
                    "Play" => Verb::Play(text.trim().to_owned()),
                    "Pause" => Verb::Pause(Duration::from_secs(take("length").map_or(Ok(1), |secs| secs.parse())?)),
                    "Redirect" => Verb::Redirect(text.trim().to_owned()),
                    "Dial" => Verb::Dial { number: self.number.take().unwrap_or(text.trim().to_owned()), action: take("action") },
                    "Hangup" => Verb::Hangup,
                    "Reject" => Verb::Reject,
                    other => bail!("no carrier knows the verb {other}"),
                };
                ensure!(self.verbs.len() < MAX_VERBS, "the document has more than {MAX_VERBS} verbs");
                self.verbs.push(verb);
            }
            (parents, other) => bail!("{other} may not stand in {}", parents.join("/")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Verb>> {
        ensure!(self.complete && self.open.is_empty(), "the document is not complete");
        Ok(self.verbs)
    }
}

/// Mu-law at 8000 Hz where the document does not say.
fn format(codec: Option<String>, rate: Option<String>) -> Result<MediaFormat> {
    let codec = codec.map_or(Ok(Codec::Pcmu), |name| Codec::from_name(&name).with_context(|| format!("unknown codec {name}")))?;
    Ok(MediaFormat { codec, rate: rate.map_or(Ok(8000), |rate| rate.parse())? })
}

#[cfg(test)]
mod tests {
    use call::Carrier;
    use telephony::Document;

    use super::*;

    #[test]
    fn what_the_server_writes_is_read_as_verbs_in_their_order() {
        let document = Document::ConnectStream {
            stream_url: "wss://voice.example.test/ws/1".into(),
            parameters: vec![("token".into(), "a<b&c".into())],
            action_url: Some("https://voice.example.test/action?a=1&b=2".into()),
            status_callback_url: None,
            format: MediaFormat::PCMU_8K,
            fallback: Some("Sorry & goodbye.".into()),
        };
        for carrier in [Carrier::Twilio, Carrier::Telnyx] {
            let verbs = read_document(&document.render(carrier).unwrap()).unwrap();
            let [Verb::Connect(connect), Verb::Say(said), Verb::Hangup] = verbs.as_slice() else { panic!("{verbs:?}") };
            assert_eq!((connect.url.as_str(), said.as_str()), ("wss://voice.example.test/ws/1", "Sorry & goodbye."));
            assert_eq!(connect.action.as_deref(), Some("https://voice.example.test/action?a=1&b=2"));
            assert_eq!(connect.parameters["token"], "a<b&c");
        }
    }

    #[test]
    fn verbs_beyond_the_servers_own_documents() {
        let xml = r#"<?xml version="1.0"?><Response><Pause length="3"/><Dial action="/x"><Number>+1500</Number></Dial><Play>/a.wav</Play><Redirect>/b</Redirect></Response>"#;
        let verbs = read_document(xml).unwrap();
        let dial = Verb::Dial { number: "+1500".into(), action: Some("/x".into()) };
        assert_eq!(verbs, [Verb::Pause(Duration::from_secs(3)), dial, Verb::Play("/a.wav".into()), Verb::Redirect("/b".into())]);
        assert_eq!(read_document("<Response/>").unwrap(), []);
    }

    #[test]
    fn what_a_carrier_does_not_know_is_an_error() {
        for xml in ["<Response><Dance/></Response>", "<Response><Say>a", "<Say/>", "<Response><Connect/></Response>", "words"] {
            assert!(read_document(xml).is_err(), "{xml}");
        }
    }
}
