//! Vendors that fail in the middle of a call: what the caller hears of it, for each adapter and each fault of the simulator.
//!
//! Every cell is a server of its own with one vendor a part (ears, mind, voice), a call of three questions, and the fault from the moment the
//! second is asked. Below the vendor there is only what every installation has: this machine's engines and the agent's dialogue. Simulated voices
//! hum, so who speaks is told from the audio.

mod cell;
mod rows;
mod sound;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use cell::{Outcome, run};
pub use rows::{FAULTS, Fault, Part, ROWS, Row};
pub use sound::{AskedTurn, Voice, asked_turns};
pub use table::table;

/// While the agent owes words, the line is never silent for longer.
pub const LONGEST_SILENCE: Duration = Duration::from_millis(2_500);

/// How cells are run.
#[derive(Debug, Clone)]
pub struct FaultOptions {
    /// The program.
    pub program: PathBuf,
    /// Where the sound of each call is kept (two channels: caller left, agent right), if it shall be.
    pub keep: Option<PathBuf>,
}

impl FaultOptions {
    /// Keeps nothing.
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), keep: None }
    }
}
