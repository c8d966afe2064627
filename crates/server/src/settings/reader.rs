//! Where values come from: the environment, then the file, then the default.

use std::path::Path;

use super::values::optional;
use super::{NAMES, Secret, SettingsError, Shown, Source};

pub(super) fn read_table(path: &Path) -> Result<toml::Table, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|why| SettingsError::Unreadable { path: path.into(), why: why.to_string() })?;
    let table: toml::Table =
        text.parse().map_err(|why: toml::de::Error| SettingsError::Syntax { path: path.into(), why: why.to_string() })?;
    for key in table.keys() {
        if !NAMES.iter().any(|name| name.to_lowercase() == *key) {
            let close = NAMES.iter().map(|name| name.to_lowercase()).max_by(|a, b| strsim::jaro(a, key).total_cmp(&strsim::jaro(b, key)));
            let nearest = close.filter(|name| strsim::jaro(name, key) > 0.7);
            return Err(SettingsError::UnknownKey { path: path.into(), key: key.clone(), nearest });
        }
    }
    Ok(table)
}

pub(super) struct Reader<E> {
    pub(super) table: toml::Table,
    pub(super) environment: E,
    pub(super) shown: Vec<Shown>,
}

impl<E: Fn(&str) -> Option<String>> Reader<E> {
    fn find(&self, name: &str, default: &str) -> (String, Source) {
        if let Some(value) = (self.environment)(name) {
            return (value, Source::Environment);
        }
        match self.table.get(&name.to_lowercase()) {
            Some(toml::Value::String(text)) => (text.clone(), Source::File),
            Some(toml::Value::Array(items)) => (items.iter().map(bare).collect::<Vec<_>>().join(","), Source::File),
            Some(other) => (other.to_string(), Source::File),
            None => (default.to_owned(), Source::Default),
        }
    }

    pub(super) fn get<T>(
        &mut self,
        name: &'static str,
        default: &str,
        allowed: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingsError> {
        let (text, source) = self.find(name, default);
        let value = parse(text.trim()).ok_or_else(|| SettingsError::Malformed {
            name,
            value: text.clone(),
            source_name: source.to_string(),
            allowed,
        })?;
        let shown = if text.is_empty() { "not set".to_owned() } else { text };
        self.shown.push(Shown { name, value: shown, source });
        Ok(value)
    }

    pub(super) fn secret(
        &mut self,
        name: &'static str,
        allowed: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<Secret>, SettingsError> {
        let (text, source) = self.find(name, "");
        if !text.is_empty() && !fits(&text) {
            return Err(SettingsError::Malformed { name, value: "********".into(), source_name: source.to_string(), allowed });
        }
        let value = if text.is_empty() { "not set" } else { "********" };
        self.shown.push(Shown { name, value: value.into(), source });
        Ok(optional(&text).map(Secret::from))
    }

    /// An address that may hold a password: shown without it.
    pub(super) fn address(
        &mut self,
        name: &'static str,
        allowed: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<Secret>, SettingsError> {
        let (text, source) = self.find(name, "");
        let text = text.trim().to_owned();
        if !text.is_empty() && !fits(&text) {
            return Err(SettingsError::Malformed { name, value: without_password(&text), source_name: source.to_string(), allowed });
        }
        let value = if text.is_empty() { "not set".to_owned() } else { without_password(&text) };
        self.shown.push(Shown { name, value, source });
        Ok(optional(&text).map(Secret::from))
    }
}

fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return "********".to_owned() };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://********@{place}"),
        None => address.to_owned(),
    }
}

fn bare(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
