//! Values that are made up for fields that are bad, so that reading comes to the next field.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::Fault;

/// Texts that something accepts: any text, an id, a time, a number, an address, a time of day, a zone, nothing.
const TEXTS: [&str; 8] =
    ["text", "00000000-0000-7000-8000-000000000000", "2026-01-01T00:00:00Z", "+4930123456", "a@example.com", "09:00", "UTC", ""];
/// How many made-up values there are of each kind.
pub(super) const CANDIDATES: usize = TEXTS.len();

/// Gives what is asked for: the candidate of this number.
#[derive(Clone, Copy)]
pub(super) struct Filler(pub(super) usize);

impl Filler {
    fn text(self) -> &'static str {
        TEXTS.get(self.0).copied().unwrap_or_default()
    }

    fn number(self) -> u64 {
        self.0 as u64
    }
}

macro_rules! given {
    ($($visit:ident $value:ident: $($name:ident)*;)*) => {
        $($(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.$value())
        })*)*
    };
}

impl<'de> Deserializer<'de> for Filler {
    type Error = Fault;

    given! {
        visit_u64 number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128;
        visit_u64 number: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        visit_str text: deserialize_str deserialize_string deserialize_char deserialize_identifier deserialize_bytes deserialize_byte_buf;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            0 => visitor.visit_unit(),
            1 => self.deserialize_map(visitor),
            2 => self.deserialize_seq(visitor),
            _ => visitor.visit_str(self.text()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(false)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(0.0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(0.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<Self>()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(self, length)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(MapDeserializer::new(std::iter::empty::<(&str, Self)>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, names: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(MapDeserializer::new(names.iter().map(|name| (*name, self))))
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, names: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_enum(names.get(self.0).or(names.first()).copied().unwrap_or_default().into_deserializer())
    }
}

impl IntoDeserializer<'_, Fault> for Filler {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
