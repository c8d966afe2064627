//! E-mail addresses: written, and as they are said in five languages (`ann dot lee at example dot com`).

use crate::spans::{Read, Taken, What};
use crate::tokens::{Kind, fold};

/// Words of a spoken address before and behind its `at`.
const REACH: usize = 24;

/// Takes the e-mail addresses of a text.
pub(crate) fn take(read: &Read<'_>, taken: &mut Taken) {
    take_written(read.text, taken);
    for at in 0..read.tokens.len() {
        if let Some(sure) = at_word(read, at)
            && let (Some(first), Some(last)) = (local_part(read, at), domain(read, at, sure))
        {
            let end = |at: usize| read.tokens.get(at).map_or(0..0, |token| token.at.clone());
            taken.take(end(first).start..end(last).end, What::Email);
        }
    }
}

fn take_written(text: &str, taken: &mut Taken) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(['@', '%'])).map(|at| from + at) {
        let sign = if text.get(at..).is_some_and(|rest| rest.starts_with("%40")) { "%40" } else { "@" };
        from = at + sign.len();
        if text.get(at..from) != Some(sign) {
            from = at + 1; // A percent sign of something else.
            continue;
        }
        let local = |sign: char| sign.is_alphanumeric() || "._+-".contains(sign);
        let before = text.get(..at).unwrap_or_default();
        let start = before
            .rfind(|sign| !local(sign))
            .map_or(0, |place| place + before.get(place..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        // A dash or dot before an address is the text's.
        let start = start
            + before.get(start..).map_or(0, |local| local.len() - local.trim_start_matches(|sign: char| !sign.is_alphanumeric()).len());
        let rest = text.get(from..).unwrap_or_default();
        let domain = rest.get(..rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '.' || sign == '-')).unwrap_or(rest.len()));
        let domain = domain.unwrap_or_default().trim_end_matches(['.', '-']);
        let top = domain.rsplit_once('.').map(|(_, top)| top);
        if start < at && top.is_some_and(|top| top.chars().count() >= 2 && top.starts_with(char::is_alphabetic)) {
            taken.take(start..from + domain.len(), What::Email);
            from += domain.len();
        }
    }
}

/// A word for the `@`; true when it means nothing else.
fn at_word(read: &Read<'_>, at: usize) -> Option<bool> {
    match word(read, at).as_str() {
        "at" => Some(false),
        "arroba" | "arobase" | "chiocciola" | "klammeraffe" | "affenschwanz" => Some(true),
        _ => None,
    }
}

/// The first token before the `at`: one word, those joined to it by a dot or dash, and letters that are spelled.
fn local_part(read: &Read<'_>, at: usize) -> Option<usize> {
    let behind = |at: usize| at.checked_sub(2).filter(|_| sign(read, at - 1) == " ").filter(|before| !word(read, *before).is_empty());
    let mut first = behind(at)?;
    for _ in 0..REACH {
        let Some(before) = behind(first) else { break };
        let (own, other) = (word(read, first), word(read, before));
        let joined = is_joiner(&other) || is_joiner(&own);
        if !(joined || is_spelled(&own) && is_spelled(&other)) {
            break;
        }
        first = before;
    }
    // A joiner has something before it.
    (!is_joiner(&word(read, first))).then_some(first)
}

/// The last token of the domain behind the `at`: words with dots between them.
fn domain(read: &Read<'_>, at: usize, sure: bool) -> Option<usize> {
    let mut last = next_word(read, at)?;
    let mut dots = 0;
    for _ in 0..REACH {
        let spoken = next_word(read, last).filter(|next| is_dot(&word(read, *next))).and_then(|dot| next_word(read, dot));
        let written = Some(last + 2).filter(|next| sure && sign(read, last + 1) == "." && !word(read, *next).is_empty());
        let dash = next_word(read, last).filter(|next| dots == 0 && is_dash(&word(read, *next))).and_then(|dash| next_word(read, dash));
        match (spoken.or(written), dash) {
            (Some(next), _) => (last, dots) = (next, dots + 1),
            (None, Some(next)) => last = next,
            (None, None) => break,
        }
    }
    let top = word(read, last);
    (dots > 0 && (2..=10).contains(&top.len())).then_some(last)
}

fn next_word(read: &Read<'_>, at: usize) -> Option<usize> {
    (sign(read, at + 1) == " " && !word(read, at + 2).is_empty()).then_some(at + 2)
}

fn is_dot(word: &str) -> bool {
    matches!(word, "dot" | "punkt" | "punto" | "point")
}

fn is_dash(word: &str) -> bool {
    matches!(word, "dash" | "hyphen" | "minus" | "bindestrich" | "guion" | "tiret" | "trattino")
}

fn is_joiner(word: &str) -> bool {
    is_dot(word) || is_dash(word) || matches!(word, "underscore" | "unterstrich" | "plus")
}

/// A letter by itself, or a number.
fn is_spelled(word: &str) -> bool {
    word.chars().count() == 1 || word.starts_with(|sign: char| sign.is_ascii_digit()) || crate::number_words::number_word(word).is_some()
}

fn word(read: &Read<'_>, at: usize) -> String {
    let token = read.tokens.get(at).filter(|token| token.kind != Kind::Sign);
    token.and_then(|token| read.text.get(token.at.clone())).map(fold).unwrap_or_default()
}

fn sign<'a>(read: &Read<'a>, at: usize) -> &'a str {
    read.tokens.get(at).filter(|token| token.kind == Kind::Sign).and_then(|token| read.text.get(token.at.clone())).unwrap_or_default()
}
