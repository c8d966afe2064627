//! Words: from what was heard to a list of lower-case words, and numbers among them.

/// Most words of one utterance that are looked at. A caller who talks longer has said what matters before.
pub(crate) const MOST_WORDS: usize = 60;

/// Lower-case words of a text: punctuation is dropped (apostrophes inside a word stay), hyphens part words, `@` and `.` inside
/// an address become "at" and "dot".
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for chunk in text.to_lowercase().split_whitespace() {
        let address = chunk.contains('@');
        let mut word = String::new();
        let mut push = |word: &mut String| {
            let trimmed = word.trim_matches('\'');
            if !trimmed.is_empty() {
                all.push(trimmed.to_owned());
            }
            word.clear();
        };
        for c in chunk.chars() {
            match c {
                '@' => {
                    push(&mut word);
                    push(&mut "at".to_owned());
                }
                '.' if address => {
                    push(&mut word);
                    push(&mut "dot".to_owned());
                }
                '’' => word.push('\''),
                c if c.is_alphanumeric() || c == '\'' => word.push(c),
                _ => push(&mut word),
            }
        }
        push(&mut word);
    }
    all.truncate(MOST_WORDS);
    all
}

/// True when the words at `at` are these.
pub(crate) fn here(words: &[String], at: usize, phrase: &[impl AsRef<str>]) -> bool {
    words.get(at..at + phrase.len()).is_some_and(|run| run.iter().zip(phrase).all(|(word, expected)| word == expected.as_ref()))
}

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

fn place(list: &[&str], word: &str) -> Option<i64> {
    list.iter().position(|listed| *listed == word).map(|at| at as i64)
}

/// The digit a word stands for, also "oh".
pub(crate) fn digit(word: &str) -> Option<char> {
    match word {
        "oh" | "o" | "nought" => Some('0'),
        _ => place(&ONES[..10], word).and_then(|value| char::from_digit(value as u32, 10)),
    }
}

/// A number below one hundred at the front of the words: its value and how many words it takes. Figures of up to three digits count too.
pub(crate) fn small_number(words: &[String]) -> Option<(i64, usize)> {
    let first = words.first()?.as_str();
    if first.len() <= 3 && first.bytes().all(|b| b.is_ascii_digit()) {
        return Some((first.parse().ok()?, 1));
    }
    if let Some(value) = place(&ONES, first) {
        return Some((value, 1));
    }
    let tens = (place(&TENS, first)? + 2) * 10;
    match words.get(1).and_then(|word| place(&ONES[..10], word)) {
        Some(ones) if ones > 0 => Some((tens + ones, 2)),
        _ => Some((tens, 1)),
    }
}

/// A number below a million at the front of the words ("two hundred and forty").
pub(crate) fn number(words: &[String]) -> Option<(i64, usize)> {
    if let Some(first) = words.first().filter(|word| word.len() <= 6 && word.bytes().all(|b| b.is_ascii_digit())) {
        return Some((first.parse().ok()?, 1));
    }
    let (mut group, mut used) = small_number(words)?;
    let mut total = 0;
    loop {
        match words.get(used).map(String::as_str) {
            Some("hundred") if group > 0 && group < 100 => {
                group *= 100;
                used += 1;
            }
            Some("thousand") if total == 0 && group > 0 => {
                total = group * 1000;
                group = 0;
                used += 1;
            }
            _ => return Some((total + group, used)),
        }
        let skip = usize::from(words.get(used).is_some_and(|word| word == "and"));
        if let Some((more, length)) = small_number(&words[(used + skip).min(words.len())..]) {
            group += more;
            used += skip + length;
        }
    }
}

/// An ordinal from first to thirty-first ("twenty third", "3rd") at the front of the words.
pub(crate) fn ordinal(words: &[String]) -> Option<(i64, usize)> {
    let first = words.first()?.as_str();
    if let Some(figure) = first
        .strip_suffix("st")
        .or_else(|| first.strip_suffix("nd"))
        .or_else(|| first.strip_suffix("rd"))
        .or_else(|| first.strip_suffix("th"))
        && let Ok(value) = figure.parse()
    {
        return Some((value, 1));
    }
    if let Some(value) = place(&ORDINALS, first).filter(|value| *value > 0) {
        return Some((value, 1));
    }
    match first {
        "twentieth" => return Some((20, 1)),
        "thirtieth" => return Some((30, 1)),
        _ => {}
    }
    let tens = (place(&TENS[..2], first)? + 2) * 10;
    let ones = words.get(1).and_then(|word| place(&ORDINALS[..10], word)).filter(|ones| *ones > 0)?;
    Some((tens + ones, 2))
}

