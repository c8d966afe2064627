//! Values in words.

use jiff::civil::Date;

use super::{Generator, Sample, push};
use crate::definition::{Count, Field, Kind};
use crate::values::Value;
use crate::values::date::{MONTHS, mentions};
use crate::values::name::capitalised;
use crate::values::names::{FIRST, LAST};
use crate::words::{spoken, spoken_ordinal, words};

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The day on which labelled dates are resolved; only tests look at them.
pub(super) const TODAY: Date = jiff::civil::date(2026, 11, 21);

/// A name alone.
pub(super) fn name_sample(field: &Field, name: &str) -> Sample {
    Sample { text: name.to_owned(), values: vec![(field.name.clone(), Value::Name(capitalised(name)))], ..Sample::default() }
}

impl Generator<'_> {
    /// An answer to the field's own question: short more often than not.
    pub(super) fn answer(&mut self, field: &Field) -> Sample {
        let mut sample = match (&field.kind, field.name.split_once('.')) {
            (Kind::Date { .. }, Some((range, _))) if self.rng.usize(..100) < 22 => self.range(range),
            (Kind::Count(_), Some(_)) if self.rng.usize(..100) < 8 => {
                Sample { text: format!("until {}", self.one_of(&DAYS)), ..Sample::default() }
            }
            _ => self.value(field),
        };
        let wrap: &[&str] = match field.kind {
            Kind::Date { .. } => &[
                "{}",
                "{}",
                "{}",
                "on {}",
                "{} please",
                "we arrive on {}",
                "i'd like to arrive {}",
                "arriving {}",
                "um {}",
                "it's {}",
                "i think {}",
            ],
            Kind::Count(_) => &[
                "{}",
                "{}",
                "{}",
                "{}",
                "for {}",
                "just {}",
                "{} please",
                "we need {}",
                "um {}",
                "it's {}",
                "i think {}",
                "there will be {}",
            ],
            Kind::Choice(_) => &["{}", "{}", "{}", "{} please", "a {}", "the {}", "i'd like {}", "i'll take the {}", "um {}"],
            Kind::Name => &[
                "{}",
                "{}",
                "{}",
                "{}",
                "{} please",
                "my name is {}",
                "the name is {}",
                "it's {}",
                "my last name is {}",
                "under the name {}",
            ],
            Kind::Code { .. } | Kind::Phone => {
                &["{}", "{}", "{}", "{}", "it's {}", "it is {}", "my number is {}", "yes {}", "the code is {}", "um {}"]
            }
            Kind::Email => &["{}", "{}", "it's {}", "my email is {}"],
            Kind::Money { .. } => &["{}", "{}", "about {}", "up to {}", "{} please"],
            Kind::YesNo | Kind::Text => &["{}"],
        };
        sample.text = self.one_of(wrap).replace("{}", &sample.text);
        sample
    }

    /// A value that can be understood without its question: counts with their unit, names with a lead.
    pub(super) fn full_value(&mut self, field: &Field) -> Sample {
        match &field.kind {
            Kind::Count(rules) => {
                let value = self.count(rules);
                self.counted(field, rules, value)
            }
            Kind::Name => self.value_of_name(field),
            _ => self.value(field),
        }
    }

    fn value_of_name(&mut self, field: &Field) -> Sample {
        let list = if self.rng.usize(..10) < 7 { LAST } else { FIRST };
        let name = self.listed(list);
        name_sample(field, name)
    }

    pub(super) fn value(&mut self, field: &Field) -> Sample {
        let only = |text: String, value: Value| Sample { text, values: vec![(field.name.clone(), value)], ..Sample::default() };
        match &field.kind {
            Kind::Date { .. } => {
                let text = self.date();
                let day = mentions(&words(&text), TODAY).first().and_then(|mention| mention.spec.resolve(TODAY));
                Sample { values: day.map(|day| (field.name.clone(), Value::Date(day))).into_iter().collect(), text, ..Sample::default() }
            }
            Kind::Count(rules) => {
                let value = self.count(rules);
                if self.rng.bool() { only(spoken(value), Value::Count(value)) } else { self.counted(field, rules, value) }
            }
            Kind::Money { currency } => {
                let amount = i64::from(self.rng.u8(1..=50)) * 10;
                only(crate::speak::money(amount.into(), currency), Value::Money { amount: amount.into(), currency: currency.clone() })
            }
            Kind::Name => self.name(field),
            Kind::Phone => {
                let digits: String = (0..10).map(|_| self.rng.digit(10)).collect();
                let plus = self.rng.bool();
                only(
                    self.digits(&digits, if plus { "plus one" } else { "" }),
                    Value::Phone(if plus { format!("+1{digits}") } else { digits.clone() }),
                )
            }
            Kind::Email => {
                let (first, last) = (self.listed(FIRST), self.listed(LAST));
                let host = self.one_of(&["gmail", "yahoo", "hotmail", "example", "mail"]);
                only(format!("{first} dot {last} at {host} dot com"), Value::Email(format!("{first}.{last}@{host}.com")))
            }
            Kind::YesNo => self.yes_or_no(),
            Kind::Choice(options) => {
                let said: Vec<(&str, &Vec<String>)> =
                    options.iter().flat_map(|option| option.words.iter().map(move |words| (option.value.as_str(), words))).collect();
                self.pick(&said).map(|(value, words)| only(words.join(" "), Value::Choice(value.to_owned()))).unwrap_or_default()
            }
            Kind::Code { length, letters } => {
                let code: String =
                    (0..*length).map(|_| if *letters && self.rng.bool() { self.rng.uppercase() } else { self.rng.digit(10) }).collect();
                only(self.digits(&code, ""), Value::Code(code.clone()))
            }
            Kind::Text => Sample { text: self.text(), ..Sample::default() },
        }
    }

    /// A name, frequent ones more often: the lists begin with them.
    fn listed(&mut self, list: &'static str) -> &'static str {
        let names: Vec<&'static str> = list.split_whitespace().collect();
        let place = (names.len() as f64 * self.rng.f64().powi(2)) as usize;
        names.get(place).copied().unwrap_or_default()
    }

    /// A last name, a full name, or a name spelled.
    fn name(&mut self, field: &Field) -> Sample {
        let (first, last) = (self.listed(FIRST), self.listed(LAST));
        match self.rng.usize(..10) {
            0..=4 => name_sample(field, last),
            5 | 6 => name_sample(field, &format!("{first} {last}")),
            7 => name_sample(field, first),
            _ => {
                let letters: Vec<String> = last.chars().map(String::from).collect();
                let mut sample = name_sample(field, last);
                sample.text = letters.join(" ");
                if self.rng.usize(..3) == 0 {
                    sample.text = format!("{last} {}", sample.text);
                }
                sample
            }
        }
    }

    fn digits(&mut self, signs: &str, front: &str) -> String {
        let oh = self.rng.usize(..4) == 0;
        let mut text = front.to_owned();
        for sign in signs.chars() {
            let word = match sign.to_digit(10) {
                Some(0) if oh => "oh".to_owned(),
                Some(digit) => spoken(i64::from(digit)),
                None => sign.to_lowercase().to_string(),
            };
            push(&mut text, &word);
        }
        text
    }

    /// Small counts are said more often than large ones.
    fn count(&mut self, rules: &Count) -> i64 {
        let span = (rules.max - rules.min).clamp(0, 30);
        let (a, b, c) = (self.rng.i64(0..=span), self.rng.i64(0..=span), self.rng.i64(0..=span));
        rules.min + a.min(b).min(c)
    }

    fn counted(&mut self, field: &Field, rules: &Count, value: i64) -> Sample {
        let only = |text: String, value: i64| Sample { text, values: vec![(field.name.clone(), Value::Count(value))], ..Sample::default() };
        if !rules.means.is_empty() && self.rng.usize(..8) == 0 {
            let (phrase, value) = &rules.means[self.rng.usize(..rules.means.len())];
            return only(phrase.join(" "), *value);
        }
        if rules.units.len() > 4 && value > 1 && self.rng.usize(..5) == 0 {
            let grown = self.rng.i64(1..value);
            let part = |count: i64, one: &str, many: &str| format!("{} {}", spoken(count), if count == 1 { one } else { many });
            if rules.units.iter().any(|unit| unit == "adult") {
                return only(format!("{} and {}", part(grown, "adult", "adults"), part(value - grown, "child", "children")), value);
            }
        }
        let unit = match value {
            1 => rules.unit.0.clone(),
            _ if rules.units.len() > 4 && self.rng.bool() && rules.units.iter().any(|unit| unit == "people") => "people".to_owned(),
            _ => rules.unit.1.clone(),
        };
        only(format!("{} {unit}", spoken(value)), value)
    }

    /// A day as one says it.
    pub(super) fn date(&mut self) -> String {
        let day = self.one_of(&DAYS);
        let ordinal = spoken_ordinal(self.rng.i64(1..=31));
        let month = self.one_of(&MONTHS);
        // Only days that every month has.
        let safe = spoken_ordinal(self.rng.i64(1..=28));
        match self.rng.usize(..100) {
            0..=27 => day,
            28..=33 => format!("next {day}"),
            34..=38 => format!("this {day}"),
            39..=43 => "today".into(),
            44..=51 => "tomorrow".into(),
            52..=55 => "tonight".into(),
            56..=64 => format!("the {ordinal}"),
            65..=77 => format!("the {safe} of {month}"),
            78..=86 => format!("{month} {safe}"),
            87..=89 => format!("{month} the {safe}"),
            90..=92 => format!("{day} the {safe} of {month}"),
            93 => "this weekend".into(),
            94 => "next weekend".into(),
            95 => "the day after tomorrow".into(),
            96 => format!("in {} {}", self.one_of(&["two", "three", "four", "ten"]), self.one_of(&["days", "weeks"])),
            97 => format!("a week from {day}"),
            98 => self.one_of(&["christmas", "christmas eve", "new year's eve"]),
            _ => format!("{day} night"),
        }
    }

    /// A stay: arrival, nights, or both.
    pub(super) fn range(&mut self, name: &str) -> Sample {
        let flow = self.flow;
        let (arrival, nights) = (flow.fields.get(&format!("{name}.arrival")), flow.fields.get(&format!("{name}.nights")));
        let (Some(arrival), Some(nights)) = (arrival, nights) else { return Sample::default() };
        let (mut day, mut count) = (self.value(arrival), self.full_value(nights));
        let (text, both) = match self.rng.usize(..100) {
            0..=21 => (format!("for {} from {}", count.text, day.text), true),
            22..=33 => (format!("for {} starting {}", count.text, day.text), true),
            34..=47 => (format!("from {} for {}", day.text, count.text), true),
            48..=57 => (format!("on {} for {}", day.text, count.text), true),
            58..=69 => {
                let joint = self.one_of(&["to", "until", "through"]);
                let at = self.rng.usize(..7);
                let other = DAYS[(at + self.rng.usize(1..7)) % 7];
                (format!("from {} {joint} {other}", DAYS[at]), false)
            }
            70..=75 => {
                let first = self.rng.i64(1..=20);
                let last = self.rng.i64(first + 1..=28);
                (format!("from the {} to the {} of {}", spoken_ordinal(first), spoken_ordinal(last), self.one_of(&MONTHS)), false)
            }
            76..=89 => {
                count.values.clear();
                (format!("{} {}", self.one_of(&["for", "on", "from"]), day.text), true)
            }
            _ => {
                day.values.clear();
                (format!("for {}", count.text), true)
            }
        };
        let mut values = day.values;
        values.extend(count.values);
        Sample { text, values: if both { values } else { Vec::new() }, ..Sample::default() }
    }

    /// A message: any words, with those that messages often have.
    fn text(&mut self) -> String {
        const MESSAGES: &[&str] = &[
            "please call me back",
            "please call me back tomorrow morning",
            "i will arrive late tonight",
            "i will be late",
            "we will arrive after midnight",
            "please call me back about my booking",
            "i left my phone in the room",
            "i forgot my jacket in the restaurant",
            "i lost my key",
            "i need an invoice",
            "please send me the bill",
            "we need an extra bed",
            "please put flowers in the room",
            "it is my wife's birthday",
            "please keep a quiet room for us",
            "i have a question about the invoice",
            "tell the manager that i called",
            "please tell him that i am on my way",
            "my flight is delayed",
            "i would like to speak about an event",
            "we are planning a wedding",
            "we need a meeting room for ten people",
            "please book a taxi for me",
        ];
        if self.rng.usize(..3) > 0 {
            return self.one_of(MESSAGES);
        }
        let all: Vec<&str> = crate::load::defaults::BACKGROUND.split_whitespace().collect();
        let mut text = self.one_of(&["please tell them that", "the message is", "tell her that", "i wanted to say that", "please"]);
        for _ in 0..self.rng.usize(3..9) {
            let word = self.one_of(&all);
            push(&mut text, &word);
        }
        text
    }
}
