//! Loading an agent file: every problem is found at once, with its line.

mod check;
pub(crate) mod defaults;
mod intents;
mod reader;
mod slots;

use std::collections::BTreeMap;

use toml_edit::Document;

use crate::change::Closed;
use crate::definition::{Command, Confidence, Flow, Identity, Keypad, KeypadEntry, Person, Prompts, TurnTaking};
use crate::matcher::Matcher;
use crate::phrase::Phrase;
use crate::template::{Prompt, Template};
use reader::{Problems, Section};

/// Something wrong in an agent file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Flow {
    /// Reads an agent file; the crate's documentation describes it. All problems are reported, in order of their lines.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let problems = Problems::new(text);
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                problems.add(error.span(), format!("this is not TOML: {}", error.message()));
                return Err(problems.sorted());
            }
        };
        let root = Section::root(document.as_table(), &problems);
        let flow = read(&root);
        check::references(&flow, &problems);
        match flow {
            Some(read) if problems.is_empty() => Ok(read.flow),
            _ => Err(problems.sorted()),
        }
    }
}

/// The flow and where its references stand, for [`check`].
pub(crate) struct Read {
    flow: Flow,
    uses: Vec<Use>,
    /// Fields that tools answer with, by query name or `intent/result`.
    gives: BTreeMap<String, Vec<String>>,
}

/// A name that must exist, and where it was written.
pub(crate) struct Use {
    kind: UseKind,
    name: String,
    line: usize,
}

pub(crate) enum UseKind {
    /// A field, or a date range slot.
    Slot,
    /// Exactly a field.
    Field,
    Intent,
    /// A placeholder; the scope names the query or action whose refusal or result may be spoken.
    Placeholder {
        format: Option<String>,
        scope: Scope,
    },
}

/// What placeholders may refer to beside slots and queries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Fields of `{result.…}`.
    result: Vec<String>,
    /// Fields of `{refused.…}`.
    refused: Vec<String>,
    /// Bare names.
    words: Vec<&'static str>,
}

const SECTIONS: [&str; 17] = [
    "id",
    "name",
    "language",
    "voice",
    "numbers",
    "active",
    "time_zone",
    "greeting",
    "turn_taking",
    "confidence",
    "prompts",
    "slots",
    "queries",
    "choices",
    "intents",
    "answers",
    "commands",
];

fn read(root: &Section<'_>) -> Option<Read> {
    root.only(&[SECTIONS.as_slice(), &["person", "keypad"]].concat());
    let mut uses = Vec::new();
    let mut gives = BTreeMap::new();
    let identity = identity(root);
    let turn_taking = turn_taking(root);
    let confidence = confidence(root);
    let (fields, ranges) = slots::read(root, &mut uses);
    let queries = intents::queries(root, &mut uses, &mut gives);
    let choices = intents::choices(root, &mut uses);
    let intents = intents::intents(root, &queries, &choices, &mut uses, &mut gives);
    let answers = intents::answers(root, &mut uses);
    let commands = commands(root, &mut uses);
    let person = person(root, &mut uses);
    let keypad = keypad(root);
    let prompts = prompts(root, &mut uses);
    let listed: Vec<(Command, &[Phrase])> = commands.iter().map(|(command, phrases)| (*command, phrases.as_slice())).collect();
    let matcher = Matcher::new(&intents, &answers, &listed);
    let flow = Flow {
        identity: identity.into(),
        turn_taking,
        confidence,
        prompts,
        fields: fields.into(),
        ranges: ranges.into(),
        queries: queries.into(),
        choices: choices.into(),
        intents: intents.into(),
        answers: answers.into(),
        commands: commands.into(),
        person,
        keypad,
        matcher: matcher.into(),
        closed: Closed::default(),
    };
    Some(Read { flow, uses, gives })
}

fn identity(root: &Section<'_>) -> Identity {
    let id = root.required_text("id");
    let is_uuid =
        id.len() == 36 && id.char_indices().all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() });
    if !is_uuid && !id.is_empty() {
        root.problem("id", format!("id {id:?} is not a UUID; write one like \"0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a10\""));
    }
    Identity {
        id,
        name: root.required_text("name"),
        language: root.text("language").unwrap_or_else(|| "en-US".into()),
        voice: root.text("voice").unwrap_or_else(|| "slt".into()),
        numbers: root.texts("numbers"),
        active: root.flag("active").unwrap_or(true),
        time_zone: root.text("time_zone").unwrap_or_else(|| "UTC".into()),
    }
}

fn turn_taking(root: &Section<'_>) -> TurnTaking {
    let standard = TurnTaking::default();
    let Some(section) = root.section("turn_taking") else { return standard };
    section.only(&["end_silence_ms", "barge_in", "silence_ms", "max_duration_secs", "max_silences", "max_misses", "key_gap_ms"]);
    let number =
        |key: &str, range: std::ops::RangeInclusive<i64>, standard: u64| section.number(key, range).map_or(standard, i64::unsigned_abs);
    let small = |key: &str, standard: u32| section.number(key, 1..=10).and_then(|value| u32::try_from(value).ok()).unwrap_or(standard);
    TurnTaking {
        end_silence_ms: number("end_silence_ms", 100..=5000, standard.end_silence_ms),
        barge_in: section.flag("barge_in").unwrap_or(standard.barge_in),
        silence_ms: number("silence_ms", 1000..=60_000, standard.silence_ms),
        max_duration_secs: number("max_duration_secs", 10..=14_400, standard.max_duration_secs),
        max_silences: small("max_silences", standard.max_silences),
        max_misses: small("max_misses", standard.max_misses),
        key_gap_ms: number("key_gap_ms", 500..=20_000, standard.key_gap_ms),
    }
}

