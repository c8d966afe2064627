//! IP addresses.

use std::net::Ipv6Addr;

use crate::spans::{Read, Taken, What};
use crate::tokens::{Kind, fold};

/// Longest text form of an IPv6 address (RFC 4291, with an IPv4 tail).
const LONGEST_V6: usize = 45;

/// Takes the IP addresses of a text.
pub(crate) fn take(read: &Read<'_>, taken: &mut Taken) {
    take_v6(read.text, taken);
    let mut at = 0;
    while at < read.tokens.len() {
        let parts = dotted(read, at);
        // Four parts and no more: 1.2.3.4.5 is the number of something else.
        if parts == 4 && is_v4(read, at) && !is_version(read, at) {
            let end = read.tokens.get(at + 6).map_or(0, |token| token.at.end);
            taken.take(read.tokens.get(at).map_or(0, |token| token.at.start)..end, What::Address);
        }
        at += (parts * 2).max(1);
    }
}

/// How many numbers with single dots between them begin here.
fn dotted(read: &Read<'_>, at: usize) -> usize {
    let number = |at: usize| read.tokens.get(at).is_some_and(|token| token.kind == Kind::Number);
    let dot = |at: usize| read.tokens.get(at).is_some_and(|token| read.text.get(token.at.clone()) == Some("."));
    if !number(at) {
        return 0;
    }
    1 + (0..).take_while(|step| dot(at + step * 2 + 1) && number(at + step * 2 + 2)).count()
}

fn is_v4(read: &Read<'_>, at: usize) -> bool {
    (at..at + 7).step_by(2).all(|at| {
        let part = read.tokens.get(at).and_then(|token| read.text.get(token.at.clone()));
        part.is_some_and(|part| part.len() <= 3 && part.parse::<u8>().is_ok())
    })
}

/// A version may have four parts too.
fn is_version(read: &Read<'_>, at: usize) -> bool {
    let word = at.checked_sub(2).and_then(|before| read.tokens.get(before)).and_then(|token| read.text.get(token.at.clone()));
    word.is_some_and(|word| matches!(fold(word).as_str(), "version" | "v" | "release"))
}

/// Letters, and the brackets of what is masked already.
fn is_attached(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '[' | ']')
}

fn take_v6(text: &str, taken: &mut Taken) {
    let part_of = |sign: char| sign.is_ascii_hexdigit() || sign == ':' || sign == '.';
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(part_of)).map(|start| from + start) {
        let rest = text.get(start..).unwrap_or_default();
        let run = rest.get(..rest.find(|sign| !part_of(sign)).unwrap_or(rest.len())).unwrap_or_default();
        from = start + run.len();
        // A full stop or colon of the sentence is not the address's.
        let address = if run.ends_with("::") { run } else { run.trim_end_matches(['.', ':']) };
        let alone = !text.get(..start).is_some_and(|before| before.ends_with(is_attached))
            && !text.get(from..).is_some_and(|after| after.starts_with(is_attached));
        let named = address.bytes().any(|byte| byte.is_ascii_digit()) && address.bytes().filter(|byte| *byte == b':').count() >= 2;
        if alone && named && address.len() <= LONGEST_V6 && address.parse::<Ipv6Addr>().is_ok() {
            taken.take(start..start + address.len(), What::Address);
        }
    }
}
