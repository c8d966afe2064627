//! Understanding one utterance: which values, which requests, which command, yes or no.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::definition::{Command, Field, Flow, Kind};
use crate::matcher::{Candidates, Sentence, Target};
use crate::phrase::Phrase;
use crate::values::date::{Mention, Spec, is_joiner, mentions};
use crate::values::{Found, Value, find, name};
use crate::words::{here, words};

/// What the dialogue knows when something is said.
pub(crate) struct Context<'a> {
    pub(crate) flow: &'a Flow,
    pub(crate) today: Date,
    /// The fields just asked for: short answers are taken for them.
    pub(crate) expected: &'a [String],
    /// What is known already.
    pub(crate) known: &'a BTreeMap<String, Value>,
    /// A request is under way, so "cancel that" is about it.
    pub(crate) in_task: bool,
}

/// A request made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Intent(String),
    Answer(String),
}

/// What was understood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) values: Vec<(String, Value)>,
    /// Fields whose value was denied without a new one ("not friday").
    pub(crate) denied: Vec<String>,
    pub(crate) requests: Vec<Request>,
    pub(crate) command: Option<Command>,
    pub(crate) yes: Option<bool>,
}

impl Heard {
    /// Nothing was made of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.denied.is_empty() && self.requests.is_empty() && self.command.is_none() && self.yes.is_none()
    }
}

/// A command scoring this high is obeyed even where any words would be taken as text.
const SURE_COMMAND: f32 = 0.9;

/// Understands an utterance.
pub(crate) fn understand(text: &str, context: &Context<'_>) -> Heard {
    let words = words(text);
    if words.is_empty() {
        return Heard::default();
    }
    let yes = polarity(&words);
    let (found, denied) = find_values(&words, context);
    let covered: Vec<bool> = (0..words.len()).map(|at| found.iter().any(|hit| hit.at.contains(&at))).collect();
    let slots: Vec<(String, usize)> = found.iter().map(|hit| (hit.field.clone(), hit.at.start)).collect();
    let sentence = Sentence { words: &words, covered: &covered, slots: &slots };
    let asked = candidates(context).requests(&sentence);

    let mut heard = Heard { yes, denied, ..Heard::default() };
    let danger = context.flow.commands.get(&Command::Emergency);
    if danger.is_some_and(|phrases| phrases.iter().any(|phrase| context.flow.matcher.contains(phrase, &sentence))) {
        heard.command = Some(Command::Emergency);
        return heard;
    }
    for (target, score) in asked {
        match target {
            // "No, I'd like to ..." holds a command's words only by chance when values were said.
            Target::Command(Command::Courtesy) => heard.command = heard.command.or(Some(Command::Courtesy)),
            Target::Command(command) => heard.command = more_urgent(heard.command, command, score),
            Target::Intent(at) => heard.requests.extend(context.flow.intents.get(at).map(|intent| Request::Intent(intent.name.clone()))),
            Target::Answer(at) => heard.requests.extend(context.flow.answers.get(at).map(|answer| Request::Answer(answer.name.clone()))),
        }
    }
    if let Some(field) = free_text(context).filter(|_| !message(text).is_empty())
        && !matches!(heard.command, Some(command) if command != Command::Courtesy)
    {
        return Heard { values: vec![(field.to_owned(), Value::Text(message(text)))], ..Heard::default() };
    }
    heard.values = last_of_each(found);
    if let Some(answer) = expected_name(&words, &covered, context, &heard) {
        heard.values.push(answer);
    }
    heard.values.extend(expected_yes_no(context, yes));
    heard
}

/// The field that takes any words, when it was asked for.
fn free_text<'a>(context: &'a Context<'_>) -> Option<&'a str> {
    context
        .expected
        .iter()
        .find(|field| context.flow.fields.get(*field).is_some_and(|field| matches!(field.kind, Kind::Text)))
        .map(String::as_str)
}

/// Most letters of a free text.
const LONGEST_TEXT: usize = 600;

/// A free text as it may be spoken and stored: letters, figures and plain punctuation.
fn message(text: &str) -> String {
    let plain = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '\'' | '?' | '!' | '-' | '@' | ':');
    let text: String = text.chars().filter(plain).take(LONGEST_TEXT).collect();
    text.trim().to_owned()
}

fn more_urgent(known: Option<Command>, command: Command, score: f32) -> Option<Command> {
    match known {
        Some(Command::Courtesy) | None => Some(command),
        // The commands are declared in order of urgency.
        Some(known) if score >= SURE_COMMAND || known < command => Some(known.min(command)),
        known => known,
    }
}

