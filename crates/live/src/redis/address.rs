//! The address of a Redis server, and which kind of set-up it names.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use crate::LiveError;

/// Port of a Redis server when the address names none.
const REDIS_PORT: u16 = 6379;
/// Port of a sentinel when the address names none.
const SENTINEL_PORT: u16 = 26379;
/// Most servers in one address.
const MAX_HOSTS: usize = 64;

/// What an address names. It may hold a password, so it does not print.
#[derive(Clone)]
pub(super) enum Address {
    /// One server.
    Single(ConnectionInfo),
    /// Sentinels that know which server is the master.
    Sentinel(Sentinel),
    /// Some servers of a cluster.
    Cluster(Vec<ConnectionInfo>),
}

/// A master as sentinels know it.
#[derive(Clone)]
pub(super) struct Sentinel {
    /// Where sentinels are asked; without login.
    pub(super) sentinels: Vec<ConnectionInfo>,
    /// The master's name.
    pub(super) master: String,
    /// Login and database of the master; its host and port are the sentinels' to tell.
    pub(super) login: ConnectionInfo,
}

impl Address {
    /// Reads `redis://`, `rediss://`, `redis+sentinel://[user:pass@]host:port,.../master[/db]` and `redis+cluster://[user:pass@]host:port,...`.
    /// User and password of a sentinel address are the master's. `rediss+...` speaks TLS to every server named.
    pub(super) fn parse(url: &str) -> Result<Self, LiveError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| unusable("it has no scheme"))?;
        let (transport, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(transport, "redis" | "rediss") {
            return Err(unusable("its scheme is not redis"));
        }
        match kind {
            "" => Ok(Self::Single(info(url)?)),
            "sentinel" => Parts::read(rest)?.sentinel(transport).map(Self::Sentinel),
            "cluster" => Parts::read(rest)?.cluster(transport).map(Self::Cluster),
            _ => Err(unusable("its scheme is not redis, redis+sentinel or redis+cluster")),
        }
    }
}

impl Sentinel {
    /// The master's address, when a sentinel has told host and port.
    pub(super) fn at(&self, host: &str, port: u16) -> ConnectionInfo {
        let addr = match self.login.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        self.login.clone().set_addr(addr)
    }
}

/// `[login@]host[:port],host[:port][/path]`.
struct Parts<'a> {
    login: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Result<Self, LiveError> {
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        // With its `@`, so that it can stand before a host as it is.
        let (login, hosts) = authority.rfind('@').map_or(("", authority), |at| authority.split_at(at + 1));
        let hosts: Vec<&str> = hosts.split(',').map(str::trim).collect();
        if hosts.iter().any(|host| host.is_empty()) {
            return Err(unusable("a host in its list is empty"));
        }
        if hosts.len() > MAX_HOSTS {
            return Err(unusable("it lists more than 64 hosts"));
        }
        Ok(Self { login, hosts, path })
    }

    fn sentinel(&self, transport: &str) -> Result<Sentinel, LiveError> {
        let (master, db) = self.path.split_once('/').unwrap_or((self.path, ""));
        if master.is_empty() {
            return Err(unusable("the master's name is missing behind the sentinels"));
        }
        let sentinels = self.hosts.iter().map(|host| info(&format!("{transport}://{}", with_port(host, SENTINEL_PORT))));
        let login = info(&format!("{transport}://{}localhost:{REDIS_PORT}/{db}", self.login))?;
        Ok(Sentinel { sentinels: sentinels.collect::<Result<_, _>>()?, master: master.to_owned(), login })
    }

    fn cluster(&self, transport: &str) -> Result<Vec<ConnectionInfo>, LiveError> {
        if !self.path.is_empty() {
            return Err(unusable("a cluster has one database only, so nothing may follow the hosts"));
        }
        self.hosts.iter().map(|host| info(&format!("{transport}://{}{}", self.login, with_port(host, REDIS_PORT)))).collect()
    }
}

fn with_port(host: &str, port: u16) -> String {
    // An IPv6 address in brackets has colons of its own.
    let named = host.rsplit_once(':').is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|digit| digit.is_ascii_digit()));
    if named { host.to_owned() } else { format!("{host}:{port}") }
}

fn info(url: &str) -> Result<ConnectionInfo, LiveError> {
    // The client's words name the place, not the text.
    url.into_connection_info().map_err(|fault| unusable(fault.category()))
}

fn unusable(why: &str) -> LiveError {
    LiveError::Address { why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap()
    }

    #[test]
    fn sentinels_are_asked_without_the_masters_login() {
        let Address::Sentinel(found) = address("redis+sentinel://ann:s%40c@one:1,two,[::1]:3/calls/5") else { panic!() };
        let places: Vec<String> = found.sentinels.iter().map(|info| info.addr().to_string()).collect();
        assert_eq!(places.len(), 3);
        assert_eq!(places[1], "two:26379");
        assert!(found.sentinels.iter().all(|info| info.redis_settings().password().is_none()));
        let master = found.at("ten", 77);
        assert_eq!((found.master.as_str(), master.addr().to_string().as_str()), ("calls", "ten:77"));
        assert_eq!(master.redis_settings().db(), 5);
        assert_eq!((master.redis_settings().username(), master.redis_settings().password()), (Some("ann"), Some("s@c")));
    }

    #[test]
    fn every_server_of_a_cluster_gets_the_login() {
        let Address::Cluster(found) = address("redis+cluster://:secret@one:1,two:2") else { panic!() };
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|info| info.redis_settings().password() == Some("secret")));
    }

    #[test]
    fn a_bad_address_is_told_without_its_password() {
        for url in [
            "",
            "one:6379",
            "http://x",
            "redis+ring://x",
            "redis+sentinel://one:1",
            "redis+cluster://a,,b",
            "redis+cluster://a/1",
            "redis://:pw@:x",
        ] {
            let told = Address::parse(url).err().unwrap_or_else(|| panic!("{url} was taken")).to_string();
            assert!(!told.contains("pw"), "{told}");
        }
    }
}
