//! While this instance takes no calls, or is full: which other one does, and how the carrier gets there.

use call::Carrier;
use live::InstanceInfo;
use telephony::Document;
use tracing::{info, warn};

use super::answer::Asked;
use crate::origin::Origin;
use crate::state::App;

/// A call is sent on so often at most; then it is told that the service restarts.
const MAX_HOPS: u8 = 3;
/// Behind a balancer, this instance must first be taken out of it.
const BALANCER_PAUSE_SECS: u32 = 1;

/// The instance with most room among the others, when there is one that takes calls.
pub(crate) async fn another(app: &App) -> Option<InstanceInfo> {
    match app.live_state.instances().await {
        Ok(all) => {
            let others = all.into_iter().filter(|other| other.instance != *app.instance() && !other.draining);
            others.filter(|other| other.taken < other.limit).max_by_key(|other| other.limit - other.taken)
        }
        Err(fault) => {
            warn!(error = %fault, "other instances are not known");
            None
        }
    }
}

/// Sends the carrier to another instance: to its own address, or through the balancer again.
pub(super) async fn redirect(app: &App, origin: &Origin, path: &str, hop: u8) -> Option<Document> {
    if hop >= MAX_HOPS {
        return None;
    }
    let other = another(app).await?;
    let mark = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{mark}hop={}", hop + 1);
    info!(instance = %other.instance, hop, "call sent to another instance: this one is full or stopping");
    Some(match &other.url {
        Some(url) => Document::Redirect { url: Origin::at(url).with_path(&path), pause_secs: 0 },
        None => Document::Redirect { url: origin.with_path(&path), pause_secs: BALANCER_PAUSE_SECS },
    })
}

/// The address a voice webhook was sent to, without its hops.
pub(super) fn voice_path(carrier: Carrier, asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(agent) = &asked.agent {
        query.append_pair("agent", agent);
    }
    if asked.priority != 0 {
        query.append_pair("priority", &asked.priority.to_string());
    }
    let query: String = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/webhooks/{carrier}/voice{mark}{query}")
}
