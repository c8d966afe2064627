//! Offers: calls that were answered with a document and whose media stream is expected.
//!
//! The carrier cannot sign the start of a stream for us, so the document carries a one-time token bound to this call, and the stream must bring it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agent::AgentDefinition;
use call::{AgentId, CallRecord, Carrier};
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

/// An admitted call that waits for its media stream.
pub struct Offer {
    /// The call's record.
    pub record: CallRecord,
    /// Who will serve it.
    pub agent: Arc<AgentDefinition>,
    /// Its place.
    pub permit: Permit,
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
        self.lock().insert(key, Pending { offer, token: token.clone(), expires: now + Self::LIFETIME });
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

    /// Withdraws an offer: the carrier says that the call is over. The permit is freed.
    pub fn withdraw(&self, carrier: Carrier, carrier_call_id: &str) -> Option<Offer> {
        self.lock().remove(&(carrier, carrier_call_id.to_owned())).map(|pending| pending.offer)
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
    use call::{CallId, CallStatus, Direction, PhoneNumber, Timestamp};

    use super::*;
    use crate::Admission;

    fn offer(admission: &Admission, sid: &str) -> Offer {
        let agent = Arc::new(AgentDefinition::echo());
        let record = CallRecord {
            id: CallId(uuid::Uuid::from_u128(7)),
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
        Offer { record, agent, permit: admission.admit().unwrap() }
    }

    #[test]
    fn a_token_opens_one_stream_once() {
        let (offers, admission, now) = (Offers::default(), Admission::new(5), Instant::now());
        let token = offers.mint(offer(&admission, "CA1"), now).unwrap();
        let take = |token: &str| offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token), now).map(|_| ());
        assert_eq!(take("wrong"), Err(OfferError::WrongToken));
        assert_eq!(take(token.expose()), Ok(()));
        assert_eq!(take(token.expose()), Err(OfferError::Unknown));
        assert_eq!(format!("{token:?}"), "CallToken(..)");
    }

    #[test]
    fn a_token_is_bound_to_its_call_and_agent() {
        let (offers, admission, now) = (Offers::default(), Admission::new(5), Instant::now());
        let token = offers.mint(offer(&admission, "CA1"), now).unwrap();
        let other = AgentId(uuid::Uuid::from_u128(1));
        assert!(matches!(offers.take(Carrier::Twilio, "CA2", AgentDefinition::ECHO, Some(token.expose()), now), Err(OfferError::Unknown)));
        assert!(matches!(offers.take(Carrier::Telnyx, "CA1", AgentDefinition::ECHO, Some(token.expose()), now), Err(OfferError::Unknown)));
        assert!(matches!(offers.take(Carrier::Twilio, "CA1", other, Some(token.expose()), now), Err(OfferError::WrongAgent)));
        assert!(matches!(offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, None, now), Err(OfferError::WrongToken)));
    }

    #[test]
    fn an_offer_nobody_takes_frees_its_place() {
        let (offers, admission, now) = (Offers::default(), Admission::new(1), Instant::now());
        let token = offers.mint(offer(&admission, "CA1"), now).unwrap();
        let late = now + Offers::LIFETIME;
        assert!(matches!(offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token.expose()), late), Err(OfferError::Unknown)));
        drop(offers.expire(late));
        assert_eq!(admission.taken(), 0);
    }

    #[test]
    fn a_repeated_webhook_takes_one_place_only() {
        let (offers, admission, now) = (Offers::default(), Admission::new(2), Instant::now());
        let first = offers.mint(offer(&admission, "CA1"), now).unwrap();
        let second = offers.mint(offer(&admission, "CA1"), now).unwrap();
        assert_eq!((offers.len(), admission.taken()), (1, 1));
        let take = |token: &CallToken| offers.take(Carrier::Twilio, "CA1", AgentDefinition::ECHO, Some(token.expose()), now).map(|_| ());
        assert_eq!(take(&first), Err(OfferError::WrongToken));
        assert_eq!(take(&second), Ok(()));
    }
}
