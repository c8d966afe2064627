//! Codes that change every 30 s (RFC 6238): six digits, SHA-1, one step either side, each step once.

use jiff::Timestamp;
use privacy::Secret;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::PeopleError;

/// Bytes of a secret (RFC 4226 asks for 20).
const SECRET_BYTES: usize = 20;
/// Seconds of a step.
pub(crate) const STEP: i64 = 30;
/// Steps before and after the present one whose codes are accepted.
pub(crate) const SKEW: u16 = 1;

/// A new secret.
pub(crate) fn new_secret() -> Result<Zeroizing<Vec<u8>>, PeopleError> {
    let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// What an authenticator program is told: the address for a QR code, and the secret in base 32.
pub(crate) fn told(secret: &[u8], issuer: &str, account: &str) -> Result<(Secret, Secret), PeopleError> {
    // A colon separates the two in the label.
    let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
    let totp = builder(secret).with_issuer(Some(issuer)).with_account_name(account).build().map_err(broken)?;
    let url = totp.to_url().map_err(broken)?;
    Ok((url.into(), totp.secret().to_base32().into()))
}

/// The step of which this is the code, when it is one of those that count now.
pub(crate) fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>, PeopleError> {
    let totp: Totp = builder(secret).build().map_err(broken)?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let step = totp.check(code, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn builder(secret: &[u8]) -> Builder {
    Builder::new().with_skew(SKEW).with_step_duration(STEP.unsigned_abs()).with_secret(secret)
}

fn broken(error: totp_rs::TotpError) -> PeopleError {
    PeopleError::Hashing { why: format!("a second factor's secret cannot be used: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six digits of the SHA-1 column.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(step_of(secret, code, now).unwrap(), Some(second / STEP), "{second}");
        }
    }

    #[test]
    fn one_step_either_side_counts_and_no_more() {
        let secret = b"12345678901234567890";
        let at = |second: i64| step_of(secret, "081804", Timestamp::from_second(second).unwrap()).unwrap();
        let step = 1_111_111_109 / STEP;
        let start = step * STEP;
        assert_eq!([start - 31, start - 30, start, start + 59, start + 60].map(at), [None, Some(step), Some(step), Some(step), None]);
        for wrong in ["", "81804", "0818040", "08180x", "+81804", "０８１８０４"] {
            assert_eq!(step_of(secret, wrong, Timestamp::from_second(start).unwrap()).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn an_authenticator_is_told_who_it_is_for() {
        let (url, secret) = told(b"12345678901234567890", "Hotel: Adler", "anna@adler.example").unwrap();
        assert!(
            url.expose().starts_with("otpauth://totp/Hotel%20%20Adler:anna%40adler.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            "{}",
            url.expose()
        );
        assert_eq!(secret.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_ne!(new_secret().unwrap(), new_secret().unwrap());
    }
}
