//! Figures of `bench turns`, and what they are held to.

use super::Measured;
use super::gaps::Gaps;
use crate::bench::table::{Table, Verdict};

/// Our own choice is none: what is promised for our part of a turn's latency, 95 of 100 turns, milliseconds.
const LIMIT_MS: f64 = 10.0;
/// Callers that were later than this (99th percentile, milliseconds) measured themselves.
const LATE_MS: f64 = 10.0;

/// One row of the figures: its name, and what it takes of a turn.
type Row = (&'static str, fn(&Gaps) -> f64);

const ROWS: [Row; 7] = [
    ("ours: the turn is over -> the model is asked", |gaps| gaps.ears),
    ("ours: its sentence is there -> the voice has it", |gaps| gaps.mind),
    ("ours: its sound is there -> the caller hears it", |gaps| gaps.voice),
    ("**ours, all of it**", Gaps::ours),
    ("the rule's wait for the end of the turn", |gaps| gaps.rule),
    ("the simulated vendors", |gaps| gaps.vendors),
    ("the caller's wait", |gaps| gaps.total),
];

/// Where the time of a number of calls' turns went.
pub(super) fn figures(measured: &Measured) -> String {
    let mut table = Table::new(&["Part of a turn, ms", "p50", "p95", "p99", "max"]);
    for (name, part) in ROWS {
        let sorted = sorted(&measured.gaps, part);
        table.row([name.to_owned()].into_iter().chain([0.5, 0.95, 0.99, 1.0].map(|share| format!("{:.2}", at(&sorted, share)))));
    }
    table.to_string()
}

/// Numbers of calls, and whether the limit was kept.
pub(super) fn judgement(all: &[Measured]) -> String {
    let head = [
        "Calls",
        "turns",
        "unmatched",
        "unanswered",
        "ours p50 ms",
        "p95 ms",
        "p99 ms",
        "limit p95",
        "server CPU ms/call-s",
        "callers late p99 ms",
        "verdict",
    ];
    let mut table = Table::new(&head);
    for measured in all {
        let sorted = sorted(&measured.gaps, Gaps::ours);
        let late = measured.late_ms();
        let verdict = Verdict::at_most(at(&sorted, 0.95), LIMIT_MS).unless(late >= LATE_MS);
        let figures = [at(&sorted, 0.5), at(&sorted, 0.95), at(&sorted, 0.99)].map(|ms| format!("{ms:.2}"));
        let before =
            [measured.calls as u64, measured.gaps.len() as u64, measured.unmatched, measured.unanswered].map(|count| count.to_string());
        let after = [format!("{LIMIT_MS:.0}"), format!("{:.2}", measured.cpu_ms), format!("{late:.2}"), verdict.to_string()];
        table.row(before.into_iter().chain(figures).chain(after));
    }
    table.to_string()
}

fn sorted(gaps: &[Gaps], part: fn(&Gaps) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = gaps.iter().map(part).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value at a share of a sorted list; no number when there is none.
fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
}
