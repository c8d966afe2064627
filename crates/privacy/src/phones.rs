//! Telephone numbers by the shape of a number plan: E.164, North America, and plans with a trunk zero; and social security numbers, which have a
//! shape of their own. Bare figures are left alone unless they have such a shape, and references (`booking 2025550123`) always.

use std::ops::Range;

use crate::spans::{Read, Taken, What};
use crate::tokens::{Kind, fold};
use crate::words::{Role, is};

/// Most digits of a number (E.164: 15) with 00 before them.
const MOST_DIGITS: usize = 17;
/// Signs between two groups: a bracket and a space.
const MAX_SIGNS: usize = 2;
/// Words looked at before a number, for what it is called.
const WORDS_BEFORE: usize = 4;

/// What the words before a number call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    Reference,
    Telephone,
    Nothing,
}

/// Takes the telephone numbers of a text.
pub(crate) fn take(read: &Read<'_>, taken: &mut Taken) {
    let mut kept = vec![false; read.tokens.len()];
    for date in &read.protected {
        kept.iter_mut().take(date.last + 1).skip(date.first).for_each(|kept| *kept = true);
    }
    let reader = Reader { read, kept };
    let mut at = 0;
    while at < read.tokens.len() {
        at = match reader.number(at) {
            Some((range, what, next)) => {
                taken.take(range, what);
                next
            }
            None => at + 1,
        };
    }
}

struct Reader<'a> {
    read: &'a Read<'a>,
    /// Tokens of dates, times and money.
    kept: Vec<bool>,
}

impl Reader<'_> {
    /// The longest number that begins with this token, and the token behind it.
    fn number(&self, at: usize) -> Option<(Range<usize>, What, usize)> {
        let parts = self.parts(at);
        let (first, plus) = self.beginning(at)?;
        let called = called(self.read, first);
        for count in (1..=parts.len()).rev() {
            let part = parts.get(..count)?;
            let groups: Vec<&str> = part.iter().map(|at| self.text_of(*at)).collect();
            let last = *part.last()?;
            let what = if is_phone(&groups, plus, called) {
                What::Phone
            } else if self.is_social_security(at, &groups) {
                What::Id
            } else {
                continue;
            };
            let start = self.read.tokens.get(first)?.at.start;
            return Some((start..self.read.tokens.get(last)?.at.end, what, last + 1));
        }
        None
    }

    /// The tokens of the number groups from here on that may be one number.
    fn parts(&self, at: usize) -> Vec<usize> {
        let (mut parts, mut digits, mut next) = (Vec::new(), 0, at);
        while self.is_number(next) && digits + self.text_of(next).len() <= MOST_DIGITS {
            digits += self.text_of(next).len();
            parts.push(next);
            let signs = (1..=MAX_SIGNS + 1)
                .take_while(|step| matches!(self.text_of(next + step), " " | "-" | "." | "/" | "(" | ")" | "\u{a0}"))
                .count();
            if signs == 0 || signs > MAX_SIGNS {
                break;
            }
            next += signs + 1;
        }
        parts
    }

    /// The first token with a bracket and plus before the number, and whether there is a plus; nothing when the number is the end of another.
    fn beginning(&self, at: usize) -> Option<(usize, bool)> {
        let before = |at: usize| at.checked_sub(1).map(|at| self.text_of(at)).unwrap_or_default();
        let first = if before(at) == "(" { at - 1 } else { at };
        if before(first) == "+" {
            return Some((first - 1, true));
        }
        let attached = matches!(before(at), "." | "," | ":" | "/" | "-") && at >= 2 && self.is_digits(at - 2);
        (self.is_number(at) && !attached).then_some((first, false))
    }

    fn is_number(&self, at: usize) -> bool {
        self.is_digits(at) && !self.kept.get(at).copied().unwrap_or_default()
    }

    fn is_digits(&self, at: usize) -> bool {
        self.read.tokens.get(at).is_some_and(|token| token.kind == Kind::Number && self.text_of(at).is_ascii())
    }

    fn text_of(&self, at: usize) -> &str {
        self.read.tokens.get(at).and_then(|token| self.read.text.get(token.at.clone())).unwrap_or_default()
    }

    /// 3-2-4 digits with hyphens, in ranges that are given out (SSA: no 000, 666, 9xx, no group 00, no serial 0000).
    fn is_social_security(&self, at: usize, groups: &[&str]) -> bool {
        let [area, group, serial] = groups else { return false };
        (area.len(), group.len(), serial.len()) == (3, 2, 4)
            && self.text_of(at + 1) == "-"
            && self.text_of(at + 3) == "-"
            && !matches!(*area, "000" | "666")
            && !area.starts_with('9')
            && *group != "00"
            && *serial != "0000"
    }
}

