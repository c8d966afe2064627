//! Names: said ("under the name smith"), spelled letter by letter, or with a spelling alphabet ("s as in sierra").

use std::ops::Range;

use super::names::is_name;
use crate::words::{here, is_small};

/// Most words of a name.
const LONGEST: usize = 4;

/// Words after which a name comes.
pub(crate) const LEADS: [&[&str]; 16] = [
    &["under", "the", "name", "of"],
    &["under", "the", "name"],
    &["under", "name"],
    &["in", "the", "name", "of"],
    &["last", "name", "is"],
    &["first", "name", "is"],
    &["the", "name", "is"],
    &["my", "name", "is"],
    &["name", "is"],
    &["name's"],
    &["name", "of"],
    &["this", "is"],
    &["i", "am"],
    &["for", "mister"],
    &["for", "missus"],
    &["under"],
];

/// Leads that are sure enough to take a word that is in no list of names.
const SURE_LEADS: usize = 11;

const ALPHABET: [&str; 26] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima", "mike", "november",
    "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "xray", "yankee", "zulu",
];

/// The letter that one word stands for by itself.
pub(crate) fn letter(word: &str) -> Option<char> {
    let mut chars = word.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii_alphabetic() => Some(c),
        _ => match word {
            "zed" | "zee" => Some('z'),
            _ => None,
        },
    }
}

fn alphabet_letter(word: &str) -> Option<char> {
    ALPHABET.iter().position(|code| *code == word).or(if word == "alfa" { Some(0) } else { None }).map(|at| (b'a' + at as u8) as char)
}

/// A spelled letter at the front of the words and its length: "s", "s as in sierra", "s for sam", "sierra".
pub(crate) fn spelled_letter(words: &[String]) -> Option<(char, usize)> {
    let first = words.first()?;
    if first == "x" && words.get(1).is_some_and(|word| word == "ray") {
        return Some(('x', 2));
    }
    let Some(sign) = letter(first) else { return alphabet_letter(first).map(|sign| (sign, 1)) };
    let starts = |at: usize| words.get(at).is_some_and(|word| word.starts_with(sign));
    if here(words, 1, &["as", "in"]) && starts(3) {
        return Some((sign, 4));
    }
    if here(words, 1, &["like"]) && starts(2) || here(words, 1, &["for"]) && starts(2) {
        return Some((sign, 3));
    }
    Some((sign, 1))
}

/// The first spelled run of at least two letters. A run of alphabet words alone ("november", "mike") must be longer, because they are words too.
pub(crate) fn spelled(words: &[String]) -> Option<(Range<usize>, String)> {
    let mut at = 0;
    while at < words.len() {
        let (start, mut text, mut single) = (at, String::new(), 0);
        while at < words.len() {
            if words[at] == "double"
                && let Some((sign, length)) = spelled_letter(&words[at + 1..])
            {
                text.extend([sign, sign]);
                single += 1;
                at += 1 + length;
            } else if let Some((sign, length)) = spelled_letter(&words[at..]) {
                single += usize::from(letter(&words[at]).is_some());
                text.push(sign);
                at += length;
            } else {
                break;
            }
        }
        if text.len() >= 2 && (single >= 2 || text.len() >= 3) {
            return Some((start..at, text));
        }
        at = at.max(start) + 1;
    }
    None
}

/// Each word with a capital: "o'brien" becomes "O'Brien".
pub(crate) fn capitalised(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|c| {
            let c = if start { c.to_ascii_uppercase() } else { c };
            start = !c.is_alphanumeric();
            c
        })
        .collect()
}

/// A name after words that announce one.
pub(crate) fn led(words: &[String]) -> Option<(Range<usize>, String, bool)> {
    for start in 0..words.len() {
        let Some((rank, lead)) = LEADS.iter().enumerate().find(|(_, lead)| here(words, start, lead)) else { continue };
        let at = start + lead.len();
        if let Some((range, text)) = spelled(&words[at..]).filter(|(range, _)| range.start <= 2) {
            return Some((start..at + range.end, capitalised(&text), true));
        }
        let taken: Vec<&str> = words[at..].iter().take(LONGEST).map(String::as_str).take_while(|word| may_be_name(word)).collect();
        let listed = taken.iter().filter(|word| is_name(word)).count();
        // In a list of names a name ends where the list does; otherwise one word is taken.
        let length = taken.iter().take_while(|word| is_name(word)).count().max(usize::from(rank < SURE_LEADS && !taken.is_empty()));
        if length > 0 && (listed > 0 || rank < SURE_LEADS) {
            return Some((start..at + length, capitalised(&taken[..length].join(" ")), listed > 0));
        }
    }
    None
}

