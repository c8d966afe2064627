//! Real calls to a real server process: over sockets, with real speech, on both carriers.

mod browser;
mod command_line;
mod judges;
mod records;
mod stories;
mod wire;

use std::path::Path;

/// The program under test.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_voicenoob"))
}
