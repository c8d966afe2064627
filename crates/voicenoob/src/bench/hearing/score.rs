//! How far what was heard is from what was said.

use std::time::Duration;

/// Word errors: the fewest words to be put in, taken out or replaced (Levenshtein).
pub(super) fn word_errors(said: &str, heard: &str) -> usize {
    let (said, heard): (Vec<_>, Vec<_>) = (said.split_whitespace().collect(), heard.split_whitespace().collect());
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, other) in heard.iter().enumerate() {
            let best = (diagonal + usize::from(word != other)).min(row[place] + 1).min(row[place + 1] + 1);
            diagonal = std::mem::replace(&mut row[place + 1], best);
        }
    }
    row[heard.len()]
}

/// The sums over one voice.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(super) struct Score {
    /// Sentences of the domain.
    pub(super) inside: usize,
    /// Of these, accepted at the agent's confidence floor.
    pub(super) inside_accepted: usize,
    /// Of these, heard word by word.
    pub(super) exact: usize,
    /// Accepted, but with other words.
    pub(super) accepted_wrong: usize,
    /// Words said.
    pub(super) words: usize,
    /// Words heard wrong.
    pub(super) errors: usize,
    /// Sentences from outside the domain.
    pub(super) outside: usize,
    /// Of these, accepted all the same.
    pub(super) outside_accepted: usize,
    /// Time spent on recognition.
    pub(super) took: Duration,
    /// Length of what was recognised.
    pub(super) audio: Duration,
}

impl Score {
    pub(super) fn word_error_rate(&self) -> f64 {
        share(self.errors, self.words)
    }

    /// Recognition, in shares of real time.
    pub(super) fn real_time_factor(&self) -> f64 {
        self.took.as_secs_f64() / self.audio.as_secs_f64()
    }

    pub(super) fn mean_ms(&self) -> f64 {
        self.took.as_secs_f64() * 1000.0 / (self.inside + self.outside) as f64
    }
}

pub(super) fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_put_in_taken_out_and_replaced_are_errors() {
        for (said, heard, errors) in [
            ("two nights please", "two nights please", 0),
            ("two nights please", "two nights", 1),
            ("two nights", "for two long nights", 2),
            ("from friday", "from monday", 1),
            ("yes", "", 1),
            ("", "yes", 1),
            ("a b c d", "b c d a", 2),
        ] {
            assert_eq!(word_errors(said, heard), errors, "{said:?} {heard:?}");
        }
    }
}
