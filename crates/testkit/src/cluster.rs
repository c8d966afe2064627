//! Instances behind a balancer: each a process of its own, with lines to their shared stores that can be cut.

mod stores;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use serde_json::Value;
use tempfile::TempDir;

use crate::carrier::{CallControl, CarrierKeys, CarrierSimulator};
use crate::clock::WallClock;
use crate::postgres::PostgresServer;
use crate::redis::{RedisSentinels, RedisServer};
use crate::{Balancer, BalancerOptions, CuttingProxy, Server};
use stores::StoreServers;

/// How long the balancer may take to see that an instance is ready.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// How long one look at an instance may take.
const LOOK_LIMIT: Duration = Duration::from_secs(3);
/// Names of instances.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// What is started.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The program.
    pub program: PathBuf,
    /// How many instances; 4 at most.
    pub instances: usize,
    /// Where records and live state are.
    pub stores: Stores,
    /// More settings, for every instance.
    pub settings: Vec<(String, String)>,
    /// The instance whose wall clock can be moved.
    pub clock_of: Option<usize>,
    /// How the balancer works.
    pub balancer: BalancerOptions,
    /// True: each instance tells carriers its own address for media streams (`INSTANCE_URL`), past the balancer. False: streams are balanced
    /// like everything else, and reach any instance.
    pub direct: bool,
}

/// Where records and live state are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stores {
    /// Each instance has its own file and its own memory.
    Embedded,
    /// One PostgreSQL and one Redis; each instance reaches them by lines of its own, which can be cut.
    Shared,
    /// The same, with a Redis that is a master, a replica and three sentinels. Its lines cannot be cut.
    Sentinels,
}

/// Instances, balancer and stores. Everything ends when it is dropped.
pub struct Cluster {
    options: ClusterOptions,
    balancer: Balancer,
    instances: Vec<Instance>,
    stores: StoreServers,
    keys: CarrierKeys,
    control: CallControl,
    http: reqwest::Client,
}

/// One instance.
struct Instance {
    server: Option<Server>,
    /// What the last process left, while none runs.
    left: Option<TempDir>,
    clock: Option<WallClock>,
    redis: Option<CuttingProxy>,
    postgres: Option<CuttingProxy>,
}

impl Cluster {
    /// Starts everything, and returns when every instance is in rotation.
    pub async fn start(options: ClusterOptions) -> Result<Self> {
        ensure!((1..=NAMES.len()).contains(&options.instances), "a cluster has 1 to {} instances", NAMES.len());
        let balancer = Balancer::start(options.balancer.clone()).await?;
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(LOOK_LIMIT).build()?;
        let stores = StoreServers::start(options.stores).await?;
        stores.migrate(&options.program).await?;
        let control = CallControl::start().await?;
        let mut cluster = Self { options, balancer, instances: Vec::new(), stores, keys: CarrierKeys::for_tests(), control, http };
        for place in 0..cluster.options.instances {
            cluster.add(place).await?;
            cluster.run(place).await?;
        }
        cluster.balancer.until_in_rotation(cluster.options.instances, READY_LIMIT).await?;
        Ok(cluster)
    }

    async fn add(&mut self, place: usize) -> Result<()> {
        let clock = (self.options.clock_of == Some(place)).then(WallClock::new).transpose()?;
        let (mut redis, mut postgres) = (None, None);
        if let Some(address) = self.stores.redis_address() {
            redis = Some(CuttingProxy::start(address).await?);
        }
        if let Some(address) = self.stores.postgres_address() {
            postgres = Some(CuttingProxy::start(address).await?);
        }
        self.instances.push(Instance { server: None, left: None, clock, redis, postgres });
        Ok(())
    }

    /// The balancer.
    pub fn balancer(&self) -> &Balancer {
        &self.balancer
    }

    /// A carrier that brings its calls to the balancer.
    pub fn carrier(&self) -> Result<CarrierSimulator> {
        Ok(CarrierSimulator::new(Url::parse(&self.balancer.url())?, self.keys.clone())?.with_control(self.control.clone()))
    }

    /// How many instances run.
    pub fn running(&self) -> usize {
        self.instances.iter().filter(|instance| instance.server.is_some()).count()
    }

    /// The instance at this place, while it runs.
    pub fn instance(&self, place: usize) -> Result<&Server> {
        self.at(place)?.server.as_ref().with_context(|| format!("instance {place} does not run"))
    }

    /// The line between this instance and Redis.
    pub fn redis_line(&self, place: usize) -> Result<&CuttingProxy> {
        self.at(place)?.redis.as_ref().context("this cluster has no Redis")
    }

