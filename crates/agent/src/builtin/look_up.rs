//! `look_up`: what the agent knows, from text its workspace wrote. Passages are ranked in this process; nothing is sent anywhere.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use models::ToolSpec;
use serde_json::{Value, json};

use super::spec;
use crate::{Tool, ToolAnswer, ToolContext};

/// Largest file, bytes.
const MAX_FILE: u64 = 1 << 20;
/// Most files of one agent.
const MAX_FILES: usize = 64;
/// Most passages of one agent.
const MAX_PASSAGES: usize = 4_096;
/// A passage is closed at the next paragraph once it has so many characters, and cut at twice as many.
const PASSAGE: usize = 700;
/// Passages of one answer.
const FOUND: usize = 3;
/// Longest question, characters.
const MAX_QUESTION: usize = 300;
/// BM25's saturation and length weight, as in the literature (Robertson and Zaragoza 2009, 3.2).
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// A passage must hold this share of the question's weight: a shared "open" alone is no answer.
const LEAST_SHARE: f64 = 0.3;

/// What one agent knows.
#[derive(Debug, Default)]
pub struct Knowledge {
    passages: Vec<Passage>,
    /// In how many passages each word is.
    spread: HashMap<String, u32>,
    mean_length: f64,
}

#[derive(Debug)]
struct Passage {
    title: String,
    text: String,
    words: HashMap<String, u32>,
    length: u32,
}

/// Knowledge that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// The file system says no.
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Too much of it.
    #[error("{path} holds more than may be known ({limit}); split it among agents, or shorten it")]
    TooMuch {
        /// Which file or folder.
        path: PathBuf,
        /// What the limit is.
        limit: String,
    },
}

impl Knowledge {
    /// These texts with their names, and a file, or every `.md` and `.txt` of a folder.
    ///
    /// # Errors
    /// [`KnowledgeError`].
    pub fn read(mut texts: Vec<(String, String)>, path: &Path) -> Result<Self, KnowledgeError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| KnowledgeError::Read { path, source }
        };
        let mut files = Vec::new();
        if std::fs::metadata(path).map_err(unreadable(path))?.is_dir() {
            for entry in std::fs::read_dir(path).map_err(unreadable(path))? {
                let file = entry.map_err(unreadable(path))?.path();
                if file.extension().is_some_and(|end| end == "md" || end == "txt") {
                    files.push(file);
                }
            }
        } else {
            files.push(path.to_owned());
        }
        files.sort();
        if files.len() > MAX_FILES {
            return Err(KnowledgeError::TooMuch { path: path.to_owned(), limit: format!("{MAX_FILES} files") });
        }
        for file in files {
            if std::fs::metadata(&file).map_err(unreadable(&file))?.len() > MAX_FILE {
                return Err(KnowledgeError::TooMuch { path: file, limit: format!("{MAX_FILE} bytes a file") });
            }
            let name = file.file_stem().map(|name| name.to_string_lossy().replace(['_', '-'], " ")).unwrap_or_default();
            texts.push((name, std::fs::read_to_string(&file).map_err(unreadable(&file))?));
        }
        let knowledge = Self::of(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        if knowledge.passages.len() > MAX_PASSAGES {
            return Err(KnowledgeError::TooMuch { path: path.to_owned(), limit: format!("{MAX_PASSAGES} passages") });
        }
        Ok(knowledge)
    }

    /// From texts with their names. A Markdown heading names what follows it.
    pub fn of<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let passages: Vec<Passage> = texts.into_iter().flat_map(|(name, text)| passages(name, text)).collect();
        let mut spread = HashMap::new();
        passages.iter().flat_map(|passage| passage.words.keys()).for_each(|word| *spread.entry(word.clone()).or_insert(0) += 1);
        let total: u32 = passages.iter().map(|passage| passage.length).sum();
        let mean_length = f64::from(total) / (passages.len().max(1) as f64);
        Self { passages, spread, mean_length }
    }

    /// The best passages for a question, as titles and texts; empty when nothing fits.
    pub fn find(&self, question: &str) -> Vec<(&str, &str)> {
        let mut asked = words(question);
        asked.sort();
        asked.dedup();
        let whole: f64 = asked.iter().map(|word| self.rarity(word)).sum();
        let mut ranked: Vec<(f64, &Passage)> =
            self.passages.iter().filter_map(|passage| Some((self.score(passage, &asked, whole)?, passage))).collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
        ranked.iter().take(FOUND).map(|(_, passage)| (passage.title.as_str(), passage.text.as_str())).collect()
    }

    /// BM25; `None` when too little of the question is in the passage.
    fn score(&self, passage: &Passage, asked: &[String], whole: f64) -> Option<f64> {
        let (mut score, mut shared) = (0.0, 0.0);
        for word in asked {
            let Some(count) = passage.words.get(word).copied().map(f64::from) else { continue };
            let rarity = self.rarity(word);
            let length = K1 * (1.0 - B + B * f64::from(passage.length) / self.mean_length.max(1.0));
            score += rarity * count * (K1 + 1.0) / (count + length);
            shared += rarity;
        }
        (score > 0.0 && shared >= LEAST_SHARE * whole).then_some(score)
    }

    fn rarity(&self, word: &str) -> f64 {
        let (all, with) = (self.passages.len() as f64, f64::from(self.spread.get(word).copied().unwrap_or_default()));
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }
}

