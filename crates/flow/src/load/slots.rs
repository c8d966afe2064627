//! The `[slots]` of a file.

use std::collections::BTreeMap;

use super::intents::prompt;
use super::reader::{Section, suggest};
use super::{Scope, Use};
use crate::definition::{ChoiceOption, Count, Field, Kind};
use crate::template::{Prompt, Template};
use crate::words::words;

const TYPES: [&str; 11] = ["date", "date_range", "count", "money", "name", "phone", "email", "yes_no", "choice", "code", "text"];
const COMMON: [&str; 7] = ["type", "ask", "help", "keep", "from_caller", "secret", "invalid"];

/// All fields, and the names of the date ranges.
pub(crate) fn read(root: &Section<'_>, uses: &mut Vec<Use>) -> (BTreeMap<String, Field>, Vec<String>) {
    let (mut fields, mut ranges) = (BTreeMap::new(), Vec::new());
    let Some(section) = root.section("slots") else { return (fields, ranges) };
    for name in section.keys() {
        let Some(slot) = section.section(name) else { continue };
        if name.contains('.') || super::check::STATES.contains(&name) || super::check::ROOTS.contains(&name) {
            section.problem(name, format!("a slot can't be named {name:?}; choose another name"));
        }
        if slot.text("type").as_deref() == Some("date_range") {
            ranges.push(name.to_owned());
            for field in range(name, &slot, uses) {
                fields.insert(field.name.clone(), field);
            }
        } else {
            // A slot of a wrong type is still a slot: one mistake is reported once.
            let kind = kind(&slot).unwrap_or(Kind::Text);
            fields.insert(name.to_owned(), field(name, &slot, kind, uses));
        }
    }
    (fields, ranges)
}

/// The arrival and the nights of a date range: two fields with their own questions.
fn range(name: &str, slot: &Section<'_>, uses: &mut Vec<Use>) -> Vec<Field> {
    slot.only(&[&COMMON[..1], &["keep", "arrival", "nights", "days_ahead", "max"]].concat());
    let keep = slot.flag("keep").unwrap_or(false);
    let mut fields = Vec::new();
    for part in ["arrival", "nights"] {
        let Some(section) = slot.section(part) else {
            slot.problem(part, format!("the date range {name:?} needs [slots.{name}.{part}] with \"ask\""));
            continue;
        };
        section.only(&["ask", "help", "invalid"]);
        let kind = if part == "arrival" {
            Kind::Date { days_ahead: slot.number("days_ahead", 1..=3650).unwrap_or(365) }
        } else {
            let max = slot.number("max", 1..=365).unwrap_or(30);
            Kind::Count(nights(max))
        };
        let full = format!("{name}.{part}");
        fields.push(Field { keep, ..field(&full, &section, kind, uses) });
    }
    fields
}

fn nights(max: i64) -> Count {
    let list = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let means = [
        ("a week", 7),
        ("one week", 7),
        ("two weeks", 14),
        ("a couple of nights", 2),
        ("a couple nights", 2),
        ("the weekend", 2),
        ("a fortnight", 14),
        ("just the night", 1),
    ];
    Count {
        min: 1,
        max,
        unit: ("night".into(), "nights".into()),
        units: list(&["night", "nights"]),
        after: Vec::new(),
        means: means.iter().map(|(text, value)| (words(text), *value)).collect(),
    }
}

fn field(name: &str, slot: &Section<'_>, kind: Kind, uses: &mut Vec<Use>) -> Field {
    let scope = Scope { words: vec!["value", "min", "max"], ..Scope::default() };
    let ask = prompt(slot, "ask", &scope, uses);
    if ask.is_empty() {
        slot.problem("ask", format!("{name:?} has no \"ask\": write the question"));
    }
    let mut invalid: BTreeMap<String, Prompt> = BTreeMap::new();
    for (reason, text) in super::defaults::INVALID {
        invalid.insert((*reason).to_owned(), Prompt(Template::parse(text).into_iter().collect()));
    }
    if let Some(section) = slot.section("invalid") {
        section.only(&super::defaults::INVALID.map(|(reason, _)| reason));
        for reason in section.keys() {
            invalid.insert(reason.to_owned(), prompt(&section, reason, &scope, uses));
        }
    }
    Field {
        name: name.to_owned(),
        kind,
        ask,
        help: prompt(slot, "help", &scope, uses),
        invalid,
        keep: slot.flag("keep").unwrap_or(false),
        from_caller: slot.flag("from_caller").unwrap_or(false),
        secret: slot.flag("secret").unwrap_or(false),
    }
}

