//! One value of a request, read by serde.

use std::cell::RefCell;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::filler::Filler;
use super::{Fault, Findings, Form, Why, below};

/// A value and where it stands.
pub(super) struct Node<'a> {
    value: &'a Value,
    form: Form,
    path: String,
    findings: &'a RefCell<Findings>,
}

impl<'a> Node<'a> {
    pub(super) fn new(value: &'a Value, form: Form, path: String, findings: &'a RefCell<Findings>) -> Self {
        Self { value, form, path, findings }
    }

    fn below(&self, value: &'a Value, name: &str) -> Self {
        Self::new(value, self.form, below(&self.path, name), self.findings)
    }

    /// The member or element, or what is made up for it.
    fn read<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let (path, filled) = (self.path.clone(), self.findings.borrow().filled.get(&self.path).copied());
        match filled {
            // Whatever is wrong inside of what was made up, another candidate is to be tried.
            Some(candidate) => seed.deserialize(Filler(candidate)).map_err(|_| Fault { path: Some(path), why: Why::Other(String::new()) }),
            None => seed.deserialize(self).map_err(|fault| fault.at(&path)),
        }
    }

    /// The members of an object. `names`: those that are known; others are told and left out, and what was missing is made up.
    fn members(self, names: Option<&'static [&'static str]>) -> Members<'a> {
        let Value::Object(members) = self.value else { return Members { parent: self, left: Vec::new().into_iter(), value: None } };
        let mut all: Vec<(String, &'a Value)> = members.iter().map(|(name, value)| (name.clone(), value)).collect();
        if let Some(names) = names {
            let mut findings = self.findings.borrow_mut();
            for (name, _) in all.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
                findings.add(&below(&self.path, name), format!("is not known here; known are: {}", names.join(", ")));
            }
            all.retain(|(name, _)| names.contains(&name.as_str()));
            let missing = names.iter().filter(|name| !members.contains_key(**name));
            let filled = missing.filter(|name| findings.filled.contains_key(&below(&self.path, name)));
            all.extend(filled.map(|name| ((*name).to_owned(), &Value::Null)));
        }
        Members { parent: self, left: all.into_iter(), value: None }
    }
}

macro_rules! from_text {
    ($($visit:ident $kind:ty, $what:literal: $($name:ident)*;)*) => {
        $($(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match (self.form, self.value) {
                (Form::Text, Value::String(text)) => {
                    let value: $kind = text.parse().map_err(|_| Fault::custom(concat!("must be ", $what)))?;
                    visitor.$visit(value)
                }
                _ => self.deserialize_any(visitor),
            }
        })*)*
    };
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Fault;

    from_text! {
        visit_u64 u64, "a whole number, not negative": deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64;
        visit_i64 i64, "a whole number": deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64;
        visit_f64 f64, "a number": deserialize_f32 deserialize_f64;
        visit_bool bool, "true or false": deserialize_bool;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., Some(value)) => visitor.visit_f64(value),
                _ => Err(Fault::custom("is a number that cannot be read")),
            },
            // PostgreSQL keeps no U+0000, so nothing here does.
            Value::String(text) if text.contains('\0') => Err(Fault::custom("must not hold the character U+0000")),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(Elements { parent: &self, left: items.iter().enumerate() }),
            Value::Object(_) => visitor.visit_map(self.members(None)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, names: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let path = self.path.clone();
        match self.value {
            Value::Object(_) => visitor.visit_map(self.members(Some(names))).map_err(|fault| fault.at(&path)),
            _ => Err(Fault::custom("must be an object").at(&path)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, names: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(text) if names.contains(&text.as_str()) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Object(_) => self.value.clone().deserialize_enum(name, names, visitor).map_err(Fault::custom),
            _ => Err(Fault::custom(format!("must be one of: {}", names.join(", ")))),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Elements<'p, 'a> {
    parent: &'p Node<'a>,
    left: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, value)) = self.left.next() else { return Ok(None) };
        self.parent.below(value, &index.to_string()).read(seed).map(Some)
    }
}

struct Members<'a> {
    parent: Node<'a>,
    left: std::vec::IntoIter<(String, &'a Value)>,
    value: Option<(String, &'a Value)>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.left.next();
        let Some((name, _)) = &self.value else { return Ok(None) };
        let key: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|fault| fault.at(&below(&self.parent.path, name)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (name, value) = self.value.take().ok_or_else(|| Fault::custom("a value was asked for before its name"))?;
        self.parent.below(value, &name).read(seed)
    }
}
