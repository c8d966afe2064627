//! What is masked of a text: the specific is looked for before the general, and nothing is masked twice.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::cut::{finished, looked_at};
use crate::dates::{Protected, protected};
use crate::groups::{Groups, groups};
use crate::known::Known;
use crate::tokens::{Token, tokens};
use crate::{cards, emails, iban, internet, phones, spoken_phones};

/// What is left around something masked may be something in itself, so a text is looked at again: at most this often.
const MAX_LOOKS: usize = 4;

/// How much is masked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Payment cards and their security codes, which must never be kept.
    #[default]
    Cards,
    /// All that points to a person: cards, accounts, e-mail and IP addresses, telephone numbers, and names known from the call.
    All,
}

/// What a masked part was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A payment card's number, with what follows it in the same breath.
    Card,
    /// A card's security code, or a PIN.
    Code,
    /// An account number (IBAN).
    Account,
    /// An e-mail address, written or spoken.
    Email,
    /// An IP address.
    Address,
    /// A name known from the call.
    Name,
    /// A telephone number.
    Phone,
    /// A social security number as it is written in the United States.
    Id,
}

impl What {
    /// What stands in its place.
    pub const fn mask(self) -> &'static str {
        match self {
            Self::Card => "[card]",
            Self::Code => "[code]",
            Self::Account => "[iban]",
            Self::Email => "[email]",
            Self::Address => "[ip]",
            Self::Name => "[name]",
            Self::Phone => "[phone]",
            Self::Id => "[id]",
        }
    }
}

/// A part of a text that is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its bytes.
    pub at: Range<usize>,
    /// What it is.
    pub what: What,
}

/// Masks one text. Masking again changes nothing; a text longer than [`crate::MAX_TEXT`] is cut and says so.
pub fn redact(text: &str, level: Level) -> Cow<'_, str> {
    masked(text, level, &Known::default())
}

/// What [`redact`] masks of a text, in order, without overlap. Looks at the first [`crate::MAX_TEXT`] bytes only.
pub fn spans(text: &str, level: Level) -> Vec<Span> {
    let (text, _) = looked_at(text);
    found(&Read::new(text, false), level, &Known::default())
}

pub(crate) fn masked<'a>(text: &'a str, level: Level, known: &Known) -> Cow<'a, str> {
    let (looked, cut) = looked_at(text);
    let read = Read::new(looked, false);
    let mut spans = found(&read, level, known);
    if cut {
        spans.extend(read.open_end());
    }
    if spans.is_empty() && !cut {
        return Cow::Borrowed(text);
    }
    let mut out = rendered(looked, spans);
    for _ in 1..MAX_LOOKS {
        let spans = found(&Read::new(&out, false), level, known);
        if spans.is_empty() {
            break;
        }
        out = rendered(&out, spans);
    }
    Cow::Owned(finished(out, cut))
}

/// A text with these parts masked; where parts overlap or touch, the first one's mask stands for all.
pub(crate) fn rendered(text: &str, mut spans: Vec<Span>) -> String {
    spans.sort_by_key(|span| (span.at.start, span.at.end));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        if span.at.start >= from {
            out.push_str(text.get(from..span.at.start).unwrap_or_default());
            out.push_str(span.what.mask());
        }
        from = from.max(span.at.end);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// A text that was read once for all that is looked for.
pub(crate) struct Read<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: Vec<Token>,
    pub(crate) protected: Vec<Protected>,
    pub(crate) groups: Groups,
}

impl<'a> Read<'a> {
    /// `keyed`: each digit is a group of its own.
    pub(crate) fn new(text: &'a str, keyed: bool) -> Self {
        let tokens = tokens(text);
        let protected = protected(text, &tokens);
        let mut dated = vec![false; tokens.len()];
        for date in protected.iter().filter(|found| found.full_date) {
            dated.iter_mut().take(date.last + 1).skip(date.first).for_each(|dated| *dated = true);
        }
        let groups = groups(text, &tokens, |at| dated.get(at).copied().unwrap_or_default(), keyed);
        Self { text, tokens, protected, groups }
    }

    /// The end of a text that was cut, when it may be the beginning of a card.
    fn open_end(&self) -> Option<Span> {
        let list = &self.groups.list;
        let from = list.iter().rposition(|group| !group.joined)?;
        let run = list.get(from.max(list.len().saturating_sub(cards::LONGEST))..)?;
        let first = cards::open_from(run.iter())?;
        Some(Span { at: run.get(first)?.at.start..run.last()?.at.end, what: What::Card })
    }
}

/// Parts of a text that are taken.
pub(crate) struct Taken {
    bytes: Vec<bool>,
    pub(crate) spans: Vec<Span>,
}

impl Taken {
    /// Takes a part, unless some of it is taken.
    pub(crate) fn take(&mut self, at: Range<usize>, what: What) {
        if self.is_free(&at) {
            self.bytes.iter_mut().take(at.end).skip(at.start).for_each(|taken| *taken = true);
            self.spans.push(Span { at, what });
        }
    }

    /// True when nothing of it is taken.
    pub(crate) fn is_free(&self, at: &Range<usize>) -> bool {
        self.bytes.get(at.clone()).is_some_and(|part| !part.contains(&true))
    }
}

/// Everything to mask in a text, in order.
pub(crate) fn found(read: &Read<'_>, level: Level, known: &Known) -> Vec<Span> {
    let mut taken = Taken { bytes: vec![false; read.text.len()], spans: Vec::new() };
    take_cards(read, &mut taken);
    if level == Level::All {
        iban::take(read, &mut taken);
        emails::take(read, &mut taken);
        internet::take(read, &mut taken);
        known.take(read, &mut taken);
        phones::take(read, &mut taken);
        spoken_phones::take(read, &mut taken);
    }
    taken.spans.sort_by_key(|span| span.at.start);
    taken.spans
}

fn take_cards(read: &Read<'_>, taken: &mut Taken) {
    let groups = &read.groups.list;
    let mut masked = cards::card_groups(groups, |_, _| true);
    cards::add_tails(groups, &mut masked);
    for at in runs(&masked, |at| groups.get(at).is_some_and(|group| group.joined)) {
        taken.take(covering(groups, &at), What::Card);
    }
    let mut codes = vec![false; groups.len()];
    cards::security_groups(read.text, &read.tokens, groups, &mut codes);
    for at in runs(&codes, |at| groups.get(at).is_some_and(|group| group.joined)) {
        taken.take(covering(groups, &at), What::Code);
    }
}

/// The bytes of these groups, what stands between them included.
pub(crate) fn covering(groups: &[crate::groups::Group], at: &Range<usize>) -> Range<usize> {
    match groups.get(at.clone()) {
        Some([first, .., last]) => first.at.start..last.at.end,
        Some([only]) => only.at.clone(),
        _ => 0..0,
    }
}

/// Runs of marked places; a run goes on over `joined` places only.
pub(crate) fn runs(marked: &[bool], joined: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..marked.len()).filter(|at| marked.get(*at).copied().unwrap_or_default()) {
        match runs.last_mut() {
            Some(run) if run.end == at && joined(at) => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

#[cfg(test)]
#[path = "spans_tests.rs"]
mod tests;
