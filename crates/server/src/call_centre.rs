//! Builds what all calls share: live state, registry, admission, the waiting room, the drain, and the heart that keeps them.

use std::sync::Arc;

use dispatch::{Admission, Counted, Drain, Heart, InStep, LiveCalls, Offers, Pulsing, WaitingRoom};
use live::{CallRegistry, InProcess, LiveState, RateLimits, RedisState};
use privacy::Secret;
use resilience::{Guards, Service};
use store::Records;
use telemetry::CallRecorder;

use crate::ServerError;
use crate::settings::Settings;

/// What all calls share.
pub(crate) struct CallCentre {
    pub(crate) heart: Arc<Heart>,
    /// Rates of the API that instances count together.
    pub(crate) rates: Option<Arc<dyn RateLimits>>,
}

impl CallCentre {
    /// Builds it, and starts what gives permits back.
    pub(crate) fn build(
        settings: &Settings,
        records: &Arc<dyn Records>,
        recorder: &CallRecorder,
        guards: &Guards,
    ) -> Result<Self, ServerError> {
        let centre = &settings.call_centre;
        let in_step = InStep::default();
        let connect =
            |url: &Secret| RedisState::behind(guards.of(Service::Redis), url.expose(), &centre.redis_key_prefix, centre.rules.clone());
        let redis = centre.redis_url.as_ref().map(connect).transpose()?.map(Arc::new);
        let rates = redis.clone().map(|redis| redis as Arc<dyn RateLimits>);
        let state: Arc<dyn LiveState> = match redis {
            Some(redis) => redis,
            None => Arc::new(InProcess::new(centre.rules.clone())),
        };
        let state: Arc<dyn LiveState> = Arc::new(Counted::new(state, recorder.clone(), in_step.clone()));
        let (admission, giving_back) = Admission::new(state.clone(), centre.instance.clone(), settings.max_concurrent_calls);
        tokio::spawn(giving_back);
        let registry = CallRegistry::new(state.clone(), centre.instance.clone(), centre.registry, centre.drain.timeout);
        let heart = Heart {
            waiting: WaitingRoom::new(state.clone(), admission.clone(), recorder.clone(), in_step.clone()),
            registry: Arc::new(registry),
            live: LiveCalls::default(),
            offers: Offers::default(),
            drain: Drain::new(centre.drain),
            records: Arc::clone(records),
            recorder: recorder.clone(),
            url: centre.instance_url.clone(),
            interval: centre.heartbeat,
            resume_window: centre.rules.resume_window,
            pulse: Pulsing::default(),
            in_step,
            admission,
            state,
        };
        Ok(Self { heart: Arc::new(heart), rates })
    }
}
