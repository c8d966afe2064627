//! Sentences that callers may say, made from the file: what a local recogniser learns its language from.

mod value;

use std::collections::{BTreeMap, HashSet};

use crate::definition::{Command, Field, Flow, Kind};
use crate::load::defaults;
use crate::matcher::Target;
use crate::phrase::{Phrase, Piece};
use crate::values::Value;
use crate::words::words;

/// Sentences per listen state.
const SENTENCES: usize = 2400;

/// Hundredths of a state's sentences that are its own answers, corrections of other values, commands, and murmurs; the rest are other requests.
struct Mix {
    own: usize,
    corrections: usize,
    commands: usize,
    murmurs: usize,
}

/// A generated sentence and what it is meant to say.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(test), expect(dead_code, reason = "what a sentence means is compared with what is understood, in tests"))]
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) values: Vec<(String, Value)>,
    pub(crate) target: Option<Target>,
    pub(crate) yes: Option<bool>,
}

impl Flow {
    /// Example sentences by listen state: lower-case words, numbers and dates in words. What stands twice weighs twice. The state's own answers
    /// weigh most; commands, corrections and other requests have their share everywhere. The same seed gives the same sentences.
    pub fn domain(&self, seed: u64) -> BTreeMap<String, Vec<String>> {
        let sentence = |sample: Sample| words(&sample.text).join(" ");
        self.samples(seed)
            .into_iter()
            .map(|(state, samples)| (state, samples.into_iter().map(sentence).filter(|text| !text.is_empty()).collect()))
            .collect()
    }

    /// Everyday words that are not of the domain, so that a recogniser has something else to hear in speech that isn't either.
    pub fn background(&self) -> Vec<String> {
        let mut used: HashSet<&str> = HashSet::new();
        let phrases = self.intents.iter().flat_map(|intent| &intent.phrases).chain(self.answers.iter().flat_map(|answer| &answer.phrases));
        used.extend(phrases.chain(self.commands.values().flatten()).flat_map(Phrase::words));
        defaults::BACKGROUND.split_whitespace().filter(|word| !used.contains(word)).map(str::to_owned).collect()
    }

    pub(crate) fn samples(&self, seed: u64) -> BTreeMap<String, Vec<Sample>> {
        let mut generator = Generator { flow: self, rng: fastrand::Rng::with_seed(seed) };
        let mut states = BTreeMap::new();
        states.insert("main".to_owned(), generator.main());
        states.insert("confirm".to_owned(), generator.yes_no(&Mix { own: 42, corrections: 34, commands: 8, murmurs: 3 }));
        states.insert("yes_no".to_owned(), generator.yes_no(&Mix { own: 62, corrections: 10, commands: 8, murmurs: 3 }));
        for field in self.fields.values() {
            states.insert(field.name.clone(), generator.field(field));
        }
        for (name, group) in self.choices.iter() {
            states.insert(name.clone(), generator.group(&group.fields));
        }
        states
    }
}

/// Makes sentences.
struct Generator<'a> {
    flow: &'a Flow,
    rng: fastrand::Rng,
}

const YES: [&str; 24] = [
    "yes",
    "yes",
    "yes",
    "yes",
    "yes please",
    "yes please",
    "yeah",
    "yeah",
    "yep",
    "sure",
    "correct",
    "that's correct",
    "that's right",
    "right",
    "yes that's right",
    "yes that's correct",
    "okay",
    "ok",
    "go ahead",
    "exactly",
    "please do",
    "yes go ahead",
    "yes book it",
    "of course",
];
const NO: [&str; 12] = [
    "no",
    "no",
    "no",
    "no",
    "nope",
    "no thanks",
    "no thank you",
    "that's wrong",
    "that's not right",
    "no that's not correct",
    "not right",
    "no wait",
];

/// Where the agent says much at once. `conversation` knows them too.
const MURMURS: [&str; 8] = ["mhm", "mhm", "uh huh", "uh huh", "okay", "yeah", "mm", "hm"];

