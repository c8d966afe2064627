//! A scrape, read back.

use std::collections::BTreeMap;
use std::time::Duration;

use telemetry::{CallRecorder, Metrics, PhraseSample, Pool, PoolSample, Sample, ServiceSample};

/// What a real scraper sends (Prometheus 2.42).
pub(crate) const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                                     text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// A recorder that counts, and what it counts into.
pub(crate) fn counting() -> (CallRecorder, Metrics) {
    let metrics = Metrics::new();
    (CallRecorder::with(metrics.clone()), metrics)
}

/// An instance of which everything is known.
pub(crate) fn everything_known() -> Sample {
    Sample {
        active_calls: 3,
        permits_taken: 4,
        permits_limit: 50,
        waiting_here: 2,
        queue_depth: Some(7),
        offers: 1,
        drain_state: "running",
        remaining_calls: 0,
        live_state_up: true,
        services: vec![telnyx(), ServiceSample { service: "openid", ..telnyx() }],
        phrases: ["memory", "file", "redis"]
            .map(level)
            .into_iter()
            .chain([PhraseSample { bytes: None, entries: None, ..level("engine") }])
            .collect(),
        pools: vec![riva()],
        passwords_running: 1,
        passwords_waiting: 5,
        passwords_done: 70,
        pool: Some(Pool { in_use: 1, idle: 4, max: 10, waits: 3, waited: Duration::from_millis(1_500) }),
    }
}

/// A level of the phrase cache that was of use.
fn level(level: &'static str) -> PhraseSample {
    PhraseSample {
        level,
        hits: 40,
        misses: 8,
        errors: 2,
        evictions: 1,
        bytes: Some(64_000),
        entries: Some(5),
        loading: Duration::from_millis(250),
        age_of_hits: Duration::from_secs(90),
    }
}

/// A pool of five connections with some work.
fn riva() -> PoolSample {
    PoolSample {
        pool: "riva",
        in_use: 7,
        max: 500,
        waiting: 2,
        connections: 5,
        idle: 1,
        busiest: 3,
        waits: 4,
        waited: Duration::from_millis(750),
        replaced: 1,
    }
}

/// A service that failed, was left alone and is back.
fn telnyx() -> ServiceSample {
    ServiceSample {
        service: "telnyx",
        states: vec![("closed", true), ("open", false), ("half_open", false)],
        transitions: vec![("closed", "open", 2), ("open", "half_open", 2), ("half_open", "closed", 2)],
        calls: vec![
            ("answered", 100),
            ("key_refused", 5),
            ("failed", 10),
            ("timeout", 1),
            ("overloaded", 0),
            ("ignored", 3),
            ("rejected", 20),
        ],
        under_way: 4,
        not_closed: Duration::from_millis(30_500),
    }
}

/// An instance at rest, of which no more is known than there must be.
pub(crate) fn at_rest() -> Sample {
    Sample {
        active_calls: 0,
        permits_taken: 0,
        permits_limit: 50,
        waiting_here: 0,
        queue_depth: None,
        offers: 0,
        drain_state: "running",
        remaining_calls: 0,
        live_state_up: true,
        services: Vec::new(),
        phrases: Vec::new(),
        pools: Vec::new(),
        pool: None,
        passwords_running: 0,
        passwords_waiting: 0,
        passwords_done: 0,
    }
}

/// The classic text.
pub(crate) fn text(metrics: &Metrics, sample: &Sample) -> String {
    metrics.render(None, sample).body
}

/// The value of one series of an instance at rest, written as in the exposition: `name{label="value"}`. Panics when it is not there.
pub(crate) fn value(metrics: &Metrics, series: &str) -> f64 {
    value_in(&text(metrics, &at_rest()), series).unwrap_or_else(|| panic!("no series {series}"))
}

/// The value of one series in a text.
pub(crate) fn value_in(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// One family of a classic text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FamilyShown {
    pub(crate) kind: String,
    pub(crate) help: String,
    /// Label names without `le`, each with the values that were seen.
    pub(crate) labels: BTreeMap<String, Vec<String>>,
}

/// All families of a classic text by name.
pub(crate) fn families(text: &str) -> BTreeMap<String, FamilyShown> {
    let mut families: BTreeMap<String, FamilyShown> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            current = name.to_owned();
            assert!(
                families.insert(current.clone(), FamilyShown { help: help.to_owned(), ..Default::default() }).is_none(),
                "{name} twice"
            );
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            assert_eq!(name, current, "HELP and TYPE belong together");
            families.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            assert!(line.starts_with(&current), "{line} is not of {current}");
            let family = families.get_mut(&current).unwrap();
            for (label, value) in labels(line).into_iter().filter(|(label, _)| label != "le") {
                family.labels.entry(label).or_default().push(value);
            }
        }
    }
    families
}

/// The labels of a sample line; none of our values holds a comma or a quote.
fn labels(line: &str) -> Vec<(String, String)> {
    let Some((inside, _)) = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')) else { return Vec::new() };
    inside
        .split(',')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}
