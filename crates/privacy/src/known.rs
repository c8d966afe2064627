//! Names and numbers known from the call: what is known need not be guessed.

use std::collections::HashMap;

use crate::spans::{Read, Taken, What};
use crate::tokens::{Kind, digits, fold, tokens};

/// Names and numbers that are kept for a call.
const MAX_KNOWN: usize = 64;
/// Fewest digits of a known number that are known again: a local number without its area.
const SHORTEST: usize = 7;
/// Fewest letters of a part of a name that is known again by itself.
const SHORTEST_NAME: usize = 3;
/// Parts of names that are words too: masked in the whole name only.
const WORDS: &str = "the and van von der den del des las los dos may will mark rose grace hope art bill rich king may june april august sunny \
    young long best page hall rich blue brown green white black gray grey day sun two one per una uno due tre bel";

/// What is known.
#[derive(Default)]
pub(crate) struct Known {
    /// Names in folded words, by their first word.
    names: HashMap<String, Vec<Vec<String>>>,
    /// Digits of numbers.
    numbers: Vec<Vec<u8>>,
    count: usize,
}

impl Known {
    /// Takes a name or a number; what is too short to be told from other words is left out, as is what comes when there is no more room.
    pub(crate) fn learn(&mut self, text: &str) {
        if self.count >= MAX_KNOWN {
            return;
        }
        self.count += 1;
        let number = digits(text);
        if !text.contains(char::is_alphabetic) {
            if number.len() >= SHORTEST && !self.numbers.contains(&number) {
                self.numbers.push(number);
            }
            return;
        }
        self.learn_name(text);
        self.learn_name(&spelled_out(text));
    }

    fn learn_name(&mut self, text: &str) {
        let words: Vec<String> =
            tokens(text).iter().filter(|token| token.kind == Kind::Word).filter_map(|token| text.get(token.at.clone())).map(fold).collect();
        let parts = words
            .iter()
            .filter(|part| part.chars().count() >= SHORTEST_NAME && !WORDS.split_ascii_whitespace().any(|word| word == part.as_str()));
        for name in parts.map(|part| vec![part.clone()]).chain((words.len() > 1).then(|| words.clone())) {
            let Some(first) = name.first() else { continue };
            let names = self.names.entry(first.clone()).or_default();
            if !names.contains(&name) {
                names.push(name);
                names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            }
        }
    }

    /// Takes the names and numbers of a text that are known.
    pub(crate) fn take(&self, read: &Read<'_>, taken: &mut Taken) {
        self.take_numbers(read, taken);
        if self.names.is_empty() {
            return;
        }
        for (at, token) in read.tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word) {
            let word = |at: usize| read.tokens.get(at).and_then(|token| read.text.get(token.at.clone())).map(fold).unwrap_or_default();
            let names = self.names.get(&word(at));
            let name = names.into_iter().flatten().find(|name| name.iter().enumerate().all(|(place, part)| *part == word(at + place * 2)));
            if let Some(name) = name {
                let end = read.tokens.get(at + name.len() * 2 - 2).map_or(token.at.end, |token| token.at.end);
                taken.take(token.at.start..end, What::Name);
            }
        }
    }

    fn take_numbers(&self, read: &Read<'_>, taken: &mut Taken) {
        let Some(longest) = self.numbers.iter().map(Vec::len).max() else { return };
        let groups = &read.groups.list;
        for first in 0..groups.len() {
            let (mut said, mut end) = (Vec::new(), None);
            for (at, group) in groups.iter().enumerate().skip(first) {
                said.extend_from_slice(&group.digits);
                // Two more than the number itself: it may be dialled with 00.
                if (at > first && !group.joined) || said.len() > longest + 2 {
                    break;
                }
                if self.is_known(&said) {
                    end = Some(group.at.end);
                }
            }
            if let (Some(group), Some(end)) = (groups.get(first), end) {
                taken.take(group.at.start..end, What::Phone);
            }
        }
    }

    /// The number itself, or its end without country or area, with a trunk zero or 00 before it.
    fn is_known(&self, said: &[u8]) -> bool {
        let bare = said.strip_prefix(&[0, 0]).or(said.strip_prefix(&[0])).unwrap_or(said);
        [said, bare].into_iter().any(|said| said.len() >= SHORTEST && self.numbers.iter().any(|number| number.ends_with(said)))
    }
}

/// A name as it is written where umlauts are not at hand.
fn spelled_out(name: &str) -> String {
    name.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss")
}
