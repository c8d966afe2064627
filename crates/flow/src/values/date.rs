//! Dates as people say them, relative to today: "friday", "next friday", "the third of december", "in two weeks", "christmas".

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::words::{here, number, ordinal, small_number};

/// A day as said, before it is known which one is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spec {
    /// Exactly this day.
    Fixed(Date),
    /// The next such weekday.
    Weekday(Weekday),
    /// That weekday of next week.
    NextWeekday(Weekday),
    /// The next such day of a month.
    Day(i8),
    /// The next such day of a year.
    DayMonth(i8, i8),
}

/// A date found among the words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mention {
    pub(crate) at: Range<usize>,
    pub(crate) spec: Spec,
    /// Nights that are said with it: "tonight" and "friday night" are one, "this weekend" two.
    pub(crate) nights: Option<i64>,
}

/// The weekday that a word names.
pub(crate) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word.strip_suffix("'s").unwrap_or(word) {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

pub(crate) const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

fn month(word: &str) -> Option<i8> {
    MONTHS.iter().position(|name| *name == word).map(|at| at as i8 + 1)
}

impl Spec {
    /// The day meant: the first one that is not before `from` (weekdays: after it, because today is called "today").
    pub(crate) fn resolve(self, from: Date) -> Option<Date> {
        match self {
            Self::Fixed(date) => Some(date),
            Self::Weekday(day) => add(from, days_until(from, day)),
            Self::NextWeekday(day) => {
                let monday = add(from, days_until(from, Weekday::Monday))?;
                add(monday, i64::from(day.to_monday_zero_offset()))
            }
            Self::Day(day) => (0..3_i32).find_map(|ahead| {
                let month = from.first_of_month().checked_add(ahead.months()).ok()?;
                Date::new(month.year(), month.month(), day).ok().filter(|date| *date >= from)
            }),
            Self::DayMonth(day, month) => {
                (0..5).find_map(|ahead| Date::new(from.year() + ahead, month, day).ok().filter(|date| *date >= from))
            }
        }
    }
}

fn add(date: Date, days: i64) -> Option<Date> {
    date.checked_add(days.days()).ok()
}

/// Days from `from` to the next such weekday, 1 to 7.
fn days_until(from: Date, day: Weekday) -> i64 {
    let days = i64::from(from.weekday().until(day));
    if days == 0 { 7 } else { days }
}

/// Every date in the words, in order.
pub(crate) fn mentions(words: &[String], today: Date) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match mention(words, at, today) {
            Some(mention) => {
                at = mention.at.end;
                found.push(mention);
            }
            None => at += 1,
        }
    }
    share_months(words, &mut found);
    found
}

/// "From the third to the fifth of december", "december third to fifth": the month is said once for both.
fn share_months(words: &[String], found: &mut [Mention]) {
    for at in 1..found.len() {
        let joined = words[found[at - 1].at.end..found[at].at.start].iter().any(|word| is_joiner(word));
        match (found[at - 1].spec, found[at].spec) {
            (Spec::Day(day), Spec::DayMonth(_, month)) if joined => found[at - 1].spec = Spec::DayMonth(day, month),
            (Spec::DayMonth(first, month), Spec::Day(day)) if joined && day > first => found[at].spec = Spec::DayMonth(day, month),
            _ => {}
        }
    }
}

/// A word between arrival and departure. "two" is how "to" is often heard.
pub(crate) fn is_joiner(word: &str) -> bool {
    matches!(word, "to" | "two" | "too" | "until" | "till" | "through" | "thru" | "til" | "leaving" | "departing" | "out" | "leave" | "and")
}

fn mention(words: &[String], at: usize, today: Date) -> Option<Mention> {
    let (spec, mut end, mut nights) = named(words, at, today)
        .or_else(|| week_day(words, at).map(|(spec, end)| (spec, end, None)))
        .or_else(|| ahead(words, at, today).map(|(spec, end)| (spec, end, None)))
        .or_else(|| calendar(words, at).map(|(spec, end)| (spec, end, None)))?;
    if words.get(end).is_some_and(|word| word == "night") && nights.is_none() {
        end += 1;
        nights = Some(1);
    }
    // "Friday the twenty seventh of november": one date said twice; the second is exact.
    if matches!(spec, Spec::Weekday(_) | Spec::NextWeekday(_)) {
        let skip = usize::from(words.get(end).is_some_and(|word| word == "the"));
        if let Some((exact, exact_end)) = calendar(words, end + skip) {
            return Some(Mention { at: at..exact_end, spec: exact, nights });
        }
    }
    Some(Mention { at: at..end, spec, nights })
}

