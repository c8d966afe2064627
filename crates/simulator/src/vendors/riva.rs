//! NVIDIA Riva, over gRPC on a port of its own.

use std::net::SocketAddr;

use crate::SimulatorError;
use crate::server::{Stage, bind};

pub(crate) async fn start(address: SocketAddr, _: Stage) -> Result<SocketAddr, SimulatorError> {
    let listener = bind(address).await?;
    listener.local_addr().map_err(|source| SimulatorError::Listen { address, source })
}
