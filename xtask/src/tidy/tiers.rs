//! Which crate may use which: lower tiers only, and the exceptions, each with its reason.

use toml::Value;

use super::Finding;
use crate::workspace::{Manifest, Need, Workspace};

/// Crates by tier, those that are planned included. Beside the tiers stand `testkit` and `xtask`.
const TIERS: [&[&str]; 5] = [
    &["call", "audio", "telephony", "conversation", "flow", "privacy"],
    &["resilience", "outbound", "riva", "telemetry", "pocketsphinx"],
    &["trunk", "speech", "models", "agent", "store", "live", "secrets", "people", "alerts", "hotel", "tools"],
    &["session", "dispatch", "api", "server"],
    &["dial", "simulator", "voicenoob", "validator", "scanner", "loadtest", "evaluator"],
];

/// Arrows within one tier that are allowed: who, whom, why.
const SIDEWAYS: [(&str, &[&str], &str); 10] = [
    ("telephony", &["call", "audio"], "media streams carry frames and calls have ids"),
    ("conversation", &["call", "audio"], "turns are parts of calls and are made of audio"),
    ("outbound", &["resilience"], "no client of it can be had without a guard"),
    ("riva", &["resilience", "outbound"], "its channels begin with a guard, and fail in the words of all ways out"),
    ("agent", &["models"], "a brain may think with a model"),
    ("hotel", &["agent", "store"], "its tools are an agent's tools and its records live in the store"),
    ("tools", &["agent", "store"], "what it runs is an agent's tool, and messages live in the store"),
    ("people", &["secrets", "store"], "accounts are rows, and their secrets are sealed"),
    ("server", &["session", "dispatch", "api"], "it joins the three, which do not know each other"),
    ("voicenoob", &["dial", "simulator", "validator", "scanner", "loadtest", "evaluator"], "the binary's subcommands are these libraries"),
];

/// Crates whose users are listed: whom, who, why.
const USERS: [(&str, &[&str], &str); 1] =
    [("pocketsphinx", &["speech", "voicenoob", "testkit"], "unsafe code runs in a worker process: only its parent and the binary know it")];

/// Crates that use nothing of ours, whatever their tier: who, why.
const LEAVES: [(&str, &str); 2] =
    [("pocketsphinx", "what surrounds unsafe code is kept small"), ("xtask", "checks must run while the program does not compile")];

fn tier(name: &str) -> Option<usize> {
    TIERS.iter().position(|names| names.contains(&name))
}

/// Reads the manifests and finds every arrow that points up or sideways.
pub(super) fn arrows_point_down(workspace: &Workspace) -> Vec<Finding> {
    let ours: Vec<&str> = workspace.crates.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut findings = Vec::new();
    for manifest in &workspace.crates {
        let name = manifest.name.as_str();
        if tier(name).is_none() && !is_beside(name) {
            findings.push(Finding::new(&manifest.file, 1, format!("{name} has no tier: put it into the table in xtask/src/tidy/tiers.rs")));
            continue;
        }
        for (used, _, need) in manifest.dependencies() {
            if let Some(reason) = ours.contains(&used).then(|| refusal(name, used, need)).flatten() {
                findings.push(Finding::new(&manifest.file, manifest.file.line_of_key(used), reason));
            }
        }
    }
    findings
}

fn is_beside(name: &str) -> bool {
    matches!(name, "testkit" | "xtask")
}

/// Why `name` may not use `used`, when it may not.
fn refusal(name: &str, used: &str, need: Need) -> Option<String> {
    if let Some((_, why)) = LEAVES.iter().find(|(leaf, _)| *leaf == name) {
        return Some(format!("{name} may use nothing of ours ({why}), not {used}"));
    }
    if let Some((_, users, why)) = USERS.iter().find(|(crate_, users, _)| *crate_ == used && !users.contains(&name)) {
        return Some(format!("only {} may use {used} ({why})", users.join(", ")));
    }
    if used == "testkit" {
        return (need == Need::Build).then(|| "testkit is for tests: make it a dev-dependency".to_owned());
    }
    // A crate's own tests may switch on a feature of it.
    if name == "testkit" || (name == used && need != Need::Build) {
        return None;
    }
    // A crate without a tier is reported once, at its own manifest.
    let (from, to) = (tier(name)?, tier(used)?);
    if to < from || SIDEWAYS.iter().any(|(who, whom, _)| *who == name && whom.contains(&used)) {
        return None;
    }
    let direction = if to == from { "sideways" } else { "up" };
    Some(format!("arrow points {direction}: {name} (tier {from}) may use lower tiers only, not {used} (tier {to})"))
}

