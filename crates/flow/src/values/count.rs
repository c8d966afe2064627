//! Counts, amounts and choices.

use std::ops::Range;

use rust_decimal::Decimal;

use super::Value;
use crate::definition::{ChoiceOption, Count};
use crate::words::{here, number};

/// Numbers of something: "two nights", "two adults and one child", "just me", and, where it was asked for, a bare "two".
pub(crate) fn count(rules: &Count, words: &[String], expected: bool) -> Vec<(Range<usize>, Value, i32)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let hit = fixed(rules, words, at).or_else(|| with_units(rules, words, at)).or_else(|| bare(rules, words, at, expected));
        match hit {
            Some((range, value, strength)) => {
                at = range.end.max(at + 1);
                found.push((range, Value::Count(value), strength));
            }
            None => at += 1,
        }
    }
    found
}

fn fixed(rules: &Count, words: &[String], at: usize) -> Option<(Range<usize>, i64, i32)> {
    let hit = rules.means.iter().filter(|(phrase, _)| here(words, at, phrase)).max_by_key(|(phrase, _)| phrase.len())?;
    Some((at..at + hit.0.len(), hit.1, 2))
}

/// A number that may be written by a word that sounds like one: "to nights", "for people" follow a unit, so they can only be numbers.
fn heard_number(words: &[String], at: usize) -> Option<(i64, usize)> {
    number(&words[at..]).or_else(|| match words[at].as_str() {
        "a" | "an" | "single" => Some((1, 1)),
        "to" | "too" => Some((2, 1)),
        _ => None,
    })
}

fn with_units(rules: &Count, words: &[String], start: usize) -> Option<(Range<usize>, i64, i32)> {
    let (mut total, mut end) = (0, start);
    let mut at = start;
    while at < words.len() {
        let Some((value, length)) = heard_number(words, at) else { break };
        // Up to one word may stand between number and unit: "two more nights", "two small children".
        let Some(gap) = (0..2).find(|gap| words.get(at + length + gap).is_some_and(|word| rules.units.contains(word))) else { break };
        if gap == 1 && !matches!(words[at + length].as_str(), "more" | "full" | "small" | "young" | "grown" | "whole" | "of") {
            break;
        }
        total += value;
        end = at + length + gap + 1;
        at = end + usize::from(words.get(end).is_some_and(|word| word == "and" || word == "plus" || word == "with"));
    }
    (end > start).then_some((start..end, total, 3))
}

fn bare(rules: &Count, words: &[String], at: usize, expected: bool) -> Option<(Range<usize>, i64, i32)> {
    let (value, length) = number(&words[at..])?;
    let led = rules.after.iter().find(|lead| at >= lead.len() && here(words, at - lead.len(), lead));
    match (led, expected) {
        // "for two weeks", "for the third": the number belongs to the next word, so only the end or a small word may follow.
        (Some(lead), _) if words.get(at + length).is_none_or(|next| crate::words::is_small(next)) => {
            Some((at - lead.len()..at + length, value, -1))
        }
        (_, true) => Some((at..at + length, value, -1)),
        _ => None,
    }
}

/// Amounts: "two hundred and forty euros", "fifty euros and twenty cents"; a bare number where it was asked for.
pub(crate) fn money(currency: &str, words: &[String], expected: bool) -> Vec<(Range<usize>, Value, i32)> {
    let (units, cents) = crate::speak::currency_words(currency);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some((value, length)) = number(&words[at..]) else {
            at += 1;
            continue;
        };
        let mut end = at + length;
        let has_unit = words.get(end).is_some_and(|word| units.contains(&word.as_str()));
        let mut amount = Decimal::from(value);
        if has_unit {
            end += 1;
            let skip = usize::from(words.get(end).is_some_and(|word| word == "and"));
            if let Some((part, length)) = number(&words[(end + skip).min(words.len())..])
                && part < 100
                && words.get(end + skip + length).is_some_and(|word| cents.contains(&word.as_str()))
            {
                amount += Decimal::new(part, 2);
                end += skip + length + 1;
            }
        }
        if has_unit || expected {
            found.push((at..end, Value::Money { amount, currency: currency.to_owned() }, if has_unit { 3 } else { -1 }));
        }
        at = end;
    }
    found
}

/// The options of a choice, by their words.
pub(crate) fn choice(options: &[ChoiceOption], words: &[String]) -> Vec<(Range<usize>, Value, i32)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let hits = options.iter().flat_map(|option| option.words.iter().map(move |phrase| (option, phrase)));
        match hits.filter(|(_, phrase)| here(words, at, phrase)).max_by_key(|(_, phrase)| phrase.len()) {
            Some((option, phrase)) => {
                found.push((at..at + phrase.len(), Value::Choice(option.value.clone()), 0));
                at += phrase.len();
            }
            None => at += 1,
        }
    }
    found
}
