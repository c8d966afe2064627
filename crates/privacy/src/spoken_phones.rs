//! Telephone numbers that are said: digits in words, with a `plus` before them or the length of a number.

use crate::groups::Group;
use crate::phones::{Called, called, is_phone};
use crate::spans::{Read, Taken, What, covering};
use crate::tokens::{Kind, fold};

/// Fewest digits said in a row that are taken for a telephone number: a local one without its area. Confirmation codes are shorter.
const SHORTEST: usize = 7;
/// Most (E.164: 15) with 00 before them.
const LONGEST: usize = 17;

/// Takes the telephone numbers of a text that are said in words.
pub(crate) fn take(read: &Read<'_>, taken: &mut Taken) {
    let groups = &read.groups.list;
    let mut first = 0;
    while first < groups.len() {
        let mut end = first + 1;
        while groups.get(end).is_some_and(|group| group.joined) {
            end += 1;
        }
        let run = groups.get(first..end).unwrap_or_default();
        if run.iter().any(|group| group.spoken) && is_number(read, run) {
            taken.take(covering(groups, &(first..end)), What::Phone);
        }
        first = end;
    }
}

fn is_number(read: &Read<'_>, run: &[Group]) -> bool {
    let digits: String = run.iter().flat_map(|group| group.digits.iter()).map(|digit| char::from(b'0' + digit)).collect();
    let Some(first) = run.first().map(|group| group.tokens.0) else { return false };
    let plus = first.checked_sub(2).and_then(|before| read.tokens.get(before)).filter(|token| token.kind == Kind::Word);
    let plus =
        plus.and_then(|token| read.text.get(token.at.clone())).is_some_and(|word| matches!(fold(word).as_str(), "plus" | "mas" | "piu"));
    let called = called(read, first);
    let one_by_one = run.iter().filter(|group| group.spoken && group.digits.len() <= 4).count() * 2 > run.len();
    let long_enough = (SHORTEST..=LONGEST).contains(&digits.len());
    is_phone(&[&digits], plus, called) || (long_enough && one_by_one && called != Called::Reference)
}
