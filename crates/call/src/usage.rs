//! What a call used of outside services, counted while it goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// What is counted. Closed set: prices are per unit. Cached tokens are not in the plain ones: each token is in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Text tokens a model read.
    InputTokens,
    /// Text tokens a model had read before, at a lower price.
    CachedInputTokens,
    /// Text tokens a model wrote.
    OutputTokens,
    /// Audio tokens a model heard.
    InputAudioTokens,
    /// Audio tokens a model had heard before, at a lower price.
    CachedInputAudioTokens,
    /// Audio tokens a model spoke.
    OutputAudioTokens,
    /// Letters that were spoken.
    Characters,
    /// Sound that was listened to, or made, in milliseconds.
    AudioMillis,
    /// Answers that were asked for and whose tokens the service did not tell, or not all of them.
    Uncounted,
}

impl Unit {
    /// Every unit, for readers of records.
    pub const ALL: [Self; 9] = [
        Self::InputTokens,
        Self::CachedInputTokens,
        Self::OutputTokens,
        Self::InputAudioTokens,
        Self::CachedInputAudioTokens,
        Self::OutputAudioTokens,
        Self::Characters,
        Self::AudioMillis,
        Self::Uncounted,
    ];

    /// The word in records, prices and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InputTokens => "input_tokens",
            Self::CachedInputTokens => "cached_input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::InputAudioTokens => "input_audio_tokens",
            Self::CachedInputAudioTokens => "cached_input_audio_tokens",
            Self::OutputAudioTokens => "output_audio_tokens",
            Self::Characters => "characters",
            Self::AudioMillis => "audio_millis",
            Self::Uncounted => "uncounted",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }
}

/// One line of what a call used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Whose service, as in the table of services: `openai`, `deepgram`.
    pub service: String,
    /// Which of its models or voices.
    pub model: String,
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub amount: u64,
}

/// Counts what one call uses. Clones count into the same sum, so every part of the call may hold one.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Vec<Usage>>>);

impl Meter {
    /// Most different lines (service, model, unit). A call uses some ten; more is a fault somewhere.
    pub const MAX_LINES: usize = 64;
    /// Service and model of the lines, one for each unit, that take what is beyond [`Self::MAX_LINES`].
    pub const OTHER: &str = "other";
    /// Most letters of a service or a model that are kept.
    const MAX_NAME: usize = 100;

    /// A meter that stands at nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to a line. A sum stays at its largest value instead of beginning anew; nothing used adds no line.
    pub fn add(&self, service: &str, model: &str, unit: Unit, amount: u64) {
        if amount == 0 {
            return;
        }
        let (service, model) = (cut(service), cut(model));
        let mut lines = self.lines();
        let room = lines.iter().filter(|line| !is_other(line)).count() < Self::MAX_LINES;
        let (service, model) =
            if room || place(&lines, service, model, unit).is_some() { (service, model) } else { (Self::OTHER, Self::OTHER) };
        match place(&lines, service, model, unit).and_then(|at| lines.get_mut(at)) {
            Some(line) => line.amount = line.amount.saturating_add(amount),
            None => lines.push(Usage { service: service.to_owned(), model: model.to_owned(), unit, amount }),
        }
    }

    /// Takes back what was added and turned out to be none. A line that has nothing left is gone.
    pub fn take_back(&self, service: &str, model: &str, unit: Unit, amount: u64) {
        let (service, model) = (cut(service), cut(model));
        let mut lines = self.lines();
        let at = place(&lines, service, model, unit).or_else(|| place(&lines, Self::OTHER, Self::OTHER, unit));
        if let Some(line) = at.and_then(|at| lines.get_mut(at)) {
            line.amount = line.amount.saturating_sub(amount);
        }
        lines.retain(|line| line.amount > 0);
    }

    /// What was used so far, in the order of first use.
    pub fn usage(&self) -> Vec<Usage> {
        self.lines().clone()
    }

