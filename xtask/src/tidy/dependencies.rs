//! Other people's crates: one version each, in one place, with a reason that is written down, and some never.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use toml::{Table, Value};

use super::Finding;
use crate::workspace::{File, Workspace};

const REASONS: &str = "docs/dependencies.md";
const POLICY: &str = "deny.toml";

fn is_ours(declaration: &Value) -> bool {
    declaration.get("path").is_some()
}

/// Crates take every dependency from the workspace's table.
pub(super) fn versions_stand_in_one_place(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &workspace.crates {
        for (name, declaration, _) in manifest.dependencies() {
            if declaration.get("workspace").and_then(Value::as_bool) != Some(true) {
                let reason = format!("write `{name}.workspace = true` and the version into the root Cargo.toml");
                findings.push(Finding::new(&manifest.file, manifest.file.line_of_key(name), reason));
            }
        }
    }
    findings
}

/// Every crate of others in the workspace's table has a row that says why it is there.
pub(super) fn every_dependency_is_explained(workspace: &Workspace) -> Vec<Finding> {
    let explained = explained(workspace.file(REASONS));
    let theirs = workspace.dependencies.iter().filter(|(_, declaration)| !is_ours(declaration));
    let missing = theirs.filter(|(name, _)| !explained.iter().any(|(row, _)| row == *name));
    let finding = |name: &str| Finding::new(&workspace.root, workspace.root.line_of_key(name), format!("{name} has no row in {REASONS}"));
    missing.map(|(name, _)| finding(name)).collect()
}

/// No row is left behind by a crate that went away.
pub(super) fn every_explanation_is_of_a_dependency(workspace: &Workspace) -> Vec<Finding> {
    let rows = explained(workspace.file(REASONS)).into_iter();
    let stale = rows.filter(|(name, _)| !workspace.dependencies.contains_key(name));
    stale.map(|(name, line)| Finding::at(REASONS, line, format!("{name} is not in the workspace's table: delete its row"))).collect()
}

/// Names in the first column of the tables under `## Crates`, with their lines. A cell may name several, each in backticks.
fn explained(file: Option<&File>) -> Vec<(String, usize)> {
    let text = file.map_or("", |file| &file.text);
    let lines =
        (1..).zip(text.lines()).skip_while(|(_, line)| *line != "## Crates").skip(1).take_while(|(_, line)| !line.starts_with("## "));
    let cells = lines.filter_map(|(at, line)| Some((at, line.strip_prefix('|')?.split('|').next()?)));
    cells.flat_map(|(at, cell)| cell.split('`').skip(1).step_by(2).map(move |name| (name.to_owned(), at))).collect()
}

/// What is really built holds none of the crates that `deny.toml` bans. Asks cargo, so it holds where cargo-deny is not installed.
pub(super) fn banned_crates(root: &Path, workspace: &Workspace) -> anyhow::Result<Vec<Finding>> {
    let Some(policy) = workspace.file(POLICY) else {
        return Ok(vec![Finding::at(POLICY, 1, "the list of banned crates is missing")]);
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["tree", "--workspace", "--prefix", "depth", "--format", "{p}", "--edges", "normal,build"]);
    let answer = cargo.output().context("cargo tree could not be started")?;
    ensure!(answer.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&answer.stderr).trim());
    Ok(bans_broken(policy, &String::from_utf8_lossy(&answer.stdout)))
}

fn bans_broken(policy: &File, tree: &str) -> Vec<Finding> {
    let built = users(tree);
    let broken = |ban: &Ban| built.iter().any(|(name, user)| *name == ban.name && !ban.wrappers.iter().any(|wrapper| wrapper == user));
    let found = bans(&policy.text).into_iter().filter(broken).map(|ban| ban.name);
    found
        .map(|name| {
            Finding::new(policy, policy.line_of(&format!("\"{name}\"")), format!("{name} is banned and built; see `cargo tree -i {name}`"))
        })
        .collect()
}

