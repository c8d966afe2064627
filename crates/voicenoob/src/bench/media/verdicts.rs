//! What the figures of `bench media` are held to, and whether they keep it.

use super::{Measured, Subject};
use crate::bench::table::{Table, Verdict};

/// A call is held while the 99th percentile of a frame's way there and back stays under this, in milliseconds.
pub(super) const HELD_MS: f64 = 20.0;
/// CPU time against the bare echo.
const MOST_TIMES_BARE: f64 = 1.5;
/// Memory of a call.
const MOST_KIB: f64 = 24.0;
/// Calls on one core.
const FEWEST_CALLS: f64 = 400.0;

/// All figures.
pub(super) fn figures(all: &[Measured]) -> Table {
    let head = [
        "Subject",
        "calls",
        "CPU ms/call-s",
        "to bare",
        "p50 ms",
        "p99 ms",
        "max ms",
        "KiB/call",
        "at rest MiB",
        "lost",
        "wrong",
        "dropped",
        "sender late p99 ms",
    ];
    let mut table = Table::new(&head);
    for measured in all {
        let outcome = &measured.outcome;
        let ms = |us: u64| format!("{:.2}", us as f64 / 1000.0);
        let ratio = ratio(all, measured).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        table.row([
            measured.subject.name().to_owned(),
            measured.calls.to_string(),
            format!("{:.3}", measured.cpu_ms),
            if measured.subject == Subject::Bare { "1".to_owned() } else { ratio },
            ms(outcome.p50_us),
            ms(outcome.p99_us),
            ms(outcome.max_us),
            format!("{:.1}", measured.memory_kib),
            format!("{:.1}", measured.rest_mib),
            outcome.lost.to_string(),
            outcome.wrong.to_string(),
            outcome.dropped.to_string(),
            ms(outcome.late_p99_us),
        ]);
    }
    table
}

fn bare(all: &[Measured], calls: usize) -> Option<&Measured> {
    all.iter().find(|other| other.subject == Subject::Bare && other.calls == calls)
}

fn ratio(all: &[Measured], measured: &Measured) -> Option<f64> {
    let bare = bare(all, measured.calls)?;
    (bare.cpu_ms > 0.0).then(|| measured.cpu_ms / bare.cpu_ms)
}

/// Figures against targets. `limit` is what a search for the limit has found: held, and no longer held.
pub(super) fn judgement(all: &[Measured], limit: Option<(usize, Option<usize>)>) -> String {
    let mut table = Table::new(&["What", "bare echo", "voicenoob", "target", "verdict"]);
    for measured in all.iter().filter(|measured| measured.subject == Subject::Server) {
        let calls = measured.calls;
        if let (Some(bare), Some(ratio)) = (bare(all, calls), ratio(all, measured)) {
            table.row([
                format!("CPU ms per call-second, {calls} calls"),
                format!("{:.3}", bare.cpu_ms),
                format!("{:.3} = {ratio:.2}x", measured.cpu_ms),
                format!("at most {MOST_TIMES_BARE}x"),
                Verdict::at_most(ratio, MOST_TIMES_BARE).unless(bare.is_disturbed() || measured.is_disturbed()).to_string(),
            ]);
            table.row([
                format!("Memory of a call, KiB, {calls} calls"),
                format!("{:.1}", bare.memory_kib),
                format!("{:.1}", measured.memory_kib),
                format!("at most {MOST_KIB:.0}"),
                // Less memory with calls than without: what the start left behind was given back meanwhile.
                Verdict::at_most(measured.memory_kib, MOST_KIB).unless(measured.memory_kib <= 0.0).to_string(),
            ]);
        }
    }
    let (held, failed) = limit.unwrap_or_else(|| held(all));
    let reached = match failed {
        None => format!("at least {held}"),
        Some(failed) => format!("{held} (not {failed})"),
    };
    let enough = Verdict::at_least(held as f64, FEWEST_CALLS);
    let disturbed =
        all.iter().any(|measured| measured.subject == Subject::Server && Some(measured.calls) == failed && measured.is_disturbed());
    let verdict = enough.unless(enough == Verdict::Over && disturbed);
    table.row([
        format!("Calls held on one core, p99 under {HELD_MS:.0} ms, no frame lost"),
        String::new(),
        reached,
        format!("at least {FEWEST_CALLS:.0}"),
        verdict.to_string(),
    ]);
    table.to_string()
}

/// The most calls the server held, and the fewest above them that it did not hold.
pub(super) fn held(all: &[Measured]) -> (usize, Option<usize>) {
    let server = || all.iter().filter(|measured| measured.subject == Subject::Server);
    let failed = server().filter(|measured| !measured.is_held()).map(|measured| measured.calls).min();
    // One that was not held makes all above it doubtful, whatever they say.
    let under = |calls: &usize| failed.is_none_or(|failed| *calls < failed);
    let held = server().filter(|measured| measured.is_held()).map(|measured| measured.calls).filter(under).max();
    (held.unwrap_or(0), failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::load::Outcome;

    fn measured(subject: Subject, calls: usize, cpu_ms: f64, p99_us: u64, lost: u64) -> Measured {
        let outcome = Outcome { frames: 1000, lost, p99_us, ..Outcome::default() };
        Measured { subject, calls, cpu_ms, memory_kib: 10.0, rest_mib: 20.0, outcome }
    }

    #[test]
    fn cost_is_judged_against_the_bare_echo_of_the_same_number_of_calls() {
        let all = [
            measured(Subject::Bare, 100, 1.0, 900, 0),
            measured(Subject::Server, 100, 1.4, 900, 0),
            measured(Subject::Bare, 500, 0.5, 900, 0),
            measured(Subject::Server, 500, 1.0, 900, 0),
        ];
        let text = judgement(&all, None);
        let line = |start: &str| text.lines().find(|line| line.contains(start)).unwrap().to_owned();
        assert!(line("call-second, 100").contains("1.40x") && line("call-second, 100").contains("within"));
        assert!(line("call-second, 500").contains("2.00x") && line("call-second, 500").contains("over"));
        assert!(line("Calls held").contains("at least 500 ") && line("Calls held").contains("within"));
    }

    #[test]
    fn figures_of_callers_who_were_late_themselves_are_worth_no_verdict() {
        let mut server = measured(Subject::Server, 500, 1.0, 30_000, 0);
        server.outcome.late_p99_us = 12_000;
        let text = judgement(&[measured(Subject::Bare, 500, 0.1, 900, 0), server], None);
        let line = |start: &str| text.lines().find(|line| line.contains(start)).unwrap().to_owned();
        assert!(line("call-second").contains("disturbed") && line("Calls held").contains("disturbed"), "{text}");
    }

    #[test]
    fn a_late_or_lost_frame_ends_what_is_held() {
        let late = [measured(Subject::Server, 100, 1.0, 19_999, 0), measured(Subject::Server, 500, 1.0, 20_000, 0)];
        assert_eq!(held(&late), (100, Some(500)));
        let lost = [measured(Subject::Server, 100, 1.0, 500, 1), measured(Subject::Server, 500, 1.0, 500, 0)];
        assert_eq!(held(&lost), (0, Some(100)));
        assert!(judgement(&lost, None).contains("over"));
    }
}
