//! Where a server could leave something: its output, its database, its files, Redis, and what it answers to everybody.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use store::{Database, query};
use testkit::Server;
use testkit::redis::RedisServer;

use super::canary::{Canary, Text};

/// Texts by the place they stand in.
#[derive(Default)]
pub(crate) struct Places(Vec<(String, Vec<u8>)>);

impl Places {
    pub(crate) fn add(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.0.push((place.into(), text.into()));
    }

    /// What the process wrote: its log, and what it said to whoever started it.
    pub(crate) fn output(&mut self, folder: &Path) -> Result<()> {
        let (log, said) = (std::fs::read(folder.join("stderr"))?, std::fs::read(folder.join("stdout"))?);
        let text = String::from_utf8_lossy(&log);
        ensure!(text.contains("TRACE") && text.contains("answered"), "the log is not at its most talkative");
        ensure!(!text.contains("log lines dropped"), "the log is not whole");
        self.add("log", log);
        self.add("stdout", said);
        Ok(())
    }

    /// Every value of every table.
    pub(crate) async fn database(&mut self, database: &Database, is_postgres: bool) -> Result<()> {
        let tables = match is_postgres {
            true => {
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'public'"
            }
            false => "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
        };
        let columns: Vec<(String, String)> = query(tables).all(database.readers()).await?;
        ensure!(columns.len() > 100, "these are not all columns: {columns:?}");
        for (table, column) in columns {
            let sql = match is_postgres {
                true => format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"),
                false => format!(
                    "SELECT CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\") ELSE CAST(\"{column}\" AS TEXT) END FROM \"{table}\" \
                     WHERE \"{column}\" IS NOT NULL"
                ),
            };
            // A statement lives as long as the program; this one runs in a test.
            let rows: Vec<(String,)> = query(sql.leak()).all(database.readers()).await.with_context(|| format!("{table}.{column}"))?;
            let text: Vec<String> = rows.into_iter().map(|(value,)| value).collect();
            self.add(format!("db:{table}.{column}"), text.join("\n"));
        }
        Ok(())
    }

    /// Names and bytes of all files, but for the ones that hold keys.
    pub(crate) fn files(&mut self, folder: &Path) -> Result<()> {
        for path in files(folder)? {
            let name = path.strip_prefix(folder)?.display().to_string();
            self.add("file name", name.clone());
            if !name.ends_with(".toml") {
                self.add(format!("file:{name}"), std::fs::read(&path)?);
            }
        }
        Ok(())
    }

    /// Every key of a Redis server with its value.
    pub(crate) async fn redis(&mut self, redis: &RedisServer) -> Result<usize> {
        let keys = redis.ask("KEYS *").await?;
        for key in &keys {
            self.add("redis key", key.clone());
            let read = match redis.ask(&format!("TYPE \"{key}\"")).await?.first().map(String::as_str) {
                Some("string") => "GET {}",
                Some("hash") => "HGETALL {}",
                Some("set") => "SMEMBERS {}",
                Some("zset") => "ZRANGE {} 0 -1",
                Some("list") => "LRANGE {} 0 -1",
                Some("none") | None => continue, // Gone meanwhile.
                Some(other) => anyhow::bail!("nobody reads a {other} of Redis here"),
            };
            let held = redis.ask(&read.replace("{}", &format!("\"{key}\""))).await?;
            // In a hash and in a sorted set, names are as public as keys are.
            self.add("redis value", held.join("\n"));
        }
        Ok(keys.len())
    }

    /// What everybody is answered, and what the server says of itself.
    pub(crate) async fn answers(&mut self, server: &Server) -> Result<()> {
        for (place, path) in [
            ("metrics", "/metrics"),
            ("health", "/health"),
            ("health", "/health/ready"),
            ("health", "/health/live"),
            ("openapi", "/api/v1/openapi.json"),
            ("page", "/"),
            ("page", "/api/docs"),
        ] {
            let answer = server.http().get(server.url().join(path)?).send().await?;
            ensure!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
            self.add(place, format!("{:?}", answer.headers()));
            self.add(place, answer.bytes().await?.to_vec());
        }
        let shown = server.command(&["config"]).output().await?;
        ensure!(shown.status.success(), "the settings cannot be shown");
        self.add("config", [shown.stdout, shown.stderr].concat());
        Ok(())
    }

    /// Every canary that is where it may not be.
    pub(crate) fn strays(&self, canaries: &[Canary]) -> Vec<String> {
        let texts: Vec<(&str, Text)> = self.0.iter().map(|(place, text)| (place.as_str(), Text::new(text))).collect();
        let mut strays = Vec::new();
        for canary in canaries {
            for (place, text) in &texts {
                match canary.found(text) {
                    Some(around) if !canary.may_be_in(place) => strays.push(format!("{} in {place}: ...{around}...", canary.name)),
                    _ => {}
                }
            }
        }
        strays
    }

    /// Canaries that are kept in records, and are in none.
    pub(crate) fn missing(&self, canaries: &[Canary]) -> Vec<&'static str> {
        let texts: Vec<(&str, Text)> = self.0.iter().map(|(place, text)| (place.as_str(), Text::new(text))).collect();
        let is_there = |canary: &&Canary| texts.iter().any(|(place, text)| canary.may_be_in(place) && canary.found(text).is_some());
        canaries.iter().filter(|canary| canary.is_kept && !is_there(canary)).map(|canary| canary.name).collect()
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}
