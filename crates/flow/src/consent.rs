//! Yes or no, for brains that are no dialogue: the same rule for all, so that nothing happens without a yes that any of them would take for one.

use crate::understand::polarity;
use crate::words::{here, words};

/// Words of one language; several words are a phrase.
struct Words {
    language: &'static str,
    yes: &'static [&'static str],
    no: &'static [&'static str],
}

/// Said everywhere.
const YES: &[&str] = &["ok", "okay", "yes"];
const NO: &[&str] = &["no", "stop"];

/// What answers a question in other languages than English. Short on purpose: a yes that is not here is asked for again.
const LANGUAGES: [Words; 19] = [
    Words { language: "ar", yes: &["نعم", "أجل", "ايوه", "موافق"], no: &["لا", "ليس"] },
    Words {
        language: "de",
        yes: &["ja", "jawohl", "genau", "richtig", "stimmt", "gerne", "gern", "klar", "natürlich", "in ordnung", "einverstanden"],
        no: &["nein", "nee", "nicht", "falsch", "halt", "doch nicht", "lieber", "keine", "kein", "moment", "warten"],
    },
    Words {
        language: "es",
        yes: &["sí", "si", "claro", "correcto", "exacto", "vale", "de acuerdo", "por supuesto", "perfecto", "bueno"],
        no: &["nunca", "espere", "espera", "incorrecto", "tampoco", "mal"],
    },
    Words { language: "fil", yes: &["oo", "opo", "sige"], no: &["hindi", "huwag", "ayaw"] },
    Words {
        language: "fr",
        yes: &["oui", "ouais", "d'accord", "exact", "exactement", "bien sûr", "parfait", "volontiers", "c'est bon", "c'est ça"],
        no: &["non", "pas", "faux", "attendez", "jamais", "plutôt"],
    },
    Words {
        language: "hi", yes: &["हाँ", "हां", "जी", "ठीक"], no: &["नहीं", "मत", "ना", "गलत"]
    },
    Words { language: "id", yes: &["ya", "iya", "baik", "betul", "setuju"], no: &["tidak", "bukan", "jangan", "salah"] },
    Words {
        language: "it",
        yes: &["sì", "si", "certo", "esatto", "giusto", "va bene", "d'accordo", "perfetto", "corretto"],
        no: &["non", "sbagliato", "aspetti", "aspetta", "mai", "piuttosto"],
    },
    Words {
        language: "ja",
        yes: &["はい", "ええ", "お願いします", "そうです"],
        no: &["いいえ", "いや", "違", "ちが", "待", "やめ", "ない"],
    },
    Words {
        language: "ko",
        yes: &["네", "예", "그래요", "맞아요", "좋아요"],
        no: &["아니", "아니요", "아니오", "안", "틀려요", "잠깐", "잠깐만요", "싫어요"],
    },
    Words { language: "ms", yes: &["ya", "baik", "betul", "setuju"], no: &["tidak", "bukan", "jangan", "salah", "tak"] },
    Words {
        language: "nl",
        yes: &["ja", "jawel", "klopt", "juist", "graag", "prima", "natuurlijk", "akkoord"],
        no: &["nee", "neen", "niet", "fout", "wacht", "liever", "geen"],
    },
    Words { language: "pl", yes: &["tak", "zgadza się", "dobrze", "oczywiście"], no: &["nie", "źle", "czekaj", "zaczekaj"] },
    Words {
        language: "pt",
        yes: &["sim", "claro", "certo", "correto", "exato", "está bem", "perfeito", "com certeza"],
        no: &["não", "nao", "nunca", "errado", "espere", "espera"],
    },
    Words {
        language: "ru", yes: &["да", "верно", "правильно", "хорошо", "конечно"], no: &["нет", "не", "неверно", "подождите", "стоп"]
    },
    Words {
        language: "th", yes: &["ใช่", "ได้", "ครับ", "ค่ะ", "ตกลง"], no: &["ไม่", "อย่า", "ผิด", "เดี๋ยว"]
    },
    Words {
        language: "tr", yes: &["evet", "tamam", "doğru", "tabii", "olur"], no: &["hayır", "değil", "yanlış", "bekle", "bekleyin"]
    },
    Words {
        language: "vi", yes: &["vâng", "có", "đúng", "được", "dạ", "đồng ý"], no: &["không", "sai", "đừng", "chưa", "khoan"]
    },
    Words {
        language: "zh",
        yes: &["是", "是的", "对", "对的", "好", "好的", "可以", "行", "没错"],
        no: &["不", "没有", "别", "等", "错了"],
    },
];

/// Languages that are written without spaces between words.
const UNPARTED: [&str; 3] = ["ja", "th", "zh"];

/// Whether the caller's words say yes or no to what was asked. By whole words, never by parts of them; where both are said it is a no. `None`:
/// neither. `language`: BCP 47.
pub fn yes_or_no(text: &str, language: &str) -> Option<bool> {
    let words = words(text);
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if primary == "en" {
        return polarity(&words);
    }
    let own = LANGUAGES.iter().find(|words| words.language == primary);
    let (yes, no) = own.map_or((&[][..], &[][..]), |own| (own.yes, own.no));
    if says(&words, NO, 5) {
        return Some(false);
    }
    let front = if words.len() <= 5 { 5 } else { 2 };
    if UNPARTED.contains(&primary.as_str()) {
        return unparted(text, yes, no).or_else(|| says(&words, YES, front).then_some(true));
    }
    // As in English: a no counts near the front, a yes at the front or in a short answer.
    if says(&words, no, 5) {
        return Some(false);
    }
    (says(&words, YES, front) || says(&words, yes, front)).then_some(true)
}

/// A no counts wherever its signs stand; a yes only as all that stands before the first space or point: many words begin like one.
fn unparted(text: &str, yes: &[&str], no: &[&str]) -> Option<bool> {
    if no.iter().any(|no| text.contains(no)) {
        return Some(false);
    }
    let mut parts = text.split(|sign: char| sign.is_whitespace() || "、。，！？,.!?".contains(sign)).filter(|part| !part.is_empty());
    parts.next().is_some_and(|first| yes.contains(&first)).then_some(true)
}

/// One of the phrases is among the first words.
fn says(all: &[String], phrases: &[&str], until: usize) -> bool {
    (0..all.len().min(until)).any(|at| phrases.iter().any(|phrase| here(all, at, &words(phrase))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_and_a_no_are_known_in_every_language() {
        for own in &LANGUAGES {
            for yes in own.yes {
                assert_eq!(yes_or_no(yes, own.language), Some(true), "{} {yes}", own.language);
            }
            for no in own.no {
                assert_eq!(yes_or_no(no, own.language), Some(false), "{} {no}", own.language);
            }
        }
    }

    #[test]
    fn where_both_are_said_nothing_may_happen() {
        for (text, language, meant) in [
            ("yes please", "en-US", Some(true)),
            ("yes no wait", "en-US", Some(false)),
            ("Ja, bitte buchen Sie das.", "de-DE", Some(true)),
            ("Ja, aber nicht am Freitag", "de-DE", Some(false)),
            ("der Januar", "de-DE", None),
            ("不是", "zh-CN", Some(false)),
            ("好的，谢谢", "zh-CN", Some(true)),
            ("行李在哪里", "zh-CN", None),
            ("예약", "ko-KR", None),
            ("ใช้บัตร", "th-TH", None),
            ("c'est pas ça", "fr-FR", Some(false)),
            ("alla fine", "it-IT", None),
            ("okay", "xx", Some(true)),
            ("", "en-US", None),
        ] {
            assert_eq!(yes_or_no(text, language), meant, "{text}");
        }
    }
}
