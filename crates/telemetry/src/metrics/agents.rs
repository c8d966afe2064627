//! What is counted for each agent: the families whose names, labels and buckets are a contract.
//!
//! Agents are made by users, so their number has no bound; the number of series has: the first [`AGENTS`] agents that take a call have rows
//! of their own, all others share one.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::closed::Closed;
use crate::words::{ErrorType, Word};

/// Agents with rows of their own. One row is 16 series, so a scrape of all of them stays below 2000 lines.
pub(crate) const AGENTS: usize = 100;
/// Longest agent id with a row of its own, bytes: ours are UUIDs of 36, and what other instances wrote is not ours to trust.
const LONGEST_ID: usize = 64;
/// The row of all other agents.
const OTHER: &str = "other";
/// From a hang-up after the greeting to the longest call that is usual to allow, seconds. Part of the contract.
const DURATIONS: [f64; 8] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];

/// The numbers of one agent.
#[derive(Debug)]
struct Row {
    label: String,
    initiated: Counter,
    completed: Counter,
    failed: Closed<ErrorType, Counter>,
    duration: Histogram,
}

impl Row {
    fn new(label: String) -> Arc<Self> {
        let failed = Closed::new(Counter::default);
        Arc::new(Self { label, initiated: Counter::default(), completed: Counter::default(), failed, duration: Histogram::new(DURATIONS) })
    }
}

/// All rows. A lock is taken when a call begins or ends, and at a scrape.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agents(Arc<RwLock<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    own: BTreeMap<String, Arc<Row>>,
    other: Option<Arc<Row>>,
}

impl Agents {
    /// A conversation began.
    pub(crate) fn initiated(&self, agent: &str) {
        self.row(agent).initiated.inc();
    }

    /// A conversation ended as it may.
    pub(crate) fn completed(&self, agent: &str, talked: Duration) {
        let row = self.row(agent);
        row.completed.inc();
        row.duration.observe(talked.as_secs_f64());
    }

    /// A conversation was ended by a fault.
    pub(crate) fn failed(&self, agent: &str, fault: ErrorType) {
        self.row(agent).failed.with(fault, |counter| {
            counter.inc();
        });
    }

    /// The agent's row, or the shared one.
    fn row(&self, agent: &str) -> Arc<Row> {
        // A poisoned lock still holds whole rows: they are only ever added.
        if let Some(row) = self.0.read().unwrap_or_else(PoisonError::into_inner).own.get(agent) {
            return Arc::clone(row);
        }
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let full = rows.own.len() >= AGENTS && !rows.own.contains_key(agent);
        if full || agent.len() > LONGEST_ID {
            return Arc::clone(rows.other.get_or_insert_with(|| Row::new(OTHER.to_owned())));
        }
        Arc::clone(rows.own.entry(agent.to_owned()).or_insert_with(|| Row::new(agent.to_owned())))
    }

    fn rows(&self) -> Vec<Arc<Row>> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rows.own.values().chain(&rows.other).cloned().collect()
    }

    /// Registers the families.
    pub(super) fn register(&self, registry: &mut Registry) {
        let families = [
            (Family::Initiated, "voicenoob_calls_initiated", "Conversations with an agent that began"),
            (Family::Completed, "voicenoob_calls_completed", "Conversations that ended without a fault"),
            (Family::Failed, "voicenoob_calls_failed", "Conversations that were ended by a fault"),
            (Family::Duration, "voicenoob_call_duration_seconds", "Length of conversations that ended without a fault"),
        ];
        for (family, name, help) in families {
            registry.register(name, help, ByAgent { agents: self.clone(), family });
        }
    }
}

/// Which column of the rows.
#[derive(Debug, Clone, Copy)]
enum Family {
    Initiated,
    Completed,
    Failed,
    Duration,
}

/// One column of the rows, as a family of the exposition. It is there, with its `HELP` and `TYPE`, before the first agent is.
#[derive(Debug, Clone)]
struct ByAgent {
    agents: Agents,
    family: Family,
}

impl EncodeMetric for ByAgent {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for row in self.agents.rows() {
            let agent = ("agent_id", row.label.as_str());
            match self.family {
                Family::Initiated => encode(&mut encoder, &row.initiated, &[agent])?,
                Family::Completed => encode(&mut encoder, &row.completed, &[agent])?,
                Family::Duration => encode(&mut encoder, &row.duration, &[agent])?,
                Family::Failed => {
                    for (fault, counter) in row.failed.iter() {
                        encode(&mut encoder, counter, &[agent, (ErrorType::LABEL, fault.as_str())])?;
                    }
                }
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        match self.family {
            Family::Duration => MetricType::Histogram,
            Family::Initiated | Family::Completed | Family::Failed => MetricType::Counter,
        }
    }
}

fn encode(encoder: &mut MetricEncoder<'_>, metric: &impl EncodeMetric, labels: &impl EncodeLabelSet) -> Result<(), std::fmt::Error> {
    metric.encode(encoder.encode_family(labels)?)
}
