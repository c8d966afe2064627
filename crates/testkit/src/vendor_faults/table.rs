//! The matrix as it stands in `docs/resilience.md`.

use std::fmt::Write as _;

use super::Outcome;

/// All outcomes as a Markdown table.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut table = "| Vendor | Fault | What the caller heard of the answer | And of the next | Longest silence owed | What the record says | Went on | Promise |\n".to_owned();
    table.push_str("|---|---|---|---|---:|---|---|---|\n");
    for outcome in outcomes {
        let verdict = if outcome.passed() { "kept".to_owned() } else { format!("**broken**: {}", outcome.problems.join("; ")) };
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {:.1} s | {} | {} | {verdict} |",
            outcome.row,
            outcome.fault,
            outcome.heard,
            outcome.heard_next,
            outcome.silence.as_secs_f64(),
            outcome.rungs,
            if outcome.went_on { "yes" } else { "**no**" },
        );
    }
    table
}
