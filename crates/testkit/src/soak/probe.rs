//! What a server holds at one moment.

use std::time::Duration;

use anyhow::{Context, Result};
use simulator::{Simulator, Vendor};
use tokio::time::Instant;

use crate::chaos::Scrape;
use crate::{ApiClient, Server};

/// The head of the rows.
pub(super) const HEAD: &str = "| min | RSS MiB | open files | threads | live calls | permits | calls to services under way | open at vendors | rungs changed | fillers |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Since the first call.
    pub at: Duration,
    /// Memory in RAM of the server's own process, MiB.
    pub rss_mib: f64,
    /// Its open files and sockets.
    pub files: usize,
    /// Its threads.
    pub threads: usize,
    /// Calls that are live.
    pub live: usize,
    /// Places taken.
    pub permits: u64,
    /// Calls to outside services that are not over, by the guards.
    pub under_way: u64,
    /// Requests and sockets that the vendors count as open.
    pub at_vendors: usize,
    /// Changes of rung so far.
    pub rungs: u64,
    /// Fillers so far.
    pub fillers: u64,
}

/// An access token lives for 10 minutes; a new one is taken in time.
const SIGNED_IN: Duration = Duration::from_secs(5 * 60);

pub(super) struct Probe<'a> {
    server: &'a Server,
    vendors: &'a Simulator,
    admin: ApiClient,
    signed_in: Instant,
}

impl<'a> Probe<'a> {
    pub(super) async fn new(server: &'a Server, vendors: &'a Simulator) -> Result<Self> {
        Ok(Self { server, vendors, admin: server.sign_in_again().await?, signed_in: Instant::now() })
    }

    pub(super) async fn sample(&mut self, at: Duration) -> Result<Sample> {
        let sample = self.look(at).await?;
        // After the look: to check a password takes the server 19 MiB for a moment.
        if self.signed_in.elapsed() >= SIGNED_IN {
            (self.admin, self.signed_in) = (self.server.sign_in_again().await?, Instant::now());
        }
        Ok(sample)
    }

    async fn look(&self, at: Duration) -> Result<Sample> {
        let active = self.admin.get("/api/v1/calls/active").await?;
        let services = self.admin.get("/api/v1/services").await?;
        let metrics =
            Scrape::read(&self.server.http().get(self.server.url().join("/metrics")?).send().await?.error_for_status()?.text().await?);
        let pid = self.server.pid().context("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the server's status cannot be read")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).with_context(|| format!("no {name} in the status"))
        };
        // The database is asked by the probe itself.
        let vendors = services["services"].as_array().into_iter().flatten().filter(|service| service["name"] != "database");
        Ok(Sample {
            at,
            rss_mib: field("VmRSS:")? as f64 / 1024.0,
            files: std::fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
            threads: field("Threads:")? as usize,
            live: active["calls"].as_array().map_or(0, Vec::len),
            permits: active["taken"].as_u64().context("no permits in the answer")?,
            under_way: vendors.filter_map(|service| service["calls_under_way"].as_u64()).sum(),
            at_vendors: Vendor::ALL.iter().map(|vendor| self.vendors.seen(*vendor).open).sum(),
            rungs: metrics.sum("voicenoob_rung_changes_total", &[]) as u64,
            fillers: metrics.sum("voicenoob_fillers_total", &[]) as u64,
        })
    }
}

impl Sample {
    /// As a row of a table.
    pub fn row(&self) -> String {
        format!(
            "| {:.1} | {:.1} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.at.as_secs_f64() / 60.0,
            self.rss_mib,
            self.files,
            self.threads,
            self.live,
            self.permits,
            self.under_way,
            self.at_vendors,
            self.rungs,
            self.fillers,
        )
    }
}
