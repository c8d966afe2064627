//! `voicenoob secrets`: the keys that seal what is stored and sign access tokens.

use std::process::ExitCode;

use anyhow::bail;
use call::Timestamp;
use clap::Subcommand;
use secrets::{KeyFile, KeyState, KeyUse};
use server::settings::Settings;

use crate::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The keys by id and age, without their values.
    List,
    /// Make a key that seals from now on; the older ones still open.
    RotateSealing,
    /// Make a key that signs access tokens as soon as every instance knows it; the one before is good until its tokens have run out.
    RotateSigning,
}

pub(crate) fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    if settings.people.secret_keys.is_some() {
        bail!("the keys are in the setting SECRET_KEYS: change them there");
    }
    let (path, now) = (settings.people.secrets_path(&settings.data_dir), Timestamp::now());
    match args.command {
        Command::List => {
            for key in KeyFile::load(&path)?.list(now) {
                let made = key.created_at.map_or_else(|| "unknown".to_owned(), |at| at.strftime("%F %T").to_string());
                say(&format!("{:<8} {:<16} made {made:<20} {}", used_for(key.used_for), key.id, state(key.state)));
            }
        }
        Command::RotateSealing => {
            let id = KeyFile::rotate_sealing(&path, now)?;
            say(&format!("The key {id} seals from now on; the older ones still open."));
        }
        Command::RotateSigning => {
            let made = KeyFile::rotate_signing(&path, now)?;
            let from = made.signs_from.strftime("%F %T UTC");
            say(&format!("The key {} signs from {from} on; the one before is good until its last token has run out.", made.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}

const fn used_for(used_for: KeyUse) -> &'static str {
    match used_for {
        KeyUse::Sealing => "sealing",
        KeyUse::Signing => "signing",
    }
}

const fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "in use",
        KeyState::Published => "known, signs later",
        KeyState::Former => "former, still read",
    }
}
