//! The last look at a log line: telephone numbers, payment cards and e-mail addresses are masked, and control characters are written out.
//!
//! Our own lines never hold one. A library's debug line may (a URL with `From=%2B1500...`), and a log is kept longer than a call record.
//! Numbers without a plus are not told from ids and counts, so they are left alone unless they are a card's. One pass over the bytes looks for
//! candidates, and only those are read as text: a usual line costs under a microsecond.

use std::ops::Range;

use privacy::{Level, What, spans};

/// Fewest digits after the plus that make a number (E.164 has up to 15; the shortest in use have 7).
const SHORTEST: usize = 7;
/// Digits at the end that stay, as in the `Debug` form of `PhoneNumber`.
const KEPT: usize = 2;
/// Fewest digits of a payment card (ISO/IEC 7812-1).
const SHORTEST_CARD: usize = 13;

/// Masks what a line must not hold, in its place.
pub(crate) fn mask(line: &mut [u8]) {
    mask_numbers(line);
    mask_found(line, card_candidate, What::Card, u8::is_ascii_digit);
    if line.contains(&b'@') {
        mask_found(line, address_candidate, What::Email, |byte| byte.is_ascii_alphanumeric());
    }
}

/// Replaces the digits of every `+` or `%2B` number by `*`, all but the last two.
fn mask_numbers(line: &mut [u8]) {
    let mut at = 0;
    while at < line.len() {
        let Some(start) = number_start(&line[at..]) else {
            at += 1;
            continue;
        };
        let first = at + start;
        let digits = line[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits >= SHORTEST {
            line[first..first + digits - KEPT].fill(b'*');
        }
        at = first + digits;
    }
}

/// Where the digits begin, when `rest` begins with a plus in plain or URL-encoded form.
fn number_start(rest: &[u8]) -> Option<usize> {
    [&b"+"[..], b"%2B", b"%2b"].into_iter().find(|plus| rest.starts_with(plus)).map(<[u8]>::len)
}

/// Stars out what is found of one kind in the line's candidates: those of its bytes that `hides` names.
fn mask_found(line: &mut [u8], candidate: fn(&[u8], usize) -> Option<Range<usize>>, what: What, hides: fn(&u8) -> bool) {
    let mut from = 0;
    while let Some(part) = candidate(line, from) {
        from = part.end;
        let found = str::from_utf8(&line[part.clone()]).map(|text| spans(text, Level::All)).unwrap_or_default();
        for span in found.into_iter().filter(|span| span.what == what) {
            let bytes = &mut line[part.start + span.at.start..part.start + span.at.end];
            bytes.iter_mut().filter(|byte| hides(byte)).for_each(|byte| *byte = b'*');
        }
    }
}

/// The next run of digits and what may stand between them that has as many digits as a card.
fn card_candidate(line: &[u8], from: usize) -> Option<Range<usize>> {
    let mut start = from;
    let mut digits = 0;
    for at in from..=line.len() {
        match line.get(at) {
            Some(b'0'..=b'9') => digits += 1,
            Some(b' ' | b'-' | b'.' | b',' | b'/' | b'_') if digits > 0 => {}
            _ if digits >= SHORTEST_CARD => return Some(start..at),
            _ => (start, digits) = (at + 1, 0),
        }
    }
    None
}

/// The next word with an at sign in it.
fn address_candidate(line: &[u8], from: usize) -> Option<Range<usize>> {
    let ends = |byte: &u8| matches!(byte, b' ' | b'"' | b'\'' | b'<' | b'>' | b'\n' | b'\t' | b'(' | b')' | b',' | b';');
    let at = from + line.get(from..)?.iter().position(|byte| *byte == b'@')?;
    let start = line[from..at].iter().rposition(ends).map_or(from, |place| from + place + 1);
    let end = line[at..].iter().position(ends).map_or(line.len(), |place| at + place);
    Some(start..end)
}

/// Writes control characters out, so that nothing in a value can begin a line of its own or steer a terminal. Colours of the formatter stay.
///
/// The forms are those of JSON: in a JSON line they are valid, and mean the same.
pub(crate) fn encode_controls(line: &mut Vec<u8>) {
    let end = line.strip_suffix(b"\n").map_or(line.len(), <[u8]>::len);
    let is_control = |at: usize| match line[at] {
        0x1b => !is_colour(&line[at..end]),
        byte => byte < 0x20 || byte == 0x7f || (byte == 0xc2 && line.get(at + 1).is_some_and(|next| (0x80..0xa0).contains(next))),
    };
    if !(0..end).any(is_control) {
        return;
    }
    let mut out = Vec::with_capacity(line.len() + 16);
    let mut at = 0;
    while at < end {
        match line[at] {
            byte if !is_control(at) => out.push(byte),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0xc2 => {
                at += 1;
                out.extend_from_slice(format!("\\u{:04x}", line[at]).as_bytes());
            }
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        at += 1;
    }
    out.extend_from_slice(&line[end..]);
    *line = out;
}

/// `ESC [ numbers m` (ECMA-48, 8.3.117): a colour, and nothing more.
fn is_colour(rest: &[u8]) -> bool {
    rest.starts_with(b"\x1b[") && rest.iter().skip(2).find(|byte| !matches!(byte, b'0'..=b'9' | b';')) == Some(&b'm')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        let mut bytes = line.as_bytes().to_vec();
        mask(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    fn encoded(line: &str) -> String {
        let mut bytes = line.as_bytes().to_vec();
        encode_controls(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_number_is_masked_in_plain_and_in_url_form() {
        assert_eq!(masked("from +15005550006 to"), "from +*********06 to");
        assert_eq!(masked("?From=%2B15005550006&To=%2b15005550007"), "?From=%2B*********06&To=%2b*********07");
        assert_eq!(masked("+15005550006"), "+*********06");
    }

    #[test]
    fn cards_and_addresses_are_masked_in_their_place() {
        assert_eq!(masked("{\"digits\":\"4111111111111111\"}"), "{\"digits\":\"****************\"}");
        assert_eq!(masked("said 4111 1111-1111 1111, twice 5555555555554444"), "said **** ****-**** ****, twice ****************");
        assert_eq!(masked("mail to <ann.lee@example.com> é"), "mail to <***.***@*******.***> é");
        assert_eq!(masked("a@b.de ann@[host] x@y.org"), "*@*.** ann@[host] *@*.***");
    }

    #[test]
    fn other_figures_stay() {
        for line in [
            "a+b",
            "+",
            "%2B",
            "+123456 frames",
            "took 15005550006 ns",
            "0190a1b2-7c3d-7e4f-8123-456789abcdef",
            "é+é",
            "2025-11-03T14:30:22.123456Z INFO call{call.id=0190a1b2-7c3d-7e4f-8123-456789012345}: 1763740650123456789 4111111111111112",
            "@ a@ @b user@host",
        ] {
            assert_eq!(masked(line), line);
        }
    }

    #[test]
    fn control_characters_are_written_out_and_colours_stay() {
        assert_eq!(
            encoded("one\ntwo\r\u{7}\u{1b}]0;title\u{7}\t\u{9b}31m\u{7f}é\n"),
            "one\\ntwo\\r\\u0007\\u001b]0;title\\u0007\\t\\u009b31m\\u007fé\n"
        );
        for line in ["\u{1b}[2m2025\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m é Â\n", "plain", "", "\n"] {
            assert_eq!(encoded(line), line);
        }
    }
}
