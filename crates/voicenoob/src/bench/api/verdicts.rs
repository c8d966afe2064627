//! The figures, and what they are held to.

use super::{Pair, Verdict};
use crate::bench::table::Table;

/// The number of connections that the limits are for.
const JUDGED: u64 = 16;

/// Ours and the bare one's, row by row.
pub(super) fn figures(pairs: &[Pair]) -> Table {
    let mut table =
        Table::new(&["Request", "connections", "requests/s", "bare", "p50 ms", "bare", "p99 ms", "bare", "CPU us", "bare", "to bare"]);
    for Pair { case, connections, ours, bare } in pairs {
        table.row([
            case.name.to_owned(),
            connections.to_string(),
            format!("{:.0}", ours.load.a_second),
            format!("{:.0}", bare.load.a_second),
            format!("{:.2}", ours.load.p50_ms),
            format!("{:.2}", bare.load.p50_ms),
            format!("{:.2}", ours.load.p99_ms),
            format!("{:.2}", bare.load.p99_ms),
            format!("{:.0}", ours.cpu_us),
            format!("{:.0}", bare.cpu_us),
            format!("{:.1}", ours.cpu_us / bare.cpu_us),
        ]);
    }
    table
}

/// Against the limits of each request; none when nothing was measured with that many connections.
pub(super) fn judgement(pairs: &[Pair]) -> Table {
    let mut table = Table::new(&["What, with 16 connections", "measured", "limit", "part of it", "verdict"]);
    for Pair { case, ours, bare, .. } in pairs.iter().filter(|pair| pair.connections == JUDGED) {
        let rows = [("CPU to the bare handler's", ours.cpu_us / bare.cpu_us, case.cpu_limit), ("p99 ms", ours.load.p99_ms, case.p99_limit)];
        for (what, measured, limit) in rows {
            table.row([
                format!("{}: {what}", case.name),
                format!("{measured:.2}"),
                format!("at most {limit:.0}"),
                format!("{:.2}", measured / limit),
                Verdict::at_most(measured, limit).to_string(),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::client::Load;
    use super::super::{Measured, cases};
    use super::*;

    #[test]
    fn a_request_is_held_to_its_limits() {
        let measured = |cpu_us, p99_ms| Measured { load: Load { requests: 1, a_second: 1.0, p50_ms: 1.0, p99_ms }, cpu_us };
        let pair = |connections| Pair { case: &cases::ALL[0], connections, ours: measured(130.0, 19.0), bare: measured(10.0, 1.0) };
        let told = judgement(&[pair(1), pair(16)]).to_string();
        let verdicts: Vec<_> = told.lines().skip(2).map(|line| line.contains("within")).collect();
        assert_eq!(verdicts, [false, true], "{told}");
        assert!(figures(&[pair(1)]).to_string().contains("13.0"));
    }
}
