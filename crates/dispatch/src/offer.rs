//! Offers: calls that were answered with a document and whose media stream is expected, here or on another instance.
//!
//! The carrier cannot sign the start of a stream for us, so the document carries a one-time token bound to this call, and the stream must bring it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agent::AgentDefinition;
use call::{AgentId, CallId, CallRecord, Carrier};
use live::InstanceName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Permit;

/// The one-time token of an offer: 128 random bits in hex. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct CallToken(String);

impl CallToken {
    fn new() -> Result<Self, OfferError> {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).map_err(|_| OfferError::NoRandomness)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// What may be kept outside this process: it opens nothing.
    pub fn digest(&self) -> String {
        digest(&self.0)
    }

    /// The token itself, for the answer document.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallToken(..)")
    }
}

/// With what right a call is connected.
#[derive(Debug)]
pub enum Place {
    /// It holds a permit: an agent talks to it.
    Permit(Permit),
    /// It waits in the queue: it is answered into the hold session.
    Waiting,
}

/// An answered call that waits for its media stream.
pub struct Offer {
    /// The call's record.
    pub record: CallRecord,
    /// Who will serve it.
    pub agent: Arc<AgentDefinition>,
    /// Its place.
    pub place: Place,
    /// It was connected before: the conversation goes on.
    pub resumed: bool,
}

/// An offer as other instances see it: the media stream may reach any of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedOffer {
    /// Our id of the call.
    pub call: CallId,
    /// Who will serve it.
    pub agent: AgentId,
    /// SHA-256 of its token, hex.
    pub token_digest: String,
    /// Who answered.
    pub instance: InstanceName,
    /// It waits in the queue.
    pub waiting: bool,
    /// It was connected before.
    pub resumed: bool,
}

impl SharedOffer {
    /// The key an offer is shared under.
    pub fn key(carrier: Carrier, carrier_call_id: &str) -> String {
        format!("{carrier}:{carrier_call_id}")
    }

    /// True for the token of this offer and its agent's path.
    pub fn fits(&self, agent: AgentId, token: Option<&str>) -> Result<(), OfferError> {
        let given = digest(token.unwrap_or_default());
        if !bool::from(self.token_digest.as_bytes().ct_eq(given.as_bytes())) {
            return Err(OfferError::WrongToken);
        }
        if self.agent == agent { Ok(()) } else { Err(OfferError::WrongAgent) }
    }
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Why a media stream was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// No call of that id is expected: never offered, taken before, or expired.
    #[error("no call is expected under this id")]
    Unknown,
    /// The token is missing or wrong.
    #[error("the call token is missing or wrong")]
    WrongToken,
    /// The stream came to another agent's path.
    #[error("the call was offered to another agent")]
    WrongAgent,
    /// The machine gives no random numbers.
    #[error("the operating system gave no random numbers for a call token")]
    NoRandomness,
}

struct Pending {
    offer: Offer,
    token: CallToken,
    expires: Instant,
    /// What led to it; see [`Offers::caused_by`].
    cause: Option<String>,
}

/// The offers of this process. Bounded by the permits they hold.
#[derive(Clone, Default)]
pub struct Offers(Arc<Mutex<HashMap<(Carrier, String), Pending>>>);

impl Offers {
    /// A stream must start within this time of its document.
    pub const LIFETIME: Duration = Duration::from_secs(60);

    /// Enters an offer. A repeated webhook replaces the earlier offer of the same call, whose token is void from then on.
    pub fn mint(&self, offer: Offer, now: Instant) -> Result<CallToken, OfferError> {
        let token = CallToken::new()?;
        let key = (offer.record.carrier, offer.record.carrier_call_id.clone());
        self.lock().insert(key, Pending { offer, token: token.clone(), expires: now + Self::LIFETIME, cause: None });
        Ok(token)
    }

