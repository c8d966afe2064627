//! Telnyx calls that are steered by command: an event comes, and the answer is not a document but a request to the carrier's REST interface.
//!
//! Nothing is kept between events: what is to be done follows from the event and the call's record, so any instance can take any event. An event
//! that this instance cannot serve is answered 503, and the carrier brings it to another one.

mod leg;

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use call::{CallRecord, Carrier, Dial, Direction, EndReason, NextStep, PhoneNumber};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::StoreError;
use telephony::telnyx::webhook::{CallControlEvent, CallControlKind};
use telephony::{Document, VoiceOffer};
use tracing::{error, info};
use trunk::{CallControl, Speech, StreamRequest, TransferRequest, TrunkError};
use uuid::Uuid;

use super::answer::{self, Asked};
use super::resume;
use super::transfer::Told;
use crate::calls::STREAM_ID;
use crate::origin::Origin;
use crate::refusals::{self, Refusal};
use crate::state::App;
use leg::{Leg, not_dialled, of_leg};

/// Telnyx's own voice, which needs no account with a voice vendor.
const VOICE: &str = "female";
/// A stream that ended while this instance takes no calls is brought to another one.
const RETRY_AFTER_SECS: &str = "1";

/// Takes an event. `asked` is what the webhook's address says.
pub(super) async fn event(app: &App, control: &Arc<dyn CallControl>, origin: &Origin, event: CallControlEvent, asked: &Asked) -> Response {
    let leg = Leg::read(event.client_state.as_deref());
    let call = leg.as_ref().map_or(event.call_control_id.as_str(), |leg| leg.call.as_str());
    let commands = Commands { control: control.as_ref(), event: &event, call };
    let done = match &event.kind {
        _ if leg.is_some() => of_leg(app, origin, &commands, leg.as_ref()).await,
        CallControlKind::Bridged => of_leg(app, origin, &commands, None).await,
        CallControlKind::Initiated { offer, parked: true } => match commands.again(app, origin) {
            Some(document) => commands.answer(document).await,
            None if is_answered(app, &commands).await => Done::Yes,
            None => {
                let document = answer::answer(app, origin, offer.clone(), asked).await;
                commands.remember(app);
                commands.answer(document).await
            }
        },
        CallControlKind::Answered => refused(app, &commands).await,
        CallControlKind::StreamingStopped { stream_id, .. } | CallControlKind::StreamingFailed { stream_id, .. }
            if commands.again(app, origin).is_none() && is_old_news(app, call, stream_id.as_deref()).await =>
        {
            Done::Yes
        }
        CallControlKind::StreamingStopped { .. } | CallControlKind::StreamingFailed { .. } => {
            let document = match commands.again(app, origin) {
                Some(document) => Ok(document),
                None => commands.decided(app, origin, None).await,
            };
            match document {
                Ok(document) => match commands.go_on(app, document).await {
                    Done::NotDialled => not_dialled(app, origin, &commands).await,
                    done => done,
                },
                Err(fault) => later(&fault),
            }
        }
        CallControlKind::Hangup(report) => return super::reported(app, Carrier::Telnyx, report).await,
        // The carrier's voice speaks last words only.
        CallControlKind::Other(name) if name == "call.speak.ended" => commands.hangup().await,
        _ => Done::Yes,
    };
    match done {
        Done::Yes => axum::Json(json!({ "status": "received" })).into_response(),
        // A caller who is back from a transfer is not dialled for at once.
        Done::Elsewhere | Done::NotDialled => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER_SECS)]).into_response(),
    }
}

enum Done {
    Yes,
    /// Another instance, or a later try, shall take it.
    Elsewhere,
    /// The carrier does not dial this number.
    NotDialled,
}

