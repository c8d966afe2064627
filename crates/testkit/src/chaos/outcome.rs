//! What a scenario found, and the table of all of them.

use std::fmt::Write as _;
use std::time::Duration;

use super::Scenario;

/// What a scenario found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Which.
    pub scenario: Scenario,
    /// Live calls.
    pub calls: usize,
    /// Calls that ended although their caller had not hung up.
    pub lost: usize,
    /// Streams that broke and were taken up again.
    pub resumed: usize,
    /// Those among them that were closed on purpose, for another instance to take.
    pub handed_over: usize,
    /// From the end of a stream to the agent's voice on the next one, each break of each call, shortest first.
    pub back: Vec<Duration>,
    /// Wishes whose confirmation code was heard.
    pub bookings: usize,
    /// What is worth knowing and no fault.
    pub notes: Vec<String>,
    /// Promises that were broken.
    pub problems: Vec<String>,
}

impl Outcome {
    pub(super) fn new(scenario: Scenario, calls: usize) -> Self {
        let (notes, problems) = (Vec::new(), Vec::new());
        Self { scenario, calls, lost: 0, resumed: 0, handed_over: 0, back: Vec::new(), bookings: 0, notes, problems }
    }

    /// A scenario that could not be run keeps no promise.
    pub fn not_run(scenario: Scenario, calls: usize, why: &str) -> Self {
        let mut outcome = Self::new(scenario, calls);
        outcome.problem(format!("could not be run: {why}"));
        outcome
    }

    /// True when every promise was kept.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    /// The slowest return of a voice.
    pub fn slowest(&self) -> Option<Duration> {
        self.back.last().copied()
    }

    /// Nineteen of twenty returns were at least as fast.
    pub fn p95(&self) -> Option<Duration> {
        quantile(&self.back, 0.95)
    }

    pub(super) fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    fn row(&self) -> String {
        let time = |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        let verdict = if self.passed() { "kept".to_owned() } else { format!("**broken**: {}", self.problems.join("; ")) };
        let verdict = if self.notes.is_empty() { verdict } else { format!("{verdict} ({})", self.notes.join("; ")) };
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {verdict} |",
            self.scenario.title(),
            self.calls,
            self.lost,
            self.resumed,
            self.handed_over,
            time(self.p95()),
            time(self.slowest()),
            self.bookings,
        )
    }
}

/// The value at a share of a sorted list.
pub(super) fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// All outcomes as a Markdown table.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut table =
        "| Scenario | Calls | Lost | Resumed | Handed over | Back to talking, p95 | Slowest | Bookings told | Promises |\n".to_owned();
    table.push_str("|---|---:|---:|---:|---:|---:|---:|---:|---|\n");
    for outcome in outcomes {
        // Writing to a string does not fail.
        let _ = writeln!(table, "{}", outcome.row());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_the_slowest_and_what_was_broken() {
        let mut outcome = Outcome::new(Scenario::Kill, 50);
        outcome.back = (1..=20).map(|tenth| Duration::from_millis(tenth * 100)).collect();
        assert_eq!((outcome.p95(), outcome.slowest()), (Some(Duration::from_millis(1900)), Some(Duration::from_secs(2))));
        assert!(table(&[outcome.clone()]).contains("| 50 | 0 | 0 | 0 | 1.9 s | 2.0 s | 0 | kept |"));
        outcome.problem("a call was lost");
        assert!(!outcome.passed() && table(&[outcome]).contains("**broken**: a call was lost"));
        assert_eq!(quantile::<u32>(&[], 0.5), None);
    }
}
