//! The recogniser's worker as a program of its own, for tests and measurements; `voicenoob speech-worker` is the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    pocketsphinx::worker_main()
}
