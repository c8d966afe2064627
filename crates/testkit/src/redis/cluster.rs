//! A cluster of three masters.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::{RedisServer, free_port, until};

/// Slots of a cluster, shared out evenly.
const SLOTS: u32 = 16_384;
/// How often a start of the whole is tried, should one port be gone meanwhile.
const STARTS: u32 = 3;

/// Three masters that share the slots. They are killed when this is dropped.
pub struct RedisCluster {
    servers: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts it and waits until every server finds the cluster complete.
    pub async fn start() -> Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::try_start().await {
                Ok(cluster) => return Ok(cluster),
                Err(fault) if tries >= STARTS => return Err(fault),
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn try_start() -> Result<Self> {
        let (mut servers, mut buses) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let bus = free_port()?;
            let bus_text = bus.to_string();
            let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus_text];
            servers.push(RedisServer::start_with(&settings).await?);
            buses.push(bus);
        }
        let count = servers.len() as u32;
        for (number, server) in (0..).zip(&servers) {
            let (first, last) = (number * SLOTS / count, (number + 1) * SLOTS / count - 1);
            server.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await?;
            server.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1)).await?;
        }
        for (other, bus) in servers.iter().zip(&buses).skip(1) {
            servers[0].ask(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port())).await?;
        }
        let cluster = Self { servers };
        until("the cluster is complete", || cluster.is_complete()).await?;
        Ok(cluster)
    }

    async fn is_complete(&self) -> Result<bool> {
        for server in &self.servers {
            let info = server.ask("CLUSTER INFO").await?.concat();
            if !info.contains("cluster_state:ok") || !info.contains("cluster_known_nodes:3") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All servers for the setting of a program.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.servers.iter().map(|server| server.address().to_string()).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The servers.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// Kills the server at this port.
    pub fn stop(&mut self, port: u16) {
        self.servers.iter_mut().filter(|server| server.port() == port).for_each(RedisServer::stop);
    }

    /// The server that has this key.
    pub async fn server_of(&self, key: &str) -> Result<&RedisServer> {
        let slot: u32 = self.servers[0].ask(&format!("CLUSTER KEYSLOT {key}")).await?.concat().parse()?;
        let number = self.servers.iter().zip(0..).position(|(_, number)| slot < (number + 1) * SLOTS / 3);
        ensure!(number.is_some(), "no server has the slot {slot}");
        Ok(&self.servers[number.unwrap_or(0)])
    }
}
