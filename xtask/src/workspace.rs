//! The workspace as the rules see it: manifests with their own crates and dependencies, and every source file.

use std::fs;
use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

/// Folders that hold nothing of ours.
const NOT_OURS: [&str; 7] = ["target", "node_modules", ".git", "data", ".venv", "corpus", "artifacts"];

/// A text file of ours.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl File {
    /// The line that holds `needle` first, from 1; 1 when none does.
    pub(crate) fn line_of(&self, needle: &str) -> usize {
        self.text.lines().position(|line| line.contains(needle)).map_or(1, |at| at + 1)
    }

    /// The line where the dependency `name` is declared, from 1.
    pub(crate) fn line_of_key(&self, name: &str) -> usize {
        let is_key = |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['.', '=']));
        self.text.lines().position(is_key).map_or(1, |at| at + 1)
    }
}

/// How a crate needs another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// To be built.
    Build,
    /// For its tests only.
    Test,
}

/// One crate's manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) file: File,
    pub(crate) name: String,
    pub(crate) table: Table,
}

impl Manifest {
    pub(crate) fn parse(file: File) -> anyhow::Result<Self> {
        let table: Table = toml::from_str(&file.text).with_context(|| format!("{} is not TOML", file.path))?;
        let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.with_context(|| format!("{} names no package", file.path))?.to_owned();
        Ok(Self { file, name, table })
    }

    /// All dependencies: name, declaration, and what they are needed for. Those of one target count like the others.
    pub(crate) fn dependencies(&self) -> Vec<(&str, &Value, Need)> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table).chain([&self.table]);
        let sections = [("dependencies", Need::Build), ("build-dependencies", Need::Build), ("dev-dependencies", Need::Test)];
        tables
            .flat_map(|table| sections.map(|(section, need)| (table.get(section), need)))
            .filter_map(|(section, need)| Some((section?.as_table()?, need)))
            .flat_map(|(section, need)| section.iter().map(move |(name, value)| (name.as_str(), value, need)))
            .collect()
    }
}

/// Everything the rules look at.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The root manifest.
    pub(crate) root: File,
    /// `workspace.dependencies` of the root manifest.
    pub(crate) dependencies: Table,
    /// The crates under `crates/`, and `xtask`.
    pub(crate) crates: Vec<Manifest>,
    /// Every text file of ours.
    pub(crate) files: Vec<File>,
}

impl Workspace {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self::new(files)
    }

    fn new(files: Vec<File>) -> anyhow::Result<Self> {
        let root = files.iter().find(|file| file.path == "Cargo.toml").context("the workspace has no Cargo.toml")?.clone();
        let table: Table = toml::from_str(&root.text).context("Cargo.toml is not TOML")?;
        let dependencies = table.get("workspace").and_then(|workspace| workspace.get("dependencies")).and_then(Value::as_table);
        let dependencies = dependencies.context("Cargo.toml has no [workspace.dependencies]")?.clone();
        let is_member = |file: &&File| file.path.ends_with("/Cargo.toml");
        let mut crates = files.iter().filter(is_member).cloned().map(Manifest::parse).collect::<anyhow::Result<Vec<_>>>()?;
        // A manifest with a workspace of its own (`fuzz`) is no crate of this one: it cannot take versions or lints from here.
        crates.retain(|manifest| !manifest.table.contains_key("workspace"));
        Ok(Self { root, dependencies, crates, files })
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust files, generated ones left out: they say so themselves.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(|file| file.path.ends_with(".rs"))
            .filter(|file| !file.text.lines().take(5).any(|line| line.contains("@generated")))
    }
}

fn walk(folder: &Path, path: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            // Pictures and recordings are not text and have no rules.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

/// A workspace made of what a test says.
#[cfg(test)]
pub(crate) fn sample(files: &[(&str, &str)]) -> Workspace {
    let mut all = vec![File { path: "Cargo.toml".to_owned(), text: "[workspace.dependencies]\n".to_owned() }];
    for (path, text) in files {
        all.retain(|file| file.path != *path);
        all.push(File { path: (*path).to_owned(), text: (*text).to_owned() });
    }
    Workspace::new(all).unwrap()
}
