//! How the API was set up.

use privacy::Secret;

use crate::address::Network;

/// How the API was set up.
#[derive(Debug, Clone, Default)]
pub struct ApiSettings {
    /// The address under which the world reaches this server, such as `https://voice.example.com`. With `https`, cookies are bound to the host
    /// and browsers are told to stay with TLS.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Its bearer may do everything, as somebody on the machine may while there is no account.
    pub operator_token: Option<Secret>,
    /// Somebody on this machine is the operator while there are no accounts and no operator token.
    pub loopback_operator: bool,
    /// Origins whose pages may use the API with a token; none: pages of this server only.
    pub cors_origins: Vec<String>,
    /// People may sign in with an OpenID provider.
    pub openid: bool,
    /// Declared tools may have addresses on this machine and in private networks.
    pub private_tool_addresses: bool,
}

impl ApiSettings {
    /// True when browsers reach this server by TLS.
    pub fn under_tls(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}