/// A number in words, from zero to 999,999; others as figures.
pub(crate) fn spoken(value: i64) -> String {
    match value {
        0..=19 => ONES[value as usize].to_owned(),
        20..=99 => {
            let tens = TENS[(value / 10 - 2) as usize];
            if value % 10 == 0 { tens.to_owned() } else { format!("{tens}-{}", ONES[(value % 10) as usize]) }
        }
        100..=999 => {
            let hundreds = format!("{} hundred", ONES[(value / 100) as usize]);
            if value % 100 == 0 { hundreds } else { format!("{hundreds} and {}", spoken(value % 100)) }
        }
        1000..=999_999 => {
            let thousands = format!("{} thousand", spoken(value / 1000));
            match value % 1000 {
                0 => thousands,
                rest @ 1..=99 => format!("{thousands} and {}", spoken(rest)),
                rest => format!("{thousands} {}", spoken(rest)),
            }
        }
        _ => value.to_string(),
    }
}

/// An ordinal from first to thirty-first in words.
pub(crate) fn spoken_ordinal(value: i64) -> String {
    match value {
        1..=19 => ORDINALS[value as usize].to_owned(),
        20 => "twentieth".to_owned(),
        30 => "thirtieth".to_owned(),
        21..=39 => format!("{}-{}", TENS[(value / 10 - 2) as usize], ORDINALS[(value % 10) as usize]),
        _ => value.to_string(),
    }
}

/// True for small words that carry little meaning; recognition often loses or invents them.
pub(crate) fn is_small(word: &str) -> bool {
    const SMALL: &[&str] = &[
        "a",
        "an",
        "the",
        "to",
        "for",
        "of",
        "is",
        "are",
        "am",
        "be",
        "was",
        "do",
        "does",
        "did",
        "you",
        "your",
        "i",
        "i'd",
        "i'm",
        "i'll",
        "me",
        "my",
        "we",
        "we'd",
        "us",
        "our",
        "it",
        "it's",
        "its",
        "that",
        "this",
        "these",
        "those",
        "there",
        "and",
        "or",
        "in",
        "on",
        "at",
        "with",
        "by",
        "from",
        "as",
        "please",
        "can",
        "could",
        "would",
        "will",
        "shall",
        "may",
        "like",
        "want",
        "need",
        "have",
        "has",
        "got",
        "get",
        "what",
        "what's",
        "which",
        "how",
        "um",
        "uh",
        "er",
        "hi",
        "hello",
        "hey",
        "yes",
        "no",
        "okay",
        "ok",
        "well",
        "so",
        "just",
        "some",
        "any",
        "if",
        "also",
        "then",
        "good",
        "morning",
        "evening",
        "afternoon",
        "know",
        "tell",
        "ma'am",
        "sir",
        "actually",
        "not",
        "but",
        "be",
        "wondering",
        "starting",
        "arriving",
        "maybe",
        "until",
        "till",
        "really",
        "think",
        "love",
        "looking",
        "trying",
        "going",
        "let",
        "let's",
        "thanks",
        "thank",
        "about",
        "too",
        "now",
        "i've",
        "one",
    ];
    SMALL.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_words_and_figures() {
        for (text, value) in
            [("two", 2), ("twenty one", 21), ("two hundred and forty", 240), ("one thousand two hundred", 1200), ("120", 120)]
        {
            assert_eq!(number(&words(text)).map(|found| found.0), Some(value), "{text}");
        }
        assert_eq!(ordinal(&words("twenty-third")), Some((23, 2)));
        assert_eq!(ordinal(&words("3rd")), Some((3, 1)));
        assert_eq!(ordinal(&words("three")), None);
    }

    #[test]
    fn every_number_spoken_is_read_back() {
        for value in (0..2000).chain([9999, 12_345, 100_000, 999_999]) {
            let text = words(&spoken(value));
            assert_eq!(number(&text), Some((value, text.len())), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_taken_apart() {
        assert_eq!(words("It's Bob.Miller@mail.com!").join(" "), "it's bob dot miller at mail dot com");
    }
}
