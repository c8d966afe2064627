//! `voicenoob secrets`: the keys that seal what is stored and sign access tokens.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use call::Timestamp;
use clap::Subcommand;
use jiff::SignedDuration;
use secrets::{KeyFile, KeyInfo, KeyState, KeyUse, LOOK_AGAIN};
use server::settings::Settings;
use server::{resealing, wiring};

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
    /// Seal again with the newest key what older ones have sealed, also while the server runs.
    Reseal,
    /// Remove a former sealing key, when nothing is sealed with it any more.
    RetireSealing {
        /// Its id, as `list` shows it.
        id: String,
    },
    /// Make a key that signs access tokens as soon as every instance knows it; the one before is good until its tokens have run out.
    RotateSigning,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    if let Command::Reseal = args.command {
        return reseal(settings).await;
    }
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
            say(&format!(
                "The key {id} seals from now on; the older ones still open. Running programs know it within {} s.",
                LOOK_AGAIN.as_secs()
            ));
            say("Then run `voicenoob secrets reseal`, and the older ones can be retired.");
        }
        Command::Reseal => {} // Done above, as it needs no file.
        Command::RetireSealing { id } => {
            let database = wiring::open_database(settings).await?;
            let left = resealing::left(&database, &id).await?;
            database.close().await;
            if !left.is_none() {
                bail!(
                    "the key {id} is still needed: it seals {} keys of providers, {} second factors, {} secrets of tools and {} answers that may be repeated; run \
                     `voicenoob secrets reseal`; answers go by themselves within a day",
                    left.provider_keys,
                    left.second_factors,
                    left.tools,
                    left.answers
                );
            }
            expect_known(&path, now)?;
            KeyFile::retire_sealing(&path, &id)?;
            say(&format!("The key {id} is gone."));
        }
        Command::RotateSigning => {
            let made = KeyFile::rotate_signing(&path, now)?;
            let from = made.signs_from.strftime("%F %T UTC");
            say(&format!("The key {} signs from {from} on; the one before is good until its last token has run out.", made.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn seals(key: &KeyInfo) -> bool {
    key.used_for == KeyUse::Sealing && key.state == KeyState::Active
}

/// Fails while running programs may not know the key that seals now: they would go on with the one before.
fn expect_known(path: &Path, now: Timestamp) -> anyhow::Result<()> {
    let made = KeyFile::load(path)?.list(now).into_iter().find(seals).and_then(|key| key.created_at);
    let known_after = SignedDuration::try_from(2 * LOOK_AGAIN)?;
    if made.is_some_and(|made| now.duration_since(made) < known_after) {
        let seconds = known_after.as_secs();
        bail!(
            "the key that seals now was made less than {seconds} s ago, and running programs may still seal with the one before; try again then"
        );
    }
    Ok(())
}

/// The keys of a setting can be sealed with anew, too.
async fn reseal(settings: &Settings) -> anyhow::Result<ExitCode> {
    let keys = match &settings.people.secret_keys {
        Some(text) => KeyFile::from_text(text)?,
        None => KeyFile::load(&settings.people.secrets_path(&settings.data_dir))?,
    };
    let newest = keys.list(Timestamp::now()).into_iter().find(seals).context("there is no key that seals")?;
    let database = wiring::open_database(settings).await?;
    let done = resealing::reseal(&database, &keys, &newest.id).await;
    database.close().await;
    let done = done?;
    say(&format!(
        "Sealed again with the key {}: {} keys of providers, {} second factors, {} secrets of tools.",
        newest.id, done.provider_keys, done.second_factors, done.tools
    ));
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
