//! Payment cards: which groups of digits are one, by number range, length and check digit, and the security codes named beside them.

use std::ops::Range;

use crate::groups::Group;
use crate::tokens::{Kind, Token, fold};
use crate::words::{Role, ends_security, is};

/// Digits of the shortest card (ISO/IEC 7812-1 allows fewer, none are issued).
pub(crate) const SHORTEST: usize = 13;
/// Digits of the longest card (ISO/IEC 7812-1).
pub(crate) const LONGEST: usize = 19;
/// First digits of a card that may be kept of it (PCI DSS 4.0, 3.4.1: six for each brand); with more, it is masked before it is complete.
const KEPT: usize = 6;
/// Digits of an expiry date with a security code, which may follow a card.
const BEHIND: usize = 9;
/// Words between the name of a security code and the code.
const MAX_WORDS: usize = 4;

/// A range of card numbers: first digits from, to, and the lengths in use.
struct Issuer(u32, u32, Range<usize>, &'static [usize]);

const VISA: &[usize] = &[13, 16, 19];
const SIXTEEN: &[usize] = &[16];
const TO_NINETEEN: &[usize] = &[16, 17, 18, 19];

/// Issuer identification numbers by network, as the networks publish them.
const ISSUERS: [Issuer; 27] = [
    Issuer(4, 4, 0..1, VISA),                                // Visa
    Issuer(51, 55, 0..2, SIXTEEN),                           // Mastercard
    Issuer(2221, 2720, 0..4, SIXTEEN),                       // Mastercard
    Issuer(34, 34, 0..2, &[15]),                             // American Express
    Issuer(37, 37, 0..2, &[15]),                             // American Express
    Issuer(6011, 6011, 0..4, TO_NINETEEN),                   // Discover
    Issuer(644, 649, 0..3, TO_NINETEEN),                     // Discover
    Issuer(65, 65, 0..2, TO_NINETEEN),                       // Discover, RuPay
    Issuer(300, 305, 0..3, &[14, 16, 17, 18, 19]),           // Diners Club
    Issuer(3095, 3095, 0..4, &[14, 16, 17, 18, 19]),         // Diners Club
    Issuer(36, 36, 0..2, &[14, 15, 16, 17, 18, 19]),         // Diners Club
    Issuer(38, 39, 0..2, &[14, 16, 17, 18, 19]),             // Diners Club
    Issuer(3528, 3589, 0..4, TO_NINETEEN),                   // JCB
    Issuer(62, 62, 0..2, TO_NINETEEN),                       // UnionPay
    Issuer(8100, 8171, 0..4, TO_NINETEEN),                   // UnionPay
    Issuer(2200, 2204, 0..4, TO_NINETEEN),                   // Mir
    Issuer(5018, 5018, 0..4, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    Issuer(5019, 5019, 0..4, SIXTEEN),                       // Dankort
    Issuer(5020, 5020, 0..4, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    Issuer(5038, 5038, 0..4, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    Issuer(5893, 5893, 0..4, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    Issuer(6304, 6304, 0..4, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    Issuer(6759, 6763, 0..4, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    Issuer(6060, 6069, 0..4, SIXTEEN),                       // RuPay, Hipercard
    Issuer(508, 508, 0..3, SIXTEEN),                         // RuPay
    Issuer(506_099, 506_198, 0..6, &[16, 18, 19]),           // Verve
    Issuer(9792, 9792, 0..4, SIXTEEN),                       // Troy
];

fn issuers(digits: &[u8]) -> impl Iterator<Item = &'static Issuer> + '_ {
    ISSUERS.iter().filter(|Issuer(from, to, prefix, _)| {
        let value = digits.get(prefix.clone()).map(|first| first.iter().fold(0, |value, digit| value * 10 + u32::from(*digit)));
        value.is_some_and(|value| (*from..=*to).contains(&value))
    })
}

/// True when these digits are a card's: a range in use, its length, and the check digit.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    issuers(digits).any(|Issuer(.., lengths)| lengths.contains(&digits.len())) && luhn(digits)
}

/// True when a card may begin with these digits and more are to come.
fn may_begin(digits: &[u8]) -> bool {
    digits.len() > KEPT && issuers(digits).any(|Issuer(.., lengths)| lengths.iter().any(|length| *length > digits.len()))
}

/// The check digit of ISO/IEC 7812-1: every second digit from the right is doubled.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().map(|(place, digit)| luhn_part(place, *digit)).sum();
    sum.is_multiple_of(10)
}

fn luhn_part(place: usize, digit: u8) -> u32 {
    let value = u32::from(digit) << (place % 2);
    if value > 9 { value - 9 } else { value }
}

/// Which of these groups belong to a card. A card begins and ends with a group, and `fits` says from which to which it may.
pub(crate) fn card_groups(groups: &[Group], fits: impl Fn(usize, usize) -> bool) -> Vec<bool> {
    let mut masked = vec![false; groups.len()];
    for first in 0..groups.len() {
        let mut digits = Vec::with_capacity(LONGEST);
        for (at, group) in groups.iter().enumerate().skip(first) {
            if (at > first && !group.joined) || digits.len() + group.digits.len() > LONGEST {
                break;
            }
            digits.extend_from_slice(&group.digits);
            if digits.len() >= SHORTEST && is_card(&digits) && fits(first, at) {
                masked.iter_mut().take(at + 1).skip(first).for_each(|masked| *masked = true);
            }
        }
    }
    masked
}

/// Adds what follows a card in the same breath: expiry date and security code.
pub(crate) fn add_tails(groups: &[Group], masked: &mut [bool]) {
    let mut at = 0;
    while at < groups.len() {
        let card = masked.get(at).copied().unwrap_or_default();
        at += 1;
        let tail = groups
            .iter()
            .enumerate()
            .skip(at)
            .take_while(|(place, group)| group.joined && !masked.get(*place).is_some_and(|masked| *masked));
        let (last, length) = tail.fold((at, 0), |(_, length), (place, group)| (place + 1, length + group.digits.len()));
        if card && length <= BEHIND {
            masked.iter_mut().take(last).skip(at).for_each(|masked| *masked = true);
        }
        at = last;
    }
}

/// From which of these groups on, to the last, a card may have begun that is not complete. All are joined.
pub(crate) fn open_from<'a>(groups: impl Iterator<Item = &'a Group> + Clone) -> Option<usize> {
    let count = groups.clone().count();
    (0..count).find(|first| {
        let digits: Vec<u8> = groups.clone().skip(*first).flat_map(|group| group.digits.iter().copied()).take(LONGEST + 1).collect();
        may_begin(&digits)
    })
}

/// The groups that are a security code named as such. True at the end: a code was named, and is not said yet.
pub(crate) fn security_groups(text: &str, tokens: &[Token], groups: &[Group], masked: &mut [bool]) -> bool {
    let mut before = [String::new(), String::new()];
    let mut words_since = None;
    let mut groups = groups.iter().enumerate().peekable();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some((place, group)) = groups.next_if(|(_, group)| group.tokens.0 <= at) {
            let mut last = group.tokens.1;
            if words_since.take().is_some() {
                last = last.max(mask_code(place, group, &mut groups, masked));
            }
            at = last + 1;
            continue;
        }
        if matches!(token.kind, Kind::Word | Kind::Mixed) {
            let word = fold(text.get(token.at.clone()).unwrap_or_default());
            if is(Role::Security, &word) || ends_security([&before[0], &before[1]], &word) {
                words_since = Some(0);
            } else {
                words_since = words_since.map(|words| words + 1).filter(|words| *words <= MAX_WORDS);
            }
            before.swap(0, 1);
            before[0] = word;
        }
        at += 1;
    }
    words_since.is_some()
}

/// Masks a code of three or four digits that begins with this group; the last token of it.
fn mask_code<'a>(
    place: usize,
    group: &Group,
    rest: &mut std::iter::Peekable<impl Iterator<Item = (usize, &'a Group)>>,
    masked: &mut [bool],
) -> usize {
    let (mut length, mut last, mut end) = (group.digits.len(), place, group.tokens.1);
    while length < 4
        && let Some((place, next)) = rest.next_if(|(_, next)| next.joined && length + next.digits.len() <= 4)
    {
        (length, last, end) = (length + next.digits.len(), place, next.tokens.1);
    }
    if (3..=4).contains(&length) {
        masked.iter_mut().take(last + 1).skip(place).for_each(|masked| *masked = true);
    }
    end
}

/// True when this may follow a card in the same breath: nothing, an expiry date, a security code, or both.
pub(crate) fn is_tail(groups: &[Group]) -> bool {
    let digits: Vec<u8> = groups.iter().flat_map(|group| group.digits.iter().copied()).collect();
    let is_month = matches!(digits.as_slice(), [0, 1..=9, ..] | [1, 0..=2, ..]);
    digits.is_empty() || digits.len() == 3 || (matches!(digits.len(), 4 | 6 | 7 | 8 | 9) && is_month)
}

/// Groups that stand alone in a text behind a card: its security code, or expiry date and code.
pub(crate) fn is_code_alone(groups: &[Group], others: usize) -> bool {
    let length: usize = groups.iter().map(|group| group.digits.len()).sum();
    matches!(length, 3 | 4 | 7 | 8 | 9) && others <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        crate::tokens::digits(text)
    }

    #[test]
    fn cards_of_all_networks_are_cards() {
        // The networks' and payment providers' published test numbers.
        for card in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "3056930009020004",
            "36227206271667",
            "3566002020360505",
            "6200000000000005",
            "6759649826438453",
            "2200770239097761",
        ] {
            assert!(is_card(&digits(card)), "{card}");
        }
    }

    #[test]
    fn numbers_of_orders_and_times_are_none() {
        // No check digit, no range in use, no length in use, a time in nanoseconds.
        for other in ["4111111111111112", "1234567812345670", "41111111111114", "1763740650123456784", "9999999999999995"] {
            assert!(!is_card(&digits(other)), "{other}");
        }
    }
}