/// True when the call has another stream by now, or waits for one: events come late, and out of order.
async fn is_old_news(app: &App, call_id: &str, stream_id: Option<&str>) -> bool {
    let Some(stream_id) = stream_id else { return false };
    match app.services.records.next_step(Carrier::Telnyx, call_id).await {
        Ok(Some(NextStep::Unreached { stream: Some(before), .. })) => return before.eq_ignore_ascii_case(stream_id),
        // It is dialled when this stream ends, and no other.
        Ok(Some(NextStep::Dial(Dial { stream: Some(last), .. }))) => return !last.eq_ignore_ascii_case(stream_id),
        _ => {}
    }
    let calls = app.live_state.active_calls().await.unwrap_or_default();
    let live = calls.iter().find(|entry| entry.call_id == call_id).and_then(|entry| entry.metadata.as_ref()?.get(STREAM_ID));
    live.is_some_and(|live| !live.eq_ignore_ascii_case(stream_id))
}

/// True when the call has been talked in: that it begins is old news.
async fn is_answered(app: &App, commands: &Commands<'_>) -> bool {
    record(app, commands).await.is_some_and(|record| record.answered_at.is_some())
}

/// A call that was refused was answered without a stream: now it can be told why.
async fn refused(app: &App, commands: &Commands<'_>) -> Done {
    let found = app.services.records.call_by_carrier(Carrier::Telnyx, commands.call).await;
    let record = match found {
        Ok(Some(record)) if record.ended_at.is_none() => return Done::Yes,
        Ok(Some(record)) => record,
        // It was refused before there was a record of it.
        Ok(None) => return commands.speak(answer::NO_AGENT.to_owned(), "en-US").await,
        Err(fault) => {
            error!(error = %fault, "the record of a call could not be read");
            return Done::Elsewhere;
        }
    };
    told_why(app, commands, &record).await
}

/// The carrier's voice says why a call is over: the same words, whenever the event comes again.
async fn told_why(app: &App, commands: &Commands<'_>, record: &CallRecord) -> Done {
    let kind = match record.end_reason {
        Some(EndReason::Refused) => answer::why_refused(app, record),
        Some(EndReason::Drained) => Refusal::Closing,
        _ => Refusal::Fault,
    };
    match app.directory.get(record.agent_id) {
        Some(agent) => commands.speak(refusals::text(&agent, kind), &agent.language).await,
        None => commands.hangup().await,
    }
}

async fn record(app: &App, commands: &Commands<'_>) -> Option<CallRecord> {
    let found = app.services.records.call_by_carrier(Carrier::Telnyx, commands.call).await;
    found.inspect_err(|fault| error!(error = %fault, "the record of a call could not be read")).ok().flatten()
}

fn later(fault: &StoreError) -> Done {
    error!(error = %fault, "how a call goes on could not be read or stored; the carrier will bring the event again");
    Done::Elsewhere
}

/// A call of which only the id is known here; its record has the rest.
fn bare(call_control_id: &str) -> VoiceOffer {
    VoiceOffer {
        carrier: Carrier::Telnyx,
        carrier_call_id: call_control_id.to_owned(),
        account: None,
        from: PhoneNumber::new(""),
        to: PhoneNumber::new(""),
        direction: Direction::Inbound,
    }
}

/// Commands that an event leads to. The same cause leads to the same offer and the same command ids, so an event that comes twice does nothing
/// twice.
struct Commands<'a> {
    control: &'a dyn CallControl,
    event: &'a CallControlEvent,
    /// Whose call it is about: where the event tells of a person's leg, the caller's.
    call: &'a str,
}

