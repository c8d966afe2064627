//! What the figures are held to, and whether they keep it.

use std::time::Duration;

use super::operations::Operation;
use super::sides::{Measured, Reading};
use crate::bench::table::{Table, Verdict};

/// Operations a second on a machine where the bare client does [`SEEN`]; elsewhere the same part of what the bare client does.
const REGISTRY: f64 = 100_000.0;
const QUEUE: f64 = 80_000.0;
const SEEN: f64 = 180_000.0;
/// Counting 10,000 live calls, and listing 1000.
const COUNT: Duration = Duration::from_micros(200);
const LIST: Duration = Duration::from_millis(6);

/// Operations a second.
pub(super) fn rates(all: &[Measured]) -> Table {
    let head = ["Operations/s", "voicenoob", "raw EVALSHA", "bare SET", "redis-benchmark SET", "in process", "to raw", "to bare"];
    let mut table = Table::new(&head);
    for measured in all {
        let whole = |rate: f64| format!("{rate:.0}");
        table.row([
            measured.operation.name().to_owned(),
            whole(measured.ours),
            whole(measured.script),
            whole(measured.plain),
            measured.tool.map_or_else(|| "-".to_owned(), whole),
            whole(measured.in_process),
            format!("{:.2}", measured.ours / measured.script),
            format!("{:.2}", measured.ours / measured.plain),
        ]);
    }
    table
}

/// Medians of reading.
pub(super) fn reading(reading: &Reading) -> Table {
    let mut table = Table::new(&["Median ms", "voicenoob", "reference"]);
    table.row(["count of 10,000 (ZCARD)".to_owned(), ms(reading.count), ms(reading.zcard)]);
    table.row(["list of 1000 (pipelined HGETALL)".to_owned(), ms(reading.list), ms(reading.pipelined)]);
    table
}

/// Figures against targets.
pub(super) fn judgement(all: &[Measured], reading: Option<&Reading>) -> Table {
    let mut table = Table::new(&["What", "measured", "target", "verdict"]);
    for measured in all {
        let Some(target) = target(measured.operation) else { continue };
        let (name, part) = (measured.operation.name(), measured.ours / measured.plain);
        table.row([
            format!("{name}, operations/s"),
            format!("{:.0}", measured.ours),
            format!("at least {target:.0}"),
            Verdict::at_least(measured.ours, target).to_string(),
        ]);
        table.row([
            format!("{name}, part of what the bare client does"),
            format!("{part:.2}"),
            format!("at least {:.2}", target / SEEN),
            Verdict::at_least(part, target / SEEN).to_string(),
        ]);
    }
    if let Some(reading) = reading {
        for (what, found, limit) in [("count of 10,000 live calls", reading.count, COUNT), ("list of 1000 live calls", reading.list, LIST)]
        {
            let verdict = Verdict::at_most(found.as_secs_f64(), limit.as_secs_f64()).to_string();
            table.row([format!("{what}, ms"), ms(found), format!("under {}", ms(limit)), verdict]);
        }
    }
    table
}

/// Admission has no target of its own.
const fn target(operation: Operation) -> Option<f64> {
    match operation {
        Operation::Register | Operation::Unregister => Some(REGISTRY),
        Operation::Enqueue | Operation::Dequeue => Some(QUEUE),
        Operation::Admit | Operation::Release => None,
    }
}

fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_is_told_by_its_bare_client() {
        let slow =
            Measured { operation: Operation::Register, ours: 60_000.0, script: 70_000.0, plain: 90_000.0, tool: None, in_process: 1e6 };
        let told = judgement(&[slow], None).to_string();
        let verdicts: Vec<_> = told.lines().skip(2).map(|line| line.contains("within")).collect();
        assert_eq!(verdicts, [false, true]);
        assert!(rates(&[slow]).to_string().contains("0.86"));
    }

    #[test]
    fn reading_is_held_to_its_targets() {
        let ms = Duration::from_millis;
        let read = Reading { count: Duration::from_micros(150), zcard: ms(0), list: ms(7), pipelined: ms(5) };
        let told = judgement(&[], Some(&read)).to_string();
        assert!(told.contains("within") && told.contains("over"));
    }
}
