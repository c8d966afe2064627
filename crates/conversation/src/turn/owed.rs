//! The agent owes the caller words: what is to be said meanwhile, and when something is stuck.

use std::time::{Duration, Instant};

use super::Action;
use crate::TurnTaking;

/// Between a filler and an apology there is a breath.
const BREATH: Duration = Duration::from_millis(500);
/// However long the caller's turn took to end, the agent gets this long before a filler.
const LEAST_TIME: Duration = Duration::from_millis(300);

/// A debt of words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Owed {
    since: Instant,
    /// The end of the last sound of either side; none while a filler is played.
    quiet: Option<Instant>,
    fillers: u32,
    apologised: bool,
    /// The brain was told that it is stuck.
    stalled: bool,
}

impl Owed {
    pub(super) fn new(since: Instant, quiet: Instant) -> Self {
        Self { since, quiet: Some(quiet), fillers: 0, apologised: false, stalled: false }
    }

    /// True while a filler is played.
    pub(super) fn sounds(&self) -> bool {
        self.quiet.is_none()
    }

    /// Nothing is played any more.
    pub(super) fn quiet(&mut self, now: Instant) {
        self.quiet.get_or_insert(now);
    }

    /// When there is something to be done. `tool`: since when one works.
    pub(super) fn due(&self, tool: Option<Instant>, rules: &TurnTaking) -> Instant {
        let stall = self.stall_due(rules);
        self.speak_due(tool, rules).map_or(stall, |speak| stall.min(speak))
    }

    /// What is due now.
    pub(super) fn take(&mut self, tool: Option<Instant>, now: Instant, rules: &TurnTaking) -> Option<Action> {
        if now >= self.stall_due(rules) {
            let again = std::mem::replace(self, Self { stalled: true, ..Self::new(now, self.quiet.unwrap_or(now)) }).stalled;
            return Some(if again { Action::GivenUp } else { Action::Stalled });
        }
        if self.speak_due(tool, rules).is_none_or(|due| now < due) {
            return None;
        }
        let quiet = self.quiet.take()?;
        if self.apology_due(quiet, rules).is_some_and(|due| now >= due) {
            self.apologised = true;
            return Some(Action::Apologise);
        }
        self.fillers += 1;
        Some(Action::Filler { count: self.fillers, tool: tool.is_some() })
    }

    fn stall_due(&self, rules: &TurnTaking) -> Instant {
        self.since + if self.stalled { rules.owed_limit / 3 } else { rules.owed_limit }
    }

    fn speak_due(&self, tool: Option<Instant>, rules: &TurnTaking) -> Option<Instant> {
        let quiet = self.quiet?;
        let filler = self.filler_due(quiet, tool, rules);
        Some(self.apology_due(quiet, rules).map_or(filler, |apology| apology.min(filler)))
    }

    fn filler_due(&self, quiet: Instant, tool: Option<Instant>, rules: &TurnTaking) -> Instant {
        // Who has stalled has had its time.
        let patience = if self.stalled { Duration::ZERO } else { LEAST_TIME };
        let latest = (quiet + rules.max_silence).max(self.since + patience);
        if self.fillers > 0 || self.apologised || self.stalled {
            return latest;
        }
        let patience = self.since.max(quiet) + rules.filler_after;
        let tool = tool.map(|since| since.max(quiet).max(self.since) + rules.filler_tool_after);
        tool.map_or(patience, |tool| tool.min(patience)).min(latest)
    }

    fn apology_due(&self, quiet: Instant, rules: &TurnTaking) -> Option<Instant> {
        (!self.apologised && !self.stalled).then(|| (self.since + rules.apology_after).max(quiet + BREATH))
    }
}
