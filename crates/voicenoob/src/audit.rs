//! `voicenoob audit verify`: whether a row of the audit trail was changed or removed.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use server::settings::Settings;
use store::audit::{self, Head};

use crate::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Walk the chain of hashes from its beginning.
    Verify {
        /// The head of an earlier walk (`NUMBER:HASH`): with it, rows that were removed from the end are found too.
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<String>,
    },
}

pub(crate) async fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let Command::Verify { head } = args.command;
    let kept = head.map(|text| parse(&text).context("--head is NUMBER:HASH, as an earlier walk printed it")).transpose()?;
    let database = server::wiring::open_database(settings).await?;
    let verified = audit::verify_from(&database, kept).await?;
    if let Some(fault) = verified.first_fault {
        say(&format!("NO  row {}: {}", fault.number, fault.what));
        return Ok(ExitCode::FAILURE);
    }
    say(&format!("ok  {} rows, none changed, none removed in between", verified.rows));
    if kept.is_some() && !verified.kept_found {
        say("--  the row of --head was removed by retention: keep a newer one");
    }
    if let Some(head) = verified.head {
        say(&format!("Keep this elsewhere, and give it to the next walk: --head {}:{}", head.number, hex::encode(head.hash)));
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &str) -> Option<Head> {
    let (number, hash) = text.split_once(':')?;
    Some(Head { number: number.parse().ok()?, hash: hex::decode(hash).ok()?.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = parse(&format!("7:{}", "ab".repeat(32))).unwrap();
        assert_eq!((head.number, head.hash), (7, [0xab; 32]));
        assert!(parse("7").is_none() && parse("7:ab").is_none());
    }
}
