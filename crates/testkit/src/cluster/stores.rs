//! The stores that instances share.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Stores;
use crate::postgres::PostgresServer;
use crate::redis::{RedisSentinels, RedisServer};

/// Servers that run for one cluster.
#[derive(Default)]
pub(super) struct StoreServers {
    pub(super) redis: Option<RedisServer>,
    pub(super) sentinels: Option<RedisSentinels>,
    pub(super) postgres: Option<PostgresServer>,
    database: String,
}

impl StoreServers {
    pub(super) async fn start(stores: Stores) -> Result<Self> {
        if stores == Stores::Embedded {
            return Ok(Self::default());
        }
        let postgres = PostgresServer::start().await?;
        let database = postgres.database().await?;
        let (mut redis, mut sentinels) = (None, None);
        if stores == Stores::Sentinels {
            sentinels = Some(RedisSentinels::start().await?);
        } else {
            redis = Some(RedisServer::start().await?);
        }
        Ok(Self { redis, sentinels, postgres: Some(postgres), database })
    }

    /// Lets the program bring the schema up, as an operator does before the first start: instances refuse a database without it.
    pub(super) async fn migrate(&self, program: &Path) -> Result<()> {
        if self.postgres.is_none() {
            return Ok(());
        }
        let data = tempfile::tempdir()?;
        let mut migrate = Command::new(program);
        migrate.arg("migrate").env_clear().env("DATABASE_URL", &self.database).env("DATA_DIR", data.path());
        let output = migrate.output().await?;
        ensure!(output.status.success(), "the schema was not set up: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Where Redis is, when it is one server. Sentinels name their servers themselves, so that no proxy can stand in between.
    pub(super) fn redis_address(&self) -> Option<SocketAddr> {
        self.redis.as_ref().map(RedisServer::address)
    }

    pub(super) fn postgres_address(&self) -> Option<SocketAddr> {
        self.postgres.as_ref().map(|postgres| SocketAddr::from((Ipv4Addr::LOCALHOST, postgres.port())))
    }

    /// The settings of an instance that reaches the stores by these lines.
    pub(super) fn settings(&self, redis: Option<SocketAddr>, postgres: Option<SocketAddr>) -> Result<Vec<(String, String)>> {
        let mut settings = Vec::new();
        match (redis, &self.sentinels) {
            (Some(line), _) => settings.push(("REDIS_URL".to_owned(), format!("redis://{line}"))),
            (None, Some(sentinels)) => settings.push(("REDIS_URL".to_owned(), sentinels.url())),
            (None, None) => {}
        }
        if let Some(line) = postgres {
            let direct = self.postgres_address().context("no PostgreSQL runs")?.to_string();
            settings.push(("DATABASE_URL".to_owned(), self.database.replace(&direct, &line.to_string())));
        }
        Ok(settings)
    }
}
