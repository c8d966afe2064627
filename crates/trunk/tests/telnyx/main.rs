//! The Telnyx adapter against a simulated Call Control interface, which the carrier's own SDK judges.

mod judges;
mod stories;
mod troubles;

use std::time::Duration;

use anyhow::Result;
use telephony::MediaFormat;
use testkit::telnyx_api::TelnyxApi;
use trunk::{ApiKey, Deadlines, StreamRequest, TelnyxCallControl};

pub(crate) const KEY: &str = "KEY-of-the-test";
pub(crate) const CALL: &str = "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ";

/// Short enough for a test, long enough for a busy machine.
pub(crate) const SHORT: Deadlines =
    Deadlines { connect: Duration::from_secs(2), request: Duration::from_millis(400), total: Duration::from_secs(5) };

/// The interface with one parked call, and a client for it.
pub(crate) async fn with_a_call(deadlines: Deadlines) -> Result<(TelnyxApi, TelnyxCallControl)> {
    let api = TelnyxApi::start(KEY).await?;
    api.call_arrives(CALL);
    let control = TelnyxCallControl::with_deadlines(api.url(), &ApiKey::new(KEY), deadlines)?;
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