/// Every crate takes the workspace's lints, but the one that cannot.
pub(super) fn lints_are_inherited(workspace: &Workspace) -> Vec<Finding> {
    let inherits =
        |manifest: &Manifest| manifest.table.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) == Some(true);
    let missing = workspace.crates.iter().filter(|manifest| manifest.name != "pocketsphinx" && !inherits(manifest));
    missing.map(|manifest| Finding::new(&manifest.file, 1, "write `[lints] workspace = true`: lints are set in one place")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    fn crate_with(name: &str, rest: &str) -> (String, String) {
        (format!("crates/{name}/Cargo.toml"), format!("[package]\nname = \"{name}\"\n{rest}\n"))
    }

    fn arrows(crates: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = crates.iter().map(|(name, rest)| crate_with(name, rest)).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        arrows_point_down(&sample(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_up_is_found_with_its_line() {
        let found = arrows(&[("call", "[dependencies]\nserde.workspace = true\nstore.workspace = true"), ("store", "")]);
        assert_eq!(found, ["crates/call/Cargo.toml:5: arrow points up: call (tier 0) may use lower tiers only, not store (tier 2)"]);
    }

    #[test]
    fn an_arrow_sideways_is_found_unless_it_is_an_exception() {
        assert_eq!(arrows(&[("session", "[dependencies]\ndispatch.workspace = true"), ("dispatch", "")]).len(), 1);
        assert_eq!(arrows(&[("server", "[dependencies]\ndispatch.workspace = true"), ("dispatch", "")]), [""; 0]);
        assert_eq!(arrows(&[("audio", "[dependencies]\ncall = { workspace = true }"), ("call", "")]).len(), 1);
        assert_eq!(arrows(&[("telephony", "[dependencies]\ncall.workspace = true"), ("call", "")]), [""; 0]);
    }

    #[test]
    fn an_arrow_for_one_target_or_for_tests_counts_as_well() {
        assert_eq!(arrows(&[("call", "[target.'cfg(unix)'.dependencies]\nstore.workspace = true"), ("store", "")]).len(), 1);
        assert_eq!(arrows(&[("call", "[dev-dependencies]\nstore.workspace = true"), ("store", "")]).len(), 1);
    }

    #[test]
    fn the_testkit_is_for_tests() {
        assert_eq!(arrows(&[("server", "[dependencies]\ntestkit.workspace = true"), ("testkit", "")]).len(), 1);
        assert_eq!(arrows(&[("server", "[dev-dependencies]\ntestkit.workspace = true"), ("testkit", "")]), [""; 0]);
    }

    #[test]
    fn the_unsafe_crate_uses_nothing_and_has_two_users() {
        assert_eq!(arrows(&[("pocketsphinx", "[dependencies]\ncall.workspace = true"), ("call", "")]).len(), 1);
        assert_eq!(arrows(&[("session", "[dependencies]\npocketsphinx.workspace = true"), ("pocketsphinx", "")]).len(), 1);
        assert_eq!(arrows(&[("speech", "[dependencies]\npocketsphinx.workspace = true"), ("pocketsphinx", "")]), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_tier_is_found() {
        assert!(arrows(&[("gadgets", "")])[0].contains("gadgets has no tier"));
    }

    #[test]
    fn a_workspace_of_its_own_has_its_own_rules() {
        let fuzz = "[package]\nname = \"fuzz\"\n[workspace]\n[dependencies]\ncall = { path = \"../crates/call\" }\n";
        let workspace = sample(&[("fuzz/Cargo.toml", fuzz)]);
        assert_eq!((arrows_point_down(&workspace).len(), lints_are_inherited(&workspace).len()), (0, 0));
    }

    #[test]
    fn lints_of_its_own_are_found() {
        let own = crate_with("call", "[lints.rust]\nunsafe_code = \"allow\"");
        let inherited = crate_with("audio", "[lints]\nworkspace = true");
        let workspace = sample(&[(&own.0, &own.1), (&inherited.0, &inherited.1)]);
        assert_eq!(lints_are_inherited(&workspace).len(), 1);
    }
}
