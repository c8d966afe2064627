//! JSON values as carriers really write them: numbers as strings, strings as numbers, parameters as a map or as a list.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A whole number that may stand in quotes. Absent, null and empty are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, in quotes or not")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(Some(value)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        if text.is_empty() {
            return Ok(Number(None));
        }
        text.parse().map(|value| Number(Some(value))).map_err(|_| E::custom("a number in quotes is not a whole number"))
    }

    fn visit_unit<E: Error>(self) -> Result<Number, E> {
        Ok(Number(None))
    }
}

/// A text that may be written as a number or a boolean. Null and absent are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// `None` when empty.
    pub(crate) fn filled(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty())
    }

    pub(crate) fn owned(&self) -> Option<String> {
        self.filled().map(str::to_owned)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }
}

/// Custom parameters: `{"name":"value"}` or `[{"name":"name","value":"value"}]` (telnyx.md 1.1). The last of two equal names wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParametersVisitor)
    }
}

struct ParametersVisitor;

#[derive(serde::Deserialize)]
struct Pair<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    value: Text<'a>,
}

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = Parameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parameters as a map or a list of name and value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
        let mut found = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Text<'de>>()? {
            found.insert(name, value.0.into_owned());
        }
        Ok(Parameters(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parameters, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(Pair { name, value }) = list.next_element()? {
            found.insert(name.0.into_owned(), value.0.into_owned());
        }
        Ok(Parameters(found))
    }

    fn visit_unit<E: Error>(self) -> Result<Parameters, E> {
        Ok(Parameters::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Parameters, E> {
        Ok(Parameters::default())
    }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// True when the track of a media or DTMF message is the caller's. Twilio writes `inbound` in one and `inbound_track` in the other
/// (twilio.md 1.3); a message without a track can only be the caller's on a two-way stream.
pub(crate) fn is_inbound(track: &str) -> bool {
    matches!(track, "inbound" | "inbound_track" | "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_with_and_without_quotes() {
        let read = |json: &str| serde_json::from_str::<Number>(json).map(|number| number.0);
        assert_eq!(read("\"15\"").unwrap(), Some(15));
        assert_eq!(read("15").unwrap(), Some(15));
        assert_eq!(read("null").unwrap(), None);
        for bad in ["\"x\"", "-1", "1.5", "{}", "\"99999999999999999999999\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parameters_come_as_map_or_list() {
        let read = |json: &str| serde_json::from_str::<Parameters>(json).unwrap().0.into_iter().collect::<Vec<_>>();
        let expected = vec![("tenant".to_owned(), "h1".to_owned()), ("try".to_owned(), "2".to_owned())];
        assert_eq!(read(r#"{"tenant":"h1","try":2}"#), expected);
        assert_eq!(read(r#"[{"name":"tenant","value":"h1"},{"name":"try","value":"2"}]"#), expected);
        assert!(read("null").is_empty());
    }
}