impl<'a> Generator<'a> {
    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() { None } else { Some(list[self.rng.usize(..list.len())]) }
    }

    fn one_of(&mut self, list: &[&str]) -> String {
        self.pick(list).unwrap_or_default().to_owned()
    }

    fn main(&mut self) -> Vec<Sample> {
        let mut all = self.every_phrase();
        while all.len() < SENTENCES {
            let sample = match self.rng.usize(..100) {
                0..=9 => self.command(),
                10..=13 => self.yes_or_no(),
                14..=19 => self.two_requests(),
                20..=24 => self.murmur(),
                25..=62 => self.intent(),
                _ => self.request(),
            };
            all.push(sample);
        }
        all
    }

    /// Each phrase of the file twice, so that none is left to chance.
    fn every_phrase(&mut self) -> Vec<Sample> {
        let flow = self.flow;
        let mut all = Vec::new();
        for _ in 0..2 {
            for (at, intent) in flow.intents.iter().enumerate() {
                all.extend(intent.phrases.iter().map(|phrase| self.phrase(phrase, Target::Intent(at))));
            }
            for (at, answer) in flow.answers.iter().enumerate() {
                all.extend(answer.phrases.iter().map(|phrase| self.phrase(phrase, Target::Answer(at))));
            }
        }
        all
    }

    fn yes_no(&mut self, mix: &Mix) -> Vec<Sample> {
        (0..SENTENCES).map(|at| self.mixed(at, mix, &mut Self::yes_or_no)).collect()
    }

    fn field(&mut self, field: &'a Field) -> Vec<Sample> {
        let mix = Mix { own: 66, corrections: 10, commands: 8, murmurs: 0 };
        // Each name of the list is heard, said and spelled.
        let mut all: Vec<Sample> = match field.kind {
            Kind::Name => crate::values::names::all().map(|name| value::name_sample(field, name)).collect(),
            _ => Vec::new(),
        };
        all.extend((0..SENTENCES).map(|at| self.mixed(at, &mix, &mut |generator| generator.answer(field))));
        all
    }

    fn group(&mut self, fields: &[String]) -> Vec<Sample> {
        let mix = Mix { own: 30, corrections: 40, commands: 8, murmurs: 0 };
        let flow = self.flow;
        let fields: Vec<&Field> = fields.iter().filter_map(|field| flow.fields.get(field)).collect();
        (0..SENTENCES)
            .map(|at| {
                self.mixed(at, &mix, &mut |generator| generator.pick(&fields).map(|field| generator.full_value(field)).unwrap_or_default())
            })
            .collect()
    }

    fn mixed(&mut self, at: usize, mix: &Mix, own: &mut dyn FnMut(&mut Self) -> Sample) -> Sample {
        let part = at % 100;
        if part < mix.own {
            own(self)
        } else if part < mix.own + mix.corrections {
            self.correction()
        } else if part < mix.own + mix.corrections + mix.commands {
            self.command()
        } else if part < mix.own + mix.corrections + mix.commands + mix.murmurs {
            self.murmur()
        } else {
            self.request()
        }
    }

    /// Said while the agent speaks, and not an answer: a recogniser that does not know these hears words in them, and words stop the agent.
    fn murmur(&mut self) -> Sample {
        Sample { text: self.one_of(&MURMURS), ..Sample::default() }
    }

    fn yes_or_no(&mut self) -> Sample {
        let yes = self.rng.usize(..100) < 58;
        Sample { text: self.one_of(if yes { &YES } else { &NO }), yes: Some(yes), ..Sample::default() }
    }

    /// A new value for something that was said before.
    fn correction(&mut self) -> Sample {
        let flow = self.flow;
        // A message isn't corrected by its words.
        let fields: Vec<&Field> =
            flow.fields.values().filter(|field| !matches!(field.kind, Kind::Text | Kind::YesNo | Kind::Email | Kind::Phone)).collect();
        let Some(field) = self.pick(&fields) else { return self.command() };
        let mut sample = self.full_value(field);
        let lead = self.one_of(&[
            "no",
            "no",
            "no i said",
            "no i meant",
            "actually",
            "sorry",
            "make it",
            "no make that",
            "i meant",
            "change it to",
            "i'd rather have",
            "not that",
            "",
        ]);
        let tail = self.one_of(&["", "", "", "", "please", "instead"]);
        // "Not that, friday" would deny friday.
        let lead = if lead == "not that" { "no".to_owned() } else { lead };
        sample.text = format!("{lead} {} {tail}", sample.text);
        sample
    }

    fn command(&mut self) -> Sample {
        let flow = self.flow;
        let at = self.rng.usize(..Command::ALL.len());
        let (command, _) = Command::ALL[at];
        let phrases = flow.commands.get(&command).map(Vec::as_slice).unwrap_or_default();
        if phrases.is_empty() {
            return Sample::default();
        }
        let phrase = &phrases[self.rng.usize(..phrases.len())];
        self.phrase(phrase, Target::Command(command))
    }

    fn request(&mut self) -> Sample {
        if self.rng.bool() || self.flow.answers.is_empty() { self.intent() } else { self.knowledge() }
    }

    fn intent(&mut self) -> Sample {
        let flow = self.flow;
        let all: Vec<(usize, &Phrase)> =
            flow.intents.iter().enumerate().flat_map(|(at, intent)| intent.phrases.iter().map(move |phrase| (at, phrase))).collect();
        let Some((at, phrase)) = self.pick(&all) else { return Sample::default() };
        let sample = self.phrase(phrase, Target::Intent(at));
        self.dressed(sample)
    }

    fn knowledge(&mut self) -> Sample {
        let flow = self.flow;
        let at = self.rng.usize(..flow.answers.len().max(1));
        let Some(answer) = flow.answers.get(at) else { return Sample::default() };
        let phrase = &answer.phrases[self.rng.usize(..answer.phrases.len().max(1))];
        let sample = self.phrase(phrase, Target::Answer(at));
        self.dressed(sample)
    }

    /// With the small talk around a request.
    fn dressed(&mut self, mut sample: Sample) -> Sample {
        let front = match self.rng.usize(..20) {
            0 => "hello",
            1 => "hi",
            2 => "yes",
            3 => "um",
            4 => "good morning",
            5 => "yes hello",
            6 => "okay",
            _ => "",
        };
        let back = match self.rng.usize(..12) {
            0 | 1 => "please",
            2 => "thank you",
            _ => "",
        };
        sample.text = format!("{front} {} {back}", sample.text);
        sample
    }

    fn two_requests(&mut self) -> Sample {
        let (first, second) = (self.intent(), self.knowledge());
        let joint = self.one_of(&["and", "and", "and also", "and then"]);
        // What two requests mean is more than one label can say.
        Sample { text: format!("{} {joint} {}", first.text, second.text), ..Sample::default() }
    }

    /// A phrase said one way, with values in its slots.
    fn phrase(&mut self, phrase: &Phrase, target: Target) -> Sample {
        let mut sample = Sample { target: Some(target), ..Sample::default() };
        self.pieces(&phrase.0, &mut sample);
        sample
    }

    fn pieces(&mut self, pieces: &[Piece], sample: &mut Sample) {
        for piece in pieces {
            match piece {
                Piece::Word(word) => push(&mut sample.text, word),
                Piece::Either(alternatives) => {
                    let at = self.rng.usize(..alternatives.len().max(1));
                    if let Some(inner) = alternatives.get(at) {
                        self.pieces(inner, sample);
                    }
                }
                Piece::Slot(name) => {
                    let value = self.slot(name);
                    push(&mut sample.text, &value.text);
                    sample.values.extend(value.values);
                }
            }
        }
    }

    fn slot(&mut self, name: &str) -> Sample {
        if self.flow.ranges.iter().any(|range| range == name) {
            return self.range(name);
        }
        let flow = self.flow;
        flow.fields.get(name).map(|field| self.full_value(field)).unwrap_or_default()
    }
}

fn push(text: &mut String, word: &str) {
    if !text.is_empty() && !word.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

#[cfg(test)]
mod tests;
