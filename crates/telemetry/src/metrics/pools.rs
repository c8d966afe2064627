//! Pools of connections to outside services, as they count themselves.

use prometheus_client::registry::Registry;

use super::sample::PoolSample;
use super::services::{Series, as_float, row};

/// Registers the pools there are.
pub(super) fn register(pools: &[PoolSample], registry: &mut Registry) {
    if pools.is_empty() {
        return;
    }
    let all = |value: fn(&PoolSample) -> f64| pools.iter().map(move |one| row([("pool", one.pool)], value(one)));
    let connections = pools.iter().flat_map(|one| {
        let of = |state, count| row([("pool", one.pool), ("state", state)], as_float(count));
        [of("in_use", one.connections.saturating_sub(one.idle)), of("idle", one.idle)]
    });
    let mut add = |name, help, metric| registry.register(name, help, metric);
    add("voicenoob_pool_in_use", "Requests and streams that a pool of connections carries", Series::gauge(all(|one| as_float(one.in_use))));
    add("voicenoob_pool_limit", "Requests and streams that a pool may carry", Series::gauge(all(|one| as_float(one.max))));
    add("voicenoob_pool_waiting", "Requests that wait for a place in a pool", Series::gauge(all(|one| as_float(one.waiting))));
    add("voicenoob_pool_connections", "Connections of a pool, with and without requests", Series::gauge(connections));
    add(
        "voicenoob_pool_busiest",
        "Requests and streams on the busiest connection of a pool",
        Series::gauge(all(|one| as_float(one.busiest))),
    );
    add("voicenoob_pool_waits", "Waits for a place in a pool", Series::counter(all(|one| as_float(one.waits))));
    add(
        "voicenoob_pool_wait_seconds",
        "Time spent waiting for a place in a pool, in all",
        Series::counter(all(|one| one.waited.as_secs_f64())),
    );
    add(
        "voicenoob_pool_replaced",
        "Connections of a pool that failed and were replaced",
        Series::counter(all(|one| as_float(one.replaced))),
    );
}
