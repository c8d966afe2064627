//! The phrase cache, level by level, as it counts itself.

use prometheus_client::registry::Registry;

use super::sample::PhraseSample;
use super::services::{Series, as_float, row};

/// Registers the levels there are.
pub(super) fn register(levels: &[PhraseSample], registry: &mut Registry) {
    if levels.is_empty() {
        return;
    }
    let all = |value: fn(&PhraseSample) -> f64| levels.iter().map(move |one| row([("level", one.level)], value(one)));
    let known = |value: fn(&PhraseSample) -> Option<u64>| {
        levels.iter().filter_map(move |one| value(one).map(|value| row([("level", one.level)], as_float(value))))
    };
    let mut add = |name, help, metric| registry.register(name, help, metric);
    add("voicenoob_phrase_cache_hits", "Phrases found, by level; by an engine, made", Series::counter(all(|one| as_float(one.hits))));
    add("voicenoob_phrase_cache_misses", "Phrases not found, by level", Series::counter(all(|one| as_float(one.misses))));
    add(
        "voicenoob_phrase_cache_errors",
        "Failures of a level, and what was not good enough to be kept",
        Series::counter(all(|one| as_float(one.errors))),
    );
    add("voicenoob_phrase_cache_evictions", "Phrases that made room for others", Series::counter(all(|one| as_float(one.evictions))));
    add(
        "voicenoob_phrase_cache_load_seconds",
        "Time spent looking for phrases, or making them, in all",
        Series::counter(all(|one| one.loading.as_secs_f64())),
    );
    add(
        "voicenoob_phrase_cache_hit_age_seconds",
        "Ages of the phrases found, in all",
        Series::counter(all(|one| one.age_of_hits.as_secs_f64())),
    );
    add("voicenoob_phrase_cache_bytes", "Bytes that a level holds, absent while unknown", Series::gauge(known(|one| one.bytes)));
    add("voicenoob_phrase_cache_entries", "Phrases that a level holds, absent while unknown", Series::gauge(known(|one| one.entries)));
}
