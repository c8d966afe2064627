//! Cards over the turns of a call, and cards of any shape.

use proptest::prelude::*;

use super::*;
use crate::cards::is_card;
use crate::redact;

/// What is stored of a call: each text as it was pushed, replaced by its revisions.
#[derive(Default)]
struct Stored {
    texts: Vec<String>,
}

impl Stored {
    fn push(&mut self, redactor: &mut Redactor, text: &str) {
        self.texts.push(redactor.push(text));
        self.replace(redactor.revised());
    }

    fn replace(&mut self, revisions: Vec<Revision>) {
        for revision in revisions {
            self.texts[usize::try_from(revision.text_number).unwrap()] = revision.text;
        }
    }
}

fn call(level: Level, texts: &[&str]) -> Vec<String> {
    let mut redactor = Redactor::new(level, Vec::new());
    let mut stored = Stored::default();
    texts.iter().for_each(|text| stored.push(&mut redactor, text));
    stored.replace(redactor.finish());
    stored.texts
}

#[test]
fn a_card_said_over_several_turns_is_masked_from_its_first_digit() {
    let turns =
        ["my card is four one one one", "one one one one", "um, wait a second", "and then one one one one", "and eleven eleven, thanks"];
    assert_eq!(call(Level::Cards, &turns), ["my card is [card]", "[card]", "um, wait a second", "and then [card]", "and [card], thanks"]);
}

#[test]
fn before_the_last_chunk_comes_no_more_than_six_digits_are_stored() {
    let mut redactor = Redactor::new(Level::Cards, Vec::new());
    assert_eq!(redactor.push("4111"), "4111");
    assert_eq!(redactor.push("1111"), "[card]");
    assert_eq!(redactor.revised(), [Revision { text_number: 0, text: "[card]".into() }]);
    assert_eq!(redactor.push("1111"), "[card]");
    assert_eq!(redactor.push("1111"), "[card]");
    assert_eq!((redactor.revised(), redactor.finish()), (vec![], vec![]));
}

#[test]
fn what_might_have_been_a_card_and_is_none_is_shown_again() {
    let mut redactor = Redactor::new(Level::Cards, Vec::new());
    assert_eq!(redactor.push("call 4155552671"), "call [card]");
    assert_eq!(
        redactor.push("my name is Ann Lee and I would like to stay for a whole week please"),
        "my name is Ann Lee and I would like to stay for a whole week please"
    );
    assert_eq!(redactor.revised(), [Revision { text_number: 0, text: "call 4155552671".into() }]);
    assert_eq!(redactor.push("4155552671"), "[card]");
    assert_eq!(redactor.finish(), [Revision { text_number: 2, text: "4155552671".into() }]);
}

#[test]
fn the_digits_of_a_booking_are_no_card() {
    let turns = [
        "a double room for two people",
        "from 2026-11-03 to 2026-11-07",
        "four one five five five five two six seven one",
        "yes",
        "1",
        "427109",
    ];
    assert_eq!(call(Level::Cards, &turns), turns);
}

#[test]
fn a_security_code_is_masked_when_it_comes_after_its_name_or_its_card() {
    assert_eq!(call(Level::Cards, &["the security code is", "one two three"]), ["the security code is", "[code]"]);
    assert_eq!(
        call(Level::Cards, &["4111 1111 1111 1111", "okay", "it's 123", "two people"]),
        ["[card]", "okay", "it's [code]", "two people"]
    );
}

#[test]
fn keys_are_a_card_wherever_it_begins_among_them() {
    let mut redactor = Redactor::new(Level::Cards, Vec::new());
    assert_eq!(redactor.push_keys("24111111111111111"), "2[card]");
    assert_eq!(redactor.push_keys("4271"), "[code]", "digits alone behind a card");
    let mut redactor = Redactor::new(Level::Cards, Vec::new());
    assert_eq!(redactor.push("4111 1111"), "[card]");
    assert_eq!(redactor.push_keys("11111111#"), "[card]#");
}

#[test]
fn names_and_numbers_known_from_the_call_are_masked_at_the_level_of_all() {
    let mut redactor = Redactor::new(Level::All, vec!["Ann-Marie Müller".into(), "+49 151 23456789".into(), "anonymous".into()]);
    redactor.learn("Bo Will");
    for (said, stored) in [
        ("this is ann-marie mueller", "this is [name]"),
        ("Frau MULLER, I will come in May", "Frau [name], I will come in May"),
        ("call 0151 2345 6789 or two three four five six seven eight nine", "call [phone] or [phone]"),
        ("bo will be there", "[name] be there"),
    ] {
        assert_eq!(redactor.mask(said), stored);
        assert_eq!(redactor.push(said), stored);
    }
    let mut cards = Redactor::new(Level::Cards, vec!["Ann Lee".into()]);
    assert_eq!(cards.push("ann lee at ann@example.com"), "ann lee at ann@example.com");
}

#[test]
fn a_redactor_does_not_print_what_it_heard() {
    let mut redactor = Redactor::new(Level::All, vec!["Canary".into()]);
    redactor.push("4111 1111 canary");
    let printed = format!("{redactor:?}");
    assert!(!printed.contains("4111") && !printed.to_lowercase().contains("canary"), "{printed}");
}

/// Cases of each property.
const CASES: u32 = 500;