/// Every crate in the tree with the one that uses it. Lines are `2rsa v0.9.0`: how deep, and what.
fn users(tree: &str) -> Vec<(&str, &str)> {
    let mut above = Vec::new();
    let mut found = Vec::new();
    for line in tree.lines() {
        let name = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let Ok(depth) = line[..line.len() - name.len()].parse::<usize>() else { continue };
        let name = name.split(' ').next().unwrap_or_default();
        above.truncate(depth);
        found.push((name, above.last().copied().unwrap_or_default()));
        above.push(name);
    }
    found
}

/// A crate that must not be built, but for those that may use it.
struct Ban {
    name: String,
    wrappers: Vec<String>,
}

fn bans(policy: &str) -> Vec<Ban> {
    let table: Table = toml::from_str(policy).unwrap_or_default();
    let entries = table.get("bans").and_then(|bans| bans.get("deny")).and_then(Value::as_array);
    let ban = |entry: &Value| {
        let name = entry.as_str().or_else(|| entry.get("crate")?.as_str())?.to_owned();
        let wrappers = entry.get("wrappers").and_then(Value::as_array).into_iter().flatten();
        Some(Ban { name, wrappers: wrappers.filter_map(Value::as_str).map(str::to_owned).collect() })
    };
    entries.into_iter().flatten().filter_map(ban).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    const ROOT: &str = "[workspace.dependencies]\ncall = { path = \"crates/call\" }\nserde = \"1\"\ntoml = { version = \"1\" }\n";

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let workspace = sample(&[("Cargo.toml", ROOT), (REASONS, "## Crates\n| Crate | Why |\n|---|---|\n| `serde` | records |\n")]);
        let found = every_dependency_is_explained(&workspace);
        assert_eq!(found, [Finding::at("Cargo.toml", 4, "toml has no row in docs/dependencies.md")]);
    }

    #[test]
    fn a_reason_without_a_dependency_is_found() {
        let rows = "## System\n| `flite` | voice |\n## Crates\n| `serde`, `toml` | records |\n| `chrono` | dates |\n## Not taken\n| `ring` | no |\n";
        let found = every_explanation_is_of_a_dependency(&sample(&[("Cargo.toml", ROOT), (REASONS, rows)]));
        assert_eq!(found, [Finding::at(REASONS, 5, "chrono is not in the workspace's table: delete its row")]);
    }

    #[test]
    fn a_version_in_a_crate_is_found() {
        let text = "[package]\nname = \"call\"\n[dependencies]\nserde.workspace = true\ntoml = \"0.9\"\n";
        let found = versions_stand_in_one_place(&sample(&[("crates/call/Cargo.toml", text)]));
        assert_eq!(
            found,
            [Finding::at("crates/call/Cargo.toml", 5, "write `toml.workspace = true` and the version into the root Cargo.toml")]
        );
    }

    #[test]
    fn a_banned_crate_is_found_and_its_namesakes_are_not() {
        let policy = File {
            path: POLICY.to_owned(),
            text: "[bans]\ndeny = [\n  { crate = \"ring\", reason = \"x\" },\n  \"rsa\",\n  \"openssl\",\n]\n".to_owned(),
        };
        let found = bans_broken(&policy, "0call v0.1.0\n1ring v0.17.14\n1openssl-probe v0.2.0\n2rsa v0.9.0 (*)\n");
        let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [3, 4]);
    }
    #[test]
    fn a_banned_crate_may_be_built_for_its_wrapper_alone() {
        let text = "[bans]\ndeny = [{ crate = \"rsa\", wrappers = [\"oidc\"] }]\n".to_owned();
        let policy = File { path: POLICY.to_owned(), text };
        assert_eq!(bans_broken(&policy, "0people v0.1.0\n1oidc v4.1.0\n2rsa v0.9.0\n1serde v1.0.0\n"), []);
        for tree in ["0people v0.1.0\n1oidc v4.1.0\n1rsa v0.9.0\n", "0people v0.1.0\n1oidc v4.1.0\n2jose v1.0.0\n3rsa v0.9.0\n"] {
            assert_eq!(bans_broken(&policy, tree).len(), 1, "{tree}");
        }
    }
}