/// Days with a name of their own.
fn named(words: &[String], at: usize, today: Date) -> Option<(Spec, usize, Option<i64>)> {
    const FEASTS: &[(&[&str], i8, i8)] = &[
        (&["christmas", "eve"], 24, 12),
        (&["christmas", "day"], 25, 12),
        (&["christmas"], 25, 12),
        (&["boxing", "day"], 26, 12),
        (&["new", "year's", "eve"], 31, 12),
        (&["new", "years", "eve"], 31, 12),
        (&["new", "year's", "day"], 1, 1),
        (&["new", "year's"], 1, 1),
        (&["new", "year"], 1, 1),
        (&["valentine's", "day"], 14, 2),
        (&["halloween"], 31, 10),
    ];
    if let Some((phrase, day, month)) = FEASTS.iter().find(|(phrase, ..)| here(words, at, phrase)) {
        return Some((Spec::DayMonth(*day, *month), at + phrase.len(), None));
    }
    let fixed = |days, length, nights| Some((Spec::Fixed(add(today, days)?), at + length, nights));
    if here(words, at, &["the", "day", "after", "tomorrow"]) {
        return fixed(2, 4, None);
    }
    if here(words, at, &["day", "after", "tomorrow"]) {
        return fixed(2, 3, None);
    }
    match words[at].as_str() {
        "today" => fixed(0, 1, None),
        "tonight" => fixed(0, 1, Some(1)),
        "tomorrow" => fixed(1, 1, None),
        "yesterday" => fixed(-1, 1, None),
        "weekend" => {
            let next = at > 0 && words[at - 1] == "next";
            let saturday_today = today.weekday() == Weekday::Saturday;
            let friday = match today.weekday() {
                Weekday::Friday | Weekday::Saturday => today,
                _ => Spec::Weekday(Weekday::Friday).resolve(today)?,
            };
            let friday = if next { add(friday, if saturday_today { 6 } else { 7 })? } else { friday };
            Some((Spec::Fixed(friday), at + 1, Some(if saturday_today && !next { 1 } else { 2 })))
        }
        _ => None,
    }
}

fn week_day(words: &[String], at: usize) -> Option<(Spec, usize)> {
    if words[at] == "next" {
        return Some((Spec::NextWeekday(weekday(words.get(at + 1)?)?), at + 2));
    }
    Some((Spec::Weekday(weekday(&words[at])?), at + 1))
}

/// "In two weeks", "in ten days", "a week from friday", "two weeks from today".
fn ahead(words: &[String], at: usize, today: Date) -> Option<(Spec, usize)> {
    let lead = usize::from(words[at] == "in");
    // "For a week from friday" is a stay, not a day.
    if at > 0 && words[at - 1] == "for" {
        return None;
    }
    let (count, length) = match words.get(at + lead)?.as_str() {
        "a" | "an" => (1, 1),
        _ => small_number(&words[at + lead..])?,
    };
    let unit = at + lead + length;
    let days = match words.get(unit)?.as_str() {
        "day" | "days" => count,
        "week" | "weeks" => count * 7,
        _ => return None,
    };
    if words.get(unit + 1).is_some_and(|word| word == "from") {
        let from = match words.get(unit + 2)?.as_str() {
            "today" | "now" => today,
            "tomorrow" => add(today, 1)?,
            other => Spec::Weekday(weekday(other)?).resolve(today)?,
        };
        return Some((Spec::Fixed(add(from, days)?), unit + 3));
    }
    if lead == 0 { None } else { Some((Spec::Fixed(add(today, days)?), unit + 1)) }
}