    /// A counter is right after any single addition, so one that a panic left behind is still good.
    fn lines(&self) -> MutexGuard<'_, Vec<Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(lines: &[Usage], service: &str, model: &str, unit: Unit) -> Option<usize> {
    lines.iter().position(|line| line.unit == unit && line.model == model && line.service == service)
}

fn is_other(line: &Usage) -> bool {
    line.service == Meter::OTHER && line.model == Meter::OTHER
}

fn cut(name: &str) -> &str {
    name.char_indices().nth(Meter::MAX_NAME).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(meter: &Meter, model: &str, unit: Unit) -> Option<u64> {
        meter.usage().iter().find(|line| line.model == model && line.unit == unit).map(|line| line.amount)
    }

    #[test]
    fn clones_count_into_one_sum() {
        let meter = Meter::new();
        meter.clone().add("openai", "gpt-realtime", Unit::InputTokens, 5);
        meter.add("openai", "gpt-realtime", Unit::InputTokens, 7);
        meter.add("openai", "gpt-realtime", Unit::OutputTokens, 1);
        meter.add("openai", "unused", Unit::OutputTokens, 0);
        assert_eq!(meter.usage().len(), 2);
        assert_eq!(amount(&meter, "gpt-realtime", Unit::InputTokens), Some(12));
    }

    #[test]
    fn what_is_beyond_the_last_line_is_counted_under_other_by_its_unit() {
        let meter = Meter::new();
        for index in 0..Meter::MAX_LINES + 3 {
            meter.add("vendor", &format!("model {index}"), Unit::Characters, 10);
        }
        meter.add("vendor", "late", Unit::AudioMillis, 4);
        meter.add("vendor", "model 0", Unit::Characters, 1);
        assert_eq!(meter.usage().len(), Meter::MAX_LINES + 2);
        assert_eq!(amount(&meter, Meter::OTHER, Unit::Characters), Some(30));
        assert_eq!(amount(&meter, Meter::OTHER, Unit::AudioMillis), Some(4));
        assert_eq!(amount(&meter, "model 0", Unit::Characters), Some(11));
    }

    #[test]
    fn what_was_not_used_is_taken_back_from_where_it_was_added() {
        let meter = Meter::new();
        meter.add("openai", "gpt", Unit::Uncounted, 2);
        meter.take_back("openai", "gpt", Unit::Uncounted, 1);
        assert_eq!(amount(&meter, "gpt", Unit::Uncounted), Some(1));
        meter.take_back("openai", "gpt", Unit::Uncounted, 1);
        meter.take_back("openai", "gpt", Unit::Uncounted, 1);
        assert_eq!(meter.usage(), []);
        for index in 0..Meter::MAX_LINES {
            meter.add("vendor", &format!("model {index}"), Unit::Characters, 10);
        }
        meter.add("vendor", "late", Unit::Characters, 5);
        meter.take_back("vendor", "late", Unit::Characters, 3);
        assert_eq!(amount(&meter, Meter::OTHER, Unit::Characters), Some(2));
    }

    #[test]
    fn a_sum_stays_at_its_largest_value_and_a_name_at_its_longest() {
        let meter = Meter::new();
        let long = "ä".repeat(Meter::MAX_NAME + 50);
        meter.add("vendor", &long, Unit::Characters, u64::MAX);
        meter.add("vendor", &long, Unit::Characters, 1);
        assert_eq!(amount(&meter, &"ä".repeat(Meter::MAX_NAME), Unit::Characters), Some(u64::MAX));
    }

    #[test]
    fn every_unit_is_read_back() {
        for unit in Unit::ALL {
            assert_eq!(Unit::parse(unit.as_str()), Some(unit));
            assert_eq!(serde_json::to_value(unit).unwrap(), unit.as_str());
        }
        assert_eq!(Unit::parse("seconds"), None);
    }
}
