//! What an agent's domain becomes on disk: a pronouncing dictionary, and a language model per dialogue state.
//!
//! Files are named by the hash of all they depend on, and written under another name first, so a file that is there is whole and right.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::language_model::LanguageModel;
use super::pronunciation::Pronunciations;
use crate::{Domain, SpeechError};

/// Changes when training changes, so that files of an older program are not used.
const VERSION: &str = "4";
/// Files kept in the cache; the least recently used go first. An agent with 15 states has 16.
const MAX_FILES: usize = 800;
/// Words that are common in English and no agent's business.
const BACKGROUND: &str = include_str!("../../data/background.txt");
/// Words that a warning lists at most.
const MAX_LISTED: usize = 20;

/// Where models come from and go to.
#[derive(Debug, Clone)]
pub(crate) struct ModelStore {
    pub(crate) cache: PathBuf,
    pub(crate) dictionary: PathBuf,
    pub(crate) flite: PathBuf,
}

/// A domain that can be recognised.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) dictionary: PathBuf,
    pub(crate) states: HashMap<String, State>,
    /// What is expected before anything was said about it.
    pub(crate) first: String,
}

/// One dialogue state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) language_model: PathBuf,
    /// The words of its sentences. All others are background.
    pub(crate) vocabulary: std::sync::Arc<HashSet<String>>,
}

impl ModelStore {
    /// Trains what is not in the cache. Blocks; seconds for a large domain, milliseconds when all is there.
    pub(crate) fn prepare(&self, domain: &Domain) -> Result<Prepared, SpeechError> {
        std::fs::create_dir_all(&self.cache).map_err(SpeechError::file("create the folder", &self.cache))?;
        let background: BTreeSet<String> =
            BACKGROUND.lines().chain(domain.background.iter().map(String::as_str)).map(str::to_owned).collect();
        let words: BTreeSet<&str> = domain.states.values().flatten().flat_map(|sentence| sentence.split_whitespace()).collect();
        let mut all = background.clone();
        all.extend(words.iter().map(|&word| word.to_owned()));
        let (dictionary, known) = self.dictionary(&all)?;
        let unknown: BTreeSet<&str> = words.into_iter().filter(|word| !known.contains(*word)).collect();
        warn_unknown(domain, &unknown);
        let background: BTreeSet<String> = background.into_iter().filter(|word| known.contains(word)).collect();
        let mut states = HashMap::new();
        for (name, sentences) in &domain.states {
            let sayable: Vec<&str> = sentences
                .iter()
                .map(String::as_str)
                .filter(|sentence| unknown.is_empty() || !sentence.split_whitespace().any(|word| unknown.contains(word)))
                .collect();
            if let Some(state) = self.state(&sayable, &background, &dictionary)? {
                states.insert(name.clone(), state);
            }
        }
        let first = domain.states.keys().find(|name| states.contains_key(*name)).cloned();
        let first = first.ok_or_else(|| SpeechError::EmptyDomain { domain: domain.name.clone() })?;
        self.prune();
        Ok(Prepared { dictionary, states, first })
    }

    fn dictionary(&self, words: &BTreeSet<String>) -> Result<(PathBuf, HashSet<String>), SpeechError> {
        let source = std::fs::metadata(&self.dictionary).map(|meta| meta.len()).unwrap_or(0).to_string();
        let key = hash([VERSION, source.as_str()].into_iter().chain(words.iter().map(String::as_str)));
        let path = self.cache.join(format!("{key}.dict"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(_) => {
                let mut found = Pronunciations::look_up(words, &self.dictionary)?;
                found.guess(words, &self.flite);
                let text = found.to_text();
                write(&path, &text)?;
                text
            }
        };
        touch(&path);
        let known = text.lines().filter_map(|line| line.split([' ', '(']).next()).map(str::to_owned).collect();
        Ok((path, known))
    }

    fn state(&self, sentences: &[&str], background: &BTreeSet<String>, dictionary: &Path) -> Result<Option<State>, SpeechError> {
        let vocabulary: HashSet<String> = sentences.iter().flat_map(|sentence| sentence.split_whitespace()).map(str::to_owned).collect();
        if vocabulary.is_empty() {
            return Ok(None);
        }
        let dictionary = dictionary.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let key = hash(
            [VERSION, dictionary.as_str()]
                .into_iter()
                .chain(background.iter().map(String::as_str))
                .chain([""])
                .chain(sentences.iter().copied()),
        );
        let path = self.cache.join(format!("{key}.arpa"));
        if !is_whole(&path) {
            let Some(model) = LanguageModel::train(sentences.iter().copied(), background) else { return Ok(None) };
            write(&path, &model.to_arpa())?;
        }
        touch(&path);
        Ok(Some(State { language_model: path, vocabulary: vocabulary.into() }))
    }

    /// Keeps the cache bounded. Best effort: another process may do the same at the same time.
    fn prune(&self) {
        let Ok(folder) = std::fs::read_dir(&self.cache) else { return };
        let mut files: Vec<(SystemTime, PathBuf)> = folder
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "arpa" || kind == "dict" || kind == "part"))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        if files.len() > MAX_FILES {
            files.sort();
            for (_, path) in &files[..files.len() - MAX_FILES] {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn warn_unknown(domain: &Domain, unknown: &BTreeSet<&str>) {
    if !unknown.is_empty() {
        let listed: Vec<&str> = unknown.iter().copied().take(MAX_LISTED).collect();
        tracing::warn!(
            domain = domain.name,
            words = listed.join(" "),
            count = unknown.len(),
            "sentences with words that nobody knows how to pronounce are left out"
        );
    }
}

fn hash<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hex::encode(&hasher.finalize()[..16])
}

fn write(path: &Path, text: &str) -> Result<(), SpeechError> {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&part, text).map_err(SpeechError::file("write", &part))?;
    std::fs::rename(&part, path).map_err(SpeechError::file("rename to", path))
}

/// Marks a file as used. It only orders the cache, so a failure does no harm.
fn touch(path: &Path) {
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Whether a model ends as a model must. Renaming is atomic, but a full disk or a careless hand is not.
fn is_whole(path: &Path) -> bool {
    let tail = |path: &Path| -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::End(-6))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    tail(path).is_ok_and(|text| text == "\\end\\\n")
}
