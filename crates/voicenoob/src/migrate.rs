//! `voicenoob migrate`: brings the database's schema to this program's version.

use std::process::ExitCode;

use server::settings::Settings;
use store::Database;

use crate::say;

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    match &settings.database_url {
        Some(url) => Database::migrate(url.expose()).await?,
        // The file is brought up whenever it is opened.
        None => drop(Database::open(&settings.data_dir).await?),
    }
    say(&format!("The schema is at version {}, which is this program's.", Database::SCHEMA_VERSION));
    Ok(ExitCode::SUCCESS)
}