/// Commands, answers and intents, each with its phrases. "Never mind" only means something while there is something to forget.
pub(crate) fn candidates<'a>(context: &Context<'a>) -> Candidates<'a> {
    let flow = context.flow;
    let commands = flow.commands.iter().filter(|(command, _)| context.in_task || **command != Command::NeverMind);
    let commands = commands.map(|(command, phrases)| (Target::Command(*command), phrases.as_slice()));
    let intents = flow.intents.iter().enumerate().map(|(at, intent)| (Target::Intent(at), intent.phrases.as_slice()));
    let answers = flow.answers.iter().enumerate().map(|(at, answer)| (Target::Answer(at), answer.phrases.as_slice()));
    let phrases: Vec<(Target, &[Phrase])> = commands.chain(intents).chain(answers).collect();
    Candidates { matcher: &flow.matcher, phrases, in_task: context.in_task }
}

const YES: &[&[&str]] = &[
    &["yes"],
    &["yeah"],
    &["yep"],
    &["yup"],
    &["sure"],
    &["correct"],
    &["right"],
    &["exactly"],
    &["okay"],
    &["ok"],
    &["absolutely"],
    &["certainly"],
    &["definitely"],
    &["perfect"],
    &["great"],
    &["fine"],
    &["please", "do"],
    &["go", "ahead"],
    &["of", "course"],
    &["sounds", "good"],
    &["do", "it"],
    &["book", "it"],
    &["i", "do"],
    &["i", "would"],
    &["that", "works"],
    &["yes", "please"],
    &["indeed"],
    &["alright"],
    &["all", "right"],
];
const NO: &[&[&str]] = &[
    &["no"],
    &["nope"],
    &["nah"],
    &["not"],
    &["wrong"],
    &["incorrect"],
    &["don't"],
    &["isn't"],
    &["wait"],
    &["stop"],
    &["never"],
    &["neither"],
    &["rather"],
    &["false"],
];

/// Yes or no, by whole words. Where both are said ("no that's not right", "yes, no, wait"), it is a no: nothing may happen by mistake.
pub(crate) fn polarity(words: &[String]) -> Option<bool> {
    let said = |list: &[&[&str]], until: usize| (0..words.len().min(until)).any(|at| list.iter().any(|phrase| here(words, at, phrase)));
    // A no counts anywhere near the front; a yes only at the front or in a short answer ("that's right").
    if said(NO, 5) {
        return Some(false);
    }
    let front = if words.len() <= 5 { 5 } else { 2 };
    said(YES, front).then_some(true)
}

fn expected_yes_no(context: &Context<'_>, yes: Option<bool>) -> Option<(String, Value)> {
    let field =
        context.expected.iter().find(|field| context.flow.fields.get(*field).is_some_and(|field| matches!(field.kind, Kind::YesNo)))?;
    Some((field.clone(), Value::YesNo(yes?)))
}

/// A bare name counts where it was asked for, unless the words make a request.
fn expected_name(words: &[String], covered: &[bool], context: &Context<'_>, heard: &Heard) -> Option<(String, Value)> {
    let is_name = |field: &&String| context.flow.fields.get(*field).is_some_and(|field| matches!(field.kind, Kind::Name));
    let field = context.expected.iter().find(is_name)?;
    if heard.values.iter().any(|(known, _)| known == field) {
        return None;
    }
    let (_, name, sure) = name::answered(words, &|at| !covered[at])?;
    let asks = !heard.requests.is_empty() || heard.command.is_some();
    (sure && heard.command.is_none() || !asks).then(|| (field.clone(), Value::Name(name)))
}

fn last_of_each(found: Vec<Found>) -> Vec<(String, Value)> {
    let mut values: Vec<(String, Value)> = Vec::new();
    for hit in found {
        values.retain(|(field, _)| *field != hit.field);
        values.push((hit.field, hit.value));
    }
    values
}

