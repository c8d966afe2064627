//! Tables of texts: what must not be left (leaks), and what must be (over-redaction).

use super::*;
use crate::MAX_TEXT;

fn all(text: &str) -> String {
    redact(text, Level::All).into_owned()
}

/// Texts, and how they read masked.
fn table(level: Level, rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(text, wanted)| {
            let got = redact(text, level);
            (got != *wanted).then(|| format!("{text:?}\n  is {got:?}\n  not {wanted:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    for (_, masked) in rows {
        assert_eq!(redact(masked, level), *masked, "masked twice");
    }
}

#[test]
fn cards_are_masked_however_they_are_written() {
    table(
        Level::Cards,
        &[
            ("my card is 4111111111111111 thanks", "my card is [card] thanks"),
            ("4111 1111 1111 1111", "[card]"),
            ("4111-1111-1111-1111.", "[card]."),
            ("4111.1111/1111_1111", "[card]"),
            ("3782 822463 10005", "[card]"),
            ("4111\u{a0}1111\u{2011}1111\u{200b}1111", "[card]"),
            ("４１１１ １１１１ １１１１ １１１１", "[card]"),
            ("card=4111%201111%201111%201111&x=1", "card=[card]&x=1"),
            ("{\"card\":\"4111111111111111\"}", "{\"card\":\"[card]\"}"),
            ("card4111111111111111x", "card[card]x"),
            ("4111 1111, um, 1111 and then 1111", "[card]"),
            ("4111 1111 the next four are 1111 and the last 4 digits 1111", "[card]"),
            ("4111111111111111 12/27 123", "[card]"),
            ("two rooms, 5555555555554444 and 4111111111111111", "two rooms, [card]"),
            ("2 nights; 4111 1111 1111 1111", "2 nights; [card]"),
        ],
    );
}

#[test]
fn cards_are_masked_in_the_words_of_five_languages() {
    table(
        Level::Cards,
        &[
            ("four one one one one one one one one one one one one one one one", "[card]"),
            ("it is four triple one, quadruple one, double one double one, one one one one okay", "it is [card] okay"),
            ("forty-one eleven eleven eleven eleven eleven eleven eleven", "[card]"),
            ("five four double zero, oh oh oh oh, o o o o, double oh oh five", "[card]"),
            ("vier eins eins eins, einmal", "vier eins eins eins, einmal"),
            ("meine karte ist vier dreimal die eins, elf elf, elf elf, elf elf danke", "meine karte ist [card] danke"),
            ("einundvierzig elf elf elf elf elf elf elf", "[card]"),
            ("cuatro uno uno uno uno uno uno uno y luego uno uno uno uno uno uno uno uno", "[card]"),
            ("cuarenta y uno once once once once once once once", "[card]"),
            ("quarante et un onze onze onze onze onze onze onze", "[card]"),
            (
                "quarante-deux, quarante-deux, quarante-deux, quarante-deux, quarante-deux, quarante-deux, quarante-deux, quarante-deux",
                "[card]",
            ),
            ("quattro uno uno uno, undici undici, undici undici, undici undici", "[card]"),
            ("4 one 1 eins 1 uno 1 un 1 1 1 1 1 1 1 1", "[card]"),
        ],
    );
}

#[test]
fn security_codes_are_masked_where_they_are_named() {
    table(
        Level::Cards,
        &[
            ("the cvv is 123", "the cvv is [code]"),
            ("security code: one two three", "security code: [code]"),
            ("Prüfnummer vier fünf sechs", "Prüfnummer [code]"),
            ("el código de seguridad es 987", "el código de seguridad es [code]"),
            ("cryptogramme 321, merci", "cryptogramme [code], merci"),
            ("codice di sicurezza 1 2 3", "codice di sicurezza [code]"),
            ("my pin is 12 34", "my pin is [code]"),
        ],
    );
}

#[test]
fn what_is_no_card_stays_at_the_level_of_cards() {
    let texts = [
        "2025-11-03",
        "from 2025-11-03 to 2025-11-07, 2 nights, 1250.00",
        "Confirmation number ABC123XYZ",
        "order 4111111111111112",
        "call me at +1 415 555 2671 or 4155552671",
        "0190a1b2-7c3d-7e4f-8123-456789abcdef",
        "ts=1763740650123456789 took 15005550006 ns",
        "41111111111111111111111111",
        "a double room for two people for two nights",
        "Buchung 427109 für zwei Personen",
        "ann@example.com from 203.0.113.9",
    ];
    let rows: Vec<_> = texts.map(|text| (text, text)).into();
    table(Level::Cards, &rows);
}

#[test]
fn persons_are_masked_at_the_level_of_all() {
    table(
        Level::All,
        &[
            ("write to Ann.Lee+x@mail.example.com, please", "write to [email], please"),
            ("<ann@example.com>", "<[email]>"),
            ("user=ann%40example.com&", "user=[email]&"),
            ("müller@bücher.example.", "[email]."),
            ("I am ann dot lee at example dot com thank you", "I am [email] thank you"),
            ("ann punkt lee ät example punkt de", "[email]"),
            ("ann punkt lee at example punkt de", "[email]"),
            ("mi correo es ana arroba ejemplo punto es", "mi correo es [email]"),
            ("c'est anne arobase exemple point fr", "c'est [email]"),
            ("anna chiocciola esempio punto it", "[email]"),
            ("j o at mail dot example dot com", "[email]"),
            ("DE89 3704 0044 0532 0130 00", "[iban]"),
            ("my account GB82WEST12345698765432.", "my account [iban]."),
            ("from 203.0.113.9:443", "from [ip]:443"),
            ("2001:db8::7:1 and fe80::1.", "[ip] and [ip]."),
            ("+15005550006", "[phone]"),
            ("+44 20 7946 0958", "[phone]"),
            ("+49 (0)30 901820", "[phone]"),
            ("call 0049 30 901820", "call [phone]"),
            ("(415) 555-2671", "[phone]"),
            ("call me at 415-555-2671, room 412", "call me at [phone], room 412"),
            ("415 555 2671 or 1 415 555 2671", "[phone] or [phone]"),
            ("4155552671", "[phone]"),
            ("030 901820 10", "[phone]"),
            ("06 12 34 56 78", "[phone]"),
            ("612 345 678", "[phone]"),
            ("my number is 5550199", "my number is [phone]"),
            ("my number is five five five oh one nine nine", "my number is [phone]"),
            ("plus vier neun drei null neun null eins acht zwei null", "plus [phone]"),
            ("null eins fünf eins, zwei drei vier fünf, sechs sieben", "[phone]"),
            ("my ssn is 123-45-6789", "my ssn is [id]"),
            ("4111 1111 1111 1111, 415-555-2671, ann@example.com", "[card], [phone], [email]"),
        ],
    );
}

#[test]
fn what_points_to_nobody_stays_at_the_level_of_all() {
    let texts = [
        "2025-11-03",
        "1250.00",
        "Confirmation number ABC123XYZ",
        "03.11.2025, 11/03/2025, 3.11.25",
        "at 14:30, at 14:30:22.123",
        "EUR 1.250,00 or $1,250 or 1250.00 EUR or 1,234,567.89",
        "your confirmation code is four two seven one zero nine",
        "booking reference 2025550123",
        "Buchungsnummer 0301234567",
        "res tomorrow, room 412, 2 adults and 2 children",
        "version 10.0.19.1 of 1.2.3.4.5",
        "the 3rd to the 21st of May, 2026",
        "0190a1b2-7c3d-7e4f-8123-456789abcdef",
        "2025-11-03T14:30:22.123456Z",
        "meet me at the bar at nine, on the dot",
        "std::net::Ipv6Addr, a::b, 12:30:45",
        "took 15 ms for 20000 frames, 99.5 %",
        "DE is Germany, GB82 is a room",
        "one, two, three, go",
        "from 2025-11-03 to 2025-11-07",
        "two thousand twenty five",
    ];
    let rows: Vec<_> = texts.map(|text| (text, text)).into();
    table(Level::All, &rows);
}

#[test]
fn an_over_long_text_is_cut_and_says_so() {
    let long = format!("{} ann@example.com {}", "word ".repeat(10), "x y ".repeat(MAX_TEXT / 4));
    for level in [Level::Cards, Level::All] {
        let masked = redact(&long, level);
        assert!(masked.len() <= MAX_TEXT && masked.ends_with(" [cut]"), "{}", masked.len());
        assert_eq!(redact(&masked, level), masked);
    }
    assert!(!all(&long).contains("ann@"));
    // A card that goes across the cut is not half of it kept.
    let before = "a ".repeat((MAX_TEXT - 20) / 2);
    let masked = all(&format!("{before}4111 1111 1111 1111 1111"));
    assert!(!masked.contains("4111") && masked.ends_with("[card] [cut]"), "{}", &masked[masked.len() - 40..]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn the_longest_text_is_masked_in_time_whatever_is_in_it() {
    // What makes a careless search go back again and again: digits, dots, colons, at signs, letters of an account. In the square of the length
    // these would take minutes.
    let started = std::time::Instant::now();
    for piece in ["1", "1 ", "4111 ", "a.", "a@", "1.", "a:", "DE89 ", "one ", "double ", "a dot ", "+", "(1", "2025-", "cvv ", "at ", "é"]
    {
        let text = piece.repeat(MAX_TEXT / piece.len());
        assert!(all(&text).len() <= MAX_TEXT, "{piece}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}
