//! How often a number may call, and a workspace be called: a machine gone wild must not take the lines of all others.

use call::CallRecord;
use live::Ask;
use privacy::pseudonym;
use telemetry::RefusedBecause;

use crate::state::App;

/// Counts a new call; why it is refused, if it is. A call whose number is withheld counts for its workspace only.
pub(super) async fn too_often(app: &App, record: &CallRecord) -> Option<RefusedBecause> {
    let (centre, digits) = (&app.settings.call_centre, record.from.digits());
    let caller = centre.caller_rate.filter(|_| !digits.is_empty()).map(|rate| {
        // Numbers of people must not stand in the keys of a shared server.
        let caller = pseudonym(&app.api.pseudonym_key, "phone", &digits);
        (Ask { key: format!("calls {} {caller}", record.tenant), rate }, RefusedBecause::CallerRate)
    });
    let tenant = centre.tenant_rate.map(|rate| (Ask { key: format!("calls {}", record.tenant), rate }, RefusedBecause::TenantRate));
    let (asks, because): (Vec<_>, Vec<_>) = caller.into_iter().chain(tenant).unzip();
    let refusing = app.api.limits.refusing(asks).await?;
    because.get(refusing).copied()
}