/// All values, without overlaps, in order of speech; and the fields that were denied.
fn find_values(words: &[String], context: &Context<'_>) -> (Vec<Found>, Vec<String>) {
    let mut all: Vec<Found> = Vec::new();
    for field in context.flow.fields.values() {
        let expected = context.expected.contains(&field.name);
        let hits = find(&field.kind, words, expected);
        all.extend(hits.into_iter().map(|(at, value, strength)| Found { field: field.name.clone(), value, at, strength }));
    }
    all.extend(find_dates(words, context));
    all.extend(find_names(words, context));
    let expected = |hit: &Found| context.expected.contains(&hit.field);
    // What takes more words, points more clearly at its field, or was asked for goes first.
    all.sort_by_key(|hit| (std::cmp::Reverse(hit.at.len() as i32 + hit.strength + if expected(hit) { EXPECTED } else { 0 }), hit.at.start));
    let mut kept: Vec<Found> = Vec::new();
    for hit in all {
        let free = kept.iter().all(|other| hit.at.end <= other.at.start || other.at.end <= hit.at.start || shares(&hit, other));
        if free {
            kept.push(hit);
        }
    }
    kept.sort_by_key(|hit| hit.at.start);
    // "Three nights from tonight": what was said wins over what was implied.
    let said: Vec<String> = kept.iter().filter(|hit| hit.strength != IMPLIED).map(|hit| hit.field.clone()).collect();
    kept.retain(|hit| hit.strength != IMPLIED || !said.contains(&hit.field));
    deny(words, kept)
}

/// Arrival and nights may come from the same words.
fn shares(hit: &Found, other: &Found) -> bool {
    let range = |field: &str| field.split_once('.').map(|(range, _)| range.to_owned());
    hit.at == other.at && hit.field != other.field && range(&hit.field).is_some() && range(&hit.field) == range(&other.field)
}

/// Strength of what dates give, and of the nights that a date only implies ("tonight").
const DATE: i32 = 2;
const IMPLIED: i32 = 1;
/// What it counts that a field was asked for.
const EXPECTED: i32 = 2;

/// "Not friday": the value right after "not" is not meant.
fn deny(words: &[String], found: Vec<Found>) -> (Vec<Found>, Vec<String>) {
    let denied = |hit: &Found| {
        let mut before =
            words[..hit.at.start].iter().rev().filter(|word| !matches!(word.as_str(), "a" | "an" | "the" | "on" | "for" | "from" | "in"));
        matches!(before.next().map(String::as_str), Some("not" | "isn't"))
    };
    let (out, kept): (Vec<Found>, Vec<Found>) = found.into_iter().partition(denied);
    let mut fields: Vec<String> = out.into_iter().map(|hit| hit.field).filter(|field| kept.iter().all(|hit| hit.field != *field)).collect();
    fields.dedup();
    (kept, fields)
}

fn find_names(words: &[String], context: &Context<'_>) -> Option<Found> {
    let fields = || context.flow.fields.values().filter(|field| matches!(field.kind, Kind::Name));
    let field: &Field = fields().find(|field| context.expected.contains(&field.name)).or_else(|| fields().next())?;
    let (at, text) = name::led(words).map(|(at, text, _)| (at, text)).or_else(|| name::alone(words))?;
    Some(Found { field: field.name.clone(), value: Value::Name(text), at, strength: DATE })
}

fn find_dates(words: &[String], context: &Context<'_>) -> Vec<Found> {
    let said = mentions(words, context.today);
    let mut found = Vec::new();
    if said.is_empty() {
        return found;
    }
    match date_owner(context) {
        Some(Owner::Range(range)) => range_values(words, &said, range, context, &mut found),
        Some(Owner::Field(field)) => {
            for mention in &said {
                let day = mention.spec.resolve(context.today);
                found.extend(day.map(|day| Found {
                    field: field.to_owned(),
                    value: Value::Date(day),
                    at: mention.at.clone(),
                    strength: DATE,
                }));
            }
        }
        None => {}
    }
    found
}

enum Owner<'a> {
    Range(&'a str),
    Field(&'a str),
}

/// Whose the dates are: what was asked for, else a date range, else the first date slot.
fn date_owner<'a>(context: &Context<'a>) -> Option<Owner<'a>> {
    let flow = context.flow;
    let is_date = |field: &Field| matches!(field.kind, Kind::Date { .. });
    for asked in context.expected {
        if let Some((range, _)) = asked.split_once('.') {
            return flow.ranges.iter().find(|known| *known == range).map(|range| Owner::Range(range));
        }
        if let Some(field) = flow.fields.get(asked).filter(|field| is_date(field)) {
            return Some(Owner::Field(&field.name));
        }
    }
    let first_date = || flow.fields.values().find(|field| is_date(field)).map(|field| Owner::Field(&field.name));
    flow.ranges.first().map(|range| Owner::Range(range)).or_else(first_date)
}

