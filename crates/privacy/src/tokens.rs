//! A text in tokens: numbers, words, and the signs between them.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Decimal digits only.
    Number,
    /// Letters only.
    Word,
    /// Letters and digits, such as a confirmation code.
    Mixed,
    /// One other character, or `%20`, the space of URLs.
    Sign,
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Its bytes.
    pub(crate) at: Range<usize>,
}

/// The text in tokens; every byte is in one.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut from = 0;
    while let Some(first) = text.get(from..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(from..).unwrap_or_default();
        let (kind, length) = if rest.starts_with("%20") {
            (Kind::Sign, 3)
        } else if first.is_alphanumeric() {
            let end = rest.find(|sign: char| !sign.is_alphanumeric()).unwrap_or(rest.len());
            (kind_of(rest.get(..end).unwrap_or_default()), end)
        } else {
            (Kind::Sign, first.len_utf8())
        };
        tokens.push(Token { kind, at: from..from + length });
        from += length;
    }
    tokens
}

fn kind_of(word: &str) -> Kind {
    match (word.chars().any(|sign| digit(sign).is_some()), word.chars().all(|sign| digit(sign).is_some())) {
        (_, true) => Kind::Number,
        (true, false) => Kind::Mixed,
        (false, false) => Kind::Word,
    }
}

/// The value of a decimal digit: Latin, full width, or Arabic.
pub(crate) fn digit(sign: char) -> Option<u8> {
    let zero = match sign {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    u8::try_from(u32::from(sign) - u32::from(zero)).ok()
}

/// The digits of a text, the rest left out.
pub(crate) fn digits(text: &str) -> Vec<u8> {
    text.chars().filter_map(digit).collect()
}

/// A word for comparing: lower case, without accents.
pub(crate) fn fold(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).filter_map(plain).collect()
}

/// The letter without its accent; nothing for an accent that stands alone.
fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        '\u{300}'..='\u{36f}' => return None,
        other => other,
    })
}
