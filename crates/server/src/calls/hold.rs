//! A caller waits for an agent, on the same socket that the conversation goes on with.

use std::sync::Arc;

use call::{EndReason, NextStep};
use dispatch::{News, Permit};
use live::{Leaving, Place};
use session::MediaSocket;
use session::close::{self, Close};
use session::hold::{HoldNews, HoldOver, HoldSetup, OnLeaving};
use store::CallbackWhy;
use telephony::MediaStream;
use tokio::sync::watch;
use tracing::Instrument;

use super::{Connected, end_record, is_claimed, promise_callback, reported_over, set_next, unreached};
use crate::state::App;

/// Waits with the caller. The socket, the stream and the permit when an agent is there; `None` when the waiting ended otherwise.
pub(super) async fn hold<S: MediaSocket>(
    app: &App,
    socket: S,
    stream: Box<dyn MediaStream>,
    call: &mut Connected,
) -> Option<(S, Box<dyn MediaStream>, Permit)> {
    let call_id = call.record.carrier_call_id.clone();
    let (tell, news) = watch::channel(HoldNews::Removed);
    let told_by = tell.clone();
    let seat = app.waiting.sit(
        &call_id,
        Box::new(move |news| {
            told_by.send_replace(told(news));
        }),
    );
    if let Some(place) = seat {
        tell.send_replace(first_news(app, place));
    }
    app.heart.look_soon();
    let setup = Box::new(HoldSetup {
        socket,
        stream,
        call: call.record.clone(),
        agent: Arc::clone(&call.agent),
        news,
        hangup: call.hangup.clone(),
        orders: call.orders.clone(),
        on_leaving: on_leaving(app, &call_id),
    });
    let end = session::hold::hold(setup, app.services_of(&call.agent)).await;
    let permit = app.waiting.leave_if(&call_id, end.over == HoldOver::Granted);
    match permit {
        Some(permit) => {
            call.ordered.served();
            app.live.served(&call.live);
            Some((end.socket, end.stream, permit))
        }
        None => {
            over(app, call, end.socket, end.over).await;
            None
        }
    }
}

/// Who is being told that no agent comes waits no more: a line that gets free meanwhile is the next one's.
fn on_leaving(app: &App, call_id: &str) -> OnLeaving {
    let (waiting, call_id) = (app.waiting.clone(), call_id.to_owned());
    Box::new(move |over| {
        if let Some((_, leaving)) = what_follows(over).1.why {
            tokio::spawn(async move { waiting.give_up(&call_id, leaving).await }.in_current_span());
        }
    })
}

/// Where it stood last; when that is not known, behind those who wait here.
fn first_news(app: &App, place: Option<Place>) -> HoldNews {
    let position = place.map_or(u64::try_from(app.waiting.len()).unwrap_or(u64::MAX), |place| place.position);
    HoldNews::Waiting { position, expected_wait: place.and_then(|place| place.expected_wait) }
}

fn told(news: News) -> HoldNews {
    match news {
        News::Waiting(place) => HoldNews::Waiting { position: place.position, expected_wait: place.expected_wait },
        News::Granted => HoldNews::Granted,
        News::Removed => HoldNews::Removed,
    }
}

/// The waiting ended without an agent.
async fn over<S: MediaSocket>(app: &App, call: &Connected, mut socket: S, over: HoldOver) {
    let (next, ending) = what_follows(over);
    let ours = call.ordered.is_current() && is_claimed(app, &call.record).await;
    // That the caller is back from a transfer stays stored until an agent is there and knows.
    let back = next == Some(NextStep::Resume) && unreached(app, &call.record).await.is_some();
    if let Some(next) = next.filter(|_| ours && !back) {
        set_next(app, call.record.id, &next).await;
    }
    match over {
        HoldOver::Callback => promise_callback(app, call, CallbackWhy::Queue).await,
        HoldOver::Goodbye => promise_callback(app, call, CallbackWhy::Drain).await,
        _ => {}
    }
    let (code, reason) = ending.close;
    socket.close(code, reason).await;
    if !ours {
        if !call.ordered.is_replaced() {
            app.waiting.leave(&call.record.carrier_call_id);
        }
        return; // It waits on over another stream.
    }
    match ending.why {
        Some((why, leaving)) => {
            app.waiting.give_up(&call.record.carrier_call_id, leaving).await;
            end_record(app, &call.record, why).await;
        }
        // Its line broke, and the carrier has said meanwhile that this was the end.
        None if matches!(over, HoldOver::StreamLost | HoldOver::Lost) && reported_over(app, &call.record).await => {
            app.waiting.give_up(&call.record.carrier_call_id, Leaving::Abandoned).await;
            end_record(app, &call.record, EndReason::CallerHungUp).await;
        }
        // It keeps its place for whoever its carrier asks.
        None => app.waiting.let_go(&call.record.carrier_call_id).await,
    }
}

struct Follows {
    close: Close,
    why: Option<(EndReason, Leaving)>,
}

fn what_follows(over: HoldOver) -> (Option<NextStep>, Follows) {
    let ended = |close, why, leaving| (Some(NextStep::Hangup), Follows { close, why: Some((why, leaving)) });
    match over {
        HoldOver::Callback => ended(close::BY_AGENT, EndReason::CallbackRequested, Leaving::Callback),
        HoldOver::HungUp => ended(close::BY_CALLER, EndReason::CallerHungUp, Leaving::Abandoned),
        HoldOver::Removed => ended(close::BY_OPERATOR, EndReason::Refused, Leaving::Removed),
        HoldOver::Operator => ended(close::BY_OPERATOR, EndReason::AgentHungUp, Leaving::Removed),
        HoldOver::Goodbye => ended(close::GOING_AWAY, EndReason::Drained, Leaving::Removed),
        HoldOver::Protocol => ended(close::PROTOCOL, EndReason::ProtocolError, Leaving::Abandoned),
        HoldOver::HandedOver | HoldOver::Granted => (Some(NextStep::Resume), Follows { close: close::HANDED_OVER, why: None }),
        HoldOver::StreamLost => (None, Follows { close: close::BY_CALLER, why: None }),
        // The caller may still be there, behind another stream.
        HoldOver::Lost => (None, Follows { close: close::SILENT, why: None }),
    }
}
