//! The texts of one speaker in one call: a card said in chunks, over several turns, is found when its last chunk comes.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use crate::cards::{self, LONGEST};
use crate::cut::{finished, looked_at};
use crate::groups::{Gap, Group};
use crate::known::Known;
use crate::spans::{Level, Read, Span, What, covering, found, masked, rendered, runs};

/// Texts without digits that may stand between two chunks of a number.
const MAX_TEXTS_BETWEEN: usize = 2;
/// Words beside the digits that may stand between two chunks in different texts ("let me see, the next ones are").
const MAX_WORDS_BETWEEN: usize = 5;
/// Texts behind a card in which a few digits alone are its security code.
const TEXTS_BEHIND: u8 = 2;

/// A text that reads differently now: store it in place of what [`Redactor::push`] returned for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Which text: 0 for the first one pushed.
    pub text_number: u64,
    /// How it reads now.
    pub text: String,
}

/// Masks the texts of one speaker in one call, in the order they are said.
///
/// What may be the beginning of a card (seven digits or more) is masked until it is clear that it is none. So `push` never returns more than the
/// first six digits of a card, and [`Self::revised`] returns what is to be replaced in texts before: shown again, or masked from its first digit.
/// It keeps the last few texts in memory, which is wiped.
#[derive(Default)]
pub struct Redactor {
    level: Level,
    known: Known,
    pushed: u64,
    /// Texts with groups of the open number, oldest first.
    open: VecDeque<Piece>,
    gap: Gap,
    texts_between: usize,
    revised: Vec<Revision>,
    /// A security code was named at the end of the last text.
    code_named: bool,
    texts_behind_card: u8,
}

/// A text with groups of a number that may go on.
struct Piece {
    number: u64,
    text: Zeroizing<String>,
    cut: bool,
    /// Keys, of which each is a group.
    keyed: bool,
    /// Masked whatever comes.
    spans: Vec<Span>,
    /// Its last groups, which belong to the open number.
    groups: Vec<Group>,
    /// Those that are a card.
    masked: Vec<bool>,
    shown: String,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("level", &self.level).field("pushed", &self.pushed).finish_non_exhaustive()
    }
}

impl Redactor {
    /// `known`: names and numbers known from the call, which are masked at [`Level::All`].
    pub fn new(level: Level, known: Vec<String>) -> Self {
        let mut redactor = Self { level, ..Self::default() };
        known.iter().for_each(|known| redactor.learn(known));
        redactor
    }

    /// How much is masked.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Another name or number became known in the call.
    pub fn learn(&mut self, known: &str) {
        self.known.learn(known);
    }

    /// Masks the next text that was said.
    pub fn push(&mut self, text: &str) -> String {
        self.take(text, false)
    }

    /// Masks the next keys that were pressed. Where one entry ends and the next begins is not known, so a card may begin with any key.
    pub fn push_keys(&mut self, keys: &str) -> String {
        self.take(keys, true)
    }

    /// Masks a text that stands for itself, such as an argument of a tool.
    pub fn mask(&self, text: &str) -> String {
        masked(text, self.level, &self.known).into_owned()
    }

    /// Texts before the last one that read differently since.
    pub fn revised(&mut self) -> Vec<Revision> {
        std::mem::take(&mut self.revised)
    }

    /// Nothing more is said: what was masked because it might have been a card is shown again.
    pub fn finish(&mut self) -> Vec<Revision> {
        self.settle();
        self.revised()
    }

