//! A telephone number: personal data, so it does not print.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone number as the carrier gave it (E.164 when possible, else raw, `anonymous`, `client:name`, `sip:...`).
///
/// It has no `Display`, and its `Debug` shows the last two digits only. Use [`PhoneNumber::expose`] where it must be written out.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Longest number kept; SIP addresses are the long ones. Longer input is cut.
    pub const MAX_LEN: usize = 128;

    /// Takes the text as it is, cut at [`Self::MAX_LEN`] bytes.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > Self::MAX_LEN {
            let mut end = Self::MAX_LEN;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        Self(text)
    }

    /// The number itself, for records and for dialling.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Only the digits, for comparing numbers written in different ways.
    pub fn digits(&self) -> String {
        self.0.chars().filter(char::is_ascii_digit).collect()
    }

    /// True when both are the same line, with or without `+` and separators.
    pub fn same_line(&self, other: &Self) -> bool {
        let (a, b) = (self.digits(), other.digits());
        if a.is_empty() && b.is_empty() { self.0 == other.0 } else { a == b }
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        match digits.get(digits.len().saturating_sub(2)..) {
            Some(tail) if !tail.is_empty() => write!(f, "PhoneNumber(..{tail})"),
            _ => f.write_str("PhoneNumber(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_does_not_print() {
        let number = PhoneNumber::new("+15005550006");
        assert_eq!(format!("{number:?}"), "PhoneNumber(..06)");
    }

    #[test]
    fn the_same_line_is_found_with_and_without_plus() {
        assert!(PhoneNumber::new("+1 500 555-0006").same_line(&PhoneNumber::new("15005550006")));
        assert!(!PhoneNumber::new("anonymous").same_line(&PhoneNumber::new("+1500")));
        assert!(PhoneNumber::new("client:ann").same_line(&PhoneNumber::new("client:ann")));
    }

    #[test]
    fn a_long_address_is_cut_at_a_character() {
        let number = PhoneNumber::new("é".repeat(100));
        assert!(number.expose().len() <= PhoneNumber::MAX_LEN);
    }
}
