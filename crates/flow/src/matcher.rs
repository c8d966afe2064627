//! Which request a sentence makes: phrases are compared by the words they share, weighted by how telling each word is, so lost or misheard
//! small words do little harm.

use std::collections::{HashMap, HashSet};

use crate::definition::{Answer, Command, Intent};
use crate::phrase::{Phrase, Piece};
use crate::words::is_small;

/// What a sentence may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    Command(Command),
    /// Place in [`crate::Flow`]'s intents.
    Intent(usize),
    /// Place in its answers.
    Answer(usize),
}

/// From this score on a sentence counts as making the request.
pub(crate) const ENOUGH: f32 = 0.62;

/// Weight of a small word, of a slot, and of a word that no phrase has.
const SMALL: f32 = 0.08;
const SLOT: f32 = 0.5;
const UNKNOWN: f32 = 0.55;
/// A phrase that weighs less ("what can you do") must be said nearly whole.
const LIGHT: f32 = 0.6;
/// Most splits of one sentence into requests.
const MOST_REQUESTS: usize = 4;

/// The weights of words, learned from all phrases of a file.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    weights: HashMap<String, f32>,
}

/// A sentence prepared for matching.
pub(crate) struct Sentence<'a> {
    pub(crate) words: &'a [String],
    /// Words that belong to a slot's value.
    pub(crate) covered: &'a [bool],
    /// Slots and fields that have a value, with the first word of it.
    pub(crate) slots: &'a [(String, usize)],
}

/// How well a phrase fits.
#[derive(Clone, Copy, Default)]
struct Fit {
    score: f32,
    matched: f32,
    /// Words of the phrase were said, not only its slots and small words.
    telling: bool,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    matched: f32,
    total: f32,
    used: u64,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self { matched: self.matched + other.matched, total: self.total + other.total, used: self.used | other.used }
    }
}

/// Plurals are the same word.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    match word.strip_suffix('s') {
        Some(single) if single.len() > 3 && !single.ends_with('s') => single,
        _ => word,
    }
}

impl Matcher {
    /// Learns the weights: a word that only one request uses tells more than one that half of them use.
    pub(crate) fn new(intents: &[Intent], answers: &[Answer], commands: &[(Command, &[Phrase])]) -> Self {
        let groups = intents.iter().map(|intent| intent.phrases.as_slice()).chain(answers.iter().map(|answer| answer.phrases.as_slice()));
        let groups: Vec<&[Phrase]> = groups.chain(commands.iter().map(|(_, phrases)| *phrases)).collect();
        let mut uses: HashMap<String, f32> = HashMap::new();
        for group in &groups {
            let words: HashSet<String> = group.iter().flat_map(Phrase::words).map(|word| stem(word).to_owned()).collect();
            for word in words {
                *uses.entry(word).or_default() += 1.0;
            }
        }
        let all = groups.len() as f32 + 1.0;
        let weigh = |(word, count): (String, f32)| {
            let weight = if is_small(&word) { SMALL } else { (0.35 + (all / count).ln() / all.ln()).min(1.25) };
            (word, weight)
        };
        Self { weights: uses.into_iter().map(weigh).collect() }
    }

    fn weight(&self, word: &str) -> f32 {
        match self.weights.get(stem(word)) {
            Some(weight) => *weight,
            None if is_small(word) => SMALL,
            None => UNKNOWN,
        }
    }

    /// True when nearly all of a phrase stands in the sentence, whatever else does: for words that must not be overheard.
    pub(crate) fn contains(&self, phrase: &Phrase, sentence: &Sentence<'_>) -> bool {
        let tally = self.sequence(&phrase.0, sentence, (0, sentence.words.len()));
        tally.total >= LIGHT && tally.matched >= 0.95 * tally.total
    }

    /// How well a phrase fits the words in `range`, from 0 to about 1, and how much of it was said.
    fn score(&self, phrase: &Phrase, sentence: &Sentence<'_>, range: (usize, usize)) -> Fit {
        let tally = self.sequence(&phrase.0, sentence, range);
        if tally.total <= 0.0 || tally.matched <= 0.0 {
            return Fit::default();
        }
        let recall = tally.matched / tally.total;
        let (mut known, mut all) = (0.0, 0.0);
        for at in range.0..range.1.min(64) {
            let used = tally.used & (1 << at) != 0;
            // Small words that the phrase doesn't have say nothing against it.
            if used || !(sentence.covered[at] || is_small(&sentence.words[at])) {
                let weight = self.weight(&sentence.words[at]);
                all += weight;
                known += if used { weight } else { 0.0 };
            }
        }
        let precision = if all > 0.0 { known / all } else { 1.0 };
        let score = recall * (0.6 + 0.4 * precision);
        let light = tally.total < LIGHT && (recall < 0.85 || precision < 0.75);
        let telling = (range.0..range.1.min(64)).any(|at| tally.used & (1 << at) != 0 && !is_small(&sentence.words[at]));
        Fit { score: if light { score * 0.5 } else { score }, matched: tally.matched, telling }
    }

