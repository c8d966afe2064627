//! A small tree of XML elements: written with everything escaped, read with everything bounded.

use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::name::QName;
use quick_xml::{Reader, Writer};

use super::MAX_DOCUMENT_BYTES;
use crate::error::DocumentError;

/// Deepest nesting that is read; `Response > Connect > Stream > Parameter` has four.
const MAX_DEPTH: usize = 8;
/// Most elements that are read.
const MAX_ELEMENTS: usize = 256;
/// Most attributes of one element that are read.
const MAX_ATTRIBUTES: usize = 64;

/// One element with its text and its children. Text and children are not mixed in these dialects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(crate) fn attribute(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(crate) fn children(mut self, children: Vec<Element>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.as_str())
    }
}

/// Writes a document with its XML declaration, on one line.
pub(crate) fn write(root: &Element) -> Result<String, DocumentError> {
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    write_element(&mut writer, root)?;
    Ok(String::from_utf8_lossy(&writer.into_inner()).into_owned())
}

fn write_element(writer: &mut Writer<Vec<u8>>, element: &Element) -> Result<(), DocumentError> {
    let mut tag = BytesStart::new(element.name.as_str());
    for (name, value) in &element.attributes {
        let value = escaped(value, "an attribute")?;
        tag.push_attribute(Attribute { key: QName(name.as_bytes()), value: value.into_bytes().into() });
    }
    if element.text.is_empty() && element.children.is_empty() {
        return Ok(writer.write_event(Event::Empty(tag))?);
    }
    writer.write_event(Event::Start(tag))?;
    if !element.text.is_empty() {
        writer.write_event(Event::Text(BytesText::from_escaped(escaped(&element.text, "an element")?)))?;
    }
    for child in &element.children {
        write_element(writer, child)?;
    }
    Ok(writer.write_event(Event::End(BytesEnd::new(element.name.as_str())))?)
}

/// Escapes the five special characters, and the line ends and tabs that a reader would otherwise turn into spaces or into each other.
fn escaped(text: &str, place: &'static str) -> Result<String, DocumentError> {
    // XML 1.0, production 2: no control characters but these three, and not the two noncharacters.
    let illegal = |c: &char| (c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    if let Some(character) = text.chars().find(illegal) {
        return Err(DocumentError::IllegalCharacter { place, character });
    }
    Ok(escape(text).replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;"))
}

/// Reads a document. Document types, entities beyond the predefined five, processing instructions, and anything beyond the limits are refused.
pub(crate) fn read(document: &str) -> Result<Element, DocumentError> {
    if document.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLong { bytes: document.len() });
    }
    let mut reader = Reader::from_str(document);
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(not_xml)? {
            Event::Start(tag) => tree.open(element(&tag)?)?,
            Event::Empty(tag) => {
                tree.open(element(&tag)?)?;
                tree.close();
            }
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.text(&text.xml10_content().map_err(not_xml)?)?,
            Event::CData(text) => tree.text(&text.xml10_content().map_err(not_xml)?)?,
            Event::GeneralRef(reference) => tree.text(&character(&reference)?)?,
            Event::Decl(_) | Event::Comment(_) => {}
            Event::DocType(_) => return Err(refused("it has a document type")),
            Event::PI(_) => return Err(refused("it has a processing instruction")),
            Event::Eof => return tree.finish(),
        }
    }
}

fn not_xml(error: impl std::fmt::Display) -> DocumentError {
    DocumentError::NotXml(error.to_string())
}

fn refused(why: &str) -> DocumentError {
    DocumentError::NotXml(why.to_owned())
}

fn element(tag: &BytesStart<'_>) -> Result<Element, DocumentError> {
    let mut element = Element::new(&String::from_utf8_lossy(tag.name().as_ref()));
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(not_xml)?;
        if element.attributes.len() >= MAX_ATTRIBUTES {
            return Err(refused("an element has too many attributes"));
        }
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        element.attributes.push((name, attribute.unescape_value().map_err(not_xml)?.into_owned()));
    }
    Ok(element)
}

/// What a reference stands for: a character by number, or one of the five that XML knows by itself.
fn character(reference: &BytesRef<'_>) -> Result<String, DocumentError> {
    if let Some(character) = reference.resolve_char_ref().map_err(not_xml)? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(not_xml)?;
    resolve_xml_entity(&name).map(str::to_owned).ok_or_else(|| refused("it has an entity that XML does not know by itself"))
}

/// The elements that are open, and the finished root.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), DocumentError> {
        self.elements += 1;
        if self.root.is_some() {
            return Err(refused("it has more than one root element"));
        }
        if self.open.len() >= MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return Err(refused("it has too many elements"));
        }
        self.open.push(element);
        Ok(())
    }

    /// Mismatched ends are refused by the reader before they come here.
    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), DocumentError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(refused("it has text outside of its root element")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, DocumentError> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(refused("it ends before its root element does")),
        }
    }
}
