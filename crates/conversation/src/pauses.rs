//! How long this caller pauses within a sentence: some breathe for half a second, and ending their turns there would cut them off.

use std::collections::VecDeque;
use std::time::Duration;

/// Pauses that are remembered: the newest say most about how the caller speaks now.
const KEPT: usize = 16;
/// With fewer than this nothing is known about the caller.
const ENOUGH: usize = 3;
/// The share of pauses that the wait is longer than, in percent.
const QUANTILE_PERCENT: usize = 80;
/// The wait is longer than those by this much.
const MARGIN: Duration = Duration::from_millis(120);
/// A longer gap is thinking or a new sentence, not a breath; nor is the wait made longer than this for the pauses' sake.
pub(crate) const LONGEST: Duration = Duration::from_millis(1600);

/// The pauses of one caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pauses {
    gaps: VecDeque<Duration>,
}

impl Pauses {
    /// The caller was quiet for this long and went on.
    pub(crate) fn note(&mut self, gap: Duration) {
        if gap > LONGEST {
            return;
        }
        if self.gaps.len() == KEPT {
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
    }

    /// An utterance of this caller is not over before so much quiet. Zero while nothing is known.
    pub(crate) fn least_wait(&self) -> Duration {
        if self.gaps.len() < ENOUGH {
            return Duration::ZERO;
        }
        let mut sorted: Vec<Duration> = self.gaps.iter().copied().collect();
        sorted.sort_unstable();
        let at = (sorted.len() * QUANTILE_PERCENT).div_ceil(100).saturating_sub(1);
        sorted.get(at).map_or(Duration::ZERO, |gap| (*gap + MARGIN).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_breath_does_not_change_the_wait_and_a_habit_does() {
        let ms = Duration::from_millis;
        let mut pauses = Pauses::default();
        [250, 700].into_iter().for_each(|gap| pauses.note(ms(gap)));
        assert_eq!(pauses.least_wait(), Duration::ZERO, "two are no habit");
        [260, 270, 255, 250].into_iter().for_each(|gap| pauses.note(ms(gap)));
        assert_eq!(pauses.least_wait(), ms(270 + 120));
        (0..KEPT).for_each(|_| pauses.note(ms(700)));
        assert_eq!(pauses.least_wait(), ms(820));
        (0..KEPT).for_each(|_| pauses.note(ms(1590)));
        assert_eq!(pauses.least_wait(), LONGEST);
        (0..100).for_each(|_| pauses.note(ms(5000)));
        assert_eq!((pauses.least_wait(), pauses.gaps.len()), (LONGEST, KEPT), "thinking is no breath");
    }
}
