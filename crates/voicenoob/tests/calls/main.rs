//! Real calls to a real server process: over sockets, with real speech, on both carriers.

/// Each story once for each carrier.
macro_rules! on_both_carriers {
    ($($story:ident),* $(,)?) => {
        mod on_twilio {
            $(#[tokio::test] async fn $story() -> anyhow::Result<()> { super::$story(call::Carrier::Twilio).await })*
        }
        mod on_telnyx {
            $(#[tokio::test] async fn $story() -> anyhow::Result<()> { super::$story(call::Carrier::Telnyx).await })*
        }
    };
}

mod agents;
mod browser;
mod call_control;
mod centre;
mod command_line;
mod drain;
mod flags;
mod hand;
mod health;
mod judges;
mod queue;
mod records;
mod resume;
mod stories;
mod transfers;
mod wire;
mod wire_streams;
mod words;

use std::path::Path;

/// The program under test.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_voicenoob"))
}
