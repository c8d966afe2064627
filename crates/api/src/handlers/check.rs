//! The rules that fields are held to. All faults of a request are told at once.

use call::PhoneNumber;
use store::Change;

use crate::problem::{FieldProblem, Problem};

/// Most letters of a name.
pub(crate) const NAME_MAX: usize = 200;
/// Most letters of a description.
pub(crate) const DESCRIPTION_MAX: usize = 2_000;
/// Longest part of a mail address before the `@` (RFC 5321, 4.5.3.1.1).
const EMAIL_LOCAL_MAX: usize = 64;

/// Collects what is wrong with a request.
#[derive(Default)]
pub(crate) struct Check {
    faults: Vec<FieldProblem>,
}

impl Check {
    /// `field` is a JSON pointer into the body.
    pub(crate) fn wrong(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push(FieldProblem { field: field.into(), message: message.into() });
    }

    /// Ok when nothing is wrong.
    pub(crate) fn done(self) -> Result<(), Problem> {
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid(self.faults)) }
    }

    /// A name of things or workspaces: one line.
    pub(crate) fn name(&mut self, field: &str, name: &str) {
        self.line(field, name, NAME_MAX);
    }

    /// A name of a person or of a key: one line, as `people` wants it.
    pub(crate) fn short_name(&mut self, field: &str, name: &str) {
        self.line(field, name, people::MAX_NAME);
    }

    fn line(&mut self, field: &str, name: &str, most: usize) {
        if name.trim().is_empty() || name.chars().count() > most {
            self.wrong(field, format!("must have 1 to {most} characters, not only spaces"));
        } else if name.chars().any(char::is_control) {
            self.wrong(field, "must not hold control characters or line breaks");
        }
    }

    /// A text of several lines.
    pub(crate) fn text(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let length = text.chars().count();
        if length < min || length > max {
            self.wrong(field, format!("must have {min} to {max} characters; it has {length}"));
        } else if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
            self.wrong(field, "must not hold control characters other than line breaks and tabs");
        }
    }

    /// A description, which may be empty.
    pub(crate) fn description(&mut self, field: &str, text: &str) {
        self.text(field, text, 0, DESCRIPTION_MAX);
    }

    /// A name of the IANA time zone database.
    pub(crate) fn time_zone(&mut self, field: &str, name: &str) {
        if name.len() > 64 || jiff::tz::TimeZone::get(name).is_err() {
            self.wrong(field, "must be a name of the IANA time zone database, such as Europe/Berlin");
        }
    }

    /// A telephone number as E.164 with its plus.
    pub(crate) fn number(&mut self, field: &str, text: &str) -> PhoneNumber {
        if !is_e164(text) {
            self.wrong(field, "must be a telephone number in E.164 form: a plus, then 7 to 15 digits, such as +4930123456");
        }
        PhoneNumber::new(text)
    }

    /// A mail address.
    pub(crate) fn email(&mut self, field: &str, text: &str) {
        if !is_email(text.trim()) {
            self.wrong(field, "must be a mail address, such as ann@example.com");
        }
    }

    /// A word of a closed list.
    pub(crate) fn one_of<T: AsRef<str>>(&mut self, field: &str, word: &str, known: &[T]) {
        if !known.iter().any(|one| one.as_ref() == word) {
            let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            self.wrong(field, format!("must be one of: {}", known.join(", ")));
        }
    }

    /// A number of a range.
    pub(crate) fn within<T: PartialOrd + std::fmt::Display>(&mut self, field: &str, value: T, least: T, most: T) {
        if value < least || value > most {
            self.wrong(field, format!("must be from {least} to {most}"));
        }
    }

    /// A field that may be changed but not cleared.
    pub(crate) fn stays<T>(&mut self, field: &str, change: &Change<T>) {
        if matches!(change, Change::Clear) {
            self.wrong(field, "cannot be cleared; leave it out to keep it");
        }
    }
}

/// What is set, if anything.
pub(crate) fn set<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
    }
}

/// A plus, a digit that is not zero, and 6 to 14 more (ITU-T E.164, 6.2.1: at most 15).
pub(crate) fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// Loose on purpose: only the mail server knows which addresses there are. No spaces, no control characters, one `@`, a host name behind it.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    let local_fits = !local.is_empty()
        && local.len() <= EMAIL_LOCAL_MAX
        && local.chars().all(|letter| !letter.is_control() && !letter.is_whitespace() && !matches!(letter, '@' | '<' | '>' | '"' | ','));
    text.len() <= people::MAX_EMAIL && local_fits && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_e164_with_a_plus() {
        for good in ["+4930123456", "+15005550006", "+1234567", "+123456789012345"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in ["4930123456", "+0930123456", "+123456", "+1234567890123456", "+49 30 123456", "+49３０123456", "", "+", "+1234567\n"]
        {
            assert!(!is_e164(bad), "{bad:?}");
        }
    }

    #[test]
    fn addresses_have_one_person_and_one_host() {
        for good in ["ann@example.com", "a.b+c@mail.example.co.uk", "jörg@bücher.example", "root@localhost"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@@example.com",
            "a nn@example.com",
            "ann@exa mple.com",
            "ann@example..com",
            "ann@-a.com",
            "a\0@example.com",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
        assert!(!is_email(&format!("{}@example.com", "a".repeat(65))));
    }
}