fn kind(slot: &Section<'_>) -> Option<Kind> {
    let name = slot.required_text("type");
    let own: &[&str] = match name.as_str() {
        "date" => &["days_ahead"],
        "count" => &["min", "max", "unit", "units", "after", "means"],
        "money" => &["currency"],
        "choice" => &["options"],
        "code" => &["length", "letters"],
        "name" | "phone" | "email" | "yes_no" | "text" => &[],
        "" => return None,
        _ => {
            slot.problem("type", format!("there is no slot type {name:?}; {}", suggest(&name, &TYPES)));
            return None;
        }
    };
    slot.only(&[&COMMON[..], own].concat());
    Some(match name.as_str() {
        "date" => Kind::Date { days_ahead: slot.number("days_ahead", 1..=3650).unwrap_or(365) },
        "count" => Kind::Count(count(slot)),
        "money" => Kind::Money { currency: slot.text("currency").unwrap_or_else(|| "EUR".into()) },
        "choice" => Kind::Choice(options(slot)),
        "code" => Kind::Code {
            length: slot.number("length", 2..=20).and_then(|length| usize::try_from(length).ok()).unwrap_or(6),
            letters: slot.flag("letters").unwrap_or(false),
        },
        "name" => Kind::Name,
        "phone" => Kind::Phone,
        "email" => Kind::Email,
        "yes_no" => Kind::YesNo,
        _ => Kind::Text,
    })
}

fn count(slot: &Section<'_>) -> Count {
    let unit = slot.texts("unit");
    let [singular, plural] = unit.as_slice() else {
        slot.problem("unit", "\"unit\" must be the word for one and the word for several: unit = [\"guest\", \"guests\"]".into());
        return Count { min: 0, max: 0, unit: Default::default(), units: Vec::new(), after: Vec::new(), means: Vec::new() };
    };
    let (min, max) = (slot.number("min", 0..=100_000).unwrap_or(1), slot.number("max", 1..=100_000).unwrap_or(99));
    if min > max {
        slot.problem("min", format!("\"min\" {min} is more than \"max\" {max}"));
    }
    let mut means: Vec<(Vec<String>, i64)> = Vec::new();
    if let Some(section) = slot.section("means") {
        means.extend(section.keys().filter_map(|text| Some((words(text), section.number(text, 0..=100_000)?))));
    }
    let units = unit.iter().cloned().chain(slot.texts("units")).collect();
    Count {
        min,
        max,
        unit: (singular.clone(), plural.clone()),
        units,
        after: slot.texts("after").iter().map(|text| words(text)).collect(),
        means,
    }
}

fn options(slot: &Section<'_>) -> Vec<ChoiceOption> {
    let Some(section) = slot.section("options") else {
        slot.problem("options", "a choice needs [slots.….options]".into());
        return Vec::new();
    };
    let mut all: Vec<ChoiceOption> = Vec::new();
    for value in section.keys() {
        let Some(option) = section.section(value) else { continue };
        option.only(&["say", "words"]);
        let said: Vec<Vec<String>> = option.texts("words").iter().map(|text| words(text)).filter(|words| !words.is_empty()).collect();
        if said.is_empty() {
            section.problem(value, format!("the option {value:?} needs \"words\": how callers say it"));
        }
        for phrase in &said {
            if let Some(other) = all.iter().find(|other| other.words.contains(phrase)) {
                section.problem(value, format!("the options {:?} and {value:?} are both said {:?}", other.value, phrase.join(" ")));
            }
        }
        all.push(ChoiceOption { value: value.to_owned(), say: option.text("say").unwrap_or_else(|| value.to_owned()), words: said });
    }
    if all.is_empty() || all.len() > 9 {
        slot.problem("options", "a choice has one to nine options, so that each has a key".into());
    }
    all
}