/// What the words before this token call the number that begins there.
pub(crate) fn called(read: &Read<'_>, first: usize) -> Called {
    let (mut called, mut words) = (Called::Nothing, 0);
    for token in read.tokens.get(..first).unwrap_or_default().iter().rev().take(WORDS_BEFORE * 3) {
        let text = read.text.get(token.at.clone()).unwrap_or_default();
        match token.kind {
            Kind::Word => {
                let word = fold(text);
                if is(Role::Reference, &word) {
                    return Called::Reference;
                }
                if is(Role::Telephone, &word) {
                    called = Called::Telephone;
                }
                words += 1;
            }
            Kind::Sign if matches!(text, " " | "#" | ":" | "-" | "=" | "\"" | "'") => {}
            _ => break,
        }
        if words == WORDS_BEFORE {
            break;
        }
    }
    called
}

/// True when groups of digits have the shape of a telephone number.
pub(crate) fn is_phone(groups: &[&str], plus: bool, called: Called) -> bool {
    let digits = groups.concat();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if plus {
        return is_international(&digits);
    }
    if called == Called::Reference {
        return false;
    }
    let telephone = called == Called::Telephone;
    digits.strip_prefix("00").is_some_and(|rest| rest.len() >= 9 && is_international(rest))
        || is_north_american(&digits, &lengths)
        || is_with_trunk_zero(&digits)
        || is_without_area(&digits, &lengths, telephone)
        || (telephone && (7..=15).contains(&digits.len()))
}

/// E.164: up to 15 digits after the plus, ten after a 1.
fn is_international(digits: &str) -> bool {
    match digits.as_bytes().first() {
        Some(b'1') => digits.len() == 11,
        Some(b'0') | None => false,
        Some(_) => (7..=15).contains(&digits.len()),
    }
}

/// Ten digits: area and exchange do not begin with 0 or 1. Written 3-3-4 the exchange is not looked at; made-up numbers are personal too.
fn is_north_american(digits: &str, lengths: &[usize]) -> bool {
    let (ten, lengths) = match (digits.len(), digits.strip_prefix('1'), lengths) {
        (11, Some(ten), [1, rest @ ..]) => (ten, rest),
        (11, Some(ten), rest) => (ten, rest),
        _ => (digits, lengths),
    };
    let area = ten.len() == 10 && matches!(ten.as_bytes().first(), Some(b'2'..=b'9'));
    let exchange = matches!(ten.as_bytes().get(3), Some(b'2'..=b'9'));
    area && (lengths == [3, 3, 4] || lengths == [3, 7] || (exchange && lengths.len() == 1))
}

/// A trunk zero and the national number (Germany, France, Italy, United Kingdom, and most of Europe).
fn is_with_trunk_zero(digits: &str) -> bool {
    (9..=12).contains(&digits.len()) && digits.starts_with('0') && !digits.starts_with("00")
}

/// Plans that are dialled in whole (Spain: nine digits from 6 to 9), written in groups.
fn is_without_area(digits: &str, lengths: &[usize], telephone: bool) -> bool {
    let first = matches!(digits.as_bytes().first(), Some(b'6'..=b'9'));
    digits.len() == 9 && first && (telephone || matches!(lengths, [3, 3, 3] | [3, 2, 2, 2] | [2, 3, 2, 2]))
}
