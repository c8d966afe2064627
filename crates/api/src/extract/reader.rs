//! Reads a request's values so that every bad field is told at once, where serde alone stops at the first.
//!
//! It is read again and again: each time, the fields that were bad so far are given a value of the kind that is asked for, so that the reading
//! comes to the next. What was made up on the way is never handed out.

mod filler;
mod node;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error, Expected, Unexpected};
use serde_json::Value;

use crate::problem::{FieldProblem, MOST_FIELDS};
use filler::CANDIDATES;
use node::Node;

/// Longest message, characters.
const MESSAGE: usize = 300;

/// How values stand in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Typed, as JSON has them.
    Json,
    /// All as text, as a query has them.
    Text,
}

/// The value, or every bad field.
pub(super) fn read<T: DeserializeOwned>(value: &Value, form: Form) -> Result<T, Vec<FieldProblem>> {
    let findings = RefCell::new(Findings::default());
    loop {
        let read = T::deserialize(Node::new(value, form, String::new(), &findings));
        let mut findings = findings.borrow_mut();
        match read {
            Ok(read) if findings.problems.is_empty() => return Ok(read),
            Ok(_) => return Err(findings.told()),
            Err(fault) => {
                if !findings.note(fault) {
                    return Err(findings.told());
                }
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    problems: Vec<FieldProblem>,
    /// Fields that get a made-up value, and which of the candidates.
    filled: BTreeMap<String, usize>,
}

impl Findings {
    /// Takes a fault up. False when there is no use in reading on.
    fn note(&mut self, fault: Fault) -> bool {
        let (field, message) = fault.told();
        if let Some(candidate) = self.filled.get_mut(&field) {
            // It was told already; the made-up value is not of its kind.
            *candidate += 1;
            return *candidate < CANDIDATES;
        }
        self.add(&field, message);
        let whole = field.is_empty();
        self.filled.insert(field, 0);
        !whole && self.problems.len() < MOST_FIELDS
    }

    fn add(&mut self, field: &str, message: String) {
        if self.problems.len() < MOST_FIELDS && !self.problems.iter().any(|known| known.field == field) {
            let message = message.chars().take(MESSAGE).collect();
            self.problems.push(FieldProblem { field: field.to_owned(), message });
        }
    }

    fn told(&mut self) -> Vec<FieldProblem> {
        std::mem::take(&mut self.problems)
    }
}

/// Why reading stopped.
#[derive(Debug)]
struct Fault {
    why: Why,
    /// Where, once it is known.
    path: Option<String>,
}

#[derive(Debug)]
enum Why {
    Missing(&'static str),
    Other(String),
}

impl Fault {
    /// The same fault at this place, unless it has one that is more exact.
    fn at(self, path: &str) -> Self {
        Self { path: self.path.or_else(|| Some(path.to_owned())), ..self }
    }

    fn told(self) -> (String, String) {
        let path = self.path.unwrap_or_default();
        match self.why {
            Why::Missing(name) => (below(&path, name), "is missing".to_owned()),
            Why::Other(message) => (path, message),
        }
    }
}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { why: Why::Other(unquoted(&message.to_string())), path: None }
    }

    // What serde would say repeats the value, which may be a password in the wrong place: an answer with it is logged by others.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self { why: Why::Other(format!("must be {}, and is {}", wanted(expected), kind(found))), path: None }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self { why: Why::Other(format!("must be {}", wanted(expected))), path: None }
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self { why: Why::Other(format!("must be one of: {}", expected.join(", "))), path: None }
    }

    fn missing_field(name: &'static str) -> Self {
        Self { why: Why::Missing(name), path: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Missing(name) => write!(f, "{name} is missing"),
            Why::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Fault {}

/// What serde expects, for people who do not write Rust.
fn wanted(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match expected.as_str() {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => whole(0, u64::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" => whole(i64::MIN.into(), i64::MAX.into()),
        "f32" | "f64" => "a number".to_owned(),
        _ => expected,
    }
}

const fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// A message without what stands between its first and its last quotation mark: there parsers repeat what they were given.
fn unquoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}...{}", &message[..first], &message[last + 1..]),
        _ => message.to_owned(),
    }
}

/// The pointer of a member or an element (RFC 6901, 3).
fn below(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}