    /// A stream has started: hands out its offer, once.
    pub fn take(
        &self,
        carrier: Carrier,
        carrier_call_id: &str,
        agent: AgentId,
        token: Option<&str>,
        now: Instant,
    ) -> Result<Offer, OfferError> {
        let mut pending = self.lock();
        let key = (carrier, carrier_call_id.to_owned());
        let found = pending.get(&key).filter(|found| now < found.expires).ok_or(OfferError::Unknown)?;
        let given = token.unwrap_or_default();
        if !bool::from(found.token.0.as_bytes().ct_eq(given.as_bytes())) {
            return Err(OfferError::WrongToken);
        }
        if found.offer.agent.id != agent {
            return Err(OfferError::WrongAgent);
        }
        pending.remove(&key).map(|taken| taken.offer).ok_or(OfferError::Unknown)
    }

    /// Remembers what led to an offer: when the carrier brings it again, the same offer is the answer.
    pub fn caused_by(&self, carrier: Carrier, carrier_call_id: &str, cause: &str) {
        if let Some(pending) = self.lock().get_mut(&(carrier, carrier_call_id.to_owned())) {
            pending.cause = Some(cause.to_owned());
        }
    }

    /// The agent and the token of an offer that this has led to and whose stream has not come yet.
    pub fn of_cause(&self, carrier: Carrier, carrier_call_id: &str, cause: &str, now: Instant) -> Option<(AgentId, CallToken)> {
        let table = self.lock();
        let found = table.get(&(carrier, carrier_call_id.to_owned()))?;
        let same = now < found.expires && found.cause.as_deref() == Some(cause);
        same.then(|| (found.offer.agent.id, found.token.clone()))
    }

    /// Withdraws an offer: the carrier says that the call is over. The permit is freed.
    pub fn withdraw(&self, carrier: Carrier, carrier_call_id: &str) -> Option<Offer> {
        self.lock().remove(&(carrier, carrier_call_id.to_owned())).map(|pending| pending.offer)
    }

    /// Withdraws an offer when it is the one with this token, and not a newer one of the same call.
    pub fn withdraw_if(&self, carrier: Carrier, carrier_call_id: &str, token_digest: &str) -> Option<Offer> {
        let mut table = self.lock();
        let key = (carrier, carrier_call_id.to_owned());
        let same = table.get(&key).is_some_and(|pending| pending.token.digest() == token_digest);
        same.then(|| table.remove(&key)).flatten().map(|pending| pending.offer)
    }

    /// True while the call's stream is expected.
    pub fn has(&self, carrier: Carrier, carrier_call_id: &str) -> bool {
        self.lock().contains_key(&(carrier, carrier_call_id.to_owned()))
    }

