//! Making connections: to one server, to the master that sentinels name, to a cluster.

use std::time::Duration;

use futures_util::future::select_ok;
use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError, RedisResult, Value};
use tokio::time::timeout;

use super::{CONNECT_LIMIT, OPERATION_LIMIT, RESPONSE_LIMIT, Request};
use crate::redis::address::{Address, Sentinel};

/// Retries inside the cluster's client: one for a moved slot, one for a broken connection.
const CLUSTER_RETRIES: u32 = 2;
/// Longest pause between those, ms.
const CLUSTER_PAUSE_MS: u64 = 50;

/// A connection that many operations share at the same time.
#[derive(Clone)]
pub(super) enum Connection {
    /// To one server.
    Server(MultiplexedConnection),
    /// To all servers of a cluster.
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) async fn send(&mut self, request: Request<'_>) -> RedisResult<Value> {
        match self {
            Self::Server(connection) => send(connection, request).await,
            Self::Cluster(connection) => send(connection, request).await,
        }
    }
}

async fn send(connection: &mut impl ConnectionLike, request: Request<'_>) -> RedisResult<Value> {
    match request {
        // A complaint comes as a value, because in a pipeline it stands among others.
        Request::One(command) => match connection.req_packed_command(command).await? {
            Value::ServerError(complaint) => Err(complaint.into()),
            answer => Ok(answer),
        },
        Request::All(commands) => connection.req_packed_commands(commands, 0, commands.len()).await.map(Value::Array),
    }
}

/// Connects within [`CONNECT_LIMIT`]; the error is in words without addresses.
pub(super) async fn connect(address: &Address) -> Result<Connection, String> {
    let made = timeout(CONNECT_LIMIT, async {
        match address {
            Address::Single(info) => single(info.clone()).await.map(Connection::Server),
            Address::Sentinel(sentinel) => master(sentinel).await.map(|(_, connection)| Connection::Server(connection)),
            Address::Cluster(nodes) => cluster(nodes).await.map(Connection::Cluster),
        }
    });
    made.await.map_err(|_| format!("no connection within {} ms", CONNECT_LIMIT.as_millis()))?
}

/// A connection that listens to `channel`. `turn` chooses among the servers of a cluster, all of which hear every publication.
pub(in crate::redis) async fn subscribe(address: &Address, channel: &str, turn: usize) -> Result<PubSub, String> {
    let made = timeout(CONNECT_LIMIT, async {
        let info = match address {
            Address::Single(info) => info.clone(),
            Address::Sentinel(sentinel) => master(sentinel).await?.0,
            Address::Cluster(nodes) => nodes.get(turn % nodes.len().max(1)).cloned().ok_or("the address names no server")?,
        };
        let mut made = client(info)?.get_async_pubsub().await.map_err(told)?;
        made.subscribe(channel).await.map_err(told)?;
        Ok(made)
    });
    made.await.map_err(|_| format!("no subscription within {} ms", CONNECT_LIMIT.as_millis()))?
}

fn client(info: ConnectionInfo) -> Result<Client, String> {
    Client::open(info).map_err(told)
}

async fn single(info: ConnectionInfo) -> Result<MultiplexedConnection, String> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_LIMIT)).set_response_timeout(Some(RESPONSE_LIMIT));
    let mut connection = client(info)?.get_multiplexed_async_connection_with_config(&config).await.map_err(told)?;
    // A server that accepts and does not answer is not there; one that loads its data or asks for a password says so.
    redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(told)?;
    Ok(connection)
}

async fn cluster(nodes: &[ConnectionInfo]) -> Result<ClusterConnection, String> {
    let client = ClusterClient::builder(nodes.iter().cloned())
        .connection_timeout(CONNECT_LIMIT)
        .response_timeout(RESPONSE_LIMIT)
        .overall_response_timeout(Some(OPERATION_LIMIT - Duration::from_millis(50)))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(1)
        .max_retry_wait(CLUSTER_PAUSE_MS)
        .build()
        .map_err(told)?;
    client.get_async_connection().await.map_err(told)
}

/// The master, when it says itself that it is one: a sentinel may not have heard of its fall yet.
async fn master(sentinel: &Sentinel) -> Result<(ConnectionInfo, MultiplexedConnection), String> {
    let asked = sentinel.sentinels.iter().map(|info| Box::pin(ask(info.clone(), &sentinel.master)));
    let ((host, port), _) = select_ok(asked).await?;
    let info = sentinel.at(&host, port);
    let mut connection = single(info.clone()).await?;
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await.map_err(told)?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok((info, connection)),
        _ => Err("the server that the sentinels name is not a master (any more)".to_owned()),
    }
}

/// What one sentinel knows.
async fn ask(info: ConnectionInfo, name: &str) -> Result<(String, u16), String> {
    let mut connection = single(info).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(name);
    let answer: Option<(String, u16)> = question.query_async(&mut connection).await.map_err(told)?;
    answer.ok_or_else(|| "the sentinels do not know a master of that name".to_owned())
}

fn told(fault: RedisError) -> String {
    if fault.is_connection_refusal() { "connection refused".to_owned() } else { super::words(&fault) }
}
