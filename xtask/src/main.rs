//! Checks of our own, run as `cargo xtask tidy`: rules that the compiler and clippy do not know.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

mod code;
mod tidy;
mod workspace;

use tidy::Finding;

const USAGE: &str = "usage: cargo xtask tidy";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    if arguments != ["tidy"] {
        writeln!(out, "{USAGE}")?;
        return Ok(ExitCode::from(2));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace's folder")?;
    let findings = tidy::check(root)?;
    report(&mut out, &findings)?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    match findings.len() {
        0 => writeln!(out, "tidy: nothing found"),
        count => writeln!(out, "tidy: {count} found"),
    }
}
