//! The pure crates: time and chance come in as arguments, and nothing in them can wait.

use toml::{Table, Value};

use super::Finding;
use crate::workspace::{Need, Workspace};

const PURE: [&str; 5] = ["call", "audio", "telephony", "conversation", "flow"];

/// What each pure crate's `clippy.toml` bans. The first entry is the root's, repeated: the nearest file replaces it.
const BANS: [&str; 5] =
    ["std::path::Path::exists", "std::time::Instant::now", "std::time::SystemTime::now", "jiff::Timestamp::now", "jiff::Zoned::now"];

/// Crates that do what a pure crate does not: wait, reach out, log, or draw lots on their own. (`fastrand` is a generator that is handed in.)
const HEAVY: [&str; 16] = [
    "tokio",
    "tokio-util",
    "tokio-tungstenite",
    "futures-util",
    "async-trait",
    "axum",
    "tower",
    "tower-http",
    "reqwest",
    "sqlx",
    "rustls",
    "tracing",
    "tracing-subscriber",
    "rand",
    "getrandom",
    "libc",
];

/// Every pure crate has its own `clippy.toml` with all the bans.
pub(super) fn clocks_are_banned(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in workspace.crates.iter().filter(|manifest| PURE.contains(&manifest.name.as_str())) {
        let path = format!("crates/{}/clippy.toml", manifest.name);
        let banned = workspace.file(&path).map(|file| banned_paths(&file.text)).unwrap_or_default();
        let missing = BANS.iter().filter(|ban| !banned.iter().any(|path| path == **ban));
        findings.extend(missing.map(|ban| Finding::at(&path, 1, format!("{} is pure: ban {ban} here", manifest.name))));
    }
    findings
}

fn banned_paths(text: &str) -> Vec<String> {
    let table: Table = toml::from_str(text).unwrap_or_default();
    let entries = table.get("disallowed-methods").and_then(Value::as_array);
    let path = |entry: &Value| entry.as_str().or_else(|| entry.get("path")?.as_str()).map(str::to_owned);
    entries.into_iter().flatten().filter_map(path).collect()
}

/// No pure crate is built with a runtime, a client, a log or a source of chance.
pub(super) fn heavy_dependencies_stay_out(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in workspace.crates.iter().filter(|manifest| PURE.contains(&manifest.name.as_str())) {
        for (used, _, need) in manifest.dependencies() {
            if need == Need::Build && HEAVY.contains(&used) {
                let reason = format!("{} is pure: no {used} in it; return an event and let a driver act", manifest.name);
                findings.push(Finding::new(&manifest.file, manifest.file.line_of_key(used), reason));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    #[test]
    fn a_pure_crate_without_its_bans_is_found() {
        let manifest = ("crates/call/Cargo.toml", "[package]\nname = \"call\"\n");
        assert_eq!(clocks_are_banned(&sample(&[manifest])).len(), BANS.len());
        let partly = "disallowed-methods = [\"std::time::Instant::now\", { path = \"std::time::SystemTime::now\", reason = \"x\" }]";
        assert_eq!(clocks_are_banned(&sample(&[manifest, ("crates/call/clippy.toml", partly)])).len(), BANS.len() - 2);
    }

    #[test]
    fn a_runtime_in_a_pure_crate_is_found() {
        let with = |section: &str| {
            let text = format!("[package]\nname = \"audio\"\n[{section}]\ntokio.workspace = true\nthiserror.workspace = true\n");
            heavy_dependencies_stay_out(&sample(&[("crates/audio/Cargo.toml", &text)]))
        };
        assert_eq!(with("dependencies").len(), 1);
        assert_eq!(with("dev-dependencies"), []);
    }
}
