//! Text for the ear: what models write for the eye is taken out.

/// The sentence as a voice should say it; empty when there is nothing to say in it.
pub(crate) fn for_the_ear(text: &str) -> String {
    let text = without_brackets(&without_links(text));
    let lines = text.lines().map(without_marker).collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(lines.len());
    let signs: Vec<char> = lines.chars().collect();
    for (at, sign) in signs.iter().copied().enumerate() {
        let neighbour = |at: Option<usize>| at.and_then(|at| signs.get(at)).is_some_and(|sign| sign.is_alphanumeric());
        match sign {
            '*' | '`' | '~' | '\u{200d}' | '\u{fe0f}' | '\u{20e3}' => {}
            // Inside a word it is part of a name.
            '_' if neighbour(at.checked_sub(1)) && neighbour(Some(at + 1)) => out.push(sign),
            '_' => {}
            '|' => out.push(' '),
            '<' | '>' => out.push(' '),
            sign if is_picture(sign) => out.push(' '),
            sign if sign.is_control() => out.push(' '),
            sign => {
                // A picture before a point leaves no gap.
                if matches!(sign, '.' | ',' | '!' | '?') {
                    out.truncate(out.trim_end().len());
                }
                out.push(sign);
            }
        }
    }
    let spoken = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if spoken.chars().any(char::is_alphanumeric) { spoken } else { String::new() }
}

/// Headings, quotes, list points and numbers of lists.
fn without_marker(line: &str) -> &str {
    let line = line.trim_start().trim_start_matches(['#', '>']).trim_start();
    if line.starts_with("```") || line.chars().all(|sign| matches!(sign, '-' | '=' | '|' | ':' | ' ')) {
        return "";
    }
    if let Some(rest) = line.strip_prefix(['-', '*', '•', '+', '–']).filter(|rest| rest.starts_with(' ')) {
        return rest.trim_start();
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line[digits..].strip_prefix(['.', ')']) {
        Some(rest) if (1..=2).contains(&digits) && rest.starts_with(' ') => rest.trim_start(),
        _ => line,
    }
}

/// `[text](address)` is its text; of an image too.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(words, tail)| Some((words, tail.split_once(')')?.1)));
        match link.filter(|(words, _)| !words.contains(['[', ']'])) {
            Some((words, tail)) => {
                out.push_str(before.strip_suffix('!').unwrap_or(before));
                out.push_str(words);
                rest = tail;
            }
            None => {
                out.push_str(before);
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Square brackets are the program's: a model that writes some says what nobody shall hear.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            sign if depth == 0 => out.push(sign),
            _ => {}
        }
    }
    out
}

/// Emoji, symbols and arrows (Unicode blocks).
fn is_picture(sign: char) -> bool {
    matches!(sign, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2190}'..='\u{21ff}' | '\u{2b00}'..='\u{2bff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_eye_is_not_said() {
        for (written, said) in [
            ("**Great!** 😀 See you 🙂.", "Great! See you."),
            ("- a *double* room", "a double room"),
            ("1. First", "First"),
            ("## Prices", "Prices"),
            ("See [our page](https://example.com/x) now", "See our page now"),
            ("[checking the calendar] One moment.", "One moment."),
            ("your `code` is snake_case, _really_", "your code is snake_case, really"),
            ("🙂", ""),
            ("---", ""),
            ("Room 12. costs 3.5 euros", "Room 12. costs 3.5 euros"),
            ("five * three", "five three"),
        ] {
            assert_eq!(for_the_ear(written), said, "{written}");
        }
    }
}
