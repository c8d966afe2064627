//! Speaking values for the ear: dates, amounts and codes as one says them.

use jiff::civil::{Date, Weekday};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::definition::{Field, Kind};
use crate::values::Value;
use crate::values::date::MONTHS;
use crate::values::name::capitalised;
use crate::words::{spoken, spoken_ordinal};

/// "Friday the twenty-seventh of November".
pub(crate) fn date(date: Date) -> String {
    let weekday = match date.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    };
    let month = usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    format!("{weekday} the {} of {}", spoken_ordinal(i64::from(date.day())), capitalised(month))
}

/// The words for a currency and its hundredth part, singular first.
pub(crate) fn currency_words(currency: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match currency {
        "USD" | "CAD" | "AUD" => (&["dollar", "dollars", "bucks"], &["cent", "cents"]),
        "GBP" => (&["pound", "pounds"], &["penny", "pence"]),
        "CHF" => (&["franc", "francs"], &["centime", "centimes"]),
        _ => (&["euro", "euros"], &["cent", "cents"]),
    }
}

/// "Two hundred and forty euros", "nineteen euros and fifty cents".
pub(crate) fn money(amount: Decimal, currency: &str) -> String {
    let (units, cents) = currency_words(currency);
    let whole = amount.abs().trunc().to_i64().unwrap_or(0);
    let part = ((amount.abs() - amount.abs().trunc()) * Decimal::from(100)).round().to_i64().unwrap_or(0);
    let word = |count: i64, words: &[&str]| format!("{} {}", spoken(count), words[usize::from(count != 1)]);
    let text = match (whole, part) {
        (whole, 0) => word(whole, units),
        (0, part) => word(part, cents),
        (whole, part) => format!("{} and {}", word(whole, units), word(part, cents)),
    };
    if amount.is_sign_negative() && !amount.is_zero() { format!("minus {text}") } else { text }
}

/// Sign by sign, with small pauses: "four, two, seven, one, zero, nine"; a long one in groups of three.
pub(crate) fn spelled(text: &str) -> String {
    let sign = |c: char| match c {
        '0'..='9' => spoken(i64::from(c.to_digit(10).unwrap_or(0))),
        '+' => "plus".to_owned(),
        '-' => "dash".to_owned(),
        '.' => "dot".to_owned(),
        _ => c.to_uppercase().to_string(),
    };
    let signs: Vec<String> = text.chars().filter(|c| !c.is_whitespace()).map(sign).collect();
    let group = if signs.len() > 6 { 3 } else { 1 };
    signs.chunks(group).map(|chunk| chunk.join(" ")).collect::<Vec<_>>().join(", ")
}

/// A value as the field says it.
pub(crate) fn value(field: &Field, value: &Value) -> String {
    match value {
        Value::Date(day) => date(*day),
        Value::Count(count) => match &field.kind {
            Kind::Count(rules) => format!("{} {}", spoken(*count), if *count == 1 { &rules.unit.0 } else { &rules.unit.1 }),
            _ => spoken(*count),
        },
        Value::Money { amount, currency } => money(*amount, currency),
        Value::Name(text) | Value::Text(text) => text.clone(),
        Value::Phone(text) | Value::Code(text) => spelled(text),
        Value::Email(text) => text.replace('@', " at ").replace('.', " dot "),
        Value::YesNo(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Choice(chosen) => match &field.kind {
            Kind::Choice(options) => options.iter().find(|option| option.value == *chosen).map_or(chosen, |option| &option.say).clone(),
            _ => chosen.clone(),
        },
    }
}

/// A text from a tool, said as the field would.
pub(crate) fn like_field(field: &Field, text: &str) -> String {
    Value::from_text(&field.kind, text).map_or_else(|| text.to_owned(), |found| value(field, &found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_for_the_ear() {
        assert_eq!(date(jiff::civil::date(2026, 11, 27)), "Friday the twenty-seventh of November");
        assert_eq!(money(Decimal::new(24000, 2), "EUR"), "two hundred and forty euros");
        assert_eq!(money(Decimal::new(101, 2), "USD"), "one dollar and one cent");
        assert_eq!(money(Decimal::new(-50, 0), "GBP"), "minus fifty pounds");
        assert_eq!(spelled("427109"), "four, two, seven, one, zero, nine");
        assert_eq!(spelled("+12025550143"), "plus one two, zero two five, five five zero, one four three");
    }
}