fn confidence(root: &Section<'_>) -> Confidence {
    let standard = Confidence { floor: 0.25, sure: 0.45 };
    let Some(section) = root.section("confidence") else { return standard };
    section.only(&["floor", "sure"]);
    Confidence { floor: section.fraction("floor").unwrap_or(standard.floor), sure: section.fraction("sure").unwrap_or(standard.sure) }
}

fn commands(root: &Section<'_>, uses: &mut Vec<Use>) -> BTreeMap<Command, Vec<Phrase>> {
    let section = root.section("commands");
    if let Some(section) = &section {
        section.only(&Command::ALL.map(|(_, name)| name));
    }
    let standard = |command| defaults::commands(command).iter().filter_map(|text| Phrase::parse(text).ok());
    Command::ALL
        .into_iter()
        .map(|(command, name)| {
            let own = section.iter().flat_map(|section| intents::phrases(section, name, uses)).collect::<Vec<_>>();
            (command, standard(command).chain(own).collect())
        })
        .collect()
}

fn person(root: &Section<'_>, uses: &mut Vec<Use>) -> Option<Person> {
    let section = root.section("person")?;
    section.only(&["transfer", "message"]);
    let transfer = section.text("transfer");
    if let Some(number) = transfer.as_ref().filter(|number| !number.bytes().any(|b| b.is_ascii_digit())) {
        section.problem("transfer", format!("transfer {number:?} is not a phone number"));
    }
    let message = section.text("message");
    if let Some(name) = &message {
        uses.push(Use { kind: UseKind::Intent, name: name.clone(), line: section.line("message") });
    }
    if transfer.is_none() && message.is_none() {
        section.problem("", "[person] has neither \"transfer\" (a number) nor \"message\" (an intent)".into());
    }
    Some(Person { transfer, message })
}

fn keypad(root: &Section<'_>) -> Option<Keypad> {
    let section = root.section("keypad")?;
    let mut entries = BTreeMap::new();
    let keys: Vec<String> = section.keys().filter(|key| *key != "prompt").map(str::to_owned).collect();
    for key in &keys {
        let mut signs = key.chars();
        let (Some(sign @ '0'..='9'), None) = (signs.next(), signs.next()) else {
            section.problem(key, format!("[keypad] {key:?} is no key; the keys are \"0\" to \"9\", beside \"prompt\""));
            continue;
        };
        let Some(entry) = section.section(key) else { continue };
        entry.only(&["say", "exit"]);
        match (entry.text("say"), entry.text("exit").as_deref()) {
            (Some(text), None) if !text.contains('{') => drop(entries.insert(sign, KeypadEntry::Say(text))),
            (None, Some("person")) => drop(entries.insert(sign, KeypadEntry::Person)),
            (None, Some("goodbye")) => drop(entries.insert(sign, KeypadEntry::Goodbye)),
            _ => section.problem(
                key,
                format!("key {key:?} needs \"say\" with a text without placeholders, or \"exit\" with \"person\" or \"goodbye\""),
            ),
        }
    }
    Some(Keypad { prompt: section.required_text("prompt"), entries })
}

fn prompts(root: &Section<'_>, uses: &mut Vec<Use>) -> Prompts {
    let section = root.section("prompts");
    let names: Vec<&str> = defaults::PROMPTS.iter().map(|(name, _)| *name).collect();
    if let Some(section) = &section {
        section.only(&names);
    }
    let scope = Scope { words: vec!["heard", "label", "can_do", "agent"], ..Scope::default() };
    let mut all: BTreeMap<&'static str, Prompt> = BTreeMap::new();
    for (name, standard) in standard_prompts() {
        let own = section.as_ref().filter(|section| section.has(name)).map(|section| own_prompt(section, name, &scope, uses));
        all.insert(name, own.unwrap_or(standard));
    }
    let greeting = intents::prompt(root, "greeting", &Scope::default(), uses);
    if greeting.is_empty() {
        root.problem("greeting", "\"greeting\" is missing; write what the agent says first, or a list of variants".into());
    }
    all.insert("greeting", greeting);
    Prompts(all)
}

/// A prompt of the engine as the file words it.
fn own_prompt(section: &Section<'_>, name: &str, scope: &Scope, uses: &mut Vec<Use>) -> Prompt {
    let Some(words) = defaults::outside_words(name) else { return intents::prompt(section, name, scope, uses) };
    let prompt = intents::prompt(section, name, &Scope { words: words.to_vec(), ..Scope::default() }, &mut Vec::new());
    for (path, _) in prompt.0.iter().flat_map(Template::placeholders).filter(|(path, _)| !words.contains(path)) {
        section.problem(
            name,
            format!("{name:?} is said outside the dialogue and cannot speak of {{{path}}}; {}", reader::suggest(path, words)),
        );
    }
    prompt
}

/// The engine's prompts as they are when a file says nothing.
pub(crate) fn standard_prompts() -> impl Iterator<Item = (&'static str, Prompt)> {
    defaults::PROMPTS.into_iter().map(|(name, texts)| (name, Prompt(texts.iter().filter_map(|text| Template::parse(text).ok()).collect())))
}
