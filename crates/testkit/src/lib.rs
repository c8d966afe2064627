//! For tests only: a server process of a test's own, calls to it, and what it left behind.

mod agents;
mod api_client;
mod balancer;
pub mod carrier;
pub mod chaos;
mod clock;
mod cluster;
mod judge;
pub mod openid;
pub mod postgres;
mod proxy;
pub mod redis;
mod server;
pub mod soak;
mod socket;
pub mod telnyx_api;
pub mod vendor_faults;

pub use api_client::{ADMINISTRATOR, ApiClient};
pub use balancer::{BackendCounts, Balancer, BalancerOptions, MAX_BACKENDS, MAX_CONNECTIONS};
pub use clock::WallClock;
pub use cluster::{Cluster, ClusterOptions, Stores};
pub use judge::judge;
pub use proxy::{CuttingProxy, MAX_PROXIED};
pub use server::{Hung, OUTPUT, Server};
pub use socket::{Closed, Socket};
