//! Account numbers: IBAN (ISO 13616), by the country's length and the check digits modulo 97.

use crate::spans::{Read, Taken, What};
use crate::tokens::Kind;

/// Longest IBAN (ISO 13616 allows 34; the registry's longest has 33), with a separator between any two signs.
const REACH: usize = 68;

/// Lengths by country, from the IBAN registry.
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 \
    FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 \
    MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 \
    ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Takes the account numbers of a text.
pub(crate) fn take(read: &Read<'_>, taken: &mut Taken) {
    for token in &read.tokens {
        if matches!(token.kind, Kind::Mixed | Kind::Word)
            && let Some(end) = account(read.text, token.at.start)
        {
            taken.take(token.at.start..end, What::Account);
        }
    }
}

/// The end of the account number that begins here.
fn account(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let country = rest.get(..2)?.to_ascii_uppercase();
    let length: usize = LENGTHS.split(' ').find_map(|row| row.strip_prefix(country.as_str()))?.parse().ok()?;
    let (mut signs, mut separated) = (Vec::with_capacity(length), false);
    for (at, sign) in rest.char_indices().take(REACH) {
        if sign.is_ascii_alphanumeric() {
            signs.push(sign);
            separated = false;
            if signs.len() == length {
                let whole = !rest.get(at + 1..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphanumeric);
                return (whole && is_iban(&signs)).then_some(from + at + 1);
            }
        } else if matches!(sign, ' ' | '-' | '\u{a0}') && !separated {
            separated = true;
        } else {
            return None;
        }
    }
    None
}

/// Check digits of ISO 7064 (mod 97-10): letters count from 10, the first four signs go to the end.
fn is_iban(signs: &[char]) -> bool {
    let (head, body) = signs.split_at(4.min(signs.len()));
    if !head.iter().skip(2).all(char::is_ascii_digit) {
        return false;
    }
    let values = body.iter().chain(head).filter_map(|sign| sign.to_digit(36));
    values.fold(0, |rest, value| if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 }) == 1
}
