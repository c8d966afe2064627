//! Recovery codes: for who lost the authenticator. Each works once.

use privacy::Secret;
use secrets::digest;
use uuid::Uuid;

use crate::PeopleError;

/// Codes in a set.
pub const CODES: usize = 10;
/// Characters of a code, five bits each: 120 bits. From 112 bits on SHA-256 is enough to keep them (ASVS 5.0, 6.5.2).
const CHARACTERS: usize = 24;
/// Written in groups of so many.
const GROUP: usize = 4;
/// Without letters that are taken for digits.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// A new set, as shown to the person: `abcd-efgh-...`.
pub(crate) fn new_codes() -> Result<Vec<Secret>, PeopleError> {
    (0..CODES).map(|_| new_code()).collect()
}

/// What is kept of a code. The account is part of it: a digest is of no use for another.
pub(crate) fn kept(user: Uuid, code: &str) -> [u8; 32] {
    digest(&format!("recovery {user} {}", plain(code)))
}

/// True for what may be a recovery code, however it is typed.
pub(crate) fn looks_like_one(code: &str) -> bool {
    let plain = plain(code);
    plain.len() == CHARACTERS && plain.bytes().all(|letter| ALPHABET.contains(&letter))
}

fn plain(code: &str) -> String {
    code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').flat_map(char::to_lowercase).collect()
}

fn new_code() -> Result<Secret, PeopleError> {
    let mut bytes = zeroize::Zeroizing::new([0u8; CHARACTERS]);
    getrandom::fill(&mut *bytes)?;
    let mut code = String::with_capacity(CHARACTERS + CHARACTERS / GROUP);
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 && place % GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_set_has_ten_different_codes_of_more_than_64_bits() {
        let codes = new_codes().unwrap();
        let different: BTreeSet<_> = codes.iter().map(Secret::expose).collect();
        assert_eq!(different.len(), 10);
        assert_eq!(ALPHABET.iter().collect::<BTreeSet<_>>().len(), 32, "five bits for each character");
        assert!(codes.iter().all(|code| looks_like_one(code.expose())));
    }

    #[test]
    fn a_code_may_be_typed_with_or_without_its_strokes() {
        let user = Uuid::from_u128(1);
        let code = new_code().unwrap();
        let typed = format!(" {} ", code.expose().replace('-', "").to_uppercase());
        assert_eq!(kept(user, code.expose()), kept(user, &typed));
        assert!(looks_like_one(&typed));
        assert_ne!(kept(user, code.expose()), kept(Uuid::from_u128(2), code.expose()));
        assert!(!looks_like_one("123456") && !looks_like_one(""));
    }
}