fn passages(name: &str, text: &str) -> Vec<Passage> {
    let mut all = Vec::new();
    let (mut heading, mut open) = (String::new(), String::new());
    let close = |heading: &str, open: &mut String, all: &mut Vec<Passage>| {
        let text = std::mem::take(open);
        if !text.trim().is_empty() {
            let title = if heading.is_empty() { name.to_owned() } else { format!("{name}: {heading}") };
            all.push(passage(title, text.trim().to_owned()));
        }
    };
    for line in text.lines() {
        if let Some(title) = line.strip_prefix('#') {
            close(&heading, &mut open, &mut all);
            heading = title.trim_start_matches('#').trim().to_owned();
            continue;
        }
        if (line.trim().is_empty() && open.len() >= PASSAGE) || open.len() + line.len() > 2 * PASSAGE {
            close(&heading, &mut open, &mut all);
        }
        open.push_str(&line[..line.floor_char_boundary(2 * PASSAGE)]);
        open.push('\n');
    }
    close(&heading, &mut open, &mut all);
    all
}

fn passage(title: String, text: String) -> Passage {
    let mut counted = HashMap::new();
    // A heading's words name what it is about.
    let all: Vec<String> = words(&title).into_iter().chain(words(&text)).collect();
    let length = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.into_iter().for_each(|word| *counted.entry(word).or_insert(0) += 1);
    Passage { title, text, words: counted, length }
}

/// Lower-case words without the smallest, and without the endings of plurals.
fn words(text: &str) -> Vec<String> {
    const SMALL: &[&str] = &[
        "a", "an", "the", "is", "are", "do", "does", "you", "your", "i", "we", "of", "to", "in", "on", "at", "and", "or", "for", "it",
        "have", "there", "what", "how", "can", "my", "der", "die", "das", "und", "ist", "ein", "eine", "el", "la", "los", "y", "es", "le",
        "les", "et", "est", "un", "une",
    ];
    let parts = text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    let lower = parts.map(str::to_lowercase).filter(|word| !SMALL.contains(&word.as_str()));
    lower.map(|word| if word.chars().count() > 3 { word.strip_suffix('s').map(str::to_owned).unwrap_or(word) } else { word }).collect()
}

/// The look into what the agent knows, as a tool.
pub struct LookUp(Arc<Knowledge>);

impl LookUp {
    /// Of an agent that knows this.
    pub fn new(knowledge: Arc<Knowledge>) -> Self {
        Self(knowledge)
    }
}

#[async_trait]
impl Tool for LookUp {
    fn name(&self) -> &str {
        "look_up"
    }

    fn spec(&self) -> Option<ToolSpec> {
        let question = json!({ "question": { "type": "string", "minLength": 2, "maxLength": MAX_QUESTION, "description": "Key words of what is asked." } });
        let what = "Looks into what is known about the business: opening hours, services, prices, rules, ways to come. Use it before you answer such a question.";
        Some(spec(self.name(), what, question, &["question"]))
    }

    fn effects(&self) -> bool {
        false
    }

    async fn call(&self, _: &ToolContext, arguments: &Value) -> ToolAnswer {
        let Some(question) = arguments["question"].as_str() else {
            return ToolAnswer::Failed("look_up: wrong arguments: no question".into());
        };
        let found = self.0.find(question);
        if found.is_empty() {
            return ToolAnswer::Refused {
                code: "not_found",
                fields: json!({ "advice": "Say that you do not know, and offer to take a message or to put the caller through, if you can." }),
            };
        }
        let passages: Vec<Value> = found.into_iter().map(|(source, text)| json!({ "source": source, "text": text })).collect();
        ToolAnswer::Ok(json!({ "passages": passages }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: &str = "# Breakfast\nServed from seven to half past ten.\n\n# Parking\nFifteen euros a night, behind the house.\n\n# Pets\nSmall dogs are welcome for ten euros a night.";

    #[test]
    fn the_passage_that_is_about_it_comes_first_with_its_title() {
        let knowledge = Knowledge::of([("house", HOUSE)]);
        assert_eq!(knowledge.find("when is breakfast served")[0].0, "house: Breakfast");
        assert_eq!(knowledge.find("can I bring my dog")[0].0, "house: Pets");
        assert_eq!(knowledge.find("parking price for a night")[0].0, "house: Parking");
        assert!(knowledge.find("swimming pool temperature").is_empty());
        assert!(knowledge.find("").is_empty());
        assert!(Knowledge::default().find("anything").is_empty());
    }

    #[test]
    fn files_of_a_folder_are_known_beside_what_is_given() {
        let folder = std::env::temp_dir().join(format!("knowledge-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("house_rules.md"), HOUSE).unwrap();
        std::fs::write(folder.join("picture.png"), [0xff, 0xfe]).unwrap();
        let knowledge = Knowledge::read(vec![("pool".to_owned(), "The pool is heated in winter.".to_owned())], &folder).unwrap();
        assert_eq!(knowledge.find("is the pool heated")[0].0, "pool");
        assert_eq!(knowledge.find("when is breakfast served")[0].0, "house rules: Breakfast");
        std::fs::write(folder.join("all.txt"), "x".repeat(1 << 21)).unwrap();
        assert!(matches!(Knowledge::read(Vec::new(), &folder), Err(KnowledgeError::TooMuch { .. })));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(Knowledge::read(Vec::new(), &folder), Err(KnowledgeError::Read { .. })));
    }

    #[test]
    fn long_texts_are_cut_into_passages_and_nothing_of_them_is_lost() {
        let long: String =
            (0..400).map(|number| format!("Sentence {number} of a text.\n{}", if number % 5 == 0 { "\n" } else { "" })).collect();
        let knowledge = Knowledge::of([("long", long.as_str())]);
        assert!(knowledge.passages.len() > 5 && knowledge.passages.iter().all(|passage| passage.text.len() <= 2 * PASSAGE));
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let all: Vec<&str> = knowledge.passages.iter().map(|passage| passage.text.as_str()).collect();
        assert_eq!(plain(&all.join(" ")), plain(&long));
        assert!(knowledge.find("sentence 123")[0].1.contains("Sentence 123 "));
    }
}
