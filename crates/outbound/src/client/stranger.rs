//! Services that a workspace names: whoever may name an address must not reach with it what only this machine can reach.
//!
//! Names are resolved here, and the connection goes to the addresses that were looked at and to no others: a second look could find another one.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Response, redirect};
use resilience::{Guard, Guarded};
use tokio::time::{Instant, timeout_at};

use super::{Answer, CONNECT_LIMIT, Client, IDLE_CONNECTIONS, IDLE_LIMIT, Setup, failed, retry_after};
use crate::{Fault, Request, address};

impl Client {
    /// A client of a service that a workspace named: under TLS only, no proxy, no redirects, and no address of this machine or of a private network.
    /// `private`: an operator allows those, and plain http on this machine.
    ///
    /// # Errors
    /// [`Fault::Address`], [`Fault::SetUp`].
    pub fn to_stranger(setup: &Setup, private: bool, guard: Guard) -> Result<Self, Fault> {
        crate::tls();
        let base = address::base(&setup.base_url, false)?;
        if !private && base.scheme() != "https" {
            return Err(Fault::Address("it must begin with https://".to_owned()));
        }
        // What is written as numbers is not resolved.
        let host = base.host_str().unwrap_or_default();
        if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>()
            && !private
            && !is_public(ip)
        {
            return Err(Fault::Address(NOT_PUBLIC.to_owned()));
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("voicenoob/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            .redirect(redirect::Policy::none())
            // A proxy would resolve the name a second time.
            .no_proxy()
            .dns_resolver(Arc::new(Public { private }))
            .build()
            .map_err(|error| Fault::SetUp(crate::fault::chain(&error)))?;
        let headers = super::headers(&setup.headers)?;
        Ok(Self { road: Guarded::new(Arc::new(client), guard), base, headers, query: setup.query.clone().into() })
    }

    /// One request and its whole answer, also one that says no: 4xx but for 401, 403, 408 and 429, which say something of the way and are faults.
    /// Never repeated. `limit`: for all of it; `most`: bytes of the body.
    pub async fn exchange(&self, request: &Request, limit: Duration, most: usize) -> Result<Answer, Fault> {
        let due = Instant::now() + limit;
        let (client, begun) = timeout_at(due, self.road.begin()).await.map_err(|_| Fault::NoAnswer(limit))??;
        let work = async { whole(self.ask(&client, request).await?, most).await };
        match timeout_at(due, work).await {
            Ok(Ok(answer)) => {
                begun.answered();
                Ok(answer)
            }
            Ok(Err(fault)) => Err(failed(begun, fault)),
            Err(_) => {
                begun.timed_out();
                Err(Fault::NoAnswer(limit))
            }
        }
    }
}

async fn whole(mut response: Response, most: usize) -> Result<Answer, Fault> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    if !matches!(status, 200..=299 | 400 | 402 | 404..=407 | 409..=428 | 430..=499) {
        return Err(Fault::of_status(status, None, retry_after(&headers)));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(Fault::of_request)? {
        if body.len() + piece.len() > most {
            return Err(Fault::TooLong(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, headers, body })
}

const NOT_PUBLIC: &str = "it leads to this machine or to a private network; an operator can allow that with ALLOW_PRIVATE_TOOL_ADDRESSES";

/// Resolves names to public addresses.
struct Public {
    private: bool,
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One that is not public among others is no mistake of its owner's.
            if !private && !found.iter().all(|address| is_public(address.ip())) {
                return Err(Box::<dyn Error + Send + Sync>::from(NOT_PUBLIC));
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// An address of the public internet, by IANA's registries of special-purpose addresses.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        [0 | 10 | 127, ..] | [240..=255, ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        [169, 254, ..] | [192, 168, ..] | [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        [172, second, ..] => (16..32).contains(&second),
        [192, 88, 99, _] => true,
        _ => false,
    };
    !special && !ip.is_multicast()
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match parts {
        // Mapped, compatible and translated addresses are the IPv4 addresses in them (RFC 4291 2.5.5, RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => inner(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        // Teredo, benchmarks, documentation and the rest of 2001::/23.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [first, ..] => (0x2000..0x4000).contains(&first) && first != 0x3fff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101", "172.32.0.1", "100.128.0.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        let not = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.192",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
        ];
        for not in not {
            assert!(!is_public(not.parse().unwrap()), "{not}");
        }
    }
}