/// A listed name with nothing around it but small words and those of a correction: "no, i meant garcia".
pub(crate) fn alone(words: &[String]) -> Option<(Range<usize>, String)> {
    const AROUND: &[&str] = &["said", "meant", "mean", "sorry", "make", "change", "instead", "rather", "name", "wrong", "mister", "missus"];
    let around = |word: &str| is_small(word) || AROUND.contains(&word);
    let first = words.iter().position(|word| !around(word))?;
    let last = words.iter().rposition(|word| !around(word))?;
    let name =
        words.get(first..last + 1).filter(|run| run.len() <= 2 && run.iter().all(|word| is_name(word) && !super::names::is_word(word)))?;
    Some((first..last + 1, capitalised(&name.join(" "))))
}

/// The answer to "what is your name?", of the words that `free` marks as not taken by anything else: listed names, or any other words when
/// they are few.
pub(crate) fn answered(words: &[String], free: &dyn Fn(usize) -> bool) -> Option<(Range<usize>, String, bool)> {
    if let Some((at, text)) = spelled(words) {
        return Some((at, capitalised(&text), true));
    }
    let open: Vec<usize> = (0..words.len()).filter(|at| free(*at) && may_be_name(&words[*at])).collect();
    let listed: Vec<usize> = open.iter().copied().filter(|at| is_name(&words[*at])).collect();
    if let (Some(first), Some(last)) = (listed.first(), listed.last()) {
        let range = *first..last + 1;
        let text: Vec<&str> = range.clone().filter(|at| open.contains(at)).take(LONGEST).map(|at| words[at].as_str()).collect();
        return Some((range, capitalised(&text.join(" ")), true));
    }
    let (first, last) = (*open.first()?, *open.last()?);
    if open.len() > 2 || last - first >= LONGEST {
        return None;
    }
    let text: Vec<&str> = open.iter().map(|at| words[*at].as_str()).collect();
    Some((first..last + 1, capitalised(&text.join(" ")), false))
}

/// Small words, numbers and the words people wrap a name in are no names.
fn may_be_name(word: &str) -> bool {
    const NOT: &[&str] = &[
        "name",
        "first",
        "last",
        "family",
        "surname",
        "spelled",
        "spell",
        "mister",
        "missus",
        "miss",
        "mr",
        "mrs",
        "ms",
        "sure",
        "course",
        "booking",
        "reservation",
        "room",
        "under",
        "said",
        "correct",
        "right",
        "wrong",
        "yeah",
        "yep",
        "yes",
        "no",
        "nope",
        "today",
        "tomorrow",
        "tonight",
        "night",
        "nights",
        "until",
        "next",
        "he",
        "she",
        "her",
        "his",
        "husband",
        "wife",
        "who",
        "why",
        "when",
        "where",
        "again",
        "repeat",
        "call",
        "they",
        "don't",
        "mean",
        "meant",
        "change",
        "make",
        "put",
        "number",
        "through",
        "leaving",
        "arrive",
        "weekend",
        "week",
        "weeks",
        "phone",
        "names",
    ];
    is_name(word)
        || !(is_small(word)
            || NOT.contains(&word)
            || crate::words::digit(word).is_some()
            || super::date::weekday(word).is_some()
            || word.bytes().any(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    #[test]
    fn names_are_said_or_spelled() {
        for (text, name) in [
            ("under the name smith for friday", "Smith"),
            ("my name is john smith", "John Smith"),
            ("my name is zorbax", "Zorbax"),
            ("the name is s m i t h", "Smith"),
        ] {
            assert_eq!(led(&words(text)).map(|found| found.1).as_deref(), Some(name), "{text}");
        }
        for (text, name) in [
            ("s as in sierra m as in mike i t h", "Smith"),
            ("smith s m i double t h", "Smitth"),
            ("sierra mike india tango hotel", "Smith"),
            ("uh it's garcia please", "Garcia"),
            ("zorbax", "Zorbax"),
        ] {
            assert_eq!(answered(&words(text), &|_| true).map(|found| found.1).as_deref(), Some(name), "{text}");
        }
        assert_eq!(answered(&words("yes please"), &|_| true), None);
    }
}
