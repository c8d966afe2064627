//! From a vendor's writing to the bare words that flows understand.

/// Lower-case words with single spaces: punctuation goes, hyphens part words, apostrophes stay inside them.
pub(crate) fn bare_words(written: &str) -> String {
    let plain: String = written.chars().flat_map(char::to_lowercase).map(letter).collect();
    let words = plain.split_whitespace().map(|word| word.trim_matches('\''));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn letter(sign: char) -> char {
    match sign {
        // Vendors write both.
        '\'' | '\u{2019}' => '\'',
        sign if sign.is_alphanumeric() => sign,
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_becomes_words() {
        let table = [
            ("Two nights, please.", "two nights please"),
            ("It\u{2019}s twenty-one O'Clock!", "it's twenty one o'clock"),
            ("'Grüß Gott' — 3 Äpfel?", "grüß gott 3 äpfel"),
            (" … ", ""),
        ];
        for (written, words) in table {
            assert_eq!(bare_words(written), words);
        }
    }
}