/// A valid card of some network.
fn card() -> impl Strategy<Value = Vec<u8>> {
    let shapes = prop::sample::select(vec![
        ("4", 16),
        ("4", 13),
        ("4", 19),
        ("51", 16),
        ("2223", 16),
        ("37", 15),
        ("6011", 16),
        ("36", 14),
        ("3530", 16),
        ("62", 19),
    ]);
    (shapes, prop::collection::vec(0..10_u8, 19)).prop_map(|((prefix, length), rest)| {
        let mut digits = crate::tokens::digits(prefix);
        digits.extend(rest.iter().take(length - 1 - digits.len()));
        digits.push(0);
        let check = (0..10).find(|check| {
            digits[length - 1] = *check;
            is_card(&digits)
        });
        assert!(check.is_some());
        digits
    })
}

/// How one digit or two are written or said.
fn written(digits: &[u8], style: u8) -> String {
    const UNITS: [[&str; 10]; 5] = [
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
        ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
        ["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"],
        ["zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"],
    ];
    let times = [["double", "triple"], ["doppel", "dreimal"], ["doble", "triple"], ["double", "triple"], ["doppio", "triplo"]];
    let language = usize::from(style % 5);
    match digits {
        [a, b] if a == b && style > 10 => format!("{} {}", times[language][0], UNITS[language][usize::from(*a)]),
        [a, b, c] if a == b && b == c && style > 10 => format!("{} {}", times[language][1], UNITS[language][usize::from(*a)]),
        _ if style > 5 => digits.iter().map(|digit| UNITS[language][usize::from(*digit)]).collect::<Vec<_>>().join(" "),
        _ => digits.iter().map(u8::to_string).collect(),
    }
}

/// A card in chunks: how long each is, how it is written, and what follows it.
fn chunks() -> impl Strategy<Value = Vec<(usize, u8, &'static str)>> {
    let separators = prop::sample::select(vec![
        " ",
        "  ",
        "-",
        ", ",
        " - ",
        ".",
        "/",
        "\u{a0}",
        " um, ",
        " and then ",
        " und dann ",
        " y luego ",
        " et puis ",
        " e poi ",
        "\n",
    ]);
    prop::collection::vec((1..6_usize, 0..16_u8, separators), 19)
}

/// The chunks of a card as texts; `turn` says after which chunks another turn begins.
fn texts(card: &[u8], chunks: &[(usize, u8, &str)], turn: impl Fn(usize) -> bool) -> Vec<String> {
    let (mut texts, mut from) = (vec![String::new()], 0);
    for (count, (length, style, separator)) in chunks.iter().enumerate() {
        let end = (from + length).min(card.len());
        let last = texts.len() - 1;
        // Digits in words need a space to the next.
        let separator = if separator.contains(' ') || *style <= 5 { separator } else { " " };
        texts[last].push_str(&written(&card[from..end], *style));
        from = end;
        if from == card.len() {
            break;
        }
        if turn(count) { texts.push(String::new()) } else { texts[last].push_str(separator) }
    }
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_card_survives_however_it_is_split_and_spaced(card in card(), chunks in chunks()) {
        let text = texts(&card, &chunks, |_| false).concat();
        for level in [Level::Cards, Level::All] {
            let masked = redact(&format!("so, {text} thanks"), level).into_owned();
            prop_assert_eq!(masked, "so, [card] thanks", "{}", text);
        }
    }

    #[test]
    fn no_card_survives_however_it_is_told_over_turns(card in card(), chunks in chunks(), turns in prop::collection::vec(any::<bool>(), 19)) {
        let texts = texts(&card, &chunks, |count| turns[count]);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for stored in call(Level::Cards, &texts) {
            let rest = stored.replace("[card]", "").replace("[code]", "");
            prop_assert!(!rest.contains(char::is_alphanumeric), "{:?} of {:?}", stored, texts);
        }
    }

    #[test]
    fn masking_twice_is_masking_once(pieces in prop::collection::vec(piece(), 1..12)) {
        let text = pieces.concat();
        for level in [Level::Cards, Level::All] {
            let once = redact(&text, level).into_owned();
            prop_assert_eq!(redact(&once, level), &*once, "{}", text);
        }
    }

    #[test]
    fn any_text_is_masked_without_a_fault(texts in prop::collection::vec(".{0,60}", 1..6)) {
        let mut redactor = Redactor::new(Level::All, vec!["Ann Lee".into(), "+15005550006".into()]);
        for text in &texts {
            redactor.push(text);
            redactor.push_keys(text);
        }
        redactor.finish();
    }
}

/// Pieces of texts with all that is looked for, and all that looks like it.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,8}",
        prop::sample::select(vec![
            " ",
            "-",
            ".",
            ",",
            ":",
            "/",
            "+",
            "(",
            ")",
            "@",
            "%40",
            " at ",
            " dot ",
            "com",
            "ann",
            "DE89",
            "3704",
            "0044",
            "0532",
            "0130",
            "00",
            "::",
            "fe80",
            "2025-11-03",
            "14:30",
            "1250.00",
            "EUR ",
            "cvv ",
            "booking ",
            "call ",
            "double ",
            "four ",
            "one ",
            "eins ",
            "oh ",
            "4111111111111111",
            "4111 1111 ",
            "+1415",
            "ABC123XYZ",
            "[card]",
            "[",
            "]",
            "security code ",
            "plus ",
            "quatre-vingt ",
            "123-45-6789",
        ])
        .prop_map(str::to_owned),
    ]
}
