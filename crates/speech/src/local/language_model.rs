//! Trains a trigram language model on a state's sentences and writes it as an ARPA file.
//!
//! Interpolated Witten-Bell smoothing (Witten and Bell 1991, method C): it keeps its footing on sentences made from patterns, where the counts of
//! counts that Kneser-Ney needs are not those of a language. The unigram is mixed with background words, so that speech outside the domain is
//! heard as background words and not forced into the domain.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

/// The share of the unigram that goes to background words.
const BACKGROUND_SHARE: f64 = 0.15;
/// The least share that every history leaves to its shorter one. Without it, sentences from patterns leave no way into the background words.
const LEAST_ESCAPE: f64 = 0.10;
/// Start and end of a sentence in ARPA files.
const START: &str = "<s>";
const END: &str = "</s>";
/// A probability of zero, as ARPA files write it.
const NEVER: f64 = -99.0;

/// A trained trigram model.
#[derive(Debug, Clone)]
pub struct LanguageModel {
    words: Vec<String>,
    unigrams: Vec<Entry>,
    bigrams: BTreeMap<[u32; 2], Entry>,
    trigrams: BTreeMap<[u32; 3], f64>,
}

/// Probability of an n-gram and the weight of backing off from it.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    probability: f64,
    escape: Option<f64>,
}

/// What follows a history: how often in all, and how many different words.
#[derive(Default, Clone, Copy)]
struct History {
    total: f64,
    kinds: f64,
}

impl History {
    fn add(&mut self, count: f64) {
        self.total += count;
        self.kinds += 1.0;
    }

    /// The share left to the shorter history.
    fn escape(self) -> f64 {
        (self.kinds / (self.total + self.kinds)).max(LEAST_ESCAPE)
    }

    fn mix(self, count: f64, shorter: f64) -> f64 {
        let escape = self.escape();
        (1.0 - escape) * count / self.total + escape * shorter
    }
}

#[derive(Default)]
struct Counts {
    words: Vec<String>,
    one: Vec<f64>,
    two: BTreeMap<[u32; 2], f64>,
    three: BTreeMap<[u32; 3], f64>,
}

impl LanguageModel {
    /// Trains on sentences (a sentence that stands twice weighs twice). `background` words get a small share everywhere. The result depends on
    /// nothing but the arguments. `None` when there is no word in the sentences.
    #[must_use]
    pub fn train<'a>(sentences: impl IntoIterator<Item = &'a str>, background: &BTreeSet<String>) -> Option<Self> {
        let counts = Counts::of(sentences, background)?;
        let unigrams = unigrams(&counts, background);
        let after_one = histories(counts.two.iter().map(|([a, _], count)| (*a, *count)));
        let after_two = histories(counts.three.iter().map(|([a, b, _], count)| ([*a, *b], *count)));
        let bigrams: BTreeMap<[u32; 2], Entry> = counts
            .two
            .iter()
            .map(|(pair, count)| {
                let probability = after_one[&pair[0]].mix(*count, unigrams[pair[1] as usize]);
                (*pair, Entry { probability, escape: after_two.get(pair).map(|history| history.escape()) })
            })
            .collect();
        let trigrams = counts
            .three
            .iter()
            .map(|(triple @ [a, b, c], count)| (*triple, after_two[&[*a, *b]].mix(*count, bigrams[&[*b, *c]].probability)))
            .collect();
        let unigrams = unigrams
            .into_iter()
            .enumerate()
            .map(|(word, probability)| Entry { probability, escape: after_one.get(&(word as u32)).map(|history| history.escape()) })
            .collect();
        Some(Self { words: counts.words, unigrams, bigrams, trigrams })
    }

    /// The model as text in the ARPA format (base 10 logarithms).
    #[must_use]
    pub fn to_arpa(&self) -> String {
        let mut out = String::with_capacity(64 * (self.words.len() + self.bigrams.len() + self.trigrams.len()));
        let word = |id: &u32| self.words[*id as usize].as_str();
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing into a String cannot fail.
            let _ = out.write_fmt(text);
        };
        let (one, two, three) = (self.words.len(), self.bigrams.len(), self.trigrams.len());
        line(format_args!("\\data\\\nngram 1={one}\nngram 2={two}\nngram 3={three}\n\n\\1-grams:\n"));
        for (name, entry) in self.words.iter().zip(&self.unigrams) {
            line(format_args!("{:.4} {name} {:.4}\n", log(entry.probability), log(entry.escape.unwrap_or(1.0))));
        }
        line(format_args!("\n\\2-grams:\n"));
        for ([a, b], entry) in &self.bigrams {
            line(format_args!("{:.4} {} {} {:.4}\n", log(entry.probability), word(a), word(b), log(entry.escape.unwrap_or(1.0))));
        }
        line(format_args!("\n\\3-grams:\n"));
        for ([a, b, c], probability) in &self.trigrams {
            line(format_args!("{:.4} {} {} {}\n", log(*probability), word(a), word(b), word(c)));
        }
        line(format_args!("\n\\end\\\n"));
        out
    }

    /// How many words the model hesitates between on average in these sentences (words it does not know are left out).
    #[must_use]
    pub fn perplexity<'a>(&self, sentences: impl IntoIterator<Item = &'a str>) -> f64 {
        let ids: HashMap<&str, u32> = self.words.iter().enumerate().map(|(id, word)| (word.as_str(), id as u32)).collect();
        let (mut sum, mut count) = (0.0, 0.0);
        for sentence in sentences {
            let path: Vec<u32> = framed(sentence).filter_map(|word| ids.get(word).copied()).collect();
            for at in 1..path.len() {
                sum += self.probability(&path[at.saturating_sub(2)..at], path[at]).ln();
                count += 1.0;
            }
        }
        f64::exp(-sum / f64::max(count, 1.0))
    }

    /// Probability of a word after a history of at most two words, as a decoder reads it from the file.
    fn probability(&self, history: &[u32], word: u32) -> f64 {
        match *history {
            [a, b] => match self.trigrams.get(&[a, b, word]) {
                Some(probability) => *probability,
                None => self.bigrams.get(&[a, b]).and_then(|entry| entry.escape).unwrap_or(1.0) * self.probability(&[b], word),
            },
            [a] => match self.bigrams.get(&[a, word]) {
                Some(entry) => entry.probability,
                None => self.unigrams[a as usize].escape.unwrap_or(1.0) * self.probability(&[], word),
            },
            _ => self.unigrams[word as usize].probability,
        }
    }
}

