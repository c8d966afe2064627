//! The rules, one function each. A rule looks at the whole workspace and returns what it found, with the reason.

use std::fmt;
use std::path::Path;

use crate::workspace::{File, Workspace};

mod dependencies;
mod front_door;
mod pure;
mod roads;
mod routes;
mod sources;
mod tiers;

/// One thing that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    reason: String,
}

impl Finding {
    pub(crate) fn new(file: &File, line: usize, reason: impl Into<String>) -> Self {
        Self::at(&file.path, line, reason)
    }

    pub(crate) fn at(path: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, reason: reason.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.reason)
    }
}

/// All rules on the workspace at `root`, findings in the order of files.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let workspace = Workspace::read(root)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&workspace)).collect();
    findings.extend(dependencies::banned_crates(root, &workspace)?);
    findings.sort();
    Ok(findings)
}

type Rule = fn(&Workspace) -> Vec<Finding>;

const RULES: [Rule; 17] = [
    tiers::arrows_point_down,
    tiers::lints_are_inherited,
    pure::clocks_are_banned,
    pure::heavy_dependencies_stay_out,
    sources::files_open_with_their_purpose,
    sources::files_are_short,
    sources::no_mod_rs,
    sources::names_are_nouns_of_the_domain,
    sources::lints_are_not_allowed_away,
    sources::unsafe_stays_in_its_crate,
    dependencies::versions_stand_in_one_place,
    dependencies::every_dependency_is_explained,
    dependencies::every_explanation_is_of_a_dependency,
    front_door::architecture_is_short,
    front_door::readme_shows_the_commands,
    roads::outside_is_guarded,
    routes::every_address_is_in_the_table,
];
