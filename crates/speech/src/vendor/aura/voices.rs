//! The voices there are: those of Deepgram's SDK 7.17. A language's first one is spoken with when nobody wants another: Deepgram's documentation
//! shows it first, as far as it shows one.

/// Language (as in BCP 47) and names; a voice is called `aura-2-{name}-{language}`.
const VOICES: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "thalia",
            "amalthea",
            "andromeda",
            "apollo",
            "arcas",
            "aries",
            "asteria",
            "athena",
            "atlas",
            "aurora",
            "callista",
            "cora",
            "cordelia",
            "delia",
            "draco",
            "electra",
            "harmonia",
            "helena",
            "hera",
            "hermes",
            "hyperion",
            "iris",
            "janus",
            "juno",
            "jupiter",
            "luna",
            "mars",
            "minerva",
            "neptune",
            "odysseus",
            "ophelia",
            "orion",
            "orpheus",
            "pandora",
            "phoebe",
            "pluto",
            "saturn",
            "selene",
            "theia",
            "vesta",
            "zeus",
        ],
    ),
    (
        "es",
        &[
            "celeste", "agustina", "alvaro", "antonia", "aquila", "carina", "diana", "estrella", "gloria", "javier", "luciano", "nestor",
            "olivia", "selena", "silvia", "sirio", "valerio",
        ],
    ),
    ("de", &["viktoria", "aurelia", "elara", "fabian", "julius", "kara", "lara"]),
    ("fr", &["agathe", "hector"]),
    ("it", &["livia", "cesare", "cinzia", "demetra", "dionisio", "elio", "flavio", "maia", "melia"]),
    ("nl", &["rhea", "beatrix", "cornelia", "daphne", "hestia", "lars", "leda", "roman", "sander"]),
    ("ja", &["fujin", "ama", "ebisu", "izanami", "uzume"]),
];

/// All of them.
pub fn all() -> Vec<String> {
    VOICES.iter().flat_map(|(language, names)| names.iter().map(move |name| voice(name, language))).collect()
}

/// The wanted voice, where it is one of Aura's (a newer one too); else the first of the language; `None`: it is not spoken.
pub(super) fn voice_for(wanted: &str, language: &str) -> Option<String> {
    if wanted.starts_with("aura-") {
        return Some(wanted.to_owned());
    }
    let spoken = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let (language, names) = VOICES.iter().find(|(known, _)| *known == spoken)?;
    let known = names.iter().find(|name| **name == wanted).or(names.first());
    known.map(|name| voice(name, language))
}

fn voice(name: &str, language: &str) -> String {
    format!("aura-2-{name}-{language}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_found_by_its_name_or_by_the_language() {
        let table = [
            ("aura-2-zeus-en", "en-US", Some("aura-2-zeus-en")),
            ("aura-3-new-en", "de-DE", Some("aura-3-new-en")),
            ("zeus", "en-GB", Some("aura-2-zeus-en")),
            ("slt", "en-US", Some("aura-2-thalia-en")),
            ("slt", "de", Some("aura-2-viktoria-de")),
            ("slt", "pt-BR", None),
        ];
        for (wanted, language, voice) in table {
            assert_eq!(voice_for(wanted, language).as_deref(), voice, "{wanted} {language}");
        }
        assert!(all().len() > 80 && all().contains(&"aura-2-fujin-ja".to_owned()));
    }
}