    fn sequence(&self, pieces: &[Piece], sentence: &Sentence<'_>, range: (usize, usize)) -> Tally {
        pieces.iter().fold(Tally::default(), |sum, piece| sum.add(self.piece(piece, sentence, range)))
    }

    fn piece(&self, piece: &Piece, sentence: &Sentence<'_>, range: (usize, usize)) -> Tally {
        match piece {
            Piece::Word(word) => {
                let weight = self.weight(word);
                let place = (range.0..range.1.min(64)).find(|at| stem(&sentence.words[*at]) == stem(word));
                Tally { matched: if place.is_some() { weight } else { 0.0 }, total: weight, used: place.map_or(0, |at| 1 << at) }
            }
            Piece::Slot(name) => {
                let within = |field: &str| field == name || field.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
                let said = sentence.slots.iter().any(|(field, at)| within(field) && (range.0..range.1).contains(at));
                Tally { matched: if said { SLOT } else { 0.0 }, total: SLOT, used: 0 }
            }
            Piece::Either(alternatives) => {
                let tallies = alternatives.iter().map(|inner| self.sequence(inner, sentence, range));
                let gain = |tally: &Tally| tally.matched - 0.6 * (tally.total - tally.matched);
                tallies.max_by(|a, b| gain(a).total_cmp(&gain(b))).unwrap_or_default()
            }
        }
    }
}

/// Everything that can be asked for, with its phrases.
pub(crate) struct Candidates<'a> {
    pub(crate) matcher: &'a Matcher,
    pub(crate) phrases: Vec<(Target, &'a [Phrase])>,
    /// In the middle of a request, values alone belong to it and make no new one.
    pub(crate) in_task: bool,
}

impl Candidates<'_> {
    /// The best request of a part of the sentence. Near ties go to the phrase that more words were said of.
    pub(crate) fn best(&self, sentence: &Sentence<'_>, range: (usize, usize)) -> Option<(Target, f32)> {
        let mut best: Option<(Target, f32, f32)> = None;
        for (target, phrases) in &self.phrases {
            for phrase in *phrases {
                let Fit { score, matched, telling } = self.matcher.score(phrase, sentence, range);
                if self.in_task && !telling && matches!(target, Target::Intent(_)) {
                    continue;
                }
                let rank = score + 0.02 * matched;
                if best.is_none_or(|(_, _, top)| rank > top) {
                    best = Some((*target, score, rank));
                }
            }
        }
        best.map(|(target, score, _)| (target, score))
    }

    /// The requests of a sentence in order: it is parted at "and" or "then" where both sides ask for something of their own.
    pub(crate) fn requests(&self, sentence: &Sentence<'_>) -> Vec<(Target, f32)> {
        let mut found = Vec::new();
        self.part(sentence, (0, sentence.words.len()), &mut found);
        found.dedup_by_key(|request| request.0);
        found
    }

    fn part(&self, sentence: &Sentence<'_>, range: (usize, usize), found: &mut Vec<(Target, f32)>) {
        let whole = self.best(sentence, range).filter(|(_, score)| *score >= ENOUGH);
        if found.len() + 1 < MOST_REQUESTS {
            for at in range.0 + 1..range.1.saturating_sub(1) {
                if !matches!(sentence.words[at].as_str(), "and" | "then" | "also" | "plus" | "but") || sentence.covered[at] {
                    continue;
                }
                let left = self.best(sentence, (range.0, at)).filter(|(_, score)| *score >= ENOUGH);
                let right = self.best(sentence, (at + 1, range.1)).filter(|(_, score)| *score >= ENOUGH);
                let (Some(left), Some(right)) = (left, right) else { continue };
                let apart = left.0 != right.0 && left.1.min(right.1) + 0.12 >= whole.map_or(0.0, |whole| whole.1);
                if apart && !matches!(left.0, Target::Command(Command::Courtesy)) {
                    found.push(left);
                    return self.part(sentence, (at + 1, range.1), found);
                }
            }
        }
        found.extend(whole);
    }
}
