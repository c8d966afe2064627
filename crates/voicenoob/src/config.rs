//! `voicenoob config`: the settings in effect.

use std::process::ExitCode;

use server::settings::Settings;

use crate::say;

pub(crate) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    for shown in &settings.shown {
        say(&format!("{:<24} {:<40} {}", shown.name, shown.value, shown.source));
    }
    Ok(ExitCode::SUCCESS)
}
