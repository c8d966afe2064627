//! A telephone number inside a text or a JSON value: whether it is there, and the text without it. Pure.

use serde_json::Value;

/// What stands where a number was.
const GONE: &str = "[erased]";
/// Signs that people and recognisers put between the digits of a number.
const BETWEEN: &[char] = &[' ', '-', '.', ',', '(', ')', '/', '+', '\u{a0}', '\u{2013}'];

/// A pattern for LIKE that fits every text with these digits in this order, and others: [`without`] decides.
pub(super) fn pattern(digits: &str) -> String {
    let mut pattern = String::from("%");
    for digit in digits.chars() {
        pattern.push(digit);
        pattern.push('%');
    }
    pattern
}

/// The text without the number, when it holds it.
pub(super) fn without(text: &str, digits: &str) -> Option<String> {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((start, end)) = place(rest, digits) {
        kept.push_str(rest[..start].trim_end_matches(['+', '(']));
        kept.push_str(GONE);
        rest = &rest[end..];
    }
    if kept.is_empty() {
        return None;
    }
    kept.push_str(rest);
    Some(kept)
}

/// Where the digits stand first, with nothing but separators between them.
fn place(text: &str, digits: &str) -> Option<(usize, usize)> {
    let mut run: Vec<(usize, char)> = Vec::new();
    for (at, sign) in text.char_indices() {
        if sign.is_ascii_digit() {
            run.push((at, sign));
            let begin = run.len().checked_sub(digits.len());
            let last = begin.and_then(|begin| run.get(begin..)).unwrap_or_default();
            if let Some((start, _)) = last.first().filter(|_| last.iter().map(|(_, digit)| *digit).eq(digits.chars())) {
                return Some((*start, at + 1));
            }
        } else if !BETWEEN.contains(&sign) {
            run.clear();
        }
    }
    None
}

/// The value without the number, when it holds it anywhere.
pub(super) fn value_without(value: &Value, digits: &str) -> Option<Value> {
    match value {
        Value::String(text) => without(text, digits).map(Value::String),
        Value::Number(number) => number.to_string().contains(digits).then_some(Value::Null),
        Value::Array(values) => {
            let changed: Vec<_> = values.iter().map(|value| value_without(value, digits)).collect();
            let any = changed.iter().any(Option::is_some);
            any.then(|| changed.into_iter().zip(values).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect())
        }
        Value::Object(fields) => {
            let changed = |(key, value): (&String, &Value)| {
                let (new_key, new) = (without(key, digits), value_without(value, digits));
                let touched = new_key.is_some() || new.is_some();
                ((new_key.unwrap_or_else(|| key.clone()), new.unwrap_or_else(|| value.clone())), touched)
            };
            let (fields, touched): (Vec<_>, Vec<_>) = fields.iter().map(changed).unzip();
            touched.contains(&true).then(|| fields.into_iter().collect())
        }
        Value::Null | Value::Bool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIGITS: &str = "351910000006";

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for text in ["351910000006", "+351 910 000 006", "call (351) 910-000.006 now", "3 5 1, 9 1 0, 0 0 0, 0 0 6", "12 351910000006"] {
            let left = without(text, DIGITS).unwrap();
            assert!(left.contains(GONE) && without(&left, DIGITS).is_none() && !left.contains("910"), "{text:?} became {left:?}");
        }
        for text in ["", "351910000007", "351 or 910000006", "35191000000", "three five one"] {
            assert_eq!(without(text, DIGITS), None, "{text:?}");
        }
    }

    #[test]
    fn the_rest_of_a_text_stays() {
        assert_eq!(without("é +351 910 000 006, or 351910000006!", DIGITS).unwrap(), "é [erased], or [erased]!");
        assert_eq!(without("11112", "112").unwrap(), "11[erased]", "digits that repeat themselves");
    }

    #[test]
    fn a_number_is_found_anywhere_in_json() {
        let value = json!({"phone": "+351910000006", "list": [1, {"351910000006": null}], "bare": 351_910_000_006_u64, "other": "x"});
        let left = value_without(&value, DIGITS).unwrap();
        assert_eq!(left, json!({"phone": GONE, "list": [1, {GONE: null}], "bare": null, "other": "x"}));
        assert_eq!(value_without(&left, DIGITS), None);
    }

    #[test]
    fn the_pattern_lets_any_sign_stand_between() {
        assert_eq!(pattern("12"), "%1%2%");
    }
}