impl Counts {
    fn of<'a>(sentences: impl IntoIterator<Item = &'a str>, background: &BTreeSet<String>) -> Option<Self> {
        let sentences: Vec<&str> = sentences.into_iter().collect();
        let mut names: BTreeSet<&str> = background.iter().map(String::as_str).chain([START, END]).collect();
        names.extend(sentences.iter().flat_map(|sentence| sentence.split_whitespace()));
        let ids: HashMap<&str, u32> = names.iter().enumerate().map(|(id, word)| (*word, id as u32)).collect();
        let mut counts =
            Self { words: names.iter().map(|&word| word.to_owned()).collect(), one: vec![0.0; names.len()], ..Self::default() };
        let (mut two, mut three) = (HashMap::new(), HashMap::new());
        for sentence in sentences.iter().filter(|sentence| !sentence.trim().is_empty()) {
            let path: Vec<u32> = framed(sentence).map(|word| ids[word]).collect();
            path[1..].iter().for_each(|word| counts.one[*word as usize] += 1.0);
            path.windows(2).for_each(|pair| *two.entry([pair[0], pair[1]]).or_insert(0.0) += 1.0);
            path.windows(3).for_each(|triple| *three.entry([triple[0], triple[1], triple[2]]).or_insert(0.0) += 1.0);
        }
        counts.two.extend(two);
        counts.three.extend(three);
        (!counts.two.is_empty()).then_some(counts)
    }
}

fn framed(sentence: &str) -> impl Iterator<Item = &str> {
    [START].into_iter().chain(sentence.split_whitespace()).chain([END])
}

/// Word frequencies, mixed with an even share for the background words. The start of a sentence is never predicted.
fn unigrams(counts: &Counts, background: &BTreeSet<String>) -> Vec<f64> {
    let total: f64 = counts.one.iter().sum();
    let share = if background.is_empty() { 0.0 } else { BACKGROUND_SHARE };
    let each = share / background.len().max(1) as f64;
    counts
        .words
        .iter()
        .zip(&counts.one)
        .map(|(word, count)| (1.0 - share) * count / total + if background.contains(word) { each } else { 0.0 })
        .collect()
}

fn histories<K: std::hash::Hash + Eq>(followers: impl Iterator<Item = (K, f64)>) -> HashMap<K, History> {
    let mut histories: HashMap<K, History> = HashMap::new();
    for (history, count) in followers {
        histories.entry(history).or_default().add(count);
    }
    histories
}

fn log(probability: f64) -> f64 {
    if probability > 0.0 { probability.log10().max(NEVER) } else { NEVER }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> LanguageModel {
        let sentences = ["a room for two nights", "a room for three nights", "two nights please", "a room for two nights"];
        LanguageModel::train(sentences, &["weather", "taxi"].map(String::from).into()).unwrap()
    }

    #[test]
    fn every_history_shares_out_exactly_one() {
        let model = model();
        let all: Vec<u32> = (0..model.words.len() as u32).collect();
        let histories = [vec![], vec![2], vec![3, 4], vec![5, 6], vec![7]];
        for history in histories.iter().chain(&model.bigrams.keys().map(|pair| pair.to_vec()).collect::<Vec<_>>()) {
            let sum: f64 = all.iter().map(|word| model.probability(history, *word)).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{history:?} sums to {sum}");
        }
    }

    #[test]
    fn what_was_in_the_sentences_is_expected_and_the_background_is_possible() {
        let model = model();
        assert!(model.perplexity(["a room for two nights"]) < 3.0);
        let strange = model.perplexity(["taxi weather taxi"]);
        assert!(strange > 10.0 && strange.is_finite(), "{strange}");
    }

    #[test]
    fn the_file_is_the_same_every_time_and_counts_its_lines() {
        let arpa = model().to_arpa();
        assert_eq!(arpa, model().to_arpa());
        let lines = |section: &str| arpa.split(section).nth(1).unwrap().trim().split("\n\n").next().unwrap().lines().count();
        for (order, section) in ["\\1-grams:", "\\2-grams:", "\\3-grams:"].iter().enumerate() {
            assert!(arpa.contains(&format!("ngram {}={}\n", order + 1, lines(section))), "{section}");
        }
    }

    #[test]
    fn nothing_to_train_on_is_none() {
        assert!(LanguageModel::train(["", "  "], &BTreeSet::new()).is_none());
    }
}
