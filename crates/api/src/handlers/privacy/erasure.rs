//! An erasure: begun by a request, and finished whether or not somebody waits for it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use call::{CallId, PhoneNumber, TenantId};
use privacy::pseudonym;
use store::personal::{self, PrivacyKind, PrivacyLog};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

use super::body::Erasure;
use crate::audited::{Act, Done, privileged};
use crate::extract::Caller;
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::state::ApiState;

/// Erasures under way at once: each looks through a whole workspace.
const AT_ONCE: u32 = 4;
/// Most rounds of one erasure; each takes up to 2,000 calls.
const ROUNDS: u32 = 100;
/// The answer waits this long for the erasure, which then goes on without it. Less than the gate allows a costly request.
const ANSWER_LIMIT: Duration = Duration::from_secs(55);

/// The erasures of one instance that are under way: one of each workspace, so that none keeps the others out.
pub struct Erasures {
    places: Arc<Semaphore>,
    workspaces: Arc<Mutex<HashSet<TenantId>>>,
}

/// One under way, until it is dropped.
struct UnderWay {
    _place: OwnedSemaphorePermit,
    tenant: TenantId,
    workspaces: Arc<Mutex<HashSet<TenantId>>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}

impl Default for Erasures {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE as usize)), workspaces: Arc::default() }
    }
}

impl Erasures {
    fn begin(&self, tenant: TenantId) -> Result<UnderWay, Problem> {
        let detail = "as many erasures as there may be are under way, or the program stops; try again";
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::unavailable("erasures", detail))?;
        if !self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant) {
            return Err(Problem::unavailable("erasures", "an erasure of this workspace is under way; try again when it is over"));
        }
        Ok(UnderWay { _place: place, tenant, workspaces: Arc::clone(&self.workspaces) })
    }

    /// Begins no more, and waits for those under way for at most `limit`. False when some are not over: each of their steps is whole, and the same
    /// request again does the rest.
    pub async fn settle(&self, limit: Duration) -> bool {
        let over = timeout(limit, self.places.acquire_many(AT_ONCE)).await.is_ok();
        self.places.close();
        over
    }
}

/// Erases in a task of its own, and waits for it.
pub(super) async fn begin(api: &ApiState, caller: Caller, number: PhoneNumber) -> Result<Erasure, Problem> {
    let (tenant, place, api) = {
        let tenant = caller.tenant()?;
        (tenant, api.erasures.begin(tenant)?, api.clone())
    };
    let work = async move {
        let done = erase(&api, &caller, tenant, &number).await;
        drop(place);
        done
    };
    match timeout(ANSWER_LIMIT, tokio::spawn(work.in_current_span())).await {
        Ok(Ok(done)) => done,
        Ok(Err(fault)) => Err(Problem::internal_because(&fault)),
        Err(_) => {
            let detail = "the erasure takes long, and goes on; /api/v1/privacy/log has it when it is over, and the same request again finds what is left";
            Err(Problem::unavailable("erasing", detail))
        }
    }
}

/// Everything, and the proof of it.
async fn erase(api: &ApiState, caller: &Caller, tenant: TenantId, number: &PhoneNumber) -> Result<Erasure, Problem> {
    let subject = pseudonym(&api.pseudonym_key, "phone", &number.digits());
    let erased = in_rounds(api, caller, tenant, number, &subject).await?;
    let left_over = personal::search(&api.db, tenant, number).await?;
    let entry = PrivacyLog {
        id: Uuid::now_v7(),
        tenant,
        at: now(),
        kind: PrivacyKind::Erasure,
        subject: Some(subject.clone()),
        removed: serde_json::json!(erased.removed),
        left_over: serde_json::json!(left_over),
    };
    let act = Act::new("privacy.proof", "caller").on(&subject).with(serde_json::json!({ "log": entry.id, "left_over": left_over }));
    let noted = privileged(api, caller, act, async |tx| {
        personal::log(tx, &entry).await?;
        Ok(Done::new(()))
    });
    noted.await?;
    Ok(Erasure::new(entry, left_over.is_empty(), &erased.open))
}

/// What was erased in all rounds.
#[derive(Default)]
struct Erased {
    removed: BTreeMap<&'static str, u64>,
    /// Calls that go on, of the last round.
    open: Vec<CallId>,
}

/// Erases in rounds: of somebody who called very often, one round finds only a part.
async fn in_rounds(api: &ApiState, caller: &Caller, tenant: TenantId, number: &PhoneNumber, subject: &str) -> Result<Erased, Problem> {
    let mut all = Erased::default();
    for _ in 0..ROUNDS {
        let found = personal::find(&api.db, tenant, number).await?;
        // Files go first: once the rows are blank, nobody knows which files were the caller's.
        let recordings = remove_recordings(api, found.recordings()).await?;
        let act = Act::new("privacy.erase", "caller").on(subject);
        let counts = privileged(api, caller, act, async |tx| {
            let erased = personal::erase(tx, &found).await?;
            let detail = serde_json::json!({ "rows": erased.counts, "recordings": recordings });
            Ok(Done::new(erased.counts).with(detail))
        });
        for (kind, rows) in counts.await?.into_iter().chain([("recordings", recordings)]) {
            *all.removed.entry(kind).or_default() += rows;
        }
        all.open = found.open_calls().to_vec();
        if !found.is_partial() {
            break;
        }
    }
    Ok(all)
}

/// How many files were there. One that cannot be removed ends the erasure before its rows are touched.
async fn remove_recordings(api: &ApiState, paths: impl Iterator<Item = &str>) -> Result<u64, Problem> {
    let mut removed = 0;
    for path in paths {
        let there = api.recordings.remove(path).await.map_err(|fault| {
            tracing::error!(error = %fault, "a recording could not be removed");
            let detail = "a recording could not be removed, and its calls were not erased from the database; see the log, and try again";
            Problem::unavailable("recordings", detail)
        })?;
        removed += u64::from(there);
    }
    Ok(removed)
}
