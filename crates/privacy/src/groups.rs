//! Digits in groups, as they are written or said, and which groups may belong to one number.

use std::ops::Range;

use crate::number_words::{NumberWord, number_word};
use crate::tokens::{Kind, Token, digits, fold};
use crate::words::{Role, is};

/// Words that may be said between two groups of one number.
const MAX_FILLERS: usize = 8;
/// Signs that may stand between two groups of one number. Others (currencies, brackets, mask stars) end it.
const SEPARATORS: &str = "-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}.,/:;_()#|'\"!?\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}";

/// Digits that are written or said together: `4111`, `four`, `forty-one`, `double four`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its bytes.
    pub(crate) at: Range<usize>,
    pub(crate) digits: Vec<u8>,
    /// May belong to the same number as the group before it.
    pub(crate) joined: bool,
    /// In words.
    pub(crate) spoken: bool,
    /// The first and the last of its tokens.
    pub(crate) tokens: (usize, usize),
}

/// What stands between two groups, or before the first, or behind the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Something that ends a number.
    pub(crate) breaks: bool,
    /// Words that belong to how a number is said.
    pub(crate) fillers: usize,
    /// Other words.
    pub(crate) others: usize,
}

impl Gap {
    fn joins(self) -> bool {
        !self.breaks && self.others == 0 && self.fillers <= MAX_FILLERS
    }
}

/// The groups of a text.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) list: Vec<Group>,
    /// Before the first one; without groups, all of the text.
    pub(crate) lead: Gap,
    /// Behind the last one.
    pub(crate) trail: Gap,
}

/// A text being read for its groups.
struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    groups: Groups,
    gap: Gap,
}

/// Reads the groups of a text. `ends` says whether the token at this place ends every number; `keyed`: each written digit is a group of its own.
pub(crate) fn groups(text: &str, tokens: &[Token], ends: impl Fn(usize) -> bool, keyed: bool) -> Groups {
    let mut reader = Reader { text, tokens, groups: Groups::default(), gap: Gap::default() };
    let mut at = 0;
    while at < tokens.len() {
        at = if ends(at) { reader.breaking(at) } else { reader.step(at, keyed) };
    }
    reader.groups.trail = reader.gap;
    if reader.groups.list.is_empty() {
        reader.groups.lead = reader.gap;
    }
    reader.groups
}

