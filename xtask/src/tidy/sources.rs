//! How source files look: what they are called, how they open, how long they are, and what may not stand in them.

use super::Finding;
use crate::code::{has_word, without_text};
use crate::workspace::{File, Workspace};

/// No file is longer.
const LONGEST: usize = 800;
/// Files beyond this are the exception...
const LONG: usize = 500;
/// ... that at most this share of all files may be, in percent.
const LONG_SHARE: usize = 3;

/// Words that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 11] =
    ["manager", "managers", "helper", "helpers", "util", "utils", "common", "misc", "enhanced", "production", "v2"];

/// The only folder where `unsafe` may stand.
const UNSAFE_HOME: &str = "crates/pocketsphinx/";

/// Every file says in its first line what it is for.
pub(super) fn files_open_with_their_purpose(workspace: &Workspace) -> Vec<Finding> {
    let silent = |file: &&File| !file.text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("//!"));
    workspace.sources().filter(silent).map(|file| Finding::new(file, 1, "open with a `//!` line that says what this file is for")).collect()
}

/// Lengths without inline tests, as tests beside the code should not drive it apart.
pub(super) fn files_are_short(workspace: &Workspace) -> Vec<Finding> {
    let lengths: Vec<(&File, usize)> = workspace.sources().map(|file| (file, length(&file.text))).collect();
    let long: Vec<_> = lengths.iter().filter(|(_, lines)| *lines > LONG).collect();
    let too_many = long.len() * 100 > lengths.len() * LONG_SHARE;
    let reason = |lines: usize| match lines {
        _ if lines > LONGEST => Some(format!("{lines} lines without tests, the limit is {LONGEST}: split it by what it does")),
        _ if too_many => Some(format!(
            "{lines} lines without tests, and {} of {} files are over {LONG} (at most {LONG_SHARE} %)",
            long.len(),
            lengths.len()
        )),
        _ => None,
    };
    long.iter().filter_map(|(file, lines)| Some(Finding::new(file, LONG + 1, reason(*lines)?))).collect()
}

/// Lines up to the inline test module.
fn length(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let opens_tests = |at: &usize| {
        let item = lines[at + 1..].iter().find(|line| !line.starts_with("#["));
        lines[*at] == "#[cfg(test)]" && item.is_some_and(|line| has_word(line, "mod") && line.ends_with('{'))
    };
    (0..lines.len()).find(opens_tests).unwrap_or(lines.len())
}

/// `queue.rs` with `queue/` beside it: ten open files named `mod.rs` cannot be told apart.
pub(super) fn no_mod_rs(workspace: &Workspace) -> Vec<Finding> {
    let is_mod = |file: &&File| file.path.ends_with("/mod.rs");
    workspace
        .sources()
        .filter(is_mod)
        .map(|file| Finding::new(file, 1, "name the file after the module, with its folder beside it"))
        .collect()
}

/// Files and folders are named for what they hold.
pub(super) fn names_are_nouns_of_the_domain(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &workspace.files {
        let words = file.path.split(['/', '.', '_', '-']);
        if let Some(word) = words.into_iter().find(|word| EMPTY_NAMES.contains(&word.to_ascii_lowercase().as_str())) {
            findings.push(Finding::new(file, 1, format!("`{word}` in a name says nothing: name it after what it holds")));
        }
    }
    findings
}

/// A lint is switched off by `expect` with a reason: it complains when it is no longer needed.
pub(super) fn lints_are_not_allowed_away(workspace: &Workspace) -> Vec<Finding> {
    let allows = |line: &str| line.trim_start().starts_with('#') && line.contains("allow(") && has_word(line, "allow");
    lines_of_code(workspace, |_, line| allows(line), "use `#[expect(..., reason = \"...\")]` instead of `allow`")
}

/// The keyword stands in one crate, which runs in a process of its own.
pub(super) fn unsafe_stays_in_its_crate(workspace: &Workspace) -> Vec<Finding> {
    let strays = |file: &File, line: &str| !file.path.starts_with(UNSAFE_HOME) && has_word(line, "unsafe");
    lines_of_code(workspace, strays, "`unsafe` may stand in crates/pocketsphinx only")
}

fn lines_of_code(workspace: &Workspace, breaks: impl Fn(&File, &str) -> bool, reason: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.sources() {
        let code = without_text(&file.text);
        let broken = code.lines().enumerate().filter(|(_, line)| breaks(file, line));
        findings.extend(broken.map(|(at, _)| Finding::new(file, at + 1, reason)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    fn places(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        let found = files_open_with_their_purpose(&sample(&[
            ("crates/call/src/lib.rs", "\n//! Calls.\n"),
            ("crates/call/src/leg.rs", "// Legs.\nuse std::fmt;\n"),
            ("crates/call/src/empty.rs", ""),
            ("crates/call/src/wire.rs", "// @generated\nstruct A;\n"),
        ]));
        assert_eq!(places(&found), ["crates/call/src/leg.rs:1", "crates/call/src/empty.rs:1"]);
    }

    #[test]
    fn a_file_that_is_too_long_is_found_and_its_tests_are_not_counted() {
        let long = "line\n".repeat(LONGEST + 1);
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{long}}}\n", "line\n".repeat(LONG));
        let outside = format!("#[cfg(test)]\nmod tests;\n{long}");
        let found = files_are_short(&sample(&[("a.rs", &long), ("b.rs", &tested), ("c.rs", &outside)]));
        assert_eq!(places(&found), [format!("a.rs:{}", LONG + 1), format!("c.rs:{}", LONG + 1)]);
    }

    #[test]
    fn long_files_are_found_when_they_are_too_many() {
        let long = "line\n".repeat(LONG + 1);
        let names: Vec<String> = (0..33).map(|number| format!("short{number}.rs")).collect();
        let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "//! x\n")).collect();
        files.push(("a.rs", &long));
        assert_eq!(files_are_short(&sample(&files)), [], "one of 34 is under 3 %");
        files.truncate(31);
        files.push(("a.rs", &long));
        assert_eq!(files_are_short(&sample(&files)).len(), 1, "one of 32 is over 3 %");
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        let found = names_are_nouns_of_the_domain(&sample(&[
            ("crates/call/src/call_manager.rs", ""),
            ("crates/call/tests/common/server.rs", ""),
            ("crates/call/src/queue_v2.rs", ""),
            ("crates/call/src/utilisation.rs", ""),
        ]));
        assert_eq!(found.len(), 3);
        assert_eq!(no_mod_rs(&sample(&[("crates/call/src/queue/mod.rs", "")])).len(), 1);
    }

    #[test]
    fn an_allowed_lint_is_found() {
        let text = "//! `#[allow(x)]`\n#[allow(dead_code)]\n#![allow(a)]\n#[cfg_attr(test, allow(b))]\n#[expect(c, reason = \"allow(it)\")]\nfn allow() { allow(1) }\n";
        let found = lints_are_not_allowed_away(&sample(&[("a.rs", text)]));
        assert_eq!(places(&found), ["a.rs:2", "a.rs:3", "a.rs:4"]);
    }

    #[test]
    fn unsafe_outside_its_crate_is_found() {
        let text = "//! unsafe\n#![forbid(unsafe_code)]\nfn f() { unsafe { g() } }\nconst T: &str = \"unsafe\";\n";
        let found = unsafe_stays_in_its_crate(&sample(&[("crates/speech/src/lib.rs", text), ("crates/pocketsphinx/src/lib.rs", text)]));
        assert_eq!(places(&found), ["crates/speech/src/lib.rs:3"]);
    }
}
