//! Confirmation codes: six digits that are easy to say and to hear.

use fastrand::Rng;

/// Six digits, the first not zero, and none the same as the one before: "three three three" is where listeners lose count. 531,441 codes.
pub(super) fn confirmation_code(rng: &mut Rng) -> String {
    let mut code = String::with_capacity(6);
    let mut last = '0';
    while code.len() < 6 {
        let digit = rng.digit(10);
        if digit != last {
            code.push(digit);
            last = digit;
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits_and_no_doubles() {
        let mut rng = Rng::with_seed(7);
        for _ in 0..2_000 {
            let code = confirmation_code(&mut rng);
            assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()) && !code.starts_with('0'), "{code}");
            assert!(code.as_bytes().windows(2).all(|pair| pair[0] != pair[1]), "{code}");
        }
    }
}
