//! Codes, phone numbers and e-mail addresses: what is said sign by sign.

use std::ops::Range;

use super::Value;
use super::name::letter;
use crate::words::{digit, small_number};

/// Fewest digits of a phone number that was asked for.
const SHORTEST_PHONE: usize = 6;
/// Fewest digits that make a phone number when nobody asked for one.
const SURE_PHONE: usize = 9;
/// Most digits of a phone number (E.164).
const LONGEST_PHONE: usize = 15;

/// The signs at the front of the words: digits (also "double five", "forty two", figures) and, with `letters`, letters.
fn signs(words: &[String], letters: bool) -> Option<(String, usize)> {
    let first = words.first()?.as_str();
    if let "double" | "triple" = first {
        let times = if first == "double" { 2 } else { 3 };
        let sign = words.get(1).and_then(|word| digit(word).or_else(|| letters.then(|| letter(word)).flatten()))?;
        return Some((sign.to_string().repeat(times), 2));
    }
    if letters && let Some((sign, length)) = super::name::spelled_letter(words) {
        return Some((sign.to_string(), length));
    }
    if first.bytes().all(|b| b.is_ascii_digit()) {
        return Some((first.to_owned(), 1));
    }
    if let Some(sign) = digit(first) {
        return Some((sign.to_string(), 1));
    }
    small_number(words).map(|(value, length)| (value.to_string(), length))
}

/// Runs of signs: where, and what they spell.
fn runs(words: &[String], letters: bool) -> Vec<(Range<usize>, String)> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let start = at;
        let mut text = String::new();
        while let Some((more, length)) = signs(&words[at.min(words.len())..], letters) {
            text.push_str(&more);
            at += length;
        }
        if text.is_empty() {
            at += 1;
        } else {
            all.push((start..at, text));
        }
    }
    all
}

/// Codes of a fixed length. A run of another length counts only where a code was asked for; the dialogue then says what is wrong with it.
pub(crate) fn code(length: usize, letters: bool, words: &[String], expected: bool) -> Vec<(Range<usize>, Value, i32)> {
    let fits = |text: &str| text.len() == length || (expected && text.len() * 2 >= length);
    let found = runs(words, letters).into_iter().filter(|(_, text)| fits(text));
    found.map(|(at, text)| (at, Value::Code(text.to_uppercase()), if expected { 4 } else { 1 })).collect()
}

/// Phone numbers, with or without "plus".
pub(crate) fn phone(words: &[String], expected: bool) -> Vec<(Range<usize>, Value, i32)> {
    let shortest = if expected { SHORTEST_PHONE } else { SURE_PHONE };
    let mut found = Vec::new();
    for (at, digits) in runs(words, false) {
        if digits.len() < shortest || digits.len() > LONGEST_PHONE {
            continue;
        }
        let plus = at.start > 0 && words[at.start - 1] == "plus";
        let start = at.start - usize::from(plus);
        found.push((start..at.end, Value::Phone(format!("{}{digits}", if plus { "+" } else { "" })), if expected { 4 } else { 0 }));
    }
    found
}

/// E-mail addresses as said: "john dot smith at example dot com", letters spelled. Where none was asked for, one needs "at" and "dot".
pub(crate) fn email(words: &[String], expected: bool) -> Vec<(Range<usize>, Value, i32)> {
    let Some(at) = words.iter().position(|word| word == "at") else { return Vec::new() };
    let Some(dot) = words[at..].iter().position(|word| word == "dot" || word == "point").map(|dot| at + dot) else { return Vec::new() };
    if at == 0 || dot <= at + 1 || dot + 1 >= words.len() {
        return Vec::new();
    }
    let start = local_start(&words[..at], expected);
    // After the last dot one word, or the country's letters.
    let last_dot = words.iter().rposition(|word| word == "dot" || word == "point").unwrap_or(dot);
    let end = last_dot + 1 + words[last_dot + 1..].iter().take_while(|word| word.len() == 1).count().max(1);
    let joined = |part: &[String]| -> String { part.iter().map(|word| sign(word)).collect() };
    let (local, host) = (joined(&words[start..at]), joined(&words[at + 1..end]));
    if local.is_empty() || host.starts_with('.') {
        return Vec::new();
    }
    vec![(start..end, Value::Email(format!("{local}@{host}")), 5)]
}

fn sign(word: &str) -> String {
    match word {
        "dot" | "point" => ".".to_owned(),
        "underscore" => "_".to_owned(),
        "dash" | "hyphen" | "minus" => "-".to_owned(),
        _ => digit(word).map_or_else(|| word.to_owned(), String::from),
    }
}

/// Where the local part begins: after lead words ("my email is", "it's").
fn local_start(before: &[String], expected: bool) -> usize {
    let lead =
        before.iter().rposition(|word| matches!(word.as_str(), "is" | "it's" | "to" | "email" | "mail" | "address" | "uh" | "um" | "yes"));
    match lead {
        Some(lead) => lead + 1,
        None if expected => 0,
        None => before.len().saturating_sub(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    fn only(found: Vec<(Range<usize>, Value, i32)>) -> Value {
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap().1
    }

    #[test]
    fn codes_are_read_digit_by_digit_and_in_pairs() {
        for text in ["four two seven one zero nine", "forty two seventy one oh nine", "427109", "it's 4 2 7 1 0 9"] {
            assert_eq!(only(code(6, false, &words(text), true)), Value::Code("427109".into()), "{text}");
        }
        assert_eq!(only(code(4, true, &words("b as in bravo c one two"), true)), Value::Code("BC12".into()));
    }

    #[test]
    fn phones_and_mails_are_read_as_said() {
        assert_eq!(
            only(phone(&words("plus one two oh two double five five zero one four three"), true)),
            Value::Phone("+12025550143".into())
        );
        for text in ["my email is john dot smith at example dot com", "john.smith@example.com"] {
            assert_eq!(only(email(&words(text), true)), Value::Email("john.smith@example.com".into()), "{text}");
        }
    }
}
