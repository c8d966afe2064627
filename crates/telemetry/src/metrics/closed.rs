//! A metric for each word of a closed set.
//!
//! All of them exist from the start, at zero: `rate` sees the first fault as a rise, not as a series that was never there. Looking one up
//! takes no lock.

use std::marker::PhantomData;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::words::Word;

/// One metric for each word, in the order of [`Word::WORDS`].
#[derive(Debug, Clone)]
pub(crate) struct Closed<W, M> {
    metrics: Vec<M>,
    words: PhantomData<W>,
}

impl<W: Word, M> Closed<W, M> {
    /// Each made by `make`.
    pub(crate) fn new(make: impl Fn() -> M) -> Self {
        Self { metrics: W::WORDS.iter().map(|_| make()).collect(), words: PhantomData }
    }

    /// Does `act` with the word's metric.
    pub(crate) fn with(&self, word: W, act: impl FnOnce(&M)) {
        let place = W::WORDS.iter().position(|known| *known == word);
        if let Some(metric) = place.and_then(|place| self.metrics.get(place)) {
            act(metric);
        }
    }

    /// Each word with its metric.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (W, &M)> {
        W::WORDS.iter().copied().zip(&self.metrics)
    }
}

impl<W: Word, M: EncodeMetric + TypedMetric> EncodeMetric for Closed<W, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.iter().try_for_each(|(word, metric)| metric.encode(encoder.encode_family(&[(W::LABEL, word.word())])?))
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

/// One metric for each pair of words.
#[derive(Debug, Clone)]
pub(crate) struct Pairs<A, B, M> {
    rows: Closed<A, Closed<B, M>>,
}

impl<A: Word, B: Word, M> Pairs<A, B, M> {
    /// Each made by `make`.
    pub(crate) fn new(make: impl Fn() -> M) -> Self {
        Self { rows: Closed::new(|| Closed::new(&make)) }
    }

    /// Does `act` with the metric of the two.
    pub(crate) fn with(&self, first: A, second: B, act: impl FnOnce(&M)) {
        self.rows.with(first, |row| row.with(second, act));
    }
}

impl<A: Word, B: Word, M: EncodeMetric + TypedMetric> EncodeMetric for Pairs<A, B, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.rows.iter().try_for_each(|(first, row)| {
            row.iter().try_for_each(|(second, metric)| {
                metric.encode(encoder.encode_family(&[(A::LABEL, first.word()), (B::LABEL, second.word())])?)
            })
        })
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use call::{EndReason, ToolOutcome};

    use super::*;
    use crate::words::{DrainOutcome, ErrorType, LatencyPart, LeftQueue, RefusedBecause, RegistryOperation};

    fn words_are_distinct_and_in_order<W: Word>() {
        let set = Closed::<W, usize>::new(|| 0);
        for (place, word) in W::WORDS.iter().enumerate() {
            let mut seen = None;
            set.with(*word, |metric| seen = Some(std::ptr::from_ref(metric)));
            assert_eq!(seen, Some(std::ptr::from_ref(&set.metrics[place])), "{word:?}");
        }
        let distinct: HashSet<_> = W::WORDS.iter().map(|word| word.word()).collect();
        assert_eq!(distinct.len(), W::WORDS.len());
        assert!(distinct.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')), "{distinct:?}");
    }

    #[test]
    fn each_word_has_a_metric_of_its_own() {
        words_are_distinct_and_in_order::<EndReason>();
        words_are_distinct_and_in_order::<ToolOutcome>();
        words_are_distinct_and_in_order::<ErrorType>();
        words_are_distinct_and_in_order::<RefusedBecause>();
        words_are_distinct_and_in_order::<LeftQueue>();
        words_are_distinct_and_in_order::<DrainOutcome>();
        words_are_distinct_and_in_order::<RegistryOperation>();
        words_are_distinct_and_in_order::<LatencyPart>();
    }
}
