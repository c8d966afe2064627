//! The part of the API that meets calls: records, recordings, events, the queue, the drain, the hotel's books. The rest is the crate `api`'s.

mod bodies;
mod books;
mod calls;
pub(crate) mod drain;
pub(crate) mod events;
mod on_the_phone;
mod queue;
mod recording;
mod services;
mod usage;

use api::Access::Needs;
use api::{Act, Budget, Caller, Done, Problem, Table, privileged};
use people::Permission::{CallEnd, CallManage, CallView, RecordingListen, SystemConfig, SystemMonitor};
use tracing::warn;
use utoipa_axum::routes;

pub(crate) use self::recording::is_inside;
use crate::state::App;

/// Every address of the API with who may and how often, those of the crate `api` included.
pub(crate) fn table(app: &App) -> Table<App> {
    api::table()
        .with_state(&app.api)
        .add(routes!(calls::list), Needs(&[CallView]), Budget::Read)
        .add(routes!(on_the_phone::active), Needs(&[CallView]), Budget::Read)
        .add(routes!(calls::get), Needs(&[CallView]), Budget::Read)
        .add(routes!(calls::hang_up), Needs(&[CallEnd]), Budget::Write)
        .add(routes!(recording::get), Needs(&[CallView, RecordingListen]), Budget::Read)
        .add(routes!(events::follow), Needs(&[CallView]), Budget::Stream)
        .add(routes!(books::messages), Needs(&[CallView]), Budget::Read)
        .add(routes!(books::callbacks), Needs(&[CallView]), Budget::Read)
        .add(routes!(books::reservations), Needs(&[CallView]), Budget::Read)
        .add(routes!(queue::list), Needs(&[CallView]), Budget::Read)
        .add(routes!(queue::stats), Needs(&[SystemMonitor]), Budget::Read)
        .add(routes!(queue::remove), Needs(&[CallManage]), Budget::Write)
        .add(routes!(queue::clear), Needs(&[CallManage]), Budget::Write)
        .add(routes!(on_the_phone::instances), Needs(&[SystemMonitor]), Budget::Read)
        .add(routes!(services::list), Needs(&[SystemMonitor]), Budget::Read)
        .add(routes!(services::open), Needs(&[SystemConfig]), Budget::Write)
        .add(routes!(services::reset), Needs(&[SystemConfig]), Budget::Write)
        .add(routes!(drain::show), Needs(&[SystemMonitor]), Budget::Read)
        .add(routes!(drain::begin, drain::cancel), Needs(&[SystemConfig]), Budget::Write)
}

/// Notes in the audit trail what is about to be done to live calls. What cannot be noted is not done.
async fn noted(app: &App, caller: &Caller, action: &'static str, kind: &'static str, id: Option<String>) -> Result<(), Problem> {
    let act = Act::new(action, kind);
    let act = id.into_iter().fold(act, |act, id| act.on(id));
    privileged(&app.api, caller, act, async |_| Ok(Done::new(()))).await
}

fn unreachable(fault: live::LiveError) -> Problem {
    warn!(error = %fault, "live state cannot be reached");
    Problem::unavailable("live_state", "the state that instances share cannot be reached at the moment")
}
