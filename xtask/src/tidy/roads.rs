//! Outside services are reached through their guards only: the libraries that could go past them are used by few crates, each for a reason.

use super::Finding;
use crate::workspace::{Need, Workspace};

/// A library that opens connections, who may use it, and why that is safe.
const ROADS: [(&str, &[(&str, &str)]); 5] = [
    (
        "reqwest",
        &[
            ("outbound", "its client cannot be had without a guard"),
            ("trunk", "it stands behind `Guarded`"),
            ("people", "it stands behind `Guarded`"),
            ("dial", "it is the far end of a call, and calls our own server"),
            ("voicenoob", "its subcommands ask our own server"),
        ],
    ),
    (
        "tokio-tungstenite",
        &[
            ("outbound", "its sockets begin with a guard"),
            ("dial", "it is the far end of a call, and calls our own server"),
            ("voicenoob", "its benchmarks are the far end of calls"),
        ],
    ),
    ("tonic", &[("riva", "its channels begin with a guard"), ("simulator", "it is a server")]),
    ("redis", &[("live", "its link asks its guard at each operation"), ("voicenoob", "its benchmark measures beside the bare client")]),
    (
        "sqlx",
        &[("store", "a server's pool is asked through its road"), ("hotel", "it uses the types of rows, and the store's connections")],
    ),
];

/// Crates other than tests use these libraries only where the table says so.
pub(super) fn outside_is_guarded(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &workspace.crates {
        let name = manifest.name.as_str();
        if name == "testkit" {
            continue;
        }
        for (used, _, need) in manifest.dependencies() {
            let road = ROADS.iter().find(|(library, _)| *library == used);
            let free = road.is_none_or(|(_, users)| users.iter().any(|(user, _)| *user == name));
            if !free && need == Need::Build {
                let reason = format!(
                    "{used} would go past the guards: use `outbound`, or put {name} into the table in xtask/src/tidy/roads.rs with a reason"
                );
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

    fn found(name: &str, rest: &str) -> usize {
        let path = format!("crates/{name}/Cargo.toml");
        outside_is_guarded(&sample(&[(&path, &format!("[package]\nname = \"{name}\"\n{rest}\n"))])).len()
    }

    #[test]
    fn a_client_past_the_guards_is_found() {
        assert_eq!(found("speech", "[dependencies]\nreqwest.workspace = true"), 1);
        assert_eq!(found("session", "[dependencies]\nredis.workspace = true\nsqlx.workspace = true"), 2);
        assert_eq!(found("outbound", "[dependencies]\nreqwest.workspace = true"), 0);
        assert_eq!(found("api", "[dev-dependencies]\nreqwest.workspace = true"), 0, "tests are our own far end");
    }
}
