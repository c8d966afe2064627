//! Agents with vendors: a real server process, real calls, and `voicenoob simulate vendors` in the vendors' place. The server does not know.

mod agents;
mod faults;
mod keys;
mod ladder;
mod stage;
mod tools;
mod voice;

use std::path::Path;

/// The program under test.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_voicenoob"))
}
