//! What is wrong with settings.

use std::path::PathBuf;

/// Why settings were refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {why}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is no TOML.
    #[error("the settings file {path} is not valid TOML: {why}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// The file has a key that does not exist.
    #[error("the settings file {path} has the unknown key {key:?}{}", hint(.nearest))]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A value is malformed.
    #[error("{name}={value:?} ({source_name}) is not allowed: use {allowed}")]
    Malformed {
        /// The setting.
        name: &'static str,
        /// What was given; empty for secrets.
        value: String,
        /// Where it came from.
        source_name: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

fn hint(name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}
