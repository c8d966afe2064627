//! How words are pronounced: the installed dictionary first, flite's letter-to-sound rules for the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::SpeechError;

/// Words without an entry that are worth asking flite for; more than that is not a domain but a mistake.
const MAX_GUESSED: usize = 2_000;

/// Pronunciations of some words.
#[derive(Debug, Default)]
pub(crate) struct Pronunciations {
    /// Dictionary entries (`word`, `word(2)`) to sounds.
    entries: BTreeMap<String, String>,
    /// Words that have at least one.
    words: BTreeSet<String>,
}

impl Pronunciations {
    /// Looks the words up in a dictionary in the format of cmudict.
    pub(crate) fn look_up(words: &BTreeSet<String>, dictionary: &Path) -> Result<Self, SpeechError> {
        let text = std::fs::read_to_string(dictionary).map_err(|error| SpeechError::NotInstalled {
            engine: "the US English pronouncing dictionary",
            package: "pocketsphinx-en-us",
            detail: format!("{}: {error}", dictionary.display()),
        })?;
        let mut found = Self::default();
        for (entry, sounds) in text.lines().filter_map(|line| line.split_once(' ')) {
            let word = entry.split('(').next().unwrap_or(entry);
            if words.contains(word) {
                found.add(entry, word, sounds.trim());
            }
        }
        Ok(found)
    }

    /// Asks flite for the words that are missing; without flite nothing is added.
    pub(crate) fn guess(&mut self, words: &BTreeSet<String>, flite: &Path) {
        let missing: Vec<&String> = words.iter().filter(|word| !self.knows(word) && spellable(word)).take(MAX_GUESSED).collect();
        if missing.is_empty() {
            return;
        }
        let all = spoken(flite, &missing).unwrap_or_default();
        // One line of sounds per word; when flite split a word in two, the lines no longer match and each is asked alone.
        for (at, word) in missing.iter().enumerate() {
            let line = if all.len() == missing.len() {
                Some(all[at].clone())
            } else {
                spoken(flite, &[word]).filter(|lines| lines.len() == 1).map(|mut lines| lines.remove(0))
            };
            if let Some(sounds) = line.and_then(|line| arpabet(&line)) {
                self.add(word, word, &sounds);
            }
        }
    }

    pub(crate) fn knows(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// The dictionary as a file for the engine.
    pub(crate) fn to_text(&self) -> String {
        self.entries.iter().map(|(entry, sounds)| format!("{entry} {sounds}\n")).collect()
    }

    fn add(&mut self, entry: &str, word: &str, sounds: &str) {
        self.entries.insert(entry.to_owned(), sounds.to_owned());
        self.words.insert(word.to_owned());
    }
}

fn spellable(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '\'') && word.chars().any(|c| c.is_ascii_lowercase())
}

/// The sounds flite makes of each word, one line per word. Blank lines between the words make each an utterance of its own.
fn spoken(flite: &Path, words: &[&String]) -> Option<Vec<String>> {
    let mut child = Command::new(flite)
        .args(["-voice", "kal", "-ps", "-f", "-", "-o", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let text: String = words.iter().flat_map(|word| [word.as_str(), "\n\n"]).collect();
    // flite reads all of its input before it prints, so writing first cannot block for ever.
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// From flite's names of sounds (radio phone set) to those of the dictionary; `None` when one is strange.
fn arpabet(sounds: &str) -> Option<String> {
    let mapped: Option<Vec<String>> = sounds
        .split_whitespace()
        .filter(|sound| *sound != "pau")
        .map(|sound| {
            Some(match sound {
                "ax" => "AH".into(),
                "ix" => "IH".into(),
                "axr" => "ER".into(),
                "el" => "AH L".into(),
                "em" => "AH M".into(),
                "en" => "AH N".into(),
                "dx" => "T".into(),
                "nx" => "N".into(),
                "hv" => "HH".into(),
                known if SOUNDS.contains(&known) => known.to_ascii_uppercase(),
                _ => return None,
            })
        })
        .collect();
    mapped.filter(|sounds| !sounds.is_empty()).map(|sounds| sounds.join(" "))
}

/// The sounds both sets share.
const SOUNDS: [&str; 39] = [
    "aa", "ae", "ah", "ao", "aw", "ay", "b", "ch", "d", "dh", "eh", "er", "ey", "f", "g", "hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng",
    "ow", "oy", "p", "r", "s", "sh", "t", "th", "uh", "uw", "v", "w", "y", "z", "zh",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_looked_up_with_their_alternatives_and_the_rest_is_guessed() {
        let words: BTreeSet<String> = ["the", "voicenoob", "qwfpgj", "room", "4711"].map(String::from).into();
        let mut found = Pronunciations::look_up(&words, Path::new("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")).unwrap();
        assert!(found.knows("the") && found.knows("room") && !found.knows("voicenoob"));
        assert!(found.to_text().contains("the(2) DH IY"), "{}", found.to_text());
        found.guess(&words, Path::new("flite"));
        assert!(found.knows("voicenoob"), "{}", found.to_text());
        assert!(!found.knows("4711"));
    }

    #[test]
    fn a_missing_dictionary_names_its_package() {
        let error = Pronunciations::look_up(&BTreeSet::new(), Path::new("/nowhere/dict")).unwrap_err();
        assert!(error.to_string().contains("pocketsphinx-en-us"), "{error}");
    }

    #[test]
    fn strange_sounds_are_refused() {
        assert_eq!(arpabet("pau hh ax l ow pau").as_deref(), Some("HH AH L OW"));
        assert_eq!(arpabet("pau qq"), None);
        assert_eq!(arpabet("pau"), None);
    }
}
