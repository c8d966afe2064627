//! Makes Rust of the messages in `proto/`, without a compiler of protocol buffers on the machine.

use std::env;
use std::error::Error;

const FILES: [&str; 3] = ["riva.proto", "asr.proto", "health.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let messages = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure()
        .build_client(env::var_os("CARGO_FEATURE_CLIENT").is_some())
        .build_server(env::var_os("CARGO_FEATURE_SERVER").is_some())
        // Connecting is for the pool alone.
        .build_transport(false)
        .bytes(".")
        .include_file("messages.rs")
        .compile_fds(messages)?;
    Ok(())
}
