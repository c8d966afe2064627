//! `GET /metrics`.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dispatch::DrainState;
use resilience::{State as Breaker, View};
use speech::phrases::LevelView;
use speech::vendor::riva::PoolView;
use telemetry::{PhraseSample, Pool, PoolSample, Sample, ServiceSample};

use crate::state::App;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(metrics) = &app.metrics else {
        return (StatusCode::NOT_FOUND, "Prometheus metrics disabled").into_response();
    };
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let rendered = metrics.render(accept, &sample(&app).await);
    ([(header::CONTENT_TYPE, rendered.content_type)], rendered.body).into_response()
}

/// What is read off the live tables at the moment of the scrape: nothing here is counted up and down.
async fn sample(app: &App) -> Sample {
    let depth = app.live_state.depth().await;
    let draining = app.drain.state() != DrainState::Running;
    let hashing = app.api.people.hashing();
    Sample {
        active_calls: u64::try_from(app.live.talking()).unwrap_or(u64::MAX),
        permits_taken: u64::try_from(app.admission.taken()).unwrap_or(u64::MAX),
        permits_limit: u64::try_from(app.admission.limit()).unwrap_or(u64::MAX),
        waiting_here: u64::try_from(app.waiting.len()).unwrap_or(u64::MAX),
        live_state_up: depth.is_ok(),
        queue_depth: depth.ok(),
        offers: u64::try_from(app.offers.len()).unwrap_or(u64::MAX),
        drain_state: app.drain.state().as_str(),
        remaining_calls: if draining { u64::try_from(crate::stopping::remaining(app)).unwrap_or(u64::MAX) } else { 0 },
        services: app.guards.views().into_iter().map(service).collect(),
        phrases: app.services.phrases.views().into_iter().map(phrases).collect(),
        pools: app.riva.iter().map(|channels| pool("riva", &channels.view())).collect(),
        passwords_running: u64::try_from(hashing.running).unwrap_or(u64::MAX),
        passwords_waiting: u64::try_from(hashing.inside.saturating_sub(hashing.running)).unwrap_or(u64::MAX),
        passwords_done: hashing.done,
        pool: app.database.as_ref().map(|database| {
            let pool = database.pool_state();
            Pool { in_use: pool.in_use, idle: pool.idle, max: pool.max, waits: pool.waits, waited: pool.waited }
        }),
    }
}

fn phrases(view: LevelView) -> PhraseSample {
    PhraseSample {
        level: view.level,
        hits: view.hits,
        misses: view.misses,
        errors: view.errors,
        evictions: view.holding.evictions,
        bytes: view.holding.bytes,
        entries: view.holding.entries,
        loading: view.loading,
        age_of_hits: view.age_of_hits,
    }
}

fn pool(name: &'static str, view: &PoolView) -> PoolSample {
    let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
    PoolSample {
        pool: name,
        in_use: count(view.in_use),
        max: count(view.max),
        waiting: count(view.waiting),
        connections: count(view.streams.len()),
        idle: count(view.idle),
        busiest: count(view.streams.iter().copied().max().unwrap_or_default()),
        waits: view.waits,
        waited: view.waited,
        replaced: view.replaced,
    }
}

fn service(view: View) -> ServiceSample {
    ServiceSample {
        service: view.service.as_str(),
        states: Breaker::ALL.map(|state| (state.as_str(), state == view.state)).to_vec(),
        transitions: view.transitions.iter().map(|(from, to, count)| (from.as_str(), to.as_str(), *count)).collect(),
        calls: view.counts.named().to_vec(),
        under_way: u64::try_from(view.in_use).unwrap_or(u64::MAX),
        not_closed: view.not_closed,
    }
}
