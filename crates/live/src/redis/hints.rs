//! Hints: a publication says that something may be new, on a connection of its own. What is lost is found by polling.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSub;
use resilience::Failure;
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};

use super::link::{self, Link};
use crate::InstanceName;

/// Pause before the subscription is made again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How often a quiet subscription is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long it may take to say so.
const PONG_LIMIT: Duration = Duration::from_secs(1);
/// Payload that is meant for every instance.
const EVERYONE: &[u8] = b"*";

/// Who wants hints.
#[derive(Default)]
pub(super) struct Hints {
    receivers: Mutex<HashMap<String, watch::Sender<u64>>>,
    listening: Mutex<bool>,
}

impl Hints {
    /// Hints for this instance; the subscription is made with the first.
    pub(super) fn of(self: &Arc<Self>, instance: &InstanceName, link: &Link, channel: &str) -> watch::Receiver<u64> {
        let receiver = {
            let mut receivers = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
            receivers.entry(instance.as_str().to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
        };
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        // Outside a runtime nobody could listen: polling must do until somebody asks inside of one.
        if !*listening && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            *listening = true;
            runtime.spawn(listen(Arc::downgrade(self), link.clone(), channel.to_owned()));
        }
        receiver
    }

    fn bump(&self, payload: &[u8]) {
        let receivers = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, hint) in receivers.iter().filter(|(name, _)| payload == EVERYONE || payload == name.as_bytes()) {
            hint.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// Subscribes for as long as somebody may want hints.
async fn listen(hints: Weak<Hints>, link: Link, channel: String) {
    for turn in 0_usize.. {
        // A subscription keeps its place as long as it lasts; that it breaks says less than that an operation fails.
        if let Ok(mut begun) = link.guard().begin().await {
            match link::subscribe(link.address(), &channel, turn).await {
                Ok(subscription) => {
                    begun.alive();
                    hear(&hints, subscription).await;
                }
                Err(_) => begun.failed(Failure::Transient),
            }
        }
        sleep(AGAIN_AFTER).await;
        if hints.strong_count() == 0 {
            return;
        }
    }
}

/// Passes publications on until the subscription breaks.
async fn hear(hints: &Weak<Hints>, subscription: PubSub) {
    let (mut sink, mut stream) = subscription.split();
    let mut ping = interval(PING_EVERY);
    // What was published before is lost, so everyone looks once.
    match hints.upgrade() {
        Some(hints) => hints.bump(EVERYONE),
        None => return,
    }
    loop {
        tokio::select! {
            message = stream.next() => {
                let (Some(message), Some(hints)) = (message, hints.upgrade()) else { return };
                hints.bump(message.get_payload_bytes());
            }
            _ = ping.tick() => {
                let pong = timeout(PONG_LIMIT, sink.ping::<redis::Value>()).await;
                if !matches!(pong, Ok(Ok(_))) || hints.strong_count() == 0 {
                    return;
                }
            }
        }
    }
}
