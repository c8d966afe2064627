//! The Telnyx adapter against a simulated Call Control interface, which the carrier's own SDK judges.

mod judges;
mod stories;
mod troubles;

use std::time::Duration;

use anyhow::Result;
use resilience::{Guard, Policy, Service};
use telephony::MediaFormat;
use testkit::telnyx_api::TelnyxApi;
use trunk::{ApiKey, StreamRequest, TelnyxCallControl};

pub(crate) const KEY: &str = "KEY-of-the-test";
pub(crate) const CALL: &str = "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ";

/// The program's own policy.
pub(crate) const USUAL: Policy = Service::Telnyx.policy();
/// Short enough for a test, long enough for a busy machine.
pub(crate) const SHORT: Policy = Policy { attempt: Duration::from_millis(400), deadline: Duration::from_secs(5), ..USUAL };

pub(crate) fn control(url: &str, key: &str, policy: Policy) -> Result<TelnyxCallControl> {
    Ok(TelnyxCallControl::new(url, &ApiKey::new(key), Guard::new(Service::Telnyx, policy))?)
}

/// The interface with one parked call, and a client for it.
pub(crate) async fn with_a_call(policy: Policy) -> Result<(TelnyxApi, TelnyxCallControl)> {
    let api = TelnyxApi::start(KEY).await?;
    api.call_arrives(CALL);
    let control = control(api.url(), KEY, policy)?;
    Ok((api, control))
}

pub(crate) fn stream() -> StreamRequest {
    StreamRequest {
        url: "wss://voice.example.test/ws/telephony/telnyx/hotel".to_owned(),
        format: MediaFormat::PCMU_8K,
        parameters: vec![("token".to_owned(), "once".to_owned())],
        client_state: Some(b"call-7".to_vec()),
    }
}
