//! `voicenoob backup|restore`: a copy of the database file that is whole, also while the server writes.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use server::settings::Settings;
use store::backup;

use crate::say;

#[derive(clap::Args)]
pub(crate) struct BackupArgs {
    /// Where the copy goes.
    file: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

#[derive(clap::Args)]
pub(crate) struct RestoreArgs {
    /// The copy.
    file: PathBuf,
    /// Replace the database that is there; it is kept beside, with the ending `.before-restore`.
    #[arg(long)]
    force: bool,
}

const NOT_HERE: &str = "the records are in PostgreSQL (DATABASE_URL): use pg_dump and pg_restore";

pub(crate) async fn backup(args: BackupArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    if settings.database_url.is_some() {
        bail!(NOT_HERE);
    }
    let copied = backup::create(&settings.data_dir, &args.file, args.force).await?;
    say(&format!("{}: {} bytes, schema version {}, whole.", args.file.display(), copied.bytes, copied.version));
    say("Recordings and secrets.toml are files of the data directory: copy them too. Without secrets.toml, sealed keys cannot be read.");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn restore(args: RestoreArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    if settings.database_url.is_some() {
        bail!(NOT_HERE);
    }
    let restored = backup::restore(&settings.data_dir, &args.file, args.force).await?;
    say(&format!(
        "The database of {} is the one of {} now (schema version {}).",
        settings.data_dir.display(),
        args.file.display(),
        restored.version
    ));
    Ok(ExitCode::SUCCESS)
}
