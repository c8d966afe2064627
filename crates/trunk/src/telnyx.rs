//! Telnyx Call Control over REST (telnyx.md 2): one POST for each command, retried under its command id.

mod answer;
mod command;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Url, redirect};
use resilience::{CallError, Guard, Guarded, Repeat};
use uuid::Uuid;

use crate::control::{CallControl, Speech, StreamRequest, TransferRequest};
use crate::error::InvalidRequest;
use crate::{ApiKey, TrunkError};
use answer::Fault;
use command::{Command, encoded};

/// Where Telnyx listens.
pub const DEFAULT_BASE_URL: &str = "https://api.telnyx.com/v2";
/// Longest answer that is read. Telnyx's have a few hundred bytes.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Longest `call_control_id` that is sent. Telnyx's have about 90 bytes.
pub const MAX_CALL_ID_BYTES: usize = 256;

/// For a connection. A caller waits in silence meanwhile.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Call Control of one Telnyx account.
///
/// Commands are repeated with the same bytes as far as the guard allows: the command id in them makes that safe.
#[derive(Debug, Clone)]
pub struct TelnyxCallControl {
    http: Guarded<Client>,
    base: String,
}

impl TelnyxCallControl {
    /// For the interface at `base_url` ([`DEFAULT_BASE_URL`]). Plain http is taken for this machine only, since the key goes with every request.
    pub fn new(base_url: &str, key: &ApiKey, guard: Guard) -> Result<Self, TrunkError> {
        let (base, local) = checked_base(base_url)?;
        let mut builder = Client::builder()
            .user_agent(concat!("voicenoob/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(key)?)
            .connect_timeout(CONNECT_LIMIT)
            // A redirect would take our key to another place.
            .redirect(redirect::Policy::none());
        if local {
            // A proxy does not reach our own loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(TrunkError::Client)?;
        Ok(Self { http: Guarded::new(Arc::new(client), guard), base })
    }

    async fn command(&self, command: &Command) -> Result<(), TrunkError> {
        let given = self.http.call(command.name, Repeat::Safe, |http| self.attempt(http, command)).await;
        given.map_err(|error| match error {
            CallError::Failed(fault) => fault.named(command.name),
            CallError::Timeout { .. } => TrunkError::TimedOut { command: command.name },
            CallError::Rejected(source) => TrunkError::NotAsked { command: command.name, source },
        })
    }

    async fn attempt(&self, http: Arc<Client>, command: &Command) -> Result<(), Fault> {
        let mut request = http.request(command.method.clone(), format!("{}{}", self.base, command.path));
        if command.method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json").body(command.body.clone());
        }
        answer::read(request.send().await?).await
    }

    async fn action(&self, call: &str, name: &'static str, body: Result<command::Body, InvalidRequest>) -> Result<(), TrunkError> {
        let command = encoded(call).and_then(|call| Ok(Command::action(&call, name, &body?)));
        match command {
            Ok(command) => self.command(&command).await,
            Err(why) => Err(TrunkError::InvalidRequest { command: name, why }),
        }
    }
}

#[async_trait]
impl CallControl for TelnyxCallControl {
    async fn answer(&self, call_control_id: &str, command_id: Uuid, stream: Option<&StreamRequest>) -> Result<(), TrunkError> {
        self.action(call_control_id, "answer", command::answer(command_id, stream)).await
    }

    async fn streaming_start(&self, call_control_id: &str, command_id: Uuid, stream: &StreamRequest) -> Result<(), TrunkError> {
        self.action(call_control_id, "streaming_start", command::streaming_start(command_id, stream)).await
    }

    async fn streaming_stop(&self, call_control_id: &str, command_id: Uuid) -> Result<(), TrunkError> {
        self.action(call_control_id, "streaming_stop", Ok(command::plain(command_id))).await
    }

    async fn speak(&self, call_control_id: &str, command_id: Uuid, speech: &Speech) -> Result<(), TrunkError> {
        self.action(call_control_id, "speak", command::speak(command_id, speech)).await
    }

    async fn transfer(&self, call_control_id: &str, command_id: Uuid, transfer: &TransferRequest) -> Result<(), TrunkError> {
        self.action(call_control_id, "transfer", command::transfer(command_id, transfer)).await
    }

    async fn hangup(&self, call_control_id: &str, command_id: Uuid) -> Result<(), TrunkError> {
        match self.action(call_control_id, "hangup", Ok(command::plain(command_id))).await {
            Err(TrunkError::CallEnded { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// Lists one Call Control application: the smallest thing that a key with Call Control may read. Which permissions a restricted key needs
    /// for it is not documented.
    async fn check(&self) -> Result<(), TrunkError> {
        self.command(&Command::check()).await
    }
}

/// The address without its last slash, and whether it is on this machine.
fn checked_base(text: &str) -> Result<(String, bool), TrunkError> {
    let bad = |why| TrunkError::BadBaseUrl { why };
    let url = Url::parse(text).map_err(|_| bad("it is not an address"))?;
    let host = url.host_str().ok_or_else(|| bad("it has no host"))?;
    let local = host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a query, a fragment or a user"));
    }
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        _ => return Err(bad("it must begin with https://")),
    }
    Ok((url.as_str().trim_end_matches('/').to_owned(), local))
}

fn headers(key: &ApiKey) -> Result<HeaderMap, TrunkError> {
    let key = key.expose().trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TrunkError::BadKey);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| TrunkError::BadKey)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

#[cfg(test)]
mod tests {
    use resilience::{Guards, Service};

    use super::*;

    fn guard() -> Guard {
        Guards::default().of(Service::Telnyx)
    }

    #[test]
    fn the_key_goes_to_telnyx_or_this_machine_only_and_never_in_the_clear_elsewhere() {
        let key = ApiKey::new("KEY-secret");
        for good in [DEFAULT_BASE_URL, "https://api.telnyx.com/v2/", "http://127.0.0.1:9/v2", "http://[::1]:9", "http://localhost:9"] {
            assert!(TelnyxCallControl::new(good, &key, guard()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.telnyx.com",
            "http://api.telnyx.com/v2",
            "http://127.0.0.1.evil.test/",
            "https://u:p@h.test/",
            "https://h.test/?a=b",
            "ftp://h.test",
        ] {
            assert!(matches!(TelnyxCallControl::new(bad, &key, guard()), Err(TrunkError::BadBaseUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let key = ApiKey::new("KEY-secret");
        let control = TelnyxCallControl::new(DEFAULT_BASE_URL, &key, guard()).unwrap();
        assert!(!format!("{key:?} {control:?}").contains("secret"));
        for bad in ["", "  ", "a\nb", "é"] {
            assert!(matches!(TelnyxCallControl::new(DEFAULT_BASE_URL, &ApiKey::new(bad), guard()), Err(TrunkError::BadKey)), "{bad:?}");
        }
    }
}
