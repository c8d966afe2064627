//! A bare client: one multiplexed connection, nothing around it.

use std::time::Duration;

use anyhow::Context;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Value};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Connects and asks for a sign of life.
pub(super) async fn connect(url: &str) -> anyhow::Result<MultiplexedConnection> {
    let client = Client::open(url).context("the address is not usable")?;
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(LIMIT)).set_response_timeout(Some(LIMIT));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    redis::cmd("PING").query_async::<()>(&mut connection).await?;
    Ok(connection)
}

/// Sends a command; a complaint is an error.
pub(super) async fn send(connection: &MultiplexedConnection, command: &Cmd) -> anyhow::Result<Value> {
    Ok(connection.clone().send_packed_command(command).await?.extract_error()?)
}
