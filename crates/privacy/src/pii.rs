//! A personal value: it is stored and answered, but it does not print.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value about a person, such as a name or an e-mail address. It has no `Display`; in JSON it is the value itself, for records and answers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Takes a personal value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for records, answers and comparisons.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, taken out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pii(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_value_does_not_print_not_even_inside_of_others() {
        let guest = Some(Pii::new("Ann Canary".to_owned()));
        assert_eq!(format!("{guest:?}"), "Some(Pii(..))");
    }

    #[test]
    fn in_json_it_is_the_value_itself() {
        let name = Pii::new("Ann".to_owned());
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"Ann\"");
        assert_eq!(serde_json::from_str::<Pii<String>>("\"Ann\"").unwrap(), name);
    }
}
