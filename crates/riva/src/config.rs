//! Settings of the pool.

use std::str::FromStr;
use std::time::Duration;

use outbound::Fault;
use privacy::Secret;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// The kernel looks whether a silent connection is alive. Nobody but it sees that, so it may be often.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);
/// An HTTP/2 ping is answered within this time.
const PING_LIMIT: Duration = Duration::from_secs(10);

/// Where Riva is, and how its connections are kept. Times and numbers have defaults; see [`ChannelsConfig::new`].
#[derive(Debug, Clone)]
pub struct ChannelsConfig {
    /// `https://HOST:PORT`, or `http://` on this machine; Riva's own port is 50051.
    pub url: String,
    /// Plain http is allowed although Riva is not on this machine: an operator said so.
    pub plain: bool,
    /// A certificate authority (PEM) that is trusted beside the system's.
    pub authority: Option<String>,
    /// What goes with every request, keys among it.
    pub metadata: Vec<(&'static str, Secret)>,
    /// Connections: 5.
    pub channels: usize,
    /// Streams at once on one connection: 100, what gRPC servers commonly allow.
    pub streams: usize,
    /// Those that may wait for a place: 50.
    pub waiting: usize,
    /// Longest wait for a place: 500 ms.
    pub wait: Duration,
    /// For a connection, TLS included: 1.5 s.
    pub connect: Duration,
    /// A whole answer (models, health, a clip): 3 s.
    pub answer: Duration,
    /// A connection that failed rests for this long at first, and twice as long each time: 100 ms.
    pub rest: Duration,
    /// It rests no longer than this: 5 s.
    pub rest_at_most: Duration,
    /// A connection is replaced when it is this old, give or take a tenth: 30 minutes. Streams on it go on to their end.
    pub max_age: Duration,
    /// A connection that nobody used for so long is asked for its health: 30 s.
    pub idle: Duration,
    /// How often the connections are looked after: 1 s.
    pub tend: Duration,
    /// HTTP/2 pings while streams are open: every 330 s. gRPC servers close connections that ping more often than every 5 minutes \[U\].
    pub ping: Option<Duration>,
}

impl ChannelsConfig {
    /// With the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            plain: false,
            authority: None,
            metadata: Vec::new(),
            channels: 5,
            streams: 100,
            waiting: 50,
            wait: Duration::from_millis(500),
            connect: Duration::from_millis(1500),
            answer: Duration::from_secs(3),
            rest: Duration::from_millis(100),
            rest_at_most: Duration::from_secs(5),
            max_age: Duration::from_secs(30 * 60),
            idle: Duration::from_secs(30),
            tend: Duration::from_secs(1),
            ping: Some(Duration::from_secs(330)),
        }
    }

    /// With a key, as `authorization: Bearer`: hosted Riva, or a gateway of one's own.
    #[must_use]
    pub fn key(mut self, key: &Secret) -> Self {
        self.metadata.push(("authorization", Secret::from(format!("Bearer {}", key.expose()))));
        self
    }

    /// One of the functions at `grpc.nvcf.nvidia.com:443`, NVIDIA's hosted Riva. The names of both metadata are unverified \[U\].
    #[must_use]
    pub fn hosted(function: String, key: &Secret) -> Self {
        let mut config = Self::new("https://grpc.nvcf.nvidia.com:443").key(key);
        config.metadata.push(("function-id", Secret::from(function)));
        config
    }

    pub(crate) fn endpoint(&self) -> Result<Endpoint, Fault> {
        outbound::may_be_asked(&self.url, self.plain)?;
        let endpoint = Endpoint::from_shared(self.url.clone()).map_err(|_| Fault::Address("it is no address".to_owned()))?;
        let endpoint = endpoint
            .user_agent(concat!("voicenoob/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| Fault::SetUp(error.to_string()))?
            .connect_timeout(self.connect)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(TCP_KEEP_ALIVE));
        let endpoint = match self.ping {
            Some(every) => endpoint.http2_keep_alive_interval(every).keep_alive_timeout(PING_LIMIT).keep_alive_while_idle(false),
            None => endpoint,
        };
        if !self.url.starts_with("https:") {
            return Ok(endpoint);
        }
        let tls = ClientTlsConfig::new().with_native_roots();
        let tls = self.authority.iter().fold(tls, |tls, pem| tls.ca_certificate(Certificate::from_pem(pem)));
        endpoint.tls_config(tls).map_err(|error| Fault::SetUp(error.to_string()))
    }

    pub(crate) fn all_metadata(&self) -> Result<MetadataMap, Fault> {
        let mut all = MetadataMap::new();
        for (name, secret) in &self.metadata {
            let cannot = |_| Fault::SetUp(format!("the metadata {name} cannot hold it"));
            let mut value = MetadataValue::<Ascii>::from_str(secret.expose()).map_err(cannot)?;
            value.set_sensitive(true);
            all.insert(*name, value);
        }
        Ok(all)
    }
}