    /// The line between this instance and PostgreSQL.
    pub fn postgres_line(&self, place: usize) -> Result<&CuttingProxy> {
        self.at(place)?.postgres.as_ref().context("this cluster has no PostgreSQL")
    }

    /// The Redis server, when there is one.
    pub fn redis(&mut self) -> Result<&mut RedisServer> {
        self.stores.redis.as_mut().context("this cluster has no Redis of its own")
    }

    /// The sentinels and what they watch.
    pub fn sentinels(&mut self) -> Result<&mut RedisSentinels> {
        self.stores.sentinels.as_mut().context("this cluster has no sentinels")
    }

    /// The PostgreSQL server.
    pub fn postgres(&mut self) -> Result<&mut PostgresServer> {
        self.stores.postgres.as_mut().context("this cluster has no PostgreSQL")
    }

    /// The wall clock of the instance that has one of its own.
    pub fn clock(&self, place: usize) -> Result<&WallClock> {
        self.at(place)?.clock.as_ref().context("this instance has no clock of its own")
    }

    /// `kill -9`: the process is gone when this returns.
    pub async fn kill(&mut self, place: usize) -> Result<()> {
        self.instance(place)?.signal("KILL").await?;
        let server = self.at_mut(place)?.server.take().context("it does not run")?;
        self.at_mut(place)?.left = Some(server.ended().await?.data);
        Ok(())
    }

    /// Waits until an instance that was told to stop is gone.
    pub async fn gone(&mut self, place: usize) -> Result<std::process::ExitStatus> {
        let server = self.at_mut(place)?.server.take().context("it does not run")?;
        let hung = server.ended().await?;
        self.at_mut(place)?.left = Some(hung.data);
        Ok(hung.status)
    }

    /// Starts the program at this place, on what the last one there left, and puts it behind the balancer.
    pub async fn run(&mut self, place: usize) -> Result<()> {
        let data = self.at_mut(place)?.left.take().map_or_else(tempfile::tempdir, Ok)?;
        let mut settings = self.settings(place)?;
        if self.options.direct {
            let port = free_port()?;
            settings.push(("PORT".to_owned(), port.to_string()));
            settings.push(("INSTANCE_URL".to_owned(), format!("http://127.0.0.1:{port}")));
        }
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let server = Server::start_in(&self.options.program, data, &settings).await?;
        let address = server.url().socket_addrs(|| None)?.first().copied().context("the instance has no address")?;
        self.balancer.put(place, address)?;
        self.at_mut(place)?.server = Some(server);
        Ok(())
    }

    /// Reads JSON from one instance.
    pub async fn json(&self, place: usize, path: &str) -> Result<Value> {
        let url = self.instance(place)?.url().join(path)?;
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// Reads text from every instance that runs.
    pub async fn texts(&self, path: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for server in self.instances.iter().filter_map(|instance| instance.server.as_ref()) {
            let answer = self.http.get(server.url().join(path)?).send().await?.error_for_status()?;
            texts.push(answer.text().await?);
        }
        Ok(texts)
    }

    /// Reads JSON from the first instance that answers.
    pub async fn any_json(&self, path: &str) -> Result<Value> {
        let mut last = None;
        for place in 0..self.instances.len() {
            match self.json(place, path).await {
                Ok(value) => return Ok(value),
                Err(why) => last = Some(why),
            }
        }
        Err(last.context("no instance runs")?)
    }

    fn settings(&self, place: usize) -> Result<Vec<(String, String)>> {
        let instance = self.at(place)?;
        let mut settings = vec![("PUBLIC_URL".to_owned(), self.balancer.url())];
        let carriers = self.keys.settings().into_iter().chain(self.control.settings());
        settings.extend(carriers.map(|(name, value)| (name.to_owned(), value)));
        if self.options.stores != Stores::Embedded {
            settings.push(("INSTANCE_NAME".to_owned(), NAMES.get(place).copied().unwrap_or("x").to_owned()));
        }
        let address = |line: &Option<CuttingProxy>| line.as_ref().map(CuttingProxy::address);
        settings.extend(self.stores.settings(address(&instance.redis), address(&instance.postgres))?);
        settings.extend(instance.clock.iter().flat_map(WallClock::settings));
        settings.extend(self.options.settings.iter().cloned());
        Ok(settings)
    }

    fn at(&self, place: usize) -> Result<&Instance> {
        self.instances.get(place).with_context(|| format!("there is no instance {place}"))
    }

    fn at_mut(&mut self, place: usize) -> Result<&mut Instance> {
        self.instances.get_mut(place).with_context(|| format!("there is no instance {place}"))
    }
}

/// A port that is free at this moment: an instance must know its address before it starts.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
