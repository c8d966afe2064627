//! The operator's page, `docs/metrics.md`, against the program: what it tells is what is scraped.

use std::collections::BTreeMap;
use std::io::Write;

use crate::official::{a_busy_day, promtool};
use crate::scrape::{FamilyShown, counting, everything_known, families};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// A family as the page tells it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    kind: String,
    labels: Vec<String>,
    help: String,
}

/// The rows of the page's tables that begin with a name in code, cell by cell.
fn rows(columns: usize) -> impl Iterator<Item = Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
    PAGE.lines().filter(|line| line.starts_with("| `")).map(cells).filter(move |cells| cells.len() == columns)
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// The label names or values in a cell: everything in code.
fn words(cell: &'static str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn shown() -> BTreeMap<String, FamilyShown> {
    let (recorder, metrics) = counting();
    a_busy_day(&recorder);
    families(&metrics.render(None, &everything_known()).body)
}

#[test]
fn the_page_tells_every_family_and_no_other() {
    let told: BTreeMap<String, Told> = rows(5)
        .map(|row| (code(row[0]).to_owned(), Told { kind: row[1].to_owned(), labels: words(row[2]), help: row[3].to_owned() }))
        .collect();
    let scraped: BTreeMap<String, Told> = shown()
        .into_iter()
        .map(|(name, family)| (name, Told { kind: family.kind, labels: family.labels.into_keys().collect(), help: family.help }))
        .collect();
    for (name, family) in &scraped {
        assert_eq!(told.get(name), Some(family), "docs/metrics.md and the program differ in {name}");
    }
    let gone: Vec<_> = told.keys().filter(|name| !scraped.contains_key(*name)).collect();
    assert!(gone.is_empty(), "docs/metrics.md has what the program has not: {gone:?}");
}

/// Rows of one label stand together for several families, so their values are compared as one set.
#[test]
fn the_page_tells_every_value_of_a_label() {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(3) {
        told.entry(code(row[0]).to_owned()).or_default().extend(words(row[2]));
    }
    let mut scraped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (label, values) in shown().into_values().flat_map(|family| family.labels) {
        scraped.entry(label).or_default().extend(values);
    }
    // Not closed sets: who is called, and which version runs.
    scraped.retain(|label, _| label != "agent_id" && label != "version");
    for values in told.values_mut().chain(scraped.values_mut()) {
        values.sort();
        values.dedup();
    }
    assert_eq!(told, scraped);
}

#[test]
fn the_example_queries_are_queries_of_their_metric() {
    let mut rules = "groups:\n- name: examples\n  rules:\n".to_owned();
    for row in rows(5) {
        let (name, query) = (code(row[0]), code(row[4]));
        assert!(query.contains(name), "the example of {name} asks for something else: {query}");
        rules.push_str(&format!("  - record: example:{name}\n    expr: '{query}'\n"));
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(rules.as_bytes()).unwrap();
    let said = promtool(&["check", "rules", file.path().to_str().unwrap()], "");
    assert!(said.status.success(), "{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(String::from_utf8_lossy(&said.stdout).contains(&format!("{} rules found", rows(5).count())));
}
