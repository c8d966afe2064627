//! Values: what slots hold, and finding them among the words of an utterance.

mod address;
mod count;
pub(crate) mod date;
pub(crate) mod name;
pub(crate) mod names;

use std::ops::Range;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::definition::Kind;

pub(crate) use address::{code, email, phone};
pub(crate) use count::{choice, count, money};

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Value {
    Date(Date),
    Count(i64),
    Money { amount: Decimal, currency: String },
    Name(String),
    Phone(String),
    Email(String),
    YesNo(bool),
    Choice(String),
    Code(String),
    Text(String),
}

impl Value {
    /// As a tool's argument.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Date(date) => json!(date.to_string()),
            Self::Count(count) => json!(count),
            Self::Money { amount, currency } => json!({ "amount": amount.to_string(), "currency": currency }),
            Self::YesNo(yes) => json!(yes),
            Self::Name(text) | Self::Phone(text) | Self::Email(text) | Self::Choice(text) | Self::Code(text) | Self::Text(text) => {
                json!(text)
            }
        }
    }

    /// Reads a result field (or a prefilled value) as a value of a field's kind.
    pub(crate) fn from_text(kind: &Kind, text: &str) -> Option<Self> {
        Some(match kind {
            Kind::Date { .. } => Self::Date(text.parse().ok()?),
            Kind::Count(_) => Self::Count(text.parse().ok()?),
            Kind::Money { currency } => Self::Money { amount: text.parse().ok()?, currency: currency.clone() },
            Kind::Name => Self::Name(text.to_owned()),
            Kind::Phone => Self::Phone(text.to_owned()),
            Kind::Email => Self::Email(text.to_owned()),
            Kind::YesNo => Self::YesNo(text == "true"),
            Kind::Choice(options) => Self::Choice(options.iter().find(|option| option.value == text)?.value.clone()),
            Kind::Code { .. } => Self::Code(text.to_owned()),
            Kind::Text => Self::Text(text.to_owned()),
        })
    }
}

/// A value found in an utterance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) field: String,
    pub(crate) value: Value,
    /// The words it was made of.
    pub(crate) at: Range<usize>,
    /// How strongly the words point at this field beside their number: a bare number is weak, one with its unit is not.
    pub(crate) strength: i32,
}

/// Everything of a kind in the words, except dates, names and texts, which need more context. `expected`: the field was just asked for.
pub(crate) fn find(kind: &Kind, words: &[String], expected: bool) -> Vec<(Range<usize>, Value, i32)> {
    match kind {
        Kind::Count(rules) => count(rules, words, expected),
        Kind::Money { currency } => money(currency, words, expected),
        Kind::Choice(options) => choice(options, words),
        Kind::Code { length, letters } => code(*length, *letters, words, expected),
        Kind::Phone => phone(words, expected),
        Kind::Email => email(words, expected),
        Kind::Date { .. } | Kind::Name | Kind::YesNo | Kind::Text => Vec::new(),
    }
}