impl Reader<'_> {
    /// Takes the token at this place, and those that belong to it; the place behind them.
    fn step(&mut self, at: usize, keyed: bool) -> usize {
        let Some(token) = self.tokens.get(at) else { return at + 1 };
        let text = self.text.get(token.at.clone()).unwrap_or_default();
        match token.kind {
            Kind::Number if keyed => {
                for (start, sign) in text.char_indices() {
                    let start = token.at.start + start;
                    self.push(digits(sign.encode_utf8(&mut [0; 4])), start..start + sign.len_utf8(), (at, at), false);
                }
                at + 1
            }
            Kind::Number if text.len() == 1 && self.is_count(at, at) => self.filler(at),
            Kind::Number => {
                self.push(digits(text), token.at.clone(), (at, at), false);
                at + 1
            }
            Kind::Mixed => self.mixed(at, text),
            Kind::Word => self.word(at),
            Kind::Sign if text.chars().all(|sign| sign.is_whitespace() || SEPARATORS.contains(sign)) || text == "%20" => at + 1,
            Kind::Sign => self.breaking(at),
        }
    }

    fn push(&mut self, digits: Vec<u8>, at: Range<usize>, tokens: (usize, usize), spoken: bool) {
        let first = self.groups.list.is_empty();
        if first {
            self.groups.lead = self.gap;
        }
        let joined = !first && self.gap.joins();
        self.groups.list.push(Group { at, digits, joined, spoken, tokens });
        self.gap = Gap::default();
    }

    fn breaking(&mut self, at: usize) -> usize {
        self.gap.breaks = true;
        at + 1
    }

    fn filler(&mut self, at: usize) -> usize {
        self.gap.fillers += 1;
        at + 1
    }

    fn other(&mut self, at: usize) -> usize {
        self.gap.others += 1;
        at + 1
    }

    /// Letters and digits in one: no digits of a number that goes on elsewhere, but a whole one may be in it.
    fn mixed(&mut self, at: usize, text: &str) -> usize {
        let start = self.tokens.get(at).map_or(0, |token| token.at.start);
        let mut from = 0;
        for run in text.split(|sign: char| crate::tokens::digit(sign).is_none()) {
            if (13..=19).contains(&run.chars().count()) {
                self.gap.breaks = true;
                self.push(digits(run), start + from..start + from + run.len(), (at, at), false);
            }
            from += run.len() + text.get(from + run.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
        self.breaking(at)
    }

    fn word(&mut self, at: usize) -> usize {
        let word = self.folded(at);
        match number_word(&word) {
            Some(NumberWord::Times(times)) => self.repeated(at, times),
            Some(NumberWord::Value(value)) => self.value(at, value),
            None if matches!(word.as_str(), "o" | "oh") && self.in_number() => {
                self.spoken(vec![0], at, at);
                at + 1
            }
            None if is(Role::Filler, &word) => self.filler(at),
            None => self.other(at),
        }
    }

    /// True when the last group can go on: an `oh` is a zero then.
    fn in_number(&self) -> bool {
        self.gap.joins() && self.groups.list.last().is_some_and(|group| group.spoken)
    }

    /// `double four`, `triple 5`, `zweimal die vier`.
    fn repeated(&mut self, at: usize, times: u8) -> usize {
        let mut next = self.behind_space(at);
        if matches!(self.folded(next).as_str(), "die" | "das" | "il" | "el" | "le") {
            next = self.behind_space(next);
        }
        let digit = match self.tokens.get(next).map(|token| token.kind) {
            Some(Kind::Number) => self.tokens.get(next).map(|token| digits(self.text.get(token.at.clone()).unwrap_or_default())),
            Some(Kind::Word) => match number_word(&self.folded(next)) {
                Some(NumberWord::Value(value @ 0..=9)) => Some(vec![value]),
                None if matches!(self.folded(next).as_str(), "o" | "oh") => Some(vec![0]),
                _ => None,
            },
            _ => None,
        };
        match digit.as_deref() {
            Some(&[digit]) => {
                self.spoken(vec![digit; usize::from(times)], at, next);
                next + 1
            }
            _ => self.other(at),
        }
    }

    fn value(&mut self, at: usize, value: u8) -> usize {
        let (value, last) = self.composed(at, value);
        if value < 10 && self.is_count(at, last) {
            return self.filler(last);
        }
        let digits = if value < 10 { vec![value] } else { vec![value / 10, value % 10] };
        self.spoken(digits, at, last);
        last + 1
    }

    /// A value of several words, and its last word: `forty one`, `treinta y uno`, `soixante et onze`, `quatre-vingt-dix-neuf`.
    fn composed(&self, at: usize, value: u8) -> (u8, usize) {
        let (value, last) = match (value, self.joined_value(at, false)) {
            // French counts in twenties.
            (4, Some((20, next))) if matches!(self.folded(next).as_str(), "vingt" | "vingts") => (80, next),
            _ => (value, at),
        };
        let tens = value >= 20 && value.is_multiple_of(10);
        let french_teens = matches!(value, 60 | 80) && matches!(self.folded(last).as_str(), "soixante" | "vingt" | "vingts");
        match self.joined_value(last, true) {
            Some((unit @ 1..=9, next)) if tens => (value + unit, next),
            Some((10, next)) if french_teens => match self.joined_value(next, false) {
                Some((unit @ 7..=9, next)) => (value + 10 + unit, next),
                _ => (value + 10, next),
            },
            Some((teen @ 11..=19, next)) if french_teens => (value + teen, next),
            Some((unit @ 7..=9, next)) if value == 10 && self.folded(last) == "dix" => (value + unit, next),
            _ => (value, last),
        }
    }

    /// The value of the next word, when only a space or hyphen is between, or with `link` a word for and.
    fn joined_value(&self, at: usize, link: bool) -> Option<(u8, usize)> {
        let mut next = self.behind_space(at);
        if link && matches!(self.folded(next).as_str(), "y" | "et") {
            next = self.behind_space(next);
        }
        match number_word(&self.folded(next)) {
            Some(NumberWord::Value(value)) => Some((value, next)),
            _ => None,
        }
    }

    /// True when the number in these tokens counts something and is no digit: `the last four are`, `vier Ziffern`.
    fn is_count(&self, first: usize, last: usize) -> bool {
        let next = self.folded(self.behind_space(last));
        let before = first.checked_sub(2).map(|before| self.folded(before)).unwrap_or_default();
        is(Role::Counted, &next) || (is(Role::Place, &before) && (is(Role::Verb, &next) || self.sign(last + 1) == ":"))
    }

    fn spoken(&mut self, digits: Vec<u8>, first: usize, last: usize) {
        let end = |at: usize| self.tokens.get(at).map_or(0..0, |token| token.at.clone());
        self.push(digits, end(first).start..end(last).end, (first, last), true);
    }

    /// The token behind one space or hyphen.
    fn behind_space(&self, at: usize) -> usize {
        if matches!(self.sign(at + 1), " " | "-" | "\u{a0}") { at + 2 } else { usize::MAX }
    }

    fn sign(&self, at: usize) -> &str {
        self.tokens.get(at).filter(|token| token.kind == Kind::Sign).and_then(|token| self.text.get(token.at.clone())).unwrap_or_default()
    }

    /// The word at this place, folded; empty when there is none.
    fn folded(&self, at: usize) -> String {
        let word = self.tokens.get(at).filter(|token| token.kind == Kind::Word);
        word.and_then(|token| self.text.get(token.at.clone())).map(fold).unwrap_or_default()
    }
}
