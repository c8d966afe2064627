//! Whether a soak kept its promises.

use super::{Sample, Soak};

/// Memory of the last quarter may be over that of the second by so much of it: an allocator's own coming and going.
const GROWTH: f64 = 0.05;
/// Less than this is never a leak, MiB.
const LEAST_MIB: f64 = 4.0;
/// Open files and threads that may come and go: connections of the probe itself, threads of blocking work.
const OTHER_FILES: usize = 8;
const OTHER_THREADS: usize = 8;
/// Calls that may break: none of the troubles ends a call, but a machine that is full does now and then.
const MOST_BROKEN: f64 = 0.01;

/// What is promised and what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Of what.
    pub what: &'static str,
    /// The figures.
    pub found: String,
    /// It was kept.
    pub kept: bool,
}

/// Every promise.
pub fn judge(soak: &Soak) -> Vec<Verdict> {
    let left = soak.samples.first().map_or_else(Vec::new, |first| left_over(first, &soak.after));
    let kept = left.is_empty();
    let found = if kept { "nothing".to_owned() } else { left.join(", ") };
    let share = soak.broken as f64 / soak.calls.max(1) as f64;
    let broken = format!("{} of {} calls", soak.broken, soak.calls);
    vec![
        memory(&soak.samples),
        Verdict { what: "left after the last call", found, kept },
        Verdict { what: "calls that broke", found: broken, kept: soak.calls > 0 && share <= MOST_BROKEN },
    ]
}

fn memory(samples: &[Sample]) -> Verdict {
    let quarter = samples.len() / 4;
    let mean = |part: &[Sample]| part.iter().map(|sample| sample.rss_mib).sum::<f64>() / part.len().max(1) as f64;
    let (second, last) = (mean(&samples[quarter..quarter * 2]), mean(&samples[samples.len() - quarter..]));
    let kept = quarter > 0 && last <= second + (second * GROWTH).max(LEAST_MIB);
    let found = if quarter > 0 {
        format!("{second:.1} MiB in the second quarter, {last:.1} MiB in the last")
    } else {
        "too short to tell".to_owned()
    };
    Verdict { what: "memory flat (5 %)", found, kept }
}

/// What is not as it was before the first call.
pub(super) fn left_over(first: &Sample, after: &Sample) -> Vec<String> {
    let limits = [
        ("live calls", after.live, 0),
        ("permits", after.permits as usize, 0),
        ("calls to services", after.under_way as usize, first.under_way as usize),
        ("connections at vendors", after.at_vendors, first.at_vendors),
        ("open files", after.files, first.files + OTHER_FILES),
        ("threads", after.threads, first.threads + OTHER_THREADS),
    ];
    limits
        .into_iter()
        .filter(|(_, found, most)| found > most)
        .map(|(what, found, most)| format!("{found} {what} (at most {most})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(rss_mib: f64) -> Sample {
        Sample {
            at: Duration::ZERO,
            rss_mib,
            files: 40,
            threads: 12,
            live: 0,
            permits: 0,
            under_way: 1,
            at_vendors: 1,
            rungs: 0,
            fillers: 0,
        }
    }

    fn soak(rss: &[f64], after: Sample) -> Soak {
        let samples = rss.iter().map(|rss| sample(*rss)).collect();
        Soak { samples, after, calls: 200, broken: 1, talked: Duration::ZERO, why: Vec::new() }
    }

    #[test]
    fn what_grows_or_stays_is_no_promise_kept() {
        let kept = |soak: &Soak| judge(soak).iter().map(|verdict| verdict.kept).collect::<Vec<_>>();
        assert_eq!(kept(&soak(&[80.0, 100.0, 101.0, 102.0, 103.0, 102.0, 104.0, 103.0], sample(100.0))), [true, true, true]);
        assert_eq!(kept(&soak(&[80.0, 100.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0], sample(100.0))), [false, true, true]);
        let left = Sample { permits: 1, at_vendors: 2, ..sample(100.0) };
        assert_eq!(kept(&soak(&[100.0; 8], left)), [true, false, true]);
        assert!(!judge(&soak(&[100.0; 3], sample(100.0)))[0].kept, "too short to tell");
    }
}