    /// Removes the offers whose stream never came.
    pub fn expire(&self, now: Instant) -> Vec<Offer> {
        let mut pending = self.lock();
        let keys: Vec<_> = pending.iter().filter(|(_, entry)| now >= entry.expires).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| pending.remove(key)).map(|entry| entry.offer).collect()
    }

    /// How many streams are expected.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Carrier, String), Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use call::{CallStatus, Direction, PhoneNumber, Timestamp};

    use super::*;

    fn offer(sid: &str) -> Offer {
        let agent = Arc::new(AgentDefinition::echo());
        let record = CallRecord {
            id: CallId(uuid::Uuid::from_u128(7)),
            tenant: call::TenantId::DEFAULT,
            carrier: Carrier::Twilio,
            carrier_call_id: sid.into(),
            direction: Direction::Inbound,
            from: PhoneNumber::new("+1"),
            to: PhoneNumber::new("+2"),
            agent_id: agent.id,
            agent_name: agent.name.clone(),
            status: CallStatus::Ringing,
            offered_at: Timestamp::UNIX_EPOCH,
            answered_at: None,
            ended_at: None,
            end_reason: None,
            recording: None,
        };
        Offer { record, agent, place: Place::Waiting, resumed: false }
    }

    #[test]
    fn a_token_opens_one_stream_once() {
        let (offers, now) = (Offers::default(), Instant::now());
        let token = offers.mint(offer("CA1"), now).unwrap();
        let take = |token: &str| offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token), now).map(|_| ());
        assert_eq!(take("wrong"), Err(OfferError::WrongToken));
        assert_eq!(take(token.expose()), Ok(()));
        assert_eq!(take(token.expose()), Err(OfferError::Unknown));
        assert_eq!(format!("{token:?}"), "CallToken(..)");
    }

    #[test]
    fn a_token_is_bound_to_its_call_and_agent() {
        let (offers, now) = (Offers::default(), Instant::now());
        let token = offers.mint(offer("CA1"), now).unwrap();
        let other = AgentId(uuid::Uuid::from_u128(1));
        assert!(matches!(offers.take(Carrier::Twilio, "CA2", AgentDefinition::ECHO, Some(token.expose()), now), Err(OfferError::Unknown)));
        assert!(matches!(offers.take(Carrier::Telnyx, "CA1", AgentDefinition::ECHO, Some(token.expose()), now), Err(OfferError::Unknown)));
        assert!(matches!(offers.take(Carrier::Twilio, "CA1", other, Some(token.expose()), now), Err(OfferError::WrongAgent)));
        assert!(matches!(offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, None, now), Err(OfferError::WrongToken)));
    }

    #[test]
    fn an_offer_nobody_takes_frees_its_place() {
        let (offers, now) = (Offers::default(), Instant::now());
        let token = offers.mint(offer("CA1"), now).unwrap();
        let late = now + Offers::LIFETIME;
        assert!(matches!(offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token.expose()), late), Err(OfferError::Unknown)));
        assert_eq!((offers.expire(late).len(), offers.len()), (1, 0));
    }

    #[test]
    fn a_repeated_webhook_takes_one_place_only() {
        let (offers, now) = (Offers::default(), Instant::now());
        let first = offers.mint(offer("CA1"), now).unwrap();
        let second = offers.mint(offer("CA1"), now).unwrap();
        assert_eq!(offers.len(), 1);
        let take = |token: &CallToken| offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token.expose()), now).map(|_| ());
        assert_eq!(take(&first), Err(OfferError::WrongToken));
        assert_eq!(take(&second), Ok(()));
    }

    #[test]
    fn what_led_to_an_offer_finds_it_again_until_its_stream_comes() {
        let (offers, now) = (Offers::default(), Instant::now());
        let token = offers.mint(offer("CA1"), now).unwrap();
        offers.caused_by(Carrier::Twilio, "CA1", "event 1");
        let again = |cause: &str, now| offers.of_cause(Carrier::Twilio, "CA1", cause, now);
        assert_eq!(again("event 1", now), Some((AgentDefinition::ECHO, token.clone())));
        assert_eq!(again("event 2", now), None);
        assert_eq!(again("event 1", now + Offers::LIFETIME), None);
        assert!(offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token.expose()), now).is_ok());
        assert_eq!(again("event 1", now), None);
    }

    #[test]
    fn a_shared_offer_opens_for_its_token_only_and_holds_no_token() {
        let token = CallToken::new().unwrap();
        let shared = SharedOffer {
            call: CallId(uuid::Uuid::from_u128(7)),
            agent: AgentDefinition::ECHO,
            token_digest: token.digest(),
            instance: InstanceName::new("a").unwrap(),
            waiting: false,
            resumed: true,
        };
        let text = serde_json::to_string(&shared).unwrap();
        assert!(!text.contains(token.expose()));
        let read: SharedOffer = serde_json::from_str(&text).unwrap();
        assert_eq!(read.fits(AgentDefinition::ECHO, Some(token.expose())), Ok(()));
        assert_eq!(read.fits(AgentDefinition::ECHO, Some(&token.digest())), Err(OfferError::WrongToken));
        assert_eq!(read.fits(AgentDefinition::ECHO, None), Err(OfferError::WrongToken));
        assert_eq!(read.fits(AgentId(uuid::Uuid::from_u128(1)), Some(token.expose())), Err(OfferError::WrongAgent));
    }
}
