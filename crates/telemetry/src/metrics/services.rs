//! Outside services: breakers and calls, as their guards count them.

use std::fmt;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::sample::ServiceSample;

/// Registers what is known; nothing while no service is in use.
pub(super) fn register(services: &[ServiceSample], registry: &mut Registry) {
    if services.is_empty() {
        return;
    }
    let mut add = |name, help, metric| registry.register(name, help, metric);
    let states =
        services.iter().flat_map(|one| one.states.iter().map(|(word, is)| row([("service", one.service), ("state", word)], u8::from(*is))));
    add("voicenoob_service_breaker_state", "Where the breaker of an outside service stands: 1 for its state", Series::gauge(states));
    let changes = services.iter().flat_map(|one| {
        one.transitions.iter().map(|(from, to, count)| row([("service", one.service), ("from", from), ("to", to)], as_float(*count)))
    });
    add("voicenoob_service_breaker_transitions", "Changes of a breaker's state", Series::counter(changes));
    let away = services.iter().map(|one| row([("service", one.service)], one.not_closed.as_secs_f64()));
    add("voicenoob_service_breaker_not_closed_seconds", "Time in which a breaker was not closed, in all", Series::counter(away));
    let calls = services
        .iter()
        .flat_map(|one| one.calls.iter().map(|(outcome, count)| row([("service", one.service), ("outcome", outcome)], as_float(*count))));
    add("voicenoob_service_calls", "Calls to outside services, by what came of them", Series::counter(calls));
    let under_way = services.iter().map(|one| row([("service", one.service)], as_float(one.under_way)));
    add("voicenoob_service_calls_under_way", "Calls to outside services that are not over", Series::gauge(under_way));
}

pub(super) type Labels = Vec<(&'static str, &'static str)>;

pub(super) fn row<const N: usize>(labels: [(&'static str, &'static str); N], value: impl Into<f64>) -> (Labels, f64) {
    (labels.to_vec(), value.into())
}

/// Prometheus has no other numbers.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
pub(super) const fn as_float(count: u64) -> f64 {
    count as f64
}

/// Values of one family, each with its labels.
#[derive(Debug)]
pub(super) struct Series {
    counter: bool,
    rows: Vec<(Labels, f64)>,
}

impl Series {
    pub(super) fn gauge(rows: impl Iterator<Item = (Labels, f64)>) -> Self {
        Self { counter: false, rows: rows.collect() }
    }

    pub(super) fn counter(rows: impl Iterator<Item = (Labels, f64)>) -> Self {
        Self { counter: true, rows: rows.collect() }
    }
}

impl EncodeMetric for Series {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        self.rows.iter().try_for_each(|(labels, value)| {
            let labels = labels.as_slice();
            let mut one = encoder.encode_family(&labels)?;
            if self.counter { one.encode_counter::<NoLabelSet, _, f64>(value, None) } else { one.encode_gauge(value) }
        })
    }

    fn metric_type(&self) -> MetricType {
        if self.counter { MetricType::Counter } else { MetricType::Gauge }
    }
}
