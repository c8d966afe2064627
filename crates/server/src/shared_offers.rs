//! Offers of other instances: behind a balancer, a call's webhook and its media stream may reach different ones.

use agent::AgentDefinition;
use call::{AgentId, CallRecord, Carrier};
use dispatch::{Offer, OfferError, Place, SharedOffer};
use live::Command;
use tracing::{error, info, warn};

use crate::state::App;

/// Why a stream is not taken.
pub(crate) enum Refused {
    /// The token.
    Offer(OfferError),
    /// This instance has no room.
    Full,
}

/// Takes what others see of an offer of ours: whoever gets it has the call, and a token opens one stream only.
pub(crate) async fn claim(app: &App, offer: Offer) -> Result<Offer, Refused> {
    if !app.shares_live_state() {
        return Ok(offer);
    }
    match app.live_state.take_offer(&SharedOffer::key(offer.record.carrier, &offer.record.carrier_call_id)).await {
        Ok(Some(latest)) => take_back(app, offer, &latest).await,
        // Another instance has it; or it could not be shared, and then the call is still ours.
        Ok(None) => match app.services.records.claimed_by(offer.record.id).await {
            Ok(Some(instance)) if instance == app.instance().as_str() => Ok(offer),
            _ => Err(Refused::Offer(OfferError::Unknown)),
        },
        Err(fault) => {
            warn!(error = %fault, "an offer of this instance is taken by its own book");
            Ok(offer)
        }
    }
}

/// The carrier asked twice, another instance answered too, and the stream came here all the same: the other one must not wait for it, nor end
/// the call when it does not come.
async fn take_back(app: &App, offer: Offer, latest: &str) -> Result<Offer, Refused> {
    let other = serde_json::from_str::<SharedOffer>(latest).ok().filter(|latest| latest.instance != *app.instance());
    let Some(other) = other else { return Ok(offer) };
    let Offer { record, agent, place: earlier, resumed } = offer;
    let place = place(app, &record, &agent, matches!(earlier, Place::Waiting)).await?;
    crate::calls::claim(app, record.id).await;
    forget(app, &other, &record.carrier_call_id).await;
    Ok(Offer { record, agent, place, resumed })
}

/// The call's permit, or its place in the queue, comes here from wherever it is.
async fn place(app: &App, record: &CallRecord, agent: &AgentDefinition, waiting: bool) -> Result<Place, Refused> {
    if waiting {
        return crate::webhooks::wait(app, record, agent, 0).await.map_err(|_| Refused::Full);
    }
    match app.admission.admit(&app.request(record, agent)).await {
        Ok(permit) => Ok(Place::Permit(permit)),
        // The instance that answered had room, this one has none: the caller waits here before everybody else.
        Err(_) if app.settings.call_centre.queue => {
            crate::webhooks::wait(app, record, agent, crate::webhooks::CUT_OFF).await.map_err(|_| Refused::Full)
        }
        Err(_) => Err(Refused::Full),
    }
}

/// Tells the instance that answered that the stream came here.
async fn forget(app: &App, shared: &SharedOffer, carrier_call_id: &str) {
    let taken = Command::OfferTaken { call_id: carrier_call_id.to_owned(), token_digest: shared.token_digest.clone() };
    if let Err(fault) = app.live_state.send(&shared.instance, &taken).await {
        warn!(error = %fault, "the instance that answered does not know that the call is here");
    }
}

/// Takes an offer that another instance has made.
pub(crate) async fn take(
    app: &App,
    carrier: Carrier,
    agent: AgentId,
    carrier_call_id: &str,
    token: Option<&str>,
) -> Result<Offer, Refused> {
    let unknown = || Refused::Offer(OfferError::Unknown);
    if !app.shares_live_state() {
        return Err(unknown());
    }
    let key = SharedOffer::key(carrier, carrier_call_id);
    let found = app.live_state.offer(&key).await.inspect_err(|fault| warn!(error = %fault, "offers of others cannot be read"));
    let shared: SharedOffer = found.ok().flatten().and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(unknown)?;
    shared.fits(agent, token).map_err(Refused::Offer)?;
    if !matches!(app.live_state.take_offer(&key).await, Ok(Some(_))) {
        return Err(unknown());
    }
    let offer = adopt(app, &shared).await?;
    info!(call.id = %shared.call, instance = %shared.instance, "the stream of another instance's offer came here");
    forget(app, &shared, carrier_call_id).await;
    Ok(offer)
}

/// The record, and the place: the permit, or the place in the queue, comes along.
async fn adopt(app: &App, shared: &SharedOffer) -> Result<Offer, Refused> {
    let unknown = || Refused::Offer(OfferError::Unknown);
    let record = match app.services.records.call(shared.call).await {
        Ok(record) => record.filter(|record| record.ended_at.is_none()).ok_or_else(unknown)?,
        Err(fault) => {
            error!(error = %fault, "the record of another instance's offer could not be read");
            return Err(unknown());
        }
    };
    let agent = app.directory.find(shared.agent).await.ok_or_else(unknown)?;
    let place = place(app, &record, &agent, shared.waiting).await?;
    crate::calls::claim(app, record.id).await;
    Ok(Offer { record, agent, place, resumed: shared.resumed })
}
