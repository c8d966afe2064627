//! What a vendor writes, as words.

/// Lower-case words with single spaces: signs are dropped, those within a word, a number or an address stay.
pub(super) fn plain(written: &str) -> String {
    let lower = written.to_lowercase().replace('’', "'");
    let signs: Vec<char> = lower.chars().collect();
    let within = |at: usize| {
        let (before, after) = (at.checked_sub(1).and_then(|at| signs.get(at)), signs.get(at + 1));
        let both = |is: fn(&char) -> bool| before.is_some_and(is) && after.is_some_and(is);
        match signs[at] {
            ':' => both(char::is_ascii_digit),
            // Points and `@` are of numbers and addresses, which are taken apart further on.
            '\'' | '.' | '@' => both(|sign| sign.is_alphanumeric()),
            _ => false,
        }
    };
    let kept: String = (0..signs.len()).map(|at| if signs[at].is_alphanumeric() || within(at) { signs[at] } else { ' ' }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The language without its country: `en` of `en-US`, as ISO 639-1 has it.
pub(super) fn primary(language: &str) -> &str {
    language.split(['-', '_']).next().unwrap_or(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_for_the_eye_becomes_words() {
        let table = [
            ("Good morning, I'd like a room.", "good morning i'd like a room"),
            ("A double-room for 2... please!", "a double room for 2 please"),
            ("At 10:30 for 89.50, it’s “fine”.", "at 10:30 for 89.50 it's fine"),
            ("Grüß Gott – ¿qué tal?", "grüß gott qué tal"),
            ("Ann@Example.com.", "ann@example.com"),
            (" ... ", ""),
        ];
        for (written, text) in table {
            assert_eq!(plain(written), text);
        }
        assert_eq!((primary("en-US"), primary("de")), ("en", "de"));
    }
}