/// Arrival and nights from one or two dates.
fn range_values(words: &[String], said: &[Mention], range: &str, context: &Context<'_>, found: &mut Vec<Found>) {
    let (arrival_field, nights_field) = (format!("{range}.arrival"), format!("{range}.nights"));
    let mut hit_with = |field: &String, value, at: &std::ops::Range<usize>, strength| {
        found.push(Found { field: field.clone(), value, at: at.clone(), strength })
    };
    let mut hit = |field: &String, value, at: &std::ops::Range<usize>| hit_with(field, value, at, DATE);
    let known = match context.known.get(&arrival_field) {
        Some(Value::Date(date)) => Some(*date),
        _ => None,
    };
    let meant: Vec<&Mention> = said.iter().filter(|mention| !denied_before(words, mention.at.start)).collect();
    for mention in said.iter().filter(|mention| denied_before(words, mention.at.start)) {
        hit(&arrival_field, Value::Date(context.today), &mention.at);
    }
    let nights_asked = context.expected.contains(&nights_field);
    match meant.as_slice() {
        [] => {}
        [only] if known.is_some() && (is_departure(words, only.at.start) || (nights_asked && !is_arrival(words, only.at.start))) => {
            if let Some(nights) = known.and_then(|arrival| nights_until(arrival, only.spec)) {
                hit(&nights_field, Value::Count(nights), &only.at);
            }
        }
        [first, second, ..] if !is_change(words) && joined(words, first, second) => {
            let Some(arrival) = first.spec.resolve(context.today) else { return };
            hit(&arrival_field, Value::Date(arrival), &first.at);
            if let Some(nights) = nights_until(arrival, second.spec) {
                hit(&nights_field, Value::Count(nights), &second.at);
            }
        }
        [.., last] => {
            let Some(arrival) = last.spec.resolve(context.today) else { return };
            for mention in &meant[..meant.len() - 1] {
                hit(&arrival_field, Value::Date(arrival), &mention.at);
            }
            hit(&arrival_field, Value::Date(arrival), &last.at);
            if let Some(nights) = last.nights {
                // Nights that are known already were said more clearly than by "tonight".
                if !context.known.contains_key(&nights_field) {
                    hit_with(&nights_field, Value::Count(nights), &last.at, IMPLIED);
                }
            }
        }
    }
}

fn denied_before(words: &[String], at: usize) -> bool {
    let mut before = words[..at].iter().rev().filter(|word| !matches!(word.as_str(), "on" | "the" | "for" | "from"));
    before.next().is_some_and(|word| word == "not")
}

/// Nights from arrival to the departure that was said.
fn nights_until(arrival: Date, departure: Spec) -> Option<i64> {
    let after = arrival.tomorrow().ok()?;
    let day = match departure {
        Spec::NextWeekday(day) => Spec::Weekday(day).resolve(arrival)?,
        Spec::Weekday(_) => departure.resolve(arrival)?,
        _ => departure.resolve(after)?,
    };
    let days = (day - arrival).get_days();
    (days > 0).then_some(i64::from(days))
}

fn is_departure(words: &[String], at: usize) -> bool {
    words[at.saturating_sub(3)..at].iter().any(|word| {
        matches!(word.as_str(), "until" | "till" | "til" | "through" | "leaving" | "leave" | "out" | "departing" | "departure" | "to")
    })
}

fn is_arrival(words: &[String], at: usize) -> bool {
    words[at.saturating_sub(3)..at]
        .iter()
        .any(|word| matches!(word.as_str(), "from" | "arriving" | "arrive" | "arrival" | "starting" | "coming" | "actually"))
}

/// "Move it from friday to saturday" names an old day and a new one, not a stay.
fn is_change(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "change" | "move" | "switch" | "reschedule" | "instead" | "sorry" | "actually"))
}

fn joined(words: &[String], first: &Mention, second: &Mention) -> bool {
    let between = &words[first.at.end..second.at.start];
    between.iter().any(|word| is_joiner(word))
        || (between.is_empty() && !words.iter().any(|word| matches!(word.as_str(), "no" | "not" | "mean" | "meant")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_is_a_word_and_not_a_part_of_one() {
        for (text, meant) in [
            ("yes", Some(true)),
            ("yeah that's right", Some(true)),
            ("no", Some(false)),
            ("no that's not right", Some(false)),
            ("that's correct", Some(true)),
            ("that's not correct", Some(false)),
            ("now", None),
            ("i know", None),
            ("i don't know", Some(false)),
            ("yes no wait", Some(false)),
            ("three nights", None),
        ] {
            assert_eq!(polarity(&words(text)), meant, "{text}");
        }
    }
}
