//! A hotel's domain for tests and measurements: sentences by dialogue state, made from patterns with a seeded generator.

use std::collections::BTreeMap;

use speech::Domain;

/// A small generator with a seed: the same sentences every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const PATTERNS: [&str; 26] = [
    "i would like to book a {room} room for {count} nights from {date}",
    "i'd like a {room} room for {guests} from {date} to {date}",
    "can i book a {room} room for {count} nights please",
    "do you have a {room} room available on {date}",
    "a {room} room for {guests} {date}",
    "i need a room from {date} for {count} nights",
    "we need {count} rooms for {guests}",
    "how much is a {room} room",
    "i want to cancel my reservation",
    "i would like to change my booking to {date}",
    "my name is {first} {last}",
    "the name is {last}",
    "from {date} until {date}",
    "on {date}",
    "{date} please",
    "for {count} nights",
    "{count} nights please",
    "no {count} nights",
    "for {guests}",
    "a {room} room please",
    "what time is breakfast",
    "do you have parking",
    "is there a swimming pool",
    "i would like to speak to a person",
    "when is check out",
    "can i bring my dog",
];
const YES_NO: [&str; 14] = [
    "yes",
    "yes please",
    "no",
    "no thank you",
    "that is correct",
    "that's right",
    "yes that's right",
    "no that's wrong",
    "sure",
    "okay",
    "go ahead",
    "no i said {count} nights",
    "yes book it",
    "not yet",
];
const ROOMS: [&str; 7] = ["single", "double", "twin", "family", "deluxe", "standard", "king"];
const COUNTS: [&str; 8] = ["two", "three", "four", "five", "six", "seven", "ten", "fourteen"];
const GUESTS: [&str; 6] = ["two people", "one person", "two adults", "two adults and one child", "three guests", "four people"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const ORDINALS: [&str; 16] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "twelfth",
    "fifteenth",
    "twentieth",
    "twenty first",
    "twenty fifth",
    "thirtieth",
];
const FIRST: [&str; 12] = ["john", "mary", "anna", "peter", "susan", "david", "laura", "james", "linda", "thomas", "emma", "paul"];
const LAST: [&str; 12] =
    ["smith", "miller", "johnson", "brown", "taylor", "wilson", "anderson", "clark", "lewis", "walker", "young", "baker"];

fn date(dice: &mut Dice) -> String {
    match dice.roll(5) {
        0 => dice.one(&["today", "tomorrow", "tonight", "next week", "this weekend"]).to_owned(),
        1 => format!("next {}", dice.one(&DAYS)),
        2 => dice.one(&DAYS).to_owned(),
        3 => format!("{} {}", dice.one(&MONTHS), dice.one(&ORDINALS)),
        _ => format!("the {} of {}", dice.one(&ORDINALS), dice.one(&MONTHS)),
    }
}

fn fill(pattern: &str, dice: &mut Dice) -> String {
    let mut out = String::new();
    for (at, part) in pattern.split(['{', '}']).enumerate() {
        out.push_str(&match (at % 2, part) {
            (1, "room") => dice.one(&ROOMS).to_owned(),
            (1, "count") => dice.one(&COUNTS).to_owned(),
            (1, "guests") => dice.one(&GUESTS).to_owned(),
            (1, "date") => date(dice),
            (1, "first") => dice.one(&FIRST).to_owned(),
            (1, "last") => dice.one(&LAST).to_owned(),
            _ => part.to_owned(),
        });
    }
    out
}

/// Booking sentences.
pub(crate) fn requests(seed: u64, number: usize) -> Vec<String> {
    let mut dice = Dice::new(seed);
    (0..number).map(|at| fill(PATTERNS[at % PATTERNS.len()], &mut dice)).collect()
}

/// Answers to a yes-or-no question.
pub(crate) fn answers(seed: u64, number: usize) -> Vec<String> {
    let mut dice = Dice::new(seed);
    (0..number).map(|at| fill(YES_NO[at % YES_NO.len()], &mut dice)).collect()
}

/// A domain with two states.
pub(crate) fn domain() -> Domain {
    let mut confirm = answers(3, 1_400);
    confirm.extend(requests(4, 400));
    let states = BTreeMap::from([("request".to_owned(), requests(1, 4_000)), ("confirm".to_owned(), confirm)]);
    Domain { name: "hotel".to_owned(), states, background: Vec::new() }
}

/// Speech that has nothing to do with a hotel.
pub(crate) const STRANGE: [&str; 30] = [
    "the quarterly report shows rising interest rates",
    "my cat is stuck in the washing machine",
    "he scored a goal in the last minute of the game",
    "photosynthesis converts sunlight into chemical energy",
    "have you seen my other shoe",
    "the senate will vote on the new tax law",
    "turn left at the gas station and drive north",
    "she painted the fence bright yellow last summer",
    "our printer is out of toner again",
    "the recipe calls for three cups of flour",
    "i think the battery in my car is dead",
    "stop shouting at your brother",
    "the movie was boring and far too long",
    "electric guitars are louder than violins",
    "please send the invoice to the accounting department",
    "a group of whales swam past the island",
    "nobody understands quantum physics",
    "did the doctor give you any medicine",
    "my password does not work anymore",
    "the police arrested two men after the robbery",
    "grandma knitted a sweater for the baby",
    "the stock market crashed in nineteen twenty nine",
    "put the dishes in the cupboard",
    "he has been learning chinese since childhood",
    "the river flooded the whole valley",
    "where did you put the remote control",
    "scientists discovered a new kind of beetle",
    "i want to sell my old motorcycle",
    "the teacher asked us to write an essay",
    "it will probably snow in the mountains",
];
