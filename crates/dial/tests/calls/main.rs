//! Calls over real sockets to a small server that knows the carriers' rules.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the whole binary is tests; the lint only spares functions marked as such")]

mod documents;
mod server;
mod stream;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use call::Carrier;
use dial::{Script, Speech, Step};

/// A loud tone as the caller's voice.
fn tone(ms: usize) -> Speech {
    let samples: Vec<i16> = (0..ms * 8).map(|at| if at % 16 < 8 { 8000 } else { -8000 }).collect();
    Speech::Pcm { samples: Arc::from(samples), rate: 8000 }
}

fn say(ms: usize) -> Step {
    Step::Say { speech: tone(ms), hang_up_after: None }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn twilio() -> Script {
    Script::new(Carrier::Twilio)
}
