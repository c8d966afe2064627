//! What a newcomer reads first is there, short, and names the two commands.

use super::Finding;
use crate::workspace::Workspace;

/// `ARCHITECTURE.md` stays under this many lines: a page that is not read does not help.
const ARCHITECTURE_LINES: usize = 200;

/// The architecture is written down, on a page that can be read in one go.
pub(super) fn architecture_is_short(workspace: &Workspace) -> Vec<Finding> {
    let path = "ARCHITECTURE.md";
    match workspace.file(path).map(|file| file.text.lines().count()) {
        None => vec![Finding::at(path, 1, "is missing: the tiers, the flows, the invariants")],
        Some(lines) if lines >= ARCHITECTURE_LINES => {
            vec![Finding::at(path, ARCHITECTURE_LINES, format!("{lines} lines, keep it under {ARCHITECTURE_LINES}"))]
        }
        Some(_) => Vec::new(),
    }
}

/// The README shows how to start and how to test.
pub(super) fn readme_shows_the_commands(workspace: &Workspace) -> Vec<Finding> {
    let text = workspace.file("README.md").map_or("", |file| &file.text);
    let missing = ["./run", "./test"].into_iter().filter(|command| !text.contains(command));
    missing.map(|command| Finding::at("README.md", 1, format!("does not show `{command}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    #[test]
    fn a_missing_or_long_architecture_is_found() {
        assert_eq!(architecture_is_short(&sample(&[])).len(), 1);
        assert_eq!(architecture_is_short(&sample(&[("ARCHITECTURE.md", &"x\n".repeat(ARCHITECTURE_LINES))])).len(), 1);
        assert_eq!(architecture_is_short(&sample(&[("ARCHITECTURE.md", &"x\n".repeat(ARCHITECTURE_LINES - 1))])), []);
    }

    #[test]
    fn a_readme_without_the_commands_is_found() {
        assert_eq!(readme_shows_the_commands(&sample(&[])).len(), 2);
        assert_eq!(readme_shows_the_commands(&sample(&[("README.md", "Start with `./run`, check with `./test`.")])), []);
    }
}