    fn take(&mut self, text: &str, keyed: bool) -> String {
        let (looked, cut) = looked_at(text);
        let read = Read::new(looked, keyed);
        let mut spans = found(&read, self.level, &self.known);
        self.take_codes(&read, &mut spans);
        let number = self.pushed;
        self.pushed += 1;
        if read.groups.list.is_empty() {
            self.without_digits(read.groups.lead);
            return finished(rendered(looked, spans), cut);
        }
        let goes_on = self.goes_on(read.groups.lead);
        if !goes_on {
            self.settle();
        }
        let list = &read.groups.list;
        let first_run = list.iter().skip(1).position(|group| !group.joined).map_or(list.len(), |end| end + 1);
        let text = Zeroizing::new(looked.to_owned());
        let head = list.get(..first_run).unwrap_or_default();
        self.open.push_back(Piece::new(number, text, (cut, keyed), spans, head));
        self.find_cards();
        if first_run < list.len() {
            // The number that went on is over within this text; another is open at its end.
            self.settle_all_but_last();
            let last_run = list.iter().rposition(|group| !group.joined).unwrap_or_default();
            if let Some(piece) = self.open.back_mut() {
                piece.go_on_with(list.get(last_run..).unwrap_or_default());
            }
        }
        self.gap = read.groups.trail;
        self.texts_between = 0;
        self.trim();
        self.render();
        self.open.back().map(|piece| piece.shown.clone()).unwrap_or_default()
    }

    /// The codes that are named before this text, or follow a card.
    fn take_codes(&mut self, read: &Read<'_>, spans: &mut Vec<Span>) {
        let list = &read.groups.list;
        let mut codes = vec![false; list.len()];
        let named = cards::security_groups(read.text, &read.tokens, list, &mut codes);
        if list.is_empty() {
            self.code_named = named || self.code_named && read.groups.lead.others <= MAX_WORDS_BETWEEN;
            return;
        }
        let asked = std::mem::take(&mut self.code_named) || self.texts_behind_card > 0;
        self.texts_behind_card = self.texts_behind_card.saturating_sub(1);
        if asked && cards::is_code_alone(list, read.groups.lead.others + read.groups.trail.others) {
            spans.push(Span { at: covering(list, &(0..list.len())), what: What::Code });
        }
        self.code_named = named;
        if spans.iter().any(|span| span.what == What::Card) {
            self.texts_behind_card = TEXTS_BEHIND;
        }
    }

    fn without_digits(&mut self, gap: Gap) {
        self.texts_between += 1;
        self.gap.others += gap.others;
        self.gap.breaks |= gap.breaks;
        if self.texts_between > MAX_TEXTS_BETWEEN || !self.goes_on(Gap::default()) {
            self.settle();
        }
    }

    /// True when the open number may go on behind this.
    fn goes_on(&self, lead: Gap) -> bool {
        !self.open.is_empty() && !self.gap.breaks && !lead.breaks && self.gap.others + lead.others <= MAX_WORDS_BETWEEN
    }

    /// Looks for cards in the open number, over all of its texts.
    fn find_cards(&mut self) {
        let groups: Vec<Group> = self.open.iter().enumerate().flat_map(|(piece, open)| linked(piece, &open.groups)).collect();
        // Who tells a card over turns begins a turn with it and ends one, or digits of other turns would be cards by chance.
        let (mut begins, mut ends) = (Vec::new(), Vec::new());
        for piece in &self.open {
            for place in 0..piece.groups.len() {
                begins.push(place == 0 || piece.keyed);
                ends.push(piece.keyed || piece.groups.get(place + 1..).is_some_and(cards::is_tail));
            }
        }
        let at = |places: &[bool], place: usize| places.get(place).copied().unwrap_or_default();
        let masked = cards::card_groups(&groups, |first, last| at(&begins, first) && at(&ends, last));
        if masked.contains(&true) {
            self.texts_behind_card = TEXTS_BEHIND;
        }
        let mut from = 0;
        for piece in &mut self.open {
            for (place, own) in piece.masked.iter_mut().enumerate() {
                *own |= masked.get(from + place).copied().unwrap_or_default();
            }
            from += piece.groups.len();
        }
    }

    /// Forgets groups too far back to be in one card with what comes.
    fn trim(&mut self) {
        let mut digits = 0;
        let pieces = self.open.iter().rev().take_while(|piece| {
            let fits = digits < LONGEST;
            digits += piece.groups.iter().map(|group| group.digits.len()).sum::<usize>();
            fits
        });
        let kept = pieces.count();
        while self.open.len() > kept {
            self.close_first();
        }
    }

