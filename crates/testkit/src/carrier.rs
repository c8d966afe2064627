//! A carrier for tests: it follows the server's documents to the letter, keeps a journal of every call, and is cheap enough for hundreds
//! of calls at once.
//!
//! What it does is what the carriers' pages say: a signed webhook, the document, a media stream paced in real time that plays what it is sent
//! and returns marks when they were played; and when a stream ends without the caller having hung up, it asks the `<Connect action>` and
//! goes on as told. It shares no code with the server but the wire dialects: documents are read by a reader of its own.

mod booking;
mod call;
mod caller;
mod control;
mod document;
mod journal;
mod keys;
mod line;
mod offered;
mod plan;
mod playout;
mod questions;
mod stream;
mod web;

use std::sync::Arc;

use ::call::Carrier;
use anyhow::Result;
use reqwest::Url;
use tokio::task::JoinHandle;

pub use booking::{Errand, Wish};
pub use control::CallControl;
pub use document::{Connect, Verb, read_document};
pub use journal::{Booked, Break, CallEnd, Followed, Journal, MAX_ENTRIES, Sound, Stretch};
pub use keys::CarrierKeys;
pub use offered::Offered;
pub use plan::{CallPlan, HangUp, Move, Person};

use line::Line;
use web::Web;

/// The carrier's side of any number of calls to one server (or to the balancer in front of several).
#[derive(Clone)]
pub struct CarrierSimulator {
    http: reqwest::Client,
    server: Url,
    keys: CarrierKeys,
    control: Option<CallControl>,
}

/// A call under way. Dropping it lets the call go on; see [`LiveCall::hang_up`].
pub struct LiveCall {
    line: Arc<Line>,
    task: JoinHandle<()>,
}

impl CarrierSimulator {
    /// A carrier that knows the server under this address and signs with these keys.
    pub fn new(server: Url, keys: CarrierKeys) -> Result<Self> {
        // No connection is used twice: each webhook is balanced anew, as a carrier's are, which come from many machines.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        Ok(Self { http, server, keys, control: None })
    }

    /// The same for a server that no carrier is configured for: it has made keys of its own.
    pub fn of(server: &crate::Server) -> Result<Self> {
        Self::new(server.url().clone(), CarrierKeys::of_development(server.data_dir())?)
    }

    /// The same carrier, reaching the server at another address: through a proxy, say.
    pub fn at(&self, server: Url) -> Self {
        Self { server, ..self.clone() }
    }

    /// The same carrier with a REST interface, for calls that are steered by command.
    pub fn with_control(self, control: CallControl) -> Self {
        Self { control: Some(control), ..self }
    }

    /// A client for the server's other addresses, with a new connection for each request.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Where the server is.
    pub fn server(&self) -> &Url {
        &self.server
    }

    /// The phone rings.
    pub fn place(&self, plan: CallPlan) -> LiveCall {
        let web = Web::new(self.http.clone(), self.server.clone(), self.keys.clone(), &plan);
        let line = Arc::new(Line::new(&web.call_id, &plan));
        let control = self.control.clone().filter(|_| plan.by_command && plan.carrier == Carrier::Telnyx);
        let task = tokio::spawn(call::run(web, Arc::clone(&line), plan, control));
        LiveCall { line, task }
    }
}

impl LiveCall {
    /// The carrier's id of the call.
    pub fn id(&self) -> String {
        self.line.journal().call_id.clone()
    }

    /// What happened so far.
    pub fn journal(&self) -> Journal {
        self.line.journal().clone()
    }

    /// Reads from the journal without copying it.
    pub fn look<T>(&self, read: impl FnOnce(&Journal) -> T) -> T {
        read(&self.line.journal())
    }

    /// The caller hangs up as planned, wherever the plan is.
    pub fn hang_up(&self) {
        self.line.leave.cancel();
    }

    /// True when the carrier has done all it does for this call.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for the end, and gives the whole journal.
    pub async fn ended(self) -> Result<Journal> {
        self.task.await?;
        Ok(self.line.journal().clone())
    }
}
