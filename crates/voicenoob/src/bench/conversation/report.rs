//! Distributions, as tables.

use super::findings::{Became, Finding};
use super::people::About;
use crate::bench::table::{Table, Verdict};

/// Our own choice, made before measuring: a person stops within a quarter of a second, and the frame that is on its way belongs to it. 95 of 100.
pub(super) const STOP_LIMIT_MS: f64 = 300.0;

/// Stop times and turns taken, by the noise of the line.
pub(super) fn times(all: &[Finding], noises: &[f32]) -> String {
    let mut table = Table::new(&["ms", "noise dBFS", "n", "p50", "p90", "p95", "p99", "max", "limit p95", "verdict"]);
    for noise in noises {
        let stops = sorted(all, *noise, |finding| finding.stop_ms);
        let verdict = Verdict::at_most(at(&stops, 0.95), STOP_LIMIT_MS).to_string();
        table.row(row("the caller interrupts -> the agent is silent", *noise, &stops, [format!("{STOP_LIMIT_MS:.0}"), verdict]));
    }
    for noise in noises {
        let turns = sorted(all, *noise, |finding| finding.turn_ms.filter(|ms| *ms >= 0.0));
        table.row(row("the caller has ended -> the turn is taken, words known", *noise, &turns, [String::new(), String::new()]));
    }
    table.to_string()
}

/// What became of what was said over the agent's words, and turns that were taken too early.
pub(super) fn shares(all: &[Finding], noises: &[f32]) -> String {
    let mut table = Table::new(&["Over the agent's words", "noise dBFS", "n", "stopped it", "paused it, it went on", "unnoticed"]);
    for (name, about) in [("words", About::Interruption), ("a murmur", About::Murmur), ("a noise", About::Noise)] {
        for noise in noises {
            let became: Vec<Became> = all
                .iter()
                .filter(|finding| finding.about == about && same(finding.noise_dbfs, *noise))
                .filter_map(|finding| finding.became)
                .collect();
            let share = |what: Became| percent(became.iter().filter(|became| **became == what).count(), became.len());
            let shares = [Became::Stopped, Became::Resumed, Became::Unnoticed].map(share);
            table.row([name.to_owned(), format!("{noise:.0}"), became.len().to_string()].into_iter().chain(shares));
        }
    }
    let early = noises.iter().map(|noise| {
        let turns = sorted(all, *noise, |finding| finding.turn_ms);
        format!("{} of {} at {noise:.0} dBFS", turns.iter().filter(|ms| **ms < 0.0).count(), turns.len())
    });
    format!("{table}\nTurns taken in the middle of a sentence: {}.", early.collect::<Vec<_>>().join(", "))
}

fn row(name: &str, noise: f32, sorted: &[f64], last: [String; 2]) -> Vec<String> {
    let figures = [0.5, 0.9, 0.95, 0.99, 1.0].map(|share| format!("{:.0}", at(sorted, share)));
    [name.to_owned(), format!("{noise:.0}"), sorted.len().to_string()].into_iter().chain(figures).chain(last).collect()
}

fn sorted(all: &[Finding], noise: f32, what: impl Fn(&Finding) -> Option<f64>) -> Vec<f64> {
    let mut values: Vec<f64> = all.iter().filter(|finding| same(finding.noise_dbfs, noise)).filter_map(what).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn same(one: f32, other: f32) -> bool {
    (one - other).abs() < 0.5
}

/// The value at a share of a sorted list; no number when there is none.
fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
}

fn percent(some: usize, all: usize) -> String {
    if all == 0 { "-".to_owned() } else { format!("{:.0} %", some as f64 * 100.0 / all as f64) }
}