    /// How the open texts read now: cards masked, and what may become one.
    fn render(&mut self) {
        let all = self.open.iter().enumerate();
        let mut groups: Vec<_> =
            all.flat_map(|(at, piece)| piece.groups.iter().zip(&piece.masked).map(move |(group, masked)| (at, group, *masked))).collect();
        let behind_card = groups.iter().rposition(|(.., masked)| *masked).map_or(0, |card| card + 1);
        groups.drain(..behind_card.max(groups.len().saturating_sub(LONGEST)));
        let first = cards::open_from(groups.iter().map(|(_, group, _)| *group)).unwrap_or(groups.len());
        let held: Vec<usize> = groups.iter().skip(first).map(|(at, ..)| *at).collect();
        let last = self.open.len().saturating_sub(1);
        for (at, piece) in self.open.iter_mut().enumerate() {
            let now = piece.reads(held.iter().filter(|piece| **piece == at).count());
            if now != piece.shown {
                piece.shown.clone_from(&now);
                if at < last {
                    self.revised.push(Revision { text_number: piece.number, text: now });
                }
            }
        }
    }

    /// The open number is over: what was masked for what it might become is shown.
    fn settle(&mut self) {
        while !self.open.is_empty() {
            self.close_first();
        }
        self.gap = Gap::default();
        self.texts_between = 0;
    }

    fn settle_all_but_last(&mut self) {
        while self.open.len() > 1 {
            self.close_first();
        }
    }

    fn close_first(&mut self) {
        if let Some(piece) = self.open.pop_front() {
            let now = piece.reads(0);
            if now != piece.shown {
                self.revised.push(Revision { text_number: piece.number, text: now });
            }
        }
    }
}

/// The groups of one text in a number that goes over several: the first one is joined to the text before.
fn linked(piece: usize, groups: &[Group]) -> impl Iterator<Item = Group> + '_ {
    groups.iter().enumerate().map(move |(place, group)| Group { joined: group.joined || (place == 0 && piece > 0), ..group.clone() })
}

/// Which groups are in a card.
fn in_cards(groups: &[Group], spans: &[Span]) -> Vec<bool> {
    let mut cards = spans.iter().filter(|span| span.what == What::Card).peekable();
    let is_masked = |group: &Group| {
        while cards.next_if(|card| card.at.end <= group.at.start).is_some() {}
        cards.peek().is_some_and(|card| card.at.start <= group.at.start)
    };
    groups.iter().map(is_masked).collect()
}

impl Piece {
    fn new(number: u64, text: Zeroizing<String>, (cut, keyed): (bool, bool), spans: Vec<Span>, groups: &[Group]) -> Self {
        let masked = in_cards(groups, &spans);
        Self { number, text, cut, keyed, spans, groups: groups.to_vec(), masked, shown: String::new() }
    }

    /// Another number is open in this text now; what was found of the one before stays.
    fn go_on_with(&mut self, groups: &[Group]) {
        let found = self.card_spans();
        self.spans.extend(found);
        self.groups = groups.to_vec();
        self.masked = in_cards(groups, &self.spans);
    }

    fn card_spans(&self) -> Vec<Span> {
        let runs = runs(&self.masked, |_| true);
        runs.into_iter().map(|at| Span { at: covering(&self.groups, &at), what: What::Card }).collect()
    }

    /// How it reads with its cards masked, and as many of its last groups.
    fn reads(&self, held: usize) -> String {
        let held = self.groups.len().saturating_sub(held)..self.groups.len();
        let held = (!held.is_empty()).then(|| Span { at: covering(&self.groups, &held), what: What::Card });
        let spans = self.spans.iter().cloned().chain(self.card_spans()).chain(held).collect();
        finished(rendered(&self.text, spans), self.cut)
    }
}

#[cfg(test)]
#[path = "redactor_tests.rs"]
mod tests;
