//! What looks like a number of a person and is none: dates, times of day, money.

use std::ops::Range;

use crate::tokens::{Kind, Token};

/// A protected run of tokens, from first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Protected {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// A date with its whole year: so specific that not even a card goes across it.
    pub(crate) full_date: bool,
}

/// The dates, times and amounts of a text, in order.
pub(crate) fn protected(text: &str, tokens: &[Token]) -> Vec<Protected> {
    let reader = Reader { text, tokens };
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let run = reader.run(at);
        match reader.what(at, run) {
            Some(protected) => {
                at = protected.last + 1;
                found.push(protected);
            }
            // Part of a longer run of numbers and signs is none either: 1.2.2025.7 is no date.
            None => at = at.max(run) + 1,
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Reader<'_> {
    /// The last token of numbers with single date, time or money signs between them; `at` when there are none.
    fn run(&self, at: usize) -> usize {
        if self.number(at).is_none() {
            return at;
        }
        let mut last = at;
        while matches!(self.sign(last + 1), "-" | "/" | "." | ":" | ",") && self.number(last + 2).is_some() {
            last += 2;
        }
        last
    }

    fn what(&self, first: usize, last: usize) -> Option<Protected> {
        let full_date = self.is_date(first, last);
        let other = self.is_short_date(first, last) || self.is_time(first, last) || self.is_money(first, last);
        (full_date || other).then_some(Protected { first, last, full_date })
    }

    /// `2025-11-03`, `03.11.2025`, `11/03/2025`.
    fn is_date(&self, first: usize, last: usize) -> bool {
        if last != first + 4 || self.sign(first + 1) != self.sign(first + 3) || !matches!(self.sign(first + 1), "-" | "/" | ".") {
            return false;
        }
        let part = |at: usize| self.number(at).map(|text| (text.len(), text.parse::<u32>().unwrap_or(u32::MAX)));
        match (part(first), part(first + 2), part(first + 4)) {
            (Some((4, year)), Some(month), Some(day)) => is_year(year) && is_day(day) && is_month(month),
            (Some(a), Some(b), Some((4, year))) => is_year(year) && ((is_day(a) && is_month(b)) || (is_month(a) && is_day(b))),
            _ => false,
        }
    }

    /// `03.11.25`, `3.11.`, `11/25`.
    fn is_short_date(&self, first: usize, last: usize) -> bool {
        let part = |at: usize| self.number(at).map(|text| (text.len(), text.parse::<u32>().unwrap_or(u32::MAX)));
        let dated = |a, b| (is_day(a) && is_month(b)) || (is_month(a) && is_day(b));
        match (last - first, part(first), part(first + 2), part(first + 4)) {
            (4, Some(a), Some(b), Some((2, _))) => {
                self.sign(first + 1) == self.sign(first + 3) && self.sign(first + 1) != ":" && dated(a, b)
            }
            (2, Some(a), Some(b), _) => matches!(self.sign(first + 1), "/" | ".") && dated(a, b),
            _ => false,
        }
    }

    /// `14:30`, `14:30:22.5`.
    fn is_time(&self, first: usize, last: usize) -> bool {
        let part = |at: usize, below: u32| {
            self.number(at).is_some_and(|text| text.len() <= 2 && text.parse::<u32>().is_ok_and(|value| value < below))
        };
        let signs = |at: usize| self.sign(at);
        let length = last - first;
        part(first, 25)
            && part(first + 2, 60)
            && signs(first + 1) == ":"
            && (length == 2
                || (signs(first + 3) == ":" && part(first + 4, 61) && (length == 4 || (length == 6 && signs(first + 5) == "."))))
    }

    /// `1250.00`, `1,250.00`, `1.250,00`, and whole amounts in groups of three with a currency beside them: `$1,250`.
    fn is_money(&self, first: usize, last: usize) -> bool {
        let parts: Vec<&str> = (first..=last).step_by(2).filter_map(|at| self.number(at)).collect();
        let signs: Vec<&str> = (first + 1..last).step_by(2).map(|at| self.sign(at)).collect();
        let thousands = |parts: &[&str], signs: &[&str]| {
            parts.first().is_some_and(|part| part.len() <= 3)
                && parts.iter().skip(1).all(|part| part.len() == 3)
                && signs.windows(2).all(|pair| pair.first() == pair.last())
                && signs.iter().all(|sign| matches!(*sign, "," | "."))
        };
        let beside = self.currency(first, last);
        match (parts.split_last(), signs.split_last()) {
            (Some((cents, whole)), Some((point, signs))) if cents.len() == 2 && matches!(*point, "." | ",") => {
                !signs.contains(point) && (whole.len() == 1 || thousands(whole, signs))
            }
            (Some((_, [])), _) => beside,
            _ => beside && thousands(&parts, &signs),
        }
    }

    fn currency(&self, first: usize, last: usize) -> bool {
        let before = first.checked_sub(1).map(|at| self.text_of(at)).filter(|text| text != &" ");
        let near = first.checked_sub(2).filter(|_| before.is_none()).map(|at| self.text_of(at));
        let after = if self.text_of(last + 1) == " " { self.text_of(last + 2) } else { self.text_of(last + 1) };
        [before.or(near), Some(after)].into_iter().flatten().any(is_currency)
    }

    fn number(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).filter(|token| token.kind == Kind::Number).map(|token| self.slice(token.at.clone()))
    }

    fn sign(&self, at: usize) -> &str {
        self.tokens.get(at).filter(|token| token.kind == Kind::Sign).map(|token| self.slice(token.at.clone())).unwrap_or_default()
    }

    fn text_of(&self, at: usize) -> &str {
        self.tokens.get(at).map(|token| self.slice(token.at.clone())).unwrap_or_default()
    }

    fn slice(&self, at: Range<usize>) -> &str {
        self.text.get(at).unwrap_or_default()
    }
}

fn is_year(year: u32) -> bool {
    (1900..2100).contains(&year)
}

fn is_month((length, value): (usize, u32)) -> bool {
    length <= 2 && (1..=12).contains(&value)
}

fn is_day((length, value): (usize, u32)) -> bool {
    length <= 2 && (1..=31).contains(&value)
}

fn is_currency(word: &str) -> bool {
    let folded = word.to_lowercase();
    matches!(word, "$" | "€" | "£" | "¥")
        || matches!(
            folded.as_str(),
            "eur" | "usd" | "gbp" | "chf" | "euro" | "euros" | "dollar" | "dollars" | "pounds" | "franken" | "francs"
        )
}