impl Commands<'_> {
    /// What the event is about: that a stream ended may be told by two events.
    fn cause(&self) -> &str {
        match &self.event.kind {
            CallControlKind::StreamingStopped { stream_id: Some(stream), .. }
            | CallControlKind::StreamingFailed { stream_id: Some(stream), .. } => stream,
            _ => &self.event.id,
        }
    }

    /// The answer that was given to this before, while its stream has not come: the carrier may not have got it, or have obeyed it already.
    fn again(&self, app: &App, origin: &Origin) -> Option<Document> {
        answer::again(app, origin, Carrier::Telnyx, self.call, self.cause())
    }

    /// How the call goes on, which is remembered.
    async fn decided(&self, app: &App, origin: &Origin, dialled: Option<Told>) -> Result<Document, StoreError> {
        let document = resume::decided(app, origin, resume::After { call: bare(self.call), dialled, hop: 0 }).await?;
        self.remember(app);
        Ok(document)
    }

    fn remember(&self, app: &App) {
        app.offers.caused_by(Carrier::Telnyx, self.call, self.cause());
    }

    fn id(&self, command: &str) -> Uuid {
        let digest = Sha256::new().chain_update(self.cause().as_bytes()).chain_update(b"\0").chain_update(command.as_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(bytes)
    }

    /// Answers a new call as the document says.
    async fn answer(&self, document: Document) -> Done {
        let call = self.call;
        match document {
            // An answer carries no parameters: the token goes along in the address, which this carrier allows (telnyx.md 1.1).
            Document::ConnectStream { stream_url, parameters, format, .. } => {
                let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
                let stream = StreamRequest { url: format!("{stream_url}?{query}"), format, parameters: Vec::new(), client_state: None };
                self.done(self.control.answer(call, self.id("answer"), Some(&stream)).await)
            }
            Document::Redirect { .. } => Done::Elsewhere,
            Document::SayAndHangup { .. } | Document::PlayAndHangup { .. } => {
                self.done(self.control.answer(call, self.id("answer"), None).await)
            }
            Document::Hangup | Document::RejectBusy | Document::Dial { .. } => self.hangup().await,
        }
    }

    /// Has a call whose stream is over go on as the document says.
    async fn go_on(&self, app: &App, document: Document) -> Done {
        match document {
            Document::ConnectStream { stream_url, parameters, format, .. } => {
                let stream = StreamRequest { url: stream_url, format, parameters, client_state: None };
                match self.control.streaming_start(self.call, self.id("streaming_start"), &stream).await {
                    // No stream comes for the place that it has.
                    Err(TrunkError::CallEnded { .. } | TrunkError::UnknownCall { .. }) => {
                        info!("the caller has hung up before the stream was there");
                        super::over(app, Carrier::Telnyx, self.call).await.map_or_else(|fault| later(&fault), |()| Done::Yes)
                    }
                    started => self.done(started),
                }
            }
            Document::Redirect { .. } => Done::Elsewhere,
            Document::SayAndHangup { text, language } => self.speak(text, language.as_deref().unwrap_or("en-US")).await,
            Document::PlayAndHangup { .. } => match record(app, self).await.filter(|record| record.ended_at.is_some()) {
                Some(record) => told_why(app, self, &record).await,
                None => self.speak(answer::FAULT.to_owned(), "en-US").await,
            },
            Document::Dial { number, caller_id, timeout_secs, .. } => {
                let Ok(Some(NextStep::Dial(dial))) = app.services.records.next_step(Carrier::Telnyx, self.call).await else {
                    return Done::Elsewhere;
                };
                let leg_state = Leg::of(self.call, &dial).write();
                let request = TransferRequest { to: number, from: caller_id.map(PhoneNumber::new), timeout_secs, leg_state };
                match self.control.transfer(self.call, self.id("transfer"), &request).await {
                    // Our key may do everything but this, in an account that may not dial out.
                    Err(fault @ (TrunkError::Rejected { .. } | TrunkError::InvalidRequest { .. } | TrunkError::Refused { .. })) => {
                        error!(error = %fault, "the caller is not put through");
                        Done::NotDialled
                    }
                    sent => self.done(sent),
                }
            }
            Document::Hangup | Document::RejectBusy => self.hangup().await,
        }
    }

    async fn speak(&self, text: String, language: &str) -> Done {
        let speech = Speech { text, language: Some(language.to_owned()), voice: VOICE.to_owned() };
        self.done(self.control.speak(self.call, self.id("speak"), &speech).await)
    }

    async fn hangup(&self) -> Done {
        self.done(self.control.hangup(self.call, self.id("hangup")).await)
    }

    fn done(&self, sent: Result<(), TrunkError>) -> Done {
        match sent {
            Ok(()) => Done::Yes,
            Err(fault @ (TrunkError::CallEnded { .. } | TrunkError::UnknownCall { .. })) => {
                info!(error = %fault, "the call is over already");
                Done::Yes
            }
            Err(fault) => {
                error!(error = %fault, "the carrier did not take a command; it will bring the event again");
                Done::Elsewhere
            }
        }
    }
}
