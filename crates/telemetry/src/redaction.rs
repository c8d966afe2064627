//! The last look at a log line: what is written like an international telephone number is masked.
//!
//! Our own lines never hold one. A library's debug line may (a URL with `From=%2B1500...`), and a log is kept longer than a call record.
//! Numbers without a plus are not told from ids and counts, so they are left alone.

/// Fewest digits after the plus that make a number (E.164 has up to 15; the shortest in use have 7).
const SHORTEST: usize = 7;
/// Digits at the end that stay, as in the `Debug` form of `PhoneNumber`.
const KEPT: usize = 2;

/// Replaces the digits of every `+` or `%2B` number by `*`, all but the last two.
pub(crate) fn mask_numbers(line: &mut [u8]) {
    let mut at = 0;
    while at < line.len() {
        let Some(start) = number_start(&line[at..]) else {
            at += 1;
            continue;
        };
        let first = at + start;
        let digits = line[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits >= SHORTEST {
            line[first..first + digits - KEPT].fill(b'*');
        }
        at = first + digits;
    }
}

/// Where the digits begin, when `rest` begins with a plus in plain or URL-encoded form.
fn number_start(rest: &[u8]) -> Option<usize> {
    [&b"+"[..], b"%2B", b"%2b"].into_iter().find(|plus| rest.starts_with(plus)).map(<[u8]>::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        let mut bytes = line.as_bytes().to_vec();
        mask_numbers(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_number_is_masked_in_plain_and_in_url_form() {
        assert_eq!(masked("from +15005550006 to"), "from +*********06 to");
        assert_eq!(masked("?From=%2B15005550006&To=%2b15005550007"), "?From=%2B*********06&To=%2b*********07");
        assert_eq!(masked("+15005550006"), "+*********06");
    }

    #[test]
    fn other_figures_stay() {
        for line in ["a+b", "+", "%2B", "+123456 frames", "took 15005550006 ns", "0190a1b2-7c3d-7e4f-8123-456789abcdef", "é+é"] {
            assert_eq!(masked(line), line);
        }
    }
}