/// "The third of december", "december third", "december twenty three", "the third", each with or without a year.
fn calendar(words: &[String], at: usize) -> Option<(Spec, usize)> {
    let rest = words.get(at..)?;
    if let Some(month) = rest.first().and_then(|word| month(word)) {
        let skip = 1 + usize::from(rest.get(1).is_some_and(|word| word == "the"));
        let (day, length) = ordinal(rest.get(skip..)?).or_else(|| small_number(&rest[skip..]))?;
        return with_year(words, at + skip + length, day, month);
    }
    let (day, length) = ordinal(rest).or_else(|| small_number(rest).filter(|(_, length)| day_of_month_follows(rest, *length)))?;
    let of = at + length;
    let skip = usize::from(words.get(of).is_some_and(|word| matches!(word.as_str(), "of" | "off" | "in")));
    if let Some(month) = words.get(of + skip).and_then(|word| month(word)) {
        return with_year(words, of + skip + 1, day, month);
    }
    // "One second" and "the first name" are no dates.
    let before = at.checked_sub(1).map(|before| words[before].as_str());
    let after = words.get(of).map(String::as_str);
    let no_date =
        matches!(before, Some("one" | "a" | "my" | "per")) || matches!(after, Some("name" | "room" | "one" | "floor" | "time" | "thing"));
    (!no_date && (1..=31).contains(&day)).then_some((Spec::Day(day as i8), of))
}

fn day_of_month_follows(rest: &[String], length: usize) -> bool {
    let skip = usize::from(rest.get(length).is_some_and(|word| word == "of"));
    // "two may" is how "to may" is heard, but a figure right before a month is a day.
    rest.get(length + skip).is_some_and(|word| month(word).is_some())
}

fn with_year(words: &[String], end: usize, day: i64, month: i8) -> Option<(Spec, usize)> {
    let day = i8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
    // A leap year has every day there is.
    Date::new(2024, month, day).ok()?;
    let rest = &words[end.min(words.len())..];
    let year = match rest.first().map(String::as_str) {
        Some("twenty") => {
            small_number(&rest[1..]).filter(|(value, _)| (20..=99).contains(value)).map(|(value, length)| (2000 + value, length + 1))
        }
        Some("two") if here(rest, 1, &["thousand"]) => number(rest),
        Some(figure) if figure.len() == 4 => figure.parse().ok().map(|year: i64| (year, 1)),
        _ => None,
    };
    if let Some((year, length)) = year.filter(|(year, _)| (2000..=2199).contains(year))
        && let Ok(date) = Date::new(year as i16, month, day)
    {
        return Some((Spec::Fixed(date), end + length));
    }
    Some((Spec::DayMonth(day, month), end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    /// A Saturday.
    const TODAY: Date = jiff::civil::date(2026, 11, 21);

    #[test]
    fn days_are_found_as_people_say_them() {
        for (text, day) in [
            ("today", "2026-11-21"),
            ("tomorrow", "2026-11-22"),
            ("friday", "2026-11-27"),
            ("saturday", "2026-11-28"),
            ("next friday", "2026-11-27"),
            ("this weekend", "2026-11-21"),
            ("next weekend", "2026-11-27"),
            ("the third", "2026-12-03"),
            ("on the twenty fifth", "2026-11-25"),
            ("the third of december", "2026-12-03"),
            ("december third", "2026-12-03"),
            ("december twenty three", "2026-12-23"),
            ("twenty third of december", "2026-12-23"),
            ("the first of may", "2027-05-01"),
            ("in two weeks", "2026-12-05"),
            ("a week from friday", "2026-12-04"),
            ("christmas eve", "2026-12-24"),
            ("new year's eve", "2026-12-31"),
            ("friday the twenty seventh of november", "2026-11-27"),
            ("june fifth twenty twenty seven", "2027-06-05"),
            ("the day after tomorrow", "2026-11-23"),
            ("the twenty ninth of february", "2028-02-29"),
        ] {
            let found = mentions(&words(text), TODAY);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].spec.resolve(TODAY).unwrap().to_string(), day, "{text}");
        }
    }

    #[test]
    fn next_friday_on_a_monday_is_not_this_friday() {
        let monday = jiff::civil::date(2026, 11, 23);
        assert_eq!(Spec::Weekday(Weekday::Friday).resolve(monday).unwrap().to_string(), "2026-11-27");
        assert_eq!(Spec::NextWeekday(Weekday::Friday).resolve(monday).unwrap().to_string(), "2026-12-04");
    }

    #[test]
    fn months_are_shared_and_other_words_are_no_dates() {
        let found = mentions(&words("from the third to the fifth of december"), TODAY);
        assert_eq!(found.iter().map(|mention| mention.spec).collect::<Vec<_>>(), [Spec::DayMonth(3, 12), Spec::DayMonth(5, 12)]);
        for text in ["may i have a room", "one second", "my first name", "two nights"] {
            assert_eq!(mentions(&words(text), TODAY), [], "{text}");
        }
    }
}
