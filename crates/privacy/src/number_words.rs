//! Number words from 0 to 99 in English, German, Spanish, French and Italian, as they are said in a card or telephone number.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word means in a spoken number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberWord {
    /// 0 to 99.
    Value(u8),
    /// `double`, `triple`: the next digit this many times.
    Times(u8),
}

const UNITS: [(u8, &str); 10] = [
    (0, "zero null cero nought naught"),
    (1, "one eins ein eine uno una un une"),
    (2, "two zwei zwo dos deux due"),
    (3, "three drei tres trois tre"),
    (4, "four vier cuatro quatre quattro"),
    (5, "five funf fuenf cinco cinq cinque"),
    (6, "six sechs seis sei"),
    (7, "seven sieben siete sept sette"),
    (8, "eight acht ocho huit otto"),
    (9, "nine neun nueve neuf nove"),
];

const TEENS: [(u8, &str); 10] = [
    (10, "ten zehn diez dix dieci"),
    (11, "eleven elf once onze undici"),
    (12, "twelve zwolf zwoelf doce douze dodici"),
    (13, "thirteen dreizehn trece treize tredici"),
    (14, "fourteen vierzehn catorce quatorze quattordici"),
    (15, "fifteen funfzehn fuenfzehn quince quinze quindici"),
    (16, "sixteen sechzehn dieciseis seize sedici"),
    (17, "seventeen siebzehn diecisiete diciassette"),
    (18, "eighteen achtzehn dieciocho diciotto"),
    (19, "nineteen neunzehn diecinueve diciannove"),
];

const TENS: [(u8, &str); 8] = [
    (20, "twenty zwanzig veinte vingt vingts venti"),
    (30, "thirty dreissig dreißig treinta trente trenta"),
    (40, "forty fourty vierzig cuarenta quarante quaranta"),
    (50, "fifty funfzig fuenfzig cincuenta cinquante cinquanta"),
    (60, "sixty sechzig sesenta soixante sessanta"),
    (70, "seventy siebzig setenta septante settanta"),
    (80, "eighty achtzig ochenta huitante octante ottanta"),
    (90, "ninety neunzig noventa nonante novanta"),
];

const TIMES: [(u8, &str); 3] = [
    (2, "double doppel doppelt zweimal doble doppio doppia"),
    (3, "triple treble dreifach dreimal tripla triplo"),
    (4, "quadruple viermal cuadruple quadruplo"),
];

static WORDS: LazyLock<HashMap<String, NumberWord>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    let values = UNITS.iter().chain(&TEENS).chain(&TENS);
    for (value, row) in values {
        words.extend(row.split(' ').map(|word| (word.to_owned(), NumberWord::Value(*value))));
    }
    for (times, row) in TIMES {
        words.extend(row.split(' ').map(|word| (word.to_owned(), NumberWord::Times(times))));
    }
    words.extend(compounds().map(|(word, value)| (word, NumberWord::Value(value))));
    words
});

/// Values that are one word of two parts: `einundvierzig`, `veintiuno`, `quarantuno`.
fn compounds() -> impl Iterator<Item = (String, u8)> {
    let pairs = || TENS.iter().flat_map(|(ten, tens)| UNITS.iter().skip(1).map(move |(unit, units)| (ten + unit, *tens, *units)));
    let german = pairs().flat_map(|(value, tens, units)| {
        let tens: Vec<_> =
            tens.split(' ').filter(|word| word.ends_with("zig") || word.ends_with("ssig") || word.ends_with("ßig")).collect();
        let units = units.split(' ').filter(|word| GERMAN_UNITS.contains(word));
        units.flat_map(|unit| tens.iter().map(move |ten| (format!("{unit}und{ten}"), value)).collect::<Vec<_>>()).collect::<Vec<_>>()
    });
    let spanish = UNITS.iter().skip(1).filter_map(|(unit, units)| {
        let word = units.split(' ').find(|word| SPANISH_UNITS.contains(word))?;
        Some((format!("veinti{word}"), 20 + unit))
    });
    let italian = pairs().filter_map(|(value, tens, units)| {
        let ten = tens.split(' ').next_back()?;
        let unit = units.split(' ').rev().find(|word| ITALIAN_UNITS.contains(word))?;
        // The vowel falls before another: ventuno, ventotto.
        let ten = if unit.starts_with(['u', 'o']) { ten.trim_end_matches(['a', 'i']) } else { ten };
        Some((format!("{ten}{unit}"), value))
    });
    german.chain(spanish).chain(italian)
}

const GERMAN_UNITS: [&str; 10] = ["ein", "zwei", "drei", "vier", "funf", "fuenf", "sechs", "sieben", "acht", "neun"];
const SPANISH_UNITS: [&str; 9] = ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"];
const ITALIAN_UNITS: [&str; 9] = ["uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"];

/// What a folded word means in a number.
pub(crate) fn number_word(folded: &str) -> Option<NumberWord> {
    WORDS.get(folded).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_five_languages_are_known() {
        let known = [
            ("four", 4),
            ("null", 0),
            ("fuenf", 5),
            ("cuatro", 4),
            ("septante", 70),
            ("einundvierzig", 41),
            ("neunundneunzig", 99),
            ("dreiunddreißig", 33),
            ("veintiuno", 21),
            ("ventuno", 21),
            ("ventotto", 28),
            ("quarantatre", 43),
            ("novantanove", 99),
            ("diciassette", 17),
        ];
        for (word, value) in known {
            assert_eq!(number_word(word), Some(NumberWord::Value(value)), "{word}");
        }
        assert_eq!(number_word("room"), None);
    }
}
