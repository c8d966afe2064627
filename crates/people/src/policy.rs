//! Which passwords are refused: those others would guess. No rule asks for kinds of characters, and none for a change after some time.

use std::cmp::Ordering;

/// Most characters of a password; more are refused so that nobody has megabytes hashed (OWASP ASVS 5.0, 6.2.9 asks to allow 64 at least).
pub const MAX_PASSWORD: usize = 256;
/// Fewest characters an administrator may set as the minimum (ASVS 6.2.1).
pub const LEAST_MIN_PASSWORD: usize = 8;
/// Shorter words of the context are in too many passwords to count.
const SHORTEST_WORD: usize = 3;
/// Characters around a common password that do not make it another: `sunshine2024!`.
const DECORATION: usize = 6;
/// Longest piece whose repetition is one of the most common things to do.
const LONGEST_REPEATED: usize = 4;

/// 10,807 common passwords, sorted by bytes; where they are from stands in `data/NOTICE`.
const COMMON: &str = include_str!("../data/common-passwords.txt");

/// A rule a new password breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer characters than the setting asks for.
    #[error("it has fewer than {min} characters")]
    TooShort {
        /// The fewest.
        min: usize,
    },
    /// More characters than are hashed.
    #[error("it has more than {max} characters")]
    TooLong {
        /// The most.
        max: usize,
    },
    /// On the list of common passwords, or made of one in a common way.
    #[error("it is one of the most common passwords, or made of one")]
    Common,
    /// Too little is left of it without the names of the product, the workspace and the person.
    #[error("without the product's, the workspace's and your own name and e-mail too little of it is left")]
    Context,
    /// The one that is to be replaced.
    #[error("it is the same as before")]
    Same,
}

/// Words that others know about an account: names and addresses are taken apart into them.
#[derive(Clone, Default)]
pub(crate) struct Context {
    /// In lower case, the longest first.
    words: Vec<String>,
}

impl Context {
    /// The words of these texts.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words: Vec<String> = texts.into_iter().flat_map(parts).filter(|word| word.chars().count() >= SHORTEST_WORD).collect();
        words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        Self { words }
    }

    /// What is left of a password in lower case without them.
    fn without(&self, password: &str) -> String {
        self.words.iter().fold(password.to_owned(), |left, word| left.replace(word.as_str(), ""))
    }
}

/// The rules a new password breaks; none when it may be used.
pub(crate) fn problems(password: &str, min: usize, context: &Context) -> Vec<PasswordProblem> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let mut found = Vec::new();
    if length < min {
        found.push(PasswordProblem::TooShort { min });
    }
    if length > MAX_PASSWORD {
        found.push(PasswordProblem::TooLong { max: MAX_PASSWORD });
        return found;
    }
    if is_common(&lower) {
        found.push(PasswordProblem::Common);
    }
    let left = context.without(&lower);
    if left != lower && left.chars().count() < min {
        found.push(PasswordProblem::Context);
    }
    found
}

/// A text, and its words: `anna.smith@hotel-adler.de` gives itself, `anna`, `smith`, `annasmith`, `hotel`, `adler` and `hoteladler`.
fn parts(text: &str) -> Vec<String> {
    let lower = text.trim().to_lowercase();
    let mut found = vec![lower.clone()];
    for side in lower.split('@') {
        let words: Vec<&str> = side.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        found.push(words.concat());
        found.extend(words.into_iter().map(str::to_owned));
    }
    found
}

/// True for a password of the list, a decorated one, and for repetitions and runs.
fn is_common(lower: &str) -> bool {
    let core = lower.trim_matches(|letter: char| !letter.is_alphabetic());
    let decoration = lower.chars().count() - core.chars().count();
    is_listed(lower) || is_repeated(lower) || is_run(lower) || (decoration <= DECORATION && (is_listed(core) || is_repeated(core)))
}

/// Binary search in the text: no list has to be made of it first.
fn is_listed(lower: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = COMMON.as_bytes()[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = COMMON.as_bytes()[start..].iter().position(|byte| *byte == b'\n').map_or(COMMON.len(), |at| start + at);
        match COMMON.as_bytes()[start..end].cmp(lower.as_bytes()) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    false
}

/// One short piece or one common password again and again.
fn is_repeated(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().collect();
    (1..=letters.len() / 2).filter(|length| letters.len().is_multiple_of(*length)).any(|length| {
        let piece = &letters[..length];
        letters.chunks(length).all(|chunk| chunk == piece) && (length <= LONGEST_REPEATED || is_listed(&piece.iter().collect::<String>()))
    })
}

/// Letters or digits in order, up or down: `abcdefghijkl`, `1234567890123`.
fn is_run(lower: &str) -> bool {
    let steps: Vec<i64> =
        lower.chars().zip(lower.chars().skip(1)).map(|(a, b)| i64::from(u32::from(b)) - i64::from(u32::from(a))).collect();
    let all = |step: i64, wrap: i64| steps.iter().all(|found| *found == step || *found == wrap);
    !steps.is_empty() && (all(1, -9) || all(-1, 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Vec<PasswordProblem> {
        problems(password, 12, &Context::of(["voicenoob", "anna.smith@hotel-adler.de", "Hotel Adler", "Anna Smith"]))
    }

    #[test]
    fn the_list_is_sorted_and_every_word_of_it_is_found() {
        let words: Vec<&str> = COMMON.lines().collect();
        assert!(words.len() > 10_000 && words.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
        assert!(words.iter().all(|word| is_listed(word)));
        assert!(!is_listed("") && !is_listed("correct horse battery staple") && !is_listed("\n") && !is_listed("zzzzzzzzzzzzzzzzzzzzzzzz"));
    }

    #[test]
    fn common_passwords_are_refused_however_they_are_dressed_up() {
        for password in [
            "Sonyericsson",
            "PASSWORD2024!!",
            "dragon123456",
            "passwordpassword",
            "abcabcabcabc",
            "aaaaaaaaaaaaaa",
            "1234567890123",
            "zyxwvutsrqponm",
        ] {
            assert_eq!(judged(password), [PasswordProblem::Common], "{password}");
        }
    }

    #[test]
    fn any_characters_make_a_password_and_none_are_asked_for() {
        for password in [
            "correct horse battery",
            "дракон под мостом",
            "          x 7 ",
            "lowercaseletters-only-here",
            "93850274610593",
            "🦀🦀🐚🐚🦀🐚🐚🐚🦀🐚🦀🐚",
        ] {
            assert_eq!(judged(password), [], "{password}");
        }
        assert_eq!(judged(&"long and longer ".repeat(16)), [], "256 characters");
        assert_eq!(judged(&"x".repeat(257)), [PasswordProblem::TooLong { max: 256 }]);
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(judged("kürzer-als-1"), []);
        assert_eq!(judged("kürzer-als-"), [PasswordProblem::TooShort { min: 12 }]);
    }

    #[test]
    fn names_that_others_know_count_for_nothing() {
        for password in ["voicenoob-2024", "AnnaSmith-HotelAdler", "anna.smith@hotel-adler.de", "Adler!Adler!Adler!"] {
            assert_eq!(judged(password), [PasswordProblem::Context], "{password}");
        }
        assert_eq!(judged("anna keeps nine quiet geese"), [], "enough is left");
    }
}
